"""What a crew reports of a road is recorded, counts in the estimate at once, and can be taken back for an hour."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

import pytest

from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.live import LiveState
from supervisor.control.road_work import SHOWN_S, TAKE_BACK_S, RoadWorks
from supervisor.control.tests.conftest import START_UTC_S, ZONES, Setup
from supervisor.control.tests.test_off_with_a_full_disk import fill
from supervisor.domain.errors import CommandError, NotFoundError, StoreError
from supervisor.domain.road_work import Agent, RoadWork, WorkKind
from supervisor.domain.zone import Site
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.provider import FileProvider


class Winter:
    """Roads with snow on them."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        site = Site("seongbuk", "Asia/Seoul", 37.59, 127.02)
        provider = FileProvider(design_storm(START_UTC_S - 6 * 3600, hours=72))
        self.forecasts = Forecasts(
            provider, site, 30 * 3600, setup.clock, setup.alarms, setup.metrics, setup.degradations
        )
        self.estimation = self.estimate(setup.live)
        self.estimation.state.snow_mm[:] = 6.0
        self.works = RoadWorks(setup.store.works, setup.live, self.estimation, setup.clock)
        self.said: list[RoadWork] = []
        self.works.changed.append(self.said.append)

    def estimate(self, live: LiveState) -> Estimation:
        return Estimation(ZONES, self.forecasts, live, self.setup.store.values, self.setup.clock)


@pytest.fixture
async def winter(setup: Setup) -> Winter:
    made = Winter(setup)
    await made.forecasts.ask()
    return made


async def test_ploughing_a_group_counts_at_once_and_after_a_restart(winter: Winter) -> None:
    setup = winter.setup
    made = await winter.works.report(["z01", "z03", "z01"], WorkKind.PLOUGHED, "Kim")
    assert [(work.zone, work.removed_mm) for work in made] == [("z01", 5.0), ("z03", 5.0)]
    assert winter.estimation.state.snow_mm.tolist() == [1.0, 6.0, 1.0]
    views = {view.id: view for view in setup.live.snapshot()}
    assert (views["z01"].snow_mm, views["z02"].snow_mm) == (1.0, 6.0)
    assert [(work.kind, work.user) for work in views["z01"].works] == [(WorkKind.PLOUGHED, "Kim")]
    entries = [(e.user, e.action, e.detail) for e in await setup.store.audit.entries(0, START_UTC_S + 9)]
    assert entries == [("Kim", "ploughed", "z01, z03")]  # one for the group
    events = await setup.store.events.happened(0, START_UTC_S + 9)
    assert [(event.kind, event.subject) for event in events] == [("ploughed", "z01"), ("ploughed", "z03")]
    assert winter.said == made  # the planner is asked

    live = LiveState(ZONES, setup.clock)
    after = winter.estimate(live)
    await after.start()
    again = RoadWorks(setup.store.works, live, after, setup.clock)
    await again.load()
    assert after.state.snow_mm.tolist() == [1.0, 6.0, 1.0]
    assert live.view("z03").works == views["z03"].works


async def test_salt_lowers_the_freezing_point_and_is_taken_back(winter: Winter) -> None:
    [work] = await winter.works.report(["z02"], WorkKind.SALTED, "Kim", Agent.SODIUM_CHLORIDE, 40.0)
    view = winter.setup.live.view("z02")
    assert view.freezing_c is not None
    assert view.freezing_c < 0.0
    assert (view.works[0].agent, view.works[0].amount_g_m2) == (Agent.SODIUM_CHLORIDE, 40.0)
    winter.setup.clock.advance(TAKE_BACK_S)
    taken = await winter.works.take_back(work.id, "Lee")
    assert (taken.taken_back_by, winter.setup.live.view("z02").works) == ("Lee", ())
    assert winter.estimation.state.salt_g_m2.tolist() == [0.0, 0.0, 0.0]
    assert await winter.works.take_back(work.id, "Lee") == taken  # twice is once
    [kept] = await winter.setup.store.works.between("z02", 0, START_UTC_S + 9)
    assert kept == taken
    assert (await winter.setup.store.audit.verify())[0] == 2


async def test_snow_comes_back_when_it_was_another_road(winter: Winter) -> None:
    [work] = await winter.works.report(["z02"], WorkKind.PLOUGHED, "Kim")
    winter.estimation.state.snow_mm[1] = 1.7  # it has gone on snowing
    await winter.works.take_back(work.id, "Kim")
    assert winter.estimation.state.snow_mm[1] == pytest.approx(6.7)


async def test_an_amount_that_nobody_knows_counts_little(winter: Winter) -> None:
    [work] = await winter.works.report(["z02"], WorkKind.SALTED, "Kim")
    assert (work.agent, work.amount_g_m2, work.salt_g_m2) == (Agent.CALCIUM_CHLORIDE, None, 6.1)


def cases(works: RoadWorks) -> list[tuple[type[CommandError], str, Callable[[], Awaitable[object]]]]:
    salted, ploughed = WorkKind.SALTED, WorkKind.PLOUGHED
    nacl = Agent.SODIUM_CHLORIDE
    return [
        (NotFoundError, "z99", lambda: works.report(["z01", "z99"], ploughed, "Kim")),
        (CommandError, "zones", lambda: works.report([], ploughed, "Kim")),
        (CommandError, "amount_g_m2", lambda: works.report(["z01"], salted, "Kim", nacl, 0.5)),
        (CommandError, "amount_g_m2", lambda: works.report(["z01"], salted, "Kim", nacl, 201.0)),
        (CommandError, "amount_g_m2", lambda: works.report(["z01"], salted, "Kim", nacl, float("nan"))),
        (CommandError, "amount_g_m2", lambda: works.report(["z01"], ploughed, "Kim", None, 20.0)),
        (CommandError, "amount_g_m2", lambda: works.report(["z01"], ploughed, "Kim", nacl)),
        (NotFoundError, "77", lambda: works.take_back(77, "Kim")),
    ]


async def test_what_makes_no_sense_is_refused_and_changes_nothing(winter: Winter) -> None:
    for error, where, attempt in cases(winter.works):
        with pytest.raises(error) as refused:
            await attempt()
        assert refused.value.where == where
    assert winter.estimation.state.snow_mm.tolist() == [6.0, 6.0, 6.0]
    assert await winter.setup.store.works.between(None, 0, START_UTC_S + 9) == []


async def test_an_hour_later_it_stands_and_after_a_shift_it_is_history(winter: Winter) -> None:
    [work] = await winter.works.report(["z02"], WorkKind.PLOUGHED, "Kim")
    winter.setup.clock.advance(TAKE_BACK_S + 1)
    with pytest.raises(CommandError, match="too late"):
        await winter.works.take_back(work.id, "Kim")
    winter.setup.clock.advance(SHOWN_S)
    await winter.works.report(["z02"], WorkKind.SALTED, "Kim")
    assert [one.kind for one in winter.setup.live.view("z02").works] == [WorkKind.SALTED]


async def test_without_a_record_nothing_changes(winter: Winter) -> None:
    await fill(winter.setup.store)
    with contextlib.suppress(StoreError):  # what is left of the last pages
        for n in range(1000):
            await winter.setup.store.audit.append("Kim", "filler", f"z01, {n}")
    with pytest.raises(StoreError):
        await winter.works.report(["z01"], WorkKind.PLOUGHED, "Kim")
    assert winter.estimation.state.snow_mm.tolist() == [6.0, 6.0, 6.0]
    assert winter.setup.live.view("z01").works == ()
