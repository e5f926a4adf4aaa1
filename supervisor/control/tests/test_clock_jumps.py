"""The service's clock is set while boards are connected: they are heard on, metered, and held off as before."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from supervisor.config import load
from supervisor.control.clock_watch import ClockWatch
from supervisor.control.demand_guard import DemandGuard
from supervisor.control.moisture import HEATED_WITHIN_S, outvoted
from supervisor.control.plan_snapshot import Situation
from supervisor.control.publishing import Publisher
from supervisor.control.sky import Falling, Sky
from supervisor.control.tests.conftest import FEEDERS, ZONES, Setup
from supervisor.control.tests.test_danger import ZONE, Scene, make
from supervisor.control.tests.test_intake import Works
from supervisor.domain.override import OverrideMode
from supervisor.gateway.tests.board_client import sample, telemetry
from supervisor.planner.quarter import TURN_AFTER_S
from supervisor.wire.messages import ResultFrame, Winner

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"
HOUR = 3600.0
YEAR = 365 * 86_400.0
JUMPS = (-5 * YEAR, -5 * HOUR, -11 * 60.0, -40.0, 40.0, 3 * HOUR, 10 * YEAR)


@pytest.fixture
async def works(setup: Setup) -> Works:
    return Works(setup)


def jump(setup: Setup, by_s: float) -> None:
    setup.clock.set_utc(setup.clock.utc_s() + by_s)


@pytest.mark.parametrize("by_s", JUMPS)
@pytest.mark.parametrize("has_clock", [False, True])
async def test_a_connected_board_is_heard_on(works: Works, by_s: float, has_clock: bool) -> None:
    setup = works.setup

    watch = ClockWatch(setup.clock, setup.alarms, setup.degradations, lambda: None)
    watch.jumped.append(lambda _: setup.dispatcher.send_clock("b01"))

    async def hear(q: int, surface_mc: int) -> None:
        setup.clock.advance(5)
        watch.look()  # every 5 s: a board that is told the time goes by it at once
        nonlocal board_ahead_s
        board_ahead_s = 0.0 if len(works.link.clocks()) > 1 else board_ahead_s
        setup.clock.advance(5)
        utc = int(board_ahead_s + setup.clock.utc_s()) if has_clock else 0
        await works.hear([telemetry(q, sample(surface_mc=surface_mc, dev_wh=167 * q), up=100 + 10 * q, utc=utc)])

    board_ahead_s = 0.0
    await hear(1, -1_000)
    jump(setup, by_s)
    board_ahead_s = -by_s  # it goes by what it was told when it connected
    for q in range(2, 8):
        await hear(q, -1_000 * q)
        await works.watch.round(setup.clock.utc_s())
        view = setup.live.view("z01")
        assert (view.online, view.surface_c) == (True, -q)
        assert abs((view.updated_utc_s or 0) - setup.clock.utc_s()) <= 1
    assert works.alarm_codes() == [("clock", "")]
    assert works.link.clocks()[1].utc == round(setup.clock.utc_s()) - 55  # told 5 s after the jump
    assert (await setup.store.telemetry.zone_totals())["z01"] == 7 * 167


async def test_a_frame_that_is_sent_again_after_a_jump_is_not_newer_than_what_is_shown(works: Works) -> None:
    works.setup.clock.advance(20)
    await works.hear([telemetry(2, sample(surface_mc=-2_000), up=120)])
    jump(works.setup, 3 * HOUR)
    await works.hear([telemetry(1, sample(surface_mc=-1_000), up=110)])
    assert works.setup.live.view("z01").surface_c == -2.0


@pytest.mark.parametrize("by_s", [-20 * 60.0, -5 * HOUR, 5 * HOUR])
async def test_a_feeder_is_metered_anew_in_hours_that_come_twice(works: Works, by_s: float) -> None:
    setup = works.setup
    for q in range(1, 121):  # a quarter of an hour and some more
        setup.clock.advance(10)
        await works.hear([telemetry(q, sample(power_w=60_000), up=100 + 10 * q)])
    works.meter.roll(setup.clock.utc_s())
    jump(setup, by_s)
    now = setup.clock.utc_s()
    setup.clock.advance(900 - now % 900)  # a quarter begins
    works.meter.roll(setup.clock.utc_s())
    setup.clock.advance(5)
    begun_s = setup.clock.monotonic_s()
    for q in range(201, 204):
        setup.clock.advance(10)
        await works.hear([telemetry(q, sample(power_w=30_000), up=int(setup.clock.monotonic_s()) + 100)])
    drawn = 30.0 * (setup.clock.monotonic_s() - begun_s) / 900
    assert works.meter.mean_kw(setup.clock.utc_s())["f1"] == pytest.approx(drawn)


@pytest.mark.parametrize("by_s", [-5 * HOUR, 5 * HOUR])
async def test_a_cold_wet_zone_waits_by_the_steady_clock(works: Works, by_s: float) -> None:
    setup = works.setup
    guard = DemandGuard(
        setup.live, setup.overrides, works.meter, Publisher(setup.store.plans, setup.dispatcher), setup.metrics,
        setup.clock,
    )  # fmt: skip
    situation = Situation(
        msgspec.structs.replace(load(EXAMPLE, without_data=True), zone=ZONES, feeder=FEEDERS),
        setup.live,
        setup.overrides,
        works.forecasts,
        setup.clock,
    )

    async def waits_s(q: int) -> float:
        frame = telemetry(q, sample(surface_mc=-3_000, moisture_permille=900, power_w=0), up=100 + 10 * q)
        await works.hear([frame])
        await guard.look()
        return situation.now().zone_now("z01").waiting_s

    setup.clock.advance(10)
    assert await waits_s(1) == 0.0
    jump(setup, by_s)
    setup.clock.advance(TURN_AFTER_S)
    assert await waits_s(1 + int(TURN_AFTER_S / 10)) == TURN_AFTER_S


async def test_an_override_that_the_board_does_not_follow_is_sent_again(works: Works) -> None:
    setup = works.setup
    await setup.overrides.request("z01", OverrideMode.OFF, 60, "cable works", "kim")
    command = works.link.overrides()[0]
    await setup.dispatcher.answered(works.link, ResultFrame(ep=command.ep, q=command.q, rc=0))
    jump(setup, -5 * HOUR)
    setup.clock.advance(60)
    await works.hear([telemetry(1, sample(who=int(Winner.PLAN), power_w=60_000), up=160)])
    assert len(works.link.overrides()) == 2


@pytest.mark.parametrize("by_s", [-5 * HOUR, 5 * HOUR])
async def test_current_under_electric_danger_is_shown_as_flowing(setup: Setup, by_s: float) -> None:
    scene: Scene = make(setup)
    scene.connect("b02")
    await scene.dangers.report(ZONE, "z03", "Kim")
    await scene.accept("b02")
    jump(setup, by_s)
    setup.clock.advance(60)
    scene.hear("z03", 60_000)
    assert setup.live.view("z03").off_reach == "flowing"


def test_a_road_counts_as_heated_for_its_time_only(works: Works) -> None:
    setup, zone = works.setup, works.setup.live.zones["z01"]
    zone.sample, zone.online = sample(moisture_permille=0), True
    works.estimation.observe(sample(power_w=60_000), 10)
    jump(setup, -5 * HOUR)
    setup.clock.advance(HEATED_WITHIN_S + 60)
    assert outvoted([zone], Sky(Falling.SNOW, True), setup.clock.monotonic_s()) == frozenset()
