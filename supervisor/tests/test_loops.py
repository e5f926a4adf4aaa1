"""The whole service in virtual time while one of its loops fails again and again: the others go on, it comes back."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest

from supervisor.app import Service, running
from supervisor.config import Config, load
from supervisor.control.demand_guard import DemandGuard
from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.plan_loop import PlanLoop
from supervisor.control.prices import Prices
from supervisor.control.recalibration import Recalibration
from supervisor.control.watch import Watch
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import StoreError, WeatherError
from supervisor.domain.plan import PlanLabel
from supervisor.gateway.gateway import Gateway
from supervisor.runtime.clock import Clock
from supervisor.store.alarms import AlarmRepository
from supervisor.store.upkeep import UpkeepRepository
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.files import read_weather_csv, write_weather_csv
from tools import skipping

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "city.toml"
T0_UTC_S = 1_703_808_000.0 + 7.0  # 29 December 2023
LOOPS: dict[str, tuple[type, str, float]] = {  # by name: what its rounds call, and how often
    "forecasts": (Forecasts, "ask", 300.0),
    "estimation": (Estimation, "update", 60.0),
    "plans": (PlanLoop, "cycle", 900.0),
    "watch": (Watch, "round", 5.0),
    "calibration": (Recalibration, "look", 900.0),
    "demand guard": (DemandGuard, "look", 20.0),
    "prices": (Prices, "look", 60.0),
}
ERRORS = (ValueError("x"), RecursionError(), OverflowError(), KeyError("z"), StoreError("full"), MemoryError())
FAILS_S = 2000.0
WELL_AFTER_S = 2200.0


def make_config(folder: Path) -> Config:
    start = T0_UTC_S // 3600 * 3600
    write_weather_csv(folder / "weather.csv", design_storm(start - 24 * 3600, hours=96, snow_start_h=30))
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", EXAMPLE.read_text())
    (folder / "city.toml").write_text(text)
    return load(folder / "city.toml")


class SetClock(skipping.LoopClock):
    """The loop's time, with a time of day that is set."""

    by_s = 0.0

    def utc_s(self) -> float:
        return super().utc_s() + self.by_s


def in_virtual_time(config: Config, check: Callable[[Service], Any], clock: Clock | None = None) -> None:
    async def main() -> None:
        used = clock or skipping.LoopClock(T0_UTC_S)
        async with running(config, used, planner_executor=lambda: ThreadPoolExecutor(1)) as service:
            await check(service)

    skipping.run(main())


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_that_fails_costs_no_other_a_round_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rounds: Counter[str] = Counter()
    failing = False

    def counted(loop: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def body(*args: Any, **kwargs: Any) -> Any:
            rounds[loop] += 1
            if failing and loop == name:
                raise ERRORS[rounds[loop] % len(ERRORS)]
            return real(*args, **kwargs)

        return body

    for loop, (owner, method, _) in LOOPS.items():
        monkeypatch.setattr(owner, method, counted(loop, getattr(owner, method)))

    async def check(service: Service) -> None:
        nonlocal failing
        await asyncio.sleep(30)
        failing = True
        rounds.clear()
        await asyncio.sleep(FAILS_S)
        for loop, (_, _, period_s) in LOOPS.items():
            if loop != name:
                assert rounds[loop] >= FAILS_S // period_s - 1, loop
        assert rounds[name] >= 2
        assert ("loop-failed", name) in standing(service)
        assert not any(task.done() for task in service.endless)
        failing = False
        rounds.clear()
        await asyncio.sleep(WELL_AFTER_S)
        for loop, (_, _, period_s) in LOOPS.items():
            assert rounds[loop] >= (WELL_AFTER_S - 60) // period_s - 1, loop
        assert [alarm for alarm in standing(service) if alarm[0] == "loop-failed"] == []
        assert not any(alarm.code == "loop-failed" for alarm in await service.store.alarms.open_alarms())

    in_virtual_time(make_config(tmp_path), check)


def test_loops_that_hang_are_alarmed_each_even_where_all_do_and_the_alarms_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, go_on = False, asyncio.Event()
    able = {
        loop: (owner, name) for loop, (owner, name, _) in LOOPS.items() if iscoroutinefunction(getattr(owner, name))
    }
    assert {"plans", "watch", "forecasts", "demand guard"} <= set(able)

    def hangs(real: Callable[..., Any]) -> Callable[..., Any]:
        async def body(*args: Any, **kwargs: Any) -> Any:
            if hanging:
                await go_on.wait()
            return await real(*args, **kwargs)

        return body

    for owner, method in able.values():
        monkeypatch.setattr(owner, method, hangs(getattr(owner, method)))

    async def check(service: Service) -> None:
        nonlocal hanging
        await asyncio.sleep(30)
        hanging = True
        await asyncio.sleep(2 * 900)  # all but the slowest
        slow = {"calibration"}
        alarmed = {subject for code, subject in standing(service) if code == "loop-failed"}
        assert alarmed == {f"{loop} (hangs)" for loop in set(able) - slow}
        await asyncio.sleep(3 * 900)
        assert ("loop-failed", "calibration (hangs)") in standing(service)
        hanging = False
        go_on.set()
        await asyncio.sleep(120)
        assert [alarm for alarm in standing(service) if alarm[0] == "loop-failed"] == []

    in_virtual_time(make_config(tmp_path), check)


@pytest.mark.parametrize("by_s", [-5 * 3600.0, -700.0, 5 * 3600.0])
def test_a_clock_that_is_set_stops_no_loop_and_is_planned_by_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_s: float
) -> None:
    clock, rounds = SetClock(T0_UTC_S), Counter[str]()

    def counted(loop: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def body(*args: Any, **kwargs: Any) -> Any:
            rounds[loop] += 1
            return real(*args, **kwargs)

        return body

    for loop, (owner, method, _) in LOOPS.items():
        monkeypatch.setattr(owner, method, counted(loop, getattr(owner, method)))

    async def check(service: Service) -> None:
        await asyncio.sleep(1000)
        clock.by_s = by_s
        await asyncio.sleep(60)  # in which a loop that waits looks at the clock again
        assert ("clock", "") in standing(service)
        plans = [zone.plan for zone in service.live.zones.values()]
        assert all(plan is not None and 0 <= clock.utc_s() - plan.issued_utc_s <= 60 for plan in plans)
        assert all(plan is not None and plan.label is not PlanLabel.LOCAL for plan in plans)
        rounds.clear()
        await asyncio.sleep(FAILS_S)
        for loop, (_, _, period_s) in LOOPS.items():
            assert rounds[loop] >= FAILS_S // period_s - 1, loop
        assert [alarm for alarm in standing(service) if alarm[0] != "clock"] == []

    in_virtual_time(make_config(tmp_path), check, clock)


def standing(service: Service) -> list[tuple[str, str]]:
    """Alarms but for the boards', of which there are none."""
    alarms = service.alarms.standing()
    return [(alarm.code, alarm.subject) for alarm in alarms if alarm.code != "board-absent"]


def test_a_part_of_the_watch_that_fails_keeps_no_other_part_from_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: Counter[str] = Counter()
    broken = True

    async def roll_up(self: UpkeepRepository) -> None:
        done["roll_up"] += 1
        if broken:
            raise StoreError("disk full")

    def silent(self: Watch) -> None:
        done["silent"] += 1
        if broken:
            raise KeyError("zone")

    monkeypatch.setattr(UpkeepRepository, "roll_up", roll_up)
    monkeypatch.setattr(Watch, "_look_for_the_silent", silent)
    monkeypatch.setattr(Watch, "send_clocks", lambda self: done.update(["clocks"]))

    async def check(service: Service) -> None:
        nonlocal broken
        await asyncio.sleep(3700)
        assert done["clocks"] == 1
        assert done["roll_up"] >= 6
        assert {("loop-failed", "watch: silent boards"), ("loop-failed", "watch: roll-up")} <= set(standing(service))
        broken = False
        await asyncio.sleep(700)
        assert standing(service) == []

    in_virtual_time(make_config(tmp_path), check)


def test_a_gateway_that_fails_to_look_at_keys_goes_on_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0
    real = Gateway._revoke

    async def revoke(self: Gateway) -> None:
        nonlocal runs
        runs += 1
        if runs < 4:
            raise RuntimeError("no")
        await real(self)

    monkeypatch.setattr(Gateway, "_revoke", revoke)

    async def check(service: Service) -> None:
        await asyncio.sleep(5)
        assert ("loop-failed", "board-keys") in standing(service)
        await asyncio.sleep(200)
        assert runs == 4
        assert standing(service) == []

    in_virtual_time(make_config(tmp_path), check)


def test_an_alarm_that_cannot_be_recorded_is_recorded_once_the_disk_takes_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    real = AlarmRepository.raise_alarm

    async def raise_alarm(self: AlarmRepository, code: str, subject: str, detail: str, utc_s: int) -> Any:
        if full:
            raise StoreError("disk full", code="store-full")
        return await real(self, code, subject, detail, utc_s)

    monkeypatch.setattr(AlarmRepository, "raise_alarm", raise_alarm)

    async def check(service: Service) -> None:
        nonlocal full
        service.alarms.set(AlarmCode.LOOP_FAILED, "a", True, "first")
        service.alarms.set(AlarmCode.LOOP_FAILED, "a", False)
        service.alarms.set(AlarmCode.LOOP_FAILED, "b", True, "second")
        await asyncio.sleep(100)
        assert await service.store.alarms.open_alarms() == []
        full = False
        await asyncio.sleep(30)
        assert [(alarm.code, alarm.subject) for alarm in await service.store.alarms.open_alarms()] == [
            ("loop-failed", "b")
        ]

    in_virtual_time(make_config(tmp_path), check)


WEATHER: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "empty": lambda path: path.write_bytes(b""),
    "header only": lambda path: path.write_bytes(path.read_bytes().split(b"\n")[0]),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 100),
    "zeros": lambda path: path.write_bytes(b"\0" * 4096),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:3000]),
    "a year of five digits": lambda path: path.write_bytes(path.read_bytes().replace(b"2023-", b"92023-")),
    "the year 1": lambda path: path.write_bytes(path.read_bytes().replace(b"2023-", b"0001-")),
}
USABLE_IN_PART: dict[str, Callable[[Path], object]] = {
    "a line of a megabyte": lambda path: path.write_bytes(path.read_bytes() + b"9" * 1_000_000),
    "400 digits": lambda path: path.write_bytes(path.read_bytes().replace(b",2.", b"," + b"1" * 400 + b".")),
    "rows cut short": lambda path: path.write_bytes(path.read_bytes().replace(b"0:00Z,", b"0:00Z\n", 3)),
    "a value of an hour": lambda path: path.write_bytes(path.read_bytes().replace(b",-1.", b",999.", 1)),
}


@pytest.mark.parametrize("kind", WEATHER)
def test_a_weather_file_that_cannot_be_used_lets_the_service_start_and_is_read_once_it_is_good(
    tmp_path: Path, kind: str
) -> None:
    config = make_config(tmp_path)
    path = tmp_path / "weather.csv"
    good = path.read_bytes()
    WEATHER[kind](path)

    async def check(service: Service) -> None:
        await asyncio.sleep(60)
        plans = [zone.plan for zone in service.live.zones.values()]
        assert {plan.label for plan in plans if plan is not None} == {PlanLabel.LOCAL}
        assert None not in plans
        assert ("forecast", "") in standing(service)
        if path.is_dir():
            path.rmdir()
        path.write_bytes(good)
        await asyncio.sleep(1300)
        plans = [zone.plan for zone in service.live.zones.values()]
        assert {plan.label for plan in plans if plan is not None} == {PlanLabel.OPTIMAL}
        assert standing(service) == []

    in_virtual_time(config, check)


@pytest.mark.parametrize("kind", USABLE_IN_PART)
def test_a_weather_file_with_bad_parts_is_planned_with(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = make_config(tmp_path)
    path = tmp_path / "weather.csv"
    USABLE_IN_PART[kind](path)
    with pytest.raises(WeatherError):  # check-config tells a person
        read_weather_csv(path, config.site)

    async def check(service: Service) -> None:
        await asyncio.sleep(60)
        plans = [zone.plan for zone in service.live.zones.values()]
        assert {plan.label for plan in plans if plan is not None} == {PlanLabel.OPTIMAL}
        assert ("forecast", "") not in standing(service)

    in_virtual_time(config, check)
    assert "dropped" in caplog.text


PRICES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "days old": lambda path: path.write_text(price_file(range(-96, -72))),
    "tomorrow only": lambda path: path.write_text(price_file(range(24, 48))),
    "a lost hour": lambda path: path.write_text(price_file(h for h in range(48) if h != 5)),
    "an absurd hour": lambda path: path.write_text(price_file(range(48)).replace(",100.0\n", ",1e30\n", 1)),
}


def price_file(hours: Iterable[int]) -> str:
    begin = T0_UTC_S // 86_400 * 86_400
    rows = [f"{datetime.fromtimestamp(begin + 3600 * hour, UTC):%Y-%m-%dT%H:%M:%SZ},100.0" for hour in hours]
    return "time_utc_start,price_eur_per_mwh\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize("kind", PRICES)
def test_no_price_file_keeps_the_service_from_starting_and_planning(tmp_path: Path, kind: str) -> None:
    make_config(tmp_path)
    path, prices = tmp_path / "city.toml", tmp_path / "prices.csv"
    text = path.read_text()
    begin, end = text.index("[tariff]"), text.index("[planner]")
    path.write_text(text[:begin] + '[tariff]\ncurrency = "EUR"\nfile = "prices.csv"\n\n' + text[end:])
    PRICES[kind](prices)

    async def check(service: Service) -> None:
        await asyncio.sleep(100)
        plans = [zone.plan for zone in service.live.zones.values()]
        assert {plan.label for plan in plans if plan is not None} == {PlanLabel.OPTIMAL}
        assert None not in plans
        assert standing(service) == [("prices", "")]
        prices.write_text(price_file(range(72)))
        await asyncio.sleep(130)
        assert standing(service) == []

    in_virtual_time(load(path, without_data=True), check)
