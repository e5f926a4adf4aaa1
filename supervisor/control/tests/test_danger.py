"""Electric danger: all off at once, held off as long as it stands, shown truthfully, until two people clear it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from supervisor.control.danger import ALARM, Dangers
from supervisor.control.keep_off import OFF_S, RENEW_S
from supervisor.control.tests.conftest import START_UTC_S, RecordingLink, Setup, greet
from supervisor.control.tests.test_dispatch import answer, make_plan
from supervisor.control.tests.test_off_with_a_full_disk import fill, limit
from supervisor.domain.danger import DangerKind
from supervisor.domain.errors import CommandError, NotFoundError, StoreError
from supervisor.domain.override import OverrideMode, OverrideState
from supervisor.gateway.tests.board_client import sample
from supervisor.runtime.background import Background
from supervisor.runtime.clock import ManualClock
from supervisor.store.store import Store
from supervisor.wire.messages import OverrideCommand, Result, Winner

ZONE, FEEDER = DangerKind.ZONE, DangerKind.FEEDER


@dataclass
class Scene:
    setup: Setup
    dangers: Dangers
    links: dict[str, RecordingLink]

    def connect(self, board: str) -> RecordingLink:
        link = self.links[board] = RecordingLink(board)
        self.setup.dispatcher.attach(link, greet(board))
        return link

    def last(self, board: str) -> OverrideCommand:
        return self.links[board].overrides()[-1]

    async def accept(self, board: str, code: Result = Result.OK) -> None:
        """The board answers every OFF that it has been sent."""
        for command in self.links[board].overrides():
            await self.setup.dispatcher.answered(self.links[board], answer(command, code))

    def hear(self, zone: str, power_w: int) -> None:
        live = self.setup.live.zones[zone]
        live.sample, live.online = sample(zone=zone, power_w=power_w, who=int(Winner.OVERRIDE)), True
        live.sample_s = self.setup.clock.monotonic_s()


def make(setup: Setup) -> Scene:
    dangers = Dangers(setup.store.dangers, setup.live, setup.overrides, setup.dispatcher, setup.alarms, setup.clock)
    return Scene(setup, dangers, {})


@pytest.fixture
def scene(setup: Setup) -> Scene:
    return make(setup)


async def test_a_feeder_s_danger_switches_all_its_zones_off_and_says_which_board_is_not_reached(scene: Scene) -> None:
    link = scene.connect("b01")
    danger = await scene.dangers.report(FEEDER, "f1", "kim")
    assert danger.recorded
    assert [(o.z, o.m, o.dur) for o in link.overrides()] == [("z01", "off", OFF_S), ("z02", "off", OFF_S)]
    reach = {zone: scene.setup.live.view(zone).off_reach for zone in ("z01", "z02", "z03")}
    assert reach == {"z01": "sent", "z02": "sent", "z03": "unreachable"}
    await scene.accept("b01")
    scene.setup.clock.advance(10)
    scene.hear("z01", power_w=30_000)  # the mean over an interval in which it was still on
    scene.hear("z02", power_w=0)
    assert scene.setup.live.view("z01").off_reach == "accepted"
    assert scene.setup.live.view("z02").off_reach == "measured"
    scene.setup.clock.advance(30)
    scene.hear("z01", power_w=30_000)  # welded
    assert scene.setup.live.view("z01").off_reach == "flowing"
    assert scene.setup.live.view("z01").not_heating == "electric-danger"
    assert [(alarm.code, alarm.subject) for alarm in scene.setup.alarms.standing()] == [(ALARM, "f1")]


async def test_a_board_that_connects_later_gets_it_before_anything_else(scene: Scene) -> None:
    scene.setup.dispatcher.publish([make_plan("z03")])
    await scene.dangers.report(ZONE, "z03", "kim")
    link = scene.connect("b02")
    assert [type(c).__name__ for c in link.sent] == ["ClockCommand", "OverrideCommand", "PlanCommand"]
    assert (scene.last("b02").m, scene.setup.live.view("z03").off_reach) == ("off", "sent")


async def test_said_twice_it_is_one(scene: Scene) -> None:
    link = scene.connect("b02")
    first = await scene.dangers.report(ZONE, "z03", "kim")
    assert await scene.dangers.report(ZONE, "z03", "lee") == first
    assert len(link.overrides()) == 1
    assert [e.action for e in await scene.setup.store.audit.entries(0, 4e9)] == ["danger"]


async def test_it_is_renewed_long_before_the_board_s_off_ends_and_again_where_no_answer_comes(scene: Scene) -> None:
    link = scene.connect("b02")
    await scene.dangers.report(ZONE, "z03", "kim")
    scene.setup.clock.advance(31)
    scene.dangers._off.look()
    assert len(link.overrides()) == 2  # no answer
    await scene.accept("b02")
    for _ in range(int(12 * 3600 / 60)):
        scene.setup.clock.advance(60)
        scene.dangers._off.look()
        await scene.accept("b02")
        until = scene.setup.live.view("z03").off_until_utc_s
        assert until is not None
        assert until - scene.setup.clock.utc_s() >= OFF_S - RENEW_S - 60
    assert len(link.overrides()) <= 2 + 12 * 3600 / RENEW_S


async def test_a_board_whose_limits_allow_less_is_asked_for_less(scene: Scene) -> None:
    link = scene.connect("b02")
    await scene.dangers.report(ZONE, "z03", "kim")
    for _ in range(3):
        await scene.setup.dispatcher.answered(link, answer(scene.last("b02"), Result.OUT_OF_LIMITS))
    assert [o.dur for o in link.overrides()] == [OFF_S, OFF_S // 2, OFF_S // 4, OFF_S // 8]
    await scene.setup.dispatcher.answered(link, answer(scene.last("b02")))
    assert scene.setup.live.view("z03").off_reach == "accepted"
    await scene.setup.dispatcher.answered(link, answer(scene.last("b02"), Result.STORE_FAILED))
    other = make(scene.setup)
    assert other.dangers.standing() == []


async def test_a_board_that_refuses_is_said_and_asked_again(scene: Scene) -> None:
    link = scene.connect("b02")
    await scene.dangers.report(ZONE, "z03", "kim")
    await scene.accept("b02", Result.STORE_FAILED)
    assert scene.setup.live.view("z03").off_reach == "refused"
    scene.setup.clock.advance(31)
    scene.dangers._off.look()
    assert len(link.overrides()) == 2
    await scene.setup.dispatcher.answered(link, answer(scene.last("b02")))
    assert scene.setup.live.view("z03").off_reach == "accepted"


async def test_a_board_lost_for_longer_than_its_off_holds_is_no_longer_said_to_be_off(scene: Scene) -> None:
    link = scene.connect("b02")
    await scene.dangers.report(ZONE, "z03", "kim")
    await scene.accept("b02")
    scene.setup.dispatcher.detach(link)
    scene.dangers._off.look()
    view = scene.setup.live.view("z03")
    assert (view.off_reach, view.off_until_utc_s) == ("unreachable", int(START_UTC_S) + OFF_S)
    scene.setup.clock.advance(OFF_S + 1)
    scene.dangers._off.look()
    view = scene.setup.live.view("z03")
    assert (view.off_reach, view.off_until_utc_s) == ("unreachable", None)


async def test_it_stands_until_two_different_people_clear_it(scene: Scene) -> None:
    link = scene.connect("b02")
    await scene.dangers.report(ZONE, "z03", "kim")
    for _ in range(2):
        once = await scene.dangers.clear(ZONE, "z03", "kim")
        assert (once.stands, once.cleared_by) == (True, "kim")
    assert [o.m for o in link.overrides()] == ["off"]
    again = await scene.dangers.report(ZONE, "z03", "park")  # it is still dangerous: the first clearance is void
    assert again.cleared_by is None
    await scene.dangers.clear(ZONE, "z03", "lee")
    over = await scene.dangers.clear(ZONE, "z03", "kim")
    assert not over.stands
    assert [o.m for o in link.overrides()] == ["off", "cancel"]
    assert scene.setup.alarms.standing() == []
    assert scene.setup.live.view("z03").dangers == ()
    actions = [e.action for e in await scene.setup.store.audit.entries(0, 4e9)]
    assert actions == ["danger", "danger-cleared", "danger-again", "danger-cleared", "danger-cleared"]
    with pytest.raises(NotFoundError):
        await scene.dangers.clear(ZONE, "z03", "lee")


async def test_a_zone_in_two_dangers_stays_off_until_both_are_over(scene: Scene) -> None:
    link = scene.connect("b02")
    await scene.dangers.report(ZONE, "z03", "kim")
    await scene.dangers.report(FEEDER, "f1", "kim")
    for user in ("kim", "lee"):
        await scene.dangers.clear(FEEDER, "f1", user)
    assert [o.m for o in link.overrides()] == ["off"]
    assert scene.setup.live.view("z03").dangers
    for user in ("kim", "lee"):
        await scene.dangers.clear(ZONE, "z03", user)
    assert [o.m for o in link.overrides()] == ["off", "cancel"]


async def test_on_and_cancel_are_refused_meanwhile_and_what_was_on_has_ended(scene: Scene) -> None:
    link = scene.connect("b02")
    on = await scene.setup.overrides.request("z03", "on", 60, "ice on the bend", "lee")
    await scene.dangers.report(ZONE, "z03", "kim")
    assert scene.setup.overrides.get(on.id).state is OverrideState.CANCELLED
    assert [o.m for o in link.overrides()] == ["on", "off"]  # no cancel that would let go of it
    for mode in ("on", "boost"):
        with pytest.raises(CommandError) as error:
            await scene.setup.overrides.request("z03", mode, 60, "ice on the bend", "lee")
        assert error.value.code == "electric-danger"
    off = await scene.setup.overrides.request("z03", "off", 60, "cable works", "lee")
    with pytest.raises(CommandError):
        await scene.setup.overrides.cancel(off.id, "lee")
    assert [o.m for o in link.overrides()] == ["on", "off"]
    for user in ("kim", "lee"):
        await scene.dangers.clear(ZONE, "z03", user)
    assert (scene.last("b02").id, scene.last("b02").m) == (off.id, "off")  # the person's OFF goes on


async def test_plans_count_the_zone_as_off(scene: Scene) -> None:
    await scene.dangers.report(FEEDER, "f1", "kim")
    dictated = scene.setup.overrides.dictated("z01")
    assert dictated is not None
    assert dictated.mode is OverrideMode.OFF
    assert dictated.expires_utc_s - scene.setup.clock.utc_s() > 36 * 3600


async def test_it_outlives_a_restart_and_so_does_what_was_cleared(
    store: Store, clock: ManualClock, background: Background
) -> None:
    before = make(Setup(store, clock, background, 1))
    await before.dangers.report(ZONE, "z03", "kim")
    await before.dangers.report(ZONE, "z01", "kim")
    await before.dangers.clear(ZONE, "z03", "lee")
    for user in ("kim", "lee"):
        await before.dangers.clear(ZONE, "z01", user)  # while its board is away
    clock.advance(3600)
    after = make(Setup(store, clock, background, 2))
    await after.setup.overrides.load()
    await after.dangers.load()
    [stands] = after.dangers.standing()
    assert (stands.subject, stands.cleared_by) == ("z03", "lee")
    assert [(a.code, a.subject) for a in after.setup.alarms.standing()] == [(ALARM, "z03")]
    after.connect("b02")
    assert (after.last("b02").z, after.last("b02").m) == ("z03", "off")
    link = after.connect("b01")
    assert [(o.z, o.m) for o in link.overrides()] == [("z01", "cancel")]
    assert not (await after.dangers.clear(ZONE, "z03", "kim")).stands


async def test_it_works_with_a_full_disk_and_is_recorded_later(scene: Scene) -> None:
    setup, link = scene.setup, scene.connect("b02")
    await fill(setup.store)
    for _ in range(60):
        if not (await setup.overrides.request("z01", "off", 60, "cable works on the bend " * 7, "kim")).recorded:
            break
    danger = await scene.dangers.report(ZONE, "z03", "kim")
    assert not danger.recorded
    assert scene.last("b02").m == "off"
    assert not setup.live.view("z03").dangers[0].recorded
    for user in ("lee", "park"):  # letting heat flow again needs its record first
        with pytest.raises(StoreError):
            await scene.dangers.clear(ZONE, "z03", user)
    assert scene.dangers.standing()
    setup.clock.advance(60)
    limit(setup.store, 1_000_000)
    await setup.overrides.expire()
    assert setup.live.view("z03").dangers[0].recorded
    [entry] = [e for e in await setup.store.audit.entries(0, 4e9) if e.action == "danger"]
    assert entry.utc_s == int(START_UTC_S)
    assert (await setup.store.audit.verify())[0] > 0
    assert [o.m for o in link.overrides()] == ["off"]


@pytest.mark.parametrize(("kind", "subject"), [(ZONE, "f1"), (FEEDER, "z01"), (FEEDER, ""), (ZONE, "x" * 500)])
async def test_what_is_not_there_is_refused(scene: Scene, kind: DangerKind, subject: str) -> None:
    with pytest.raises(NotFoundError) as error:
        await scene.dangers.report(kind, subject, "kim")
    assert error.value.code == f"unknown-{kind.value}"
    assert len(error.value.where) <= 80
