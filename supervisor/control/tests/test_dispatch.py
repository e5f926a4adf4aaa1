from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.control import dispatch
from supervisor.control.plan_command import PAYLOAD_MAX, plan_command
from supervisor.control.tests.conftest import START_UTC_S, RecordingLink, Setup, greet
from supervisor.domain.errors import StoreError
from supervisor.domain.override import OverrideState
from supervisor.domain.plan import STANDBY, Plan, Slot
from supervisor.gateway.tests.board_client import until
from supervisor.runtime.background import Background
from supervisor.runtime.clock import ManualClock
from supervisor.store.store import Store
from supervisor.wire.messages import ClockCommand, Command, OverrideCommand, PlanCommand, Result, ResultFrame


def make_plan(zone: str = "z01", issued: float = START_UTC_S, *slots: Slot) -> Plan:
    return Plan(zone=zone, issued_utc_s=int(issued), start_utc_s=int(issued), slots=slots or (Slot(0, 2500, 400),))


def answer(command: Command, code: Result = Result.OK) -> ResultFrame:
    return ResultFrame(ep=command.ep, q=command.q, rc=code)


async def test_after_hello_come_clock_overrides_then_plans_with_rising_sequences(setup: Setup) -> None:
    setup.dispatcher.publish([make_plan("z01"), make_plan("z02")])
    await setup.overrides.request("z02", "on", 60, "ice on the bend", "kim")
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet())
    assert [type(command) for command in link.sent] == [ClockCommand, OverrideCommand, PlanCommand, PlanCommand]
    commands = [command for command in link.sent if isinstance(command, Command)]
    assert [command.q for command in commands] == [1, 2, 3, 4]
    assert {command.ep for command in commands} == {setup.dispatcher.epoch}
    assert link.clocks()[0].utc == int(START_UTC_S)


async def test_sequence_goes_on_above_what_the_board_has_accepted(setup: Setup) -> None:
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet(ep=setup.dispatcher.epoch, q=41))
    assert link.clocks()[0].q == 42


async def test_only_the_zone_s_own_board_is_told(setup: Setup) -> None:
    first, second = RecordingLink("b01"), RecordingLink("b02")
    setup.dispatcher.attach(first, greet("b01"))
    setup.dispatcher.attach(second, greet("b02"))
    setup.dispatcher.publish([make_plan("z03")])
    await setup.overrides.request("z03", "off", 10, "cable works", "kim")
    assert first.plans() == []
    assert [plan.z for plan in second.plans()] == ["z03"]
    assert [(o.z, o.m, o.dur, o.b) for o in second.overrides()] == [("z03", "off", 600, "b02")]


async def test_override_goes_requested_sent_accepted(setup: Setup) -> None:
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet())
    states: list[OverrideState] = []
    setup.overrides.changed.append(lambda override: states.append(override.state))
    made = await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    await until(lambda: len(states) == 2)
    await setup.dispatcher.answered(link, answer(link.overrides()[0]))
    assert states == [OverrideState.REQUESTED, OverrideState.SENT, OverrideState.ACCEPTED]
    assert setup.live.view("z01").override is not None
    await setup.dispatcher.answered(link, answer(link.overrides()[0]))  # said twice
    assert setup.overrides.get(made.id).state is OverrideState.ACCEPTED


async def test_refused_override_ends_and_is_shown_as_refused(setup: Setup) -> None:
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet())
    made = await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    await setup.dispatcher.answered(link, answer(link.overrides()[0], Result.OUT_OF_LIMITS))
    assert setup.overrides.get(made.id).state is OverrideState.REFUSED
    assert setup.overrides.live_for("z01") is None


async def test_override_made_while_the_board_is_away_is_sent_with_what_is_left_of_it(setup: Setup) -> None:
    await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    setup.clock.advance(600)
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet())
    assert [(o.m, o.dur, o.exp) for o in link.overrides()] == [("on", 3000, int(START_UTC_S) + 3600)]


async def test_cancel_reaches_a_board_that_was_away_and_replacing_needs_none(setup: Setup) -> None:
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet())
    first = await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    second = await setup.overrides.request("z01", "off", 60, "cable works", "lee")
    assert [(o.id, o.m) for o in link.overrides()] == [(first.id, "on"), (second.id, "off")]
    setup.dispatcher.detach(link)
    await setup.overrides.cancel(second.id, "lee")
    again = RecordingLink("b01")
    setup.dispatcher.attach(again, greet())
    assert [(o.id, o.m, o.dur) for o in again.overrides()] == [(second.id, "cancel", 0)]
    setup.clock.advance(3600)
    later = RecordingLink("b01")
    setup.dispatcher.attach(later, greet())
    assert later.overrides() == []


async def test_restart_repeats_no_sequence_and_cancels_what_was_cancelled_before(
    store: Store, clock: ManualClock, background: Background
) -> None:
    before = Setup(store, clock, background, await store.epochs.next())
    link = RecordingLink("b01")
    before.dispatcher.attach(link, greet())
    made = await before.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    before.dispatcher.detach(link)
    await before.overrides.cancel(made.id, "kim")
    after = Setup(store, clock, background, await store.epochs.next())
    await after.overrides.load()
    again = RecordingLink("b01")
    newest = link.overrides()[-1]
    after.dispatcher.attach(again, greet(ep=newest.ep, q=newest.q))
    assert [(o.id, o.m) for o in again.overrides()] == [(made.id, "cancel")]
    assert all((c.ep, c.q) > (newest.ep, newest.q) for c in again.sent if isinstance(c, Command))


async def test_plan_is_shown_sent_accepted_or_refused(setup: Setup) -> None:
    link = RecordingLink("b01")
    setup.dispatcher.publish([make_plan()])
    assert setup.live.zones["z01"].plan_state == "requested"
    setup.dispatcher.attach(link, greet())
    assert setup.live.zones["z01"].plan_state == "sent"
    await setup.dispatcher.answered(link, answer(link.plans()[0]))
    assert setup.live.zones["z01"].plan_state == "accepted"
    setup.dispatcher.publish([make_plan()])
    await setup.dispatcher.answered(link, answer(link.plans()[1], Result.STORE_FAILED))
    assert setup.live.zones["z01"].plan_state == "refused"
    assert [alarm.code for alarm in setup.alarms.standing()] == ["plan-refused"]


async def test_plan_older_than_its_lease_is_not_sent_and_a_younger_one_gets_the_rest(setup: Setup) -> None:
    setup.dispatcher.publish([make_plan("z01", START_UTC_S), make_plan("z02", START_UTC_S - 21_600)])
    setup.clock.advance(3600)
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet())
    assert [(plan.z, plan.lease) for plan in link.plans()] == [("z01", 18_000)]


async def test_board_that_follows_a_newer_service_is_left_alone_with_one_alarm(setup: Setup) -> None:
    setup.dispatcher.publish([make_plan()])
    for _ in range(2):
        link = RecordingLink("b01")
        setup.dispatcher.attach(link, greet(ep=setup.dispatcher.epoch + 5))
        assert link.sent == []
    assert [(alarm.code, alarm.subject) for alarm in setup.alarms.standing()] == [("newer-supervisor", "b01")]
    setup.dispatcher.attach(RecordingLink("b01"), greet())
    assert setup.alarms.standing() == []


async def test_taking_over_rises_above_what_the_board_has_seen(setup: Setup) -> None:
    setup.dispatcher._newer_epoch = setup.store.epochs.raise_above
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet(ep=70, q=9))
    await until(lambda: bool(link.sent))
    assert (link.clocks()[0].ep, link.clocks()[0].q) == (71, 1)
    assert await setup.store.epochs.next() == 72


async def test_taking_over_is_tried_again_while_the_record_does_not_take_it(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "TAKE_OVER_AGAIN_S", 0.01)
    left = 3

    async def raise_epoch(above: int) -> int:
        nonlocal left
        left -= 1
        if left:
            raise StoreError("disk full")
        return await setup.store.epochs.raise_above(above)

    setup.dispatcher._newer_epoch = raise_epoch
    link, gone = RecordingLink("b01"), RecordingLink("b02")
    setup.dispatcher.attach(gone, greet("b02", ep=70))
    setup.dispatcher.detach(gone)
    setup.dispatcher.attach(link, greet(ep=70, q=9))
    await until(lambda: bool(link.sent))
    assert link.clocks()[0].ep == 71
    assert not setup.dispatcher.connected("b02")
    assert gone.sent == []


async def test_board_with_other_zones_than_configured_raises_an_alarm(setup: Setup) -> None:
    setup.dispatcher.attach(RecordingLink("b01"), msgspec.structs.replace(greet(), z=("z01", "z07")))
    assert [alarm.code for alarm in setup.alarms.standing()] == ["board-zones"]


@given(
    st.lists(
        st.tuples(st.integers(1, 144), st.integers(-30_000, 10_000), st.integers(-1, 1000)), min_size=1, max_size=144
    )
)
def test_any_plan_fits_a_frame_and_loses_only_its_far_end(runs: list[tuple[int, int, int]]) -> None:
    starts = [0]
    for step, _, _ in runs[:-1]:
        starts.append(starts[-1] + step * 900)
    slots = tuple(Slot(start, mc, duty) for start, (_, mc, duty) in zip(starts, runs, strict=True))
    payload = plan_command("b" * 16, 2**31, 2**31, make_plan("z" * 16, START_UTC_S, *slots))
    assert len(payload) <= PAYLOAD_MAX
    sent = msgspec.json.decode(payload, type=PlanCommand).s
    whole = tuple((slot.start_s, slot.setpoint_mc, slot.duty_permille) for slot in slots)
    if sent != whole:
        assert sent[:-1] == whole[: len(sent) - 1]
        assert sent[-1] == (whole[len(sent) - 1][0], 0, STANDBY)
        assert len(sent) >= 30


async def test_a_board_that_names_an_epoch_far_ahead_does_not_take_the_others_numbers(setup: Setup) -> None:
    """With --take-over a service rises above what boards have seen; a hostile one must not use the numbers up."""
    setup.dispatcher._newer_epoch = setup.store.epochs.raise_above
    epoch = setup.dispatcher.epoch
    setup.dispatcher.attach(RecordingLink("b01"), greet(ep=2**30))
    await setup.background.close()
    assert setup.dispatcher.epoch == epoch
    assert [alarm.code for alarm in setup.alarms.standing()] == ["newer-supervisor"]
