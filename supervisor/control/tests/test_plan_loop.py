from __future__ import annotations

import asyncio
import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from supervisor.config import Config, load
from supervisor.control import plan_loop as plan_loop_module
from supervisor.control import plan_pool
from supervisor.control.forecasts import Forecasts, says_the_same
from supervisor.control.monitoring import Monitoring
from supervisor.control.plan_loop import PlanLoop
from supervisor.control.plan_snapshot import PlanSnapshot, Situation
from supervisor.control.publishing import Publisher
from supervisor.control.tests.conftest import FEEDERS, START_UTC_S, ZONES, RecordingLink, Setup, greet
from supervisor.control.tests.test_intake import Works
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import WeatherError
from supervisor.domain.plan import PlanLabel
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.gateway.tests.board_client import sample, telemetry, until
from supervisor.planner import shares
from supervisor.planner.tests.test_shares import city
from supervisor.tariff.flat import FlatTariff
from supervisor.tariff.kind import Tariff
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.provider import FileProvider
from supervisor.wire.messages import Flag, Winner

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"


class KilledExecutor(Executor):
    """A planner whose process has died."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise BrokenExecutor("the planner's process was killed")


class Planning(Works):
    """Works with a plan loop; `executors` are handed out one after the other, then threads."""

    def __init__(self, setup: Setup, config: Config, *executors: Executor) -> None:
        super().__init__(setup)
        queue = list(executors)
        self.tariff: Tariff = FlatTariff(120.0)
        config = msgspec.structs.replace(config, zone=ZONES, feeder=FEEDERS)
        now = Situation(config, setup.live, setup.overrides, self.forecasts, setup.clock).now
        snapshot = PlanSnapshot(config, lambda: self.tariff, self.estimation, self.forecasts, self.meter, now)
        pool = plan_pool.PlanPool(
            FEEDERS, ZONES, config.planner.processes, lambda: queue.pop(0) if queue else ThreadPoolExecutor(1)
        )
        publisher = Publisher(setup.store.plans, setup.dispatcher)
        self.loop = PlanLoop(snapshot, now, pool, publisher, Monitoring(setup.alarms, setup.metrics), setup.clock)

    def labels(self) -> set[PlanLabel]:
        return {zone.plan.label for zone in self.setup.live.zones.values() if zone.plan is not None}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "weather.csv").touch()
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text())
    return load(tmp_path / "city.toml")


async def test_every_zone_gets_a_plan_that_is_committed_sent_and_explained(setup: Setup, config: Config) -> None:
    planning = Planning(setup, config)
    await planning.forecasts.ask()
    await planning.estimation.start()
    await planning.loop.cycle("test")
    assert planning.labels() == {PlanLabel.OPTIMAL}
    assert [plan.z for plan in planning.link.plans()] == ["z01", "z02"]
    assert set(await setup.store.plans.latest()) == {"z01", "z02", "z03"}
    snow_ahead = setup.live.view("z01").plan
    assert snow_ahead is not None
    assert any("snow" in why.code for why in snow_ahead.why)
    assert setup.alarms.standing() == []


async def test_planner_that_fails_leaves_the_last_plan_continued_with_one_alarm(setup: Setup, config: Config) -> None:
    planning = Planning(setup, config)
    await planning.forecasts.ask()
    await planning.loop.cycle("test")
    planning.loop._pool._workers = [KilledExecutor()]
    raised: list[str] = []
    setup.alarms.changed.append(lambda alarm: raised.append(f"{alarm.code} {alarm.cleared_utc_s is None}"))
    setup.clock.advance(900)
    await planning.loop.cycle("broken")
    assert planning.labels() == {PlanLabel.SHIFTED}
    planning.loop._pool._workers = [KilledExecutor()]
    setup.clock.advance(900)
    await planning.loop.cycle("still broken")
    assert raised == ["plan True"]
    await planning.loop.cycle("a new process")
    assert planning.labels() == {PlanLabel.OPTIMAL}
    assert raised == ["plan True", "plan False"]


async def test_a_change_at_one_zone_plans_its_share_and_leaves_the_others(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "SHARE_ZONES", 1)  # each feeder by itself, as in a large city
    inputs = replace(city(2, 1), overrides=())
    pool = plan_pool.PlanPool(inputs.feeders, inputs.zones, 1, lambda: ThreadPoolExecutor(1))
    nothing: Any = None
    loop = PlanLoop(lambda: inputs, nothing, pool, nothing, Monitoring(setup.alarms, setup.metrics), setup.clock)
    published: list[str] = []

    async def publish(plans: Any) -> list[Any]:
        published.extend(plan.zone for plan in plans)
        return list(plans)

    monkeypatch.setattr(loop, "_publish", publish)
    monkeypatch.setattr(loop, "_moved_on", tuple)

    async def planned(*zones: str) -> list[str]:
        published.clear()
        await loop.cycle("test", set(zones) or None)
        assert loop.last is not None
        assert [plan.zone for plan in loop.last.plans] == whole, "the whole city is known"
        return published

    whole, mine = [zone.id for zone in inputs.zones], [zone.id for zone in inputs.zones if zone.feeder == "f1"]
    assert await planned(*mine) == whole, "there is nothing yet"
    assert await planned(*mine) == mine
    assert await planned() == whole
    assert await planned("gone") == []
    pool._workers = [KilledExecutor()]
    assert await planned(*mine) == mine
    assert setup.alarms.stands(AlarmCode.PLAN, "")
    assert await planned(*mine) == whole, "after a failure the whole city"
    assert not setup.alarms.stands(AlarmCode.PLAN, "")
    inputs = replace(inputs, now_utc_s=inputs.now_utc_s + 900)
    assert await planned(*mine) == whole, "a new quarter of an hour"
    pool.close()


async def test_without_a_forecast_boards_follow_the_local_rule_and_it_is_labelled(setup: Setup, config: Config) -> None:
    planning = Planning(setup, config)
    await planning.loop.cycle("no weather yet")
    assert planning.labels() == {PlanLabel.LOCAL}
    assert [alarm.code for alarm in setup.alarms.standing()] == ["plan"]
    assert [run[2] for run in planning.link.plans()[0].s] == [-1]


async def test_slow_plan_delays_no_override_and_is_given_up(
    setup: Setup, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_pool, "TIMEOUT_S", 0.2)
    slow, release = ThreadPoolExecutor(1), threading.Event()
    slow.submit(release.wait)
    planning = Planning(setup, config, slow)
    await planning.forecasts.ask()
    cycle = asyncio.ensure_future(planning.loop.cycle("slow"))
    await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    assert [(o.z, o.m) for o in planning.link.overrides()] == [("z01", "on")]
    setup.clock.advance(10)
    await planning.hear([telemetry(1, up=110)])
    assert planning.link.acks()
    assert not cycle.done()
    await cycle
    assert planning.labels() == {PlanLabel.LOCAL}
    release.set()


async def test_zone_out_of_service_is_planned_without_heat(setup: Setup, config: Config) -> None:
    planning = Planning(setup, config)
    await planning.forecasts.ask()
    setup.clock.advance(10)
    await planning.hear([telemetry(1, sample("z01", flags=int(Flag.EARTH_FAULT)), up=110)])
    await planning.loop.cycle("earth fault")
    by_zone = {plan.z: plan for plan in planning.link.plans()}
    assert all(run[2] <= 0 for run in by_zone["z01"].s)
    assert any(run[2] > 0 for run in by_zone["z02"].s)


async def test_a_broken_cable_is_planned_without_heat_until_its_board_may_try_again(
    setup: Setup, config: Config
) -> None:
    """The flag stays while the board tries: a plan of nothing would keep it from finding out."""
    planning = Planning(setup, config)
    await planning.forecasts.ask()
    heats = []
    for q, who in ((1, Winner.INTERLOCK), (2, Winner.PLAN)):
        setup.clock.advance(10)
        broken = sample("z01", flags=int(Flag.CABLE_BROKEN), who=int(who), power_w=0, on_s=0)
        await planning.hear([telemetry(q, broken, up=100 + 10 * q)])
        await planning.loop.cycle("broken cable")
        newest = [plan for plan in planning.link.plans() if plan.z == "z01"][-1]
        heats.append(any(run[2] > 0 for run in newest.s))
    assert heats == [False, True]


async def test_loop_plans_at_once_and_when_asked(setup: Setup, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_loop_module, "SETTLE_S", 0.0)
    monkeypatch.setattr(plan_loop_module, "SPACING_S", 0.0)
    planning = Planning(setup, config)
    setup.overrides.changed.append(planning.loop.override_changed)
    asked: list[str] = []
    zones: list[Any] = []

    async def cycle(reason: str, concerned: set[str] | None) -> None:
        asked.append(reason)
        zones.append(concerned)

    monkeypatch.setattr(planning.loop, "cycle", cycle)
    running = setup.background.spawn(planning.loop.run(), "plans")
    await until(lambda: asked == ["start"])
    made = await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    await until(lambda: len(asked) == 2)
    assert asked[1] == f"override {made.id} requested"
    await setup.overrides.cancel(made.id, "kim")
    await until(lambda: len(asked) == 3)
    assert zones == [None, {"z01"}, {"z01"}]
    planning.loop.ask("z02 is silent", "z02")
    planning.loop.ask("forecast")
    await until(lambda: len(asked) == 4)
    assert zones[3] is None
    running.cancel()


async def test_override_reaches_the_plan_as_fixed_duty(setup: Setup, config: Config) -> None:
    planning = Planning(setup, config)
    await planning.forecasts.ask()
    await setup.overrides.request("z03", "off", 120, "cable works", "kim")
    link = RecordingLink("b02")
    setup.dispatcher.attach(link, greet("b02"))
    await planning.loop.cycle("override")
    outcome = planning.loop.last
    assert outcome is not None
    assert (outcome.traces["z03"].duty[:8] == 0).all()


def test_forecast_that_repeats_the_last_one_is_no_news() -> None:
    series = design_storm(START_UTC_S, hours=60)

    def cut(first: int, last: int, warmer_k: float = 0.0) -> Forecast:
        columns = {f: getattr(series, f)[first:last] for f in WeatherSeries.__dataclass_fields__}
        columns["air_c"] = columns["air_c"] + warmer_k
        return Forecast(series.time_utc_s[first], (WeatherSeries(**columns),), "test")

    old = cut(0, 190)
    assert says_the_same(old, cut(3, 193))
    assert not says_the_same(old, cut(3, 193, warmer_k=0.5))
    assert not says_the_same(old, cut(30, 220))  # five hours further
    assert not says_the_same(old, Forecast(0.0, old.members * 2, "test"))


async def test_provider_that_fails_leaves_the_last_forecast_with_one_alarm(setup: Setup) -> None:
    class Failing(FileProvider):
        down = False

        async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
            if self.down:
                raise WeatherError("503 from the service")
            return await super().forecast(now_utc_s, horizon_s)

    provider = Failing(design_storm(START_UTC_S - 3600, hours=96))
    forecasts = Forecasts(
        provider, Works(setup).forecasts.site, 108_000, setup.clock, setup.alarms, setup.metrics, setup.degradations
    )
    news: list[Forecast] = []
    forecasts.changed.append(news.append)
    await forecasts.ask()
    provider.down = True
    for _ in range(3):
        setup.clock.advance(3600)
        await forecasts.ask()
    assert forecasts.latest is news[0]
    assert [alarm.code for alarm in setup.alarms.standing()] == ["forecast"]
    setup.clock.advance(4 * 3600)
    await forecasts.ask()
    assert forecasts.latest is None  # older than 6 h: nobody acts upon it
    provider.down = False
    await forecasts.ask()
    assert setup.alarms.standing() == []
