"""Play a scenario on the bench."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from hil_tests.bench.hostile import HostileServer
from hil_tests.bench.wiring import Fit
from hil_tests.demo.replay import replay_reactive
from hil_tests.inject import find
from hil_tests.inject.action import Place
from hil_tests.scenarios.scenario import Event, Expect, Scenario, ScenarioError, make_weather, price_file
from supervisor.config import load
from supervisor.domain.zone import Site
from supervisor.road import ICE_MM
from supervisor.store.place import DATABASE_NAME

SITE = Site(name="bench", timezone="Asia/Seoul", latitude=37.59, longitude=127.02, elevation_m=60.0)
# The board's meter: 12 bit over 2.45 V, a mean over each second in which the contactor moved, whole Wh.
RECORD_SHARE, RECORD_WH = 1e-3, 10
ICE_SLACK_MIN = 5  # a zone: a contactor's minimum times and a plan's quarter


@dataclass(frozen=True)
class Played:
    """What came of it. `failed` names every check and expectation that did not hold."""

    failed: list[str]
    violations: list[str]
    kwh: dict[str, float]
    ice_minutes: dict[str, int]
    resets: int = 0  # of all boards, after the flash
    calls: int = 0  # that a hostile server took
    kwh_no_server: float | None = None
    ice_undisturbed: int | None = None


def _asked(bench: Bench, what: str) -> Any:
    if not bench.crew.signed_in:
        bench.crew.login()
    return bench.crew.request("GET", f"/api/v1/{what}")


def _reported(bench: Bench, zone: str, field: str) -> Any:
    return _asked(bench, f"zones/{zone}")[field]


CHECKS: dict[str, Callable[[Bench, Event], object]] = {
    "open": lambda bench, event: not bench.zone(event.zone).closed,
    "closed": lambda bench, event: bench.zone(event.zone).closed,
    "clear": lambda bench, event: bench.zone(event.zone).truth.lying_mm < ICE_MM,
    "cooler_than_c": lambda bench, event: bench.zone(event.zone).truth.surface_c < event.value,
    "flag": lambda bench, event: int(str(_reported(bench, event.zone, "flags"))) & event.value,
    "alarm": lambda bench, event: any(alarm["code"] == event.value for alarm in _asked(bench, "alarms")),
    "degraded": lambda bench, event: any(line["code"] == event.value for line in _asked(bench, "degraded")),
    "planned": lambda bench, event: (_reported(bench, event.zone, "plan") or {"label": "none"})["label"] in event.value,
    "online": lambda bench, event: bool(_reported(bench, event.zone, "online")) is (event.value is not False),
    "who": lambda bench, event: _reported(bench, event.zone, "who") == event.value,
}


def play(scenario: Scenario, folder: Path, data: Path) -> Played:
    """Flash, start, live through it; raises ScenarioError for an unknown event."""
    weather = make_weather(scenario, SITE, data)
    config_path = write_city(
        folder, weather, boards=scenario.boards, contract_share=scenario.contract_share, prices=price_file(scenario),
    )  # fmt: skip
    start_utc_s = scenario.weather.start_utc_s
    failed: list[str] = []
    with (
        Bench(
            config_path,
            weather=weather,
            start_utc_s=start_utc_s,
            seed=scenario.seed,
            limits=dict(scenario.limits) or None,
            fit=Fit(boards=scenario.fit),
        ) as bench,
        ExitStack() as around,
    ):
        if scenario.flashed:
            bench.flash()
        else:
            bench.write_flash()
        if scenario.server == "service":
            bench.start_supervisor()
        elif scenario.server != "none":
            hostile = around.enter_context(HostileServer(bench.config, scenario.server))
        for event in sorted(scenario.events, key=lambda event: event.at_s):
            bench.advance(event.at_s - bench.now_ms / 1000)
            failed += _happen(bench, event)
        bench.advance(scenario.hours * 3600 - bench.now_ms / 1000)
        bench.watch.end(bench.now_ms)
        lying = bench.recorder.array("lying_mm")
        kwh = {zone.id: zone.truth.energy_wh / 1000 for zone in bench.zones.values()}
        ice = {name: int((lying[:, i] >= ICE_MM).sum()) for i, name in enumerate(bench.recorder.zones)}
        violations = [str(violation) for violation in bench.violations]
        resets = sum(len(board.resets) - 1 for board in bench.boards.values())  # the first is the power that came
        calls = hostile.calls if scenario.server not in ("service", "none") else 0
    failed += _expectations(scenario, config_path, start_utc_s, data, kwh, ice)
    expect = scenario.expect
    if expect.resets_at_most is not None and resets > expect.resets_at_most:
        failed.append(f"{resets} resets, at most {expect.resets_at_most} expected")
    alone: float | None = None
    if expect.share_of_no_server is not None:
        alone = sum(play(_without_server(scenario), folder / "alone", data).kwh.values())
        if sum(kwh.values()) < expect.share_of_no_server * alone:
            failed.append(f"{sum(kwh.values()):.1f} kWh, without any server {alone:.1f}")
        if scenario.server not in ("service", "none") and not calls:
            failed.append("no board has called the server")
    calm: int | None = None
    if expect.ice_of_undisturbed is not None:
        calm = sum(play(_undisturbed(scenario), folder / "undisturbed", data).ice_minutes.values())
        if sum(ice.values()) > expect.ice_of_undisturbed * calm + ICE_SLACK_MIN * len(ice):
            failed.append(f"{sum(ice.values())} ice minutes, undisturbed {calm}")
    return Played(failed, violations, kwh, ice, resets, calls, alone, calm)


def _undisturbed(scenario: Scenario) -> Scenario:
    return msgspec.structs.replace(scenario, events=(), prices_h=None, expect=Expect())


def _without_server(scenario: Scenario) -> Scenario:
    return msgspec.structs.replace(scenario, server="none", expect=Expect())


def _happen(bench: Bench, event: Event) -> list[str]:
    if event.do:
        find(event.do)(Place(bench, event.board, event.zone, event.value))
        return []
    if event.check in CHECKS:
        if CHECKS[event.check](bench, event):
            return []
        zone = bench.zone(event.zone)
        return [f"at {event.at_s} s {event.zone} is not {event.check} {event.value or ''}: {zone.truth}"]
    raise ScenarioError(f"unknown event {event}", remedy=f"Known: {sorted(CHECKS)}")


def _expectations(
    scenario: Scenario, config_path: Path, start_utc_s: float, data: Path, kwh: dict[str, float], ice: dict[str, int]
) -> list[str]:
    expect, failed = scenario.expect, []
    total = sum(kwh.values())
    if expect.kwh_at_most is not None and total > expect.kwh_at_most:
        failed.append(f"{total:.1f} kWh, at most {expect.kwh_at_most} expected")
    if expect.kwh_at_least is not None and total < expect.kwh_at_least:
        failed.append(f"{total:.1f} kWh, at least {expect.kwh_at_least} expected")
    config = load(config_path, without_data=True)
    if expect.record:
        with closing(sqlite3.connect(config.state_dir / DATABASE_NAME)) as record:
            totals = dict(record.execute("SELECT zone, total_wh FROM zone_total"))
        for name, true_kwh in kwh.items():
            recorded = totals.get(name, 0)
            if abs(recorded - 1000 * true_kwh) > RECORD_WH + RECORD_SHARE * 1000 * true_kwh:
                failed.append(f"{name}: {recorded} Wh on record, {1000 * true_kwh:.1f} Wh drawn")
    if expect.no_icier_than_reactive:
        weather = make_weather(scenario, SITE, data)
        minutes = int(scenario.hours * 60)
        run = replay_reactive(config, weather, start_utc_s, minutes, scenario.seed)
        reactive = sum(int((row >= ICE_MM).sum()) for row in run.lying_mm)
        if sum(ice.values()) > reactive:
            failed.append(f"{sum(ice.values())} ice minutes, reactive has {reactive}")
    return failed
