"""What happened is listed with who and when, newest first, of one road or of all."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from supervisor.control.history import ENTRIES_MAX, PERIOD_MAX_S, PLANS_MAX_S, History, HistoryKind, history
from supervisor.control.road_work import RoadWorks
from supervisor.control.tests.conftest import START_UTC_S, ZONES, Setup
from supervisor.domain.errors import CommandError
from supervisor.domain.override import OverrideState
from supervisor.domain.plan import Plan, Reason, ReasonCode, Slot
from supervisor.domain.road_work import WorkKind

NOW = int(START_UTC_S)
EVERYTHING = tuple(HistoryKind)


async def ask(setup: Setup, kinds: tuple[HistoryKind, ...] = EVERYTHING, zone: str = "", days: int = 1) -> History:
    zones = [each for each in ZONES if not zone or each.id == zone]
    until = int(setup.clock.utc_s()) + 1
    period = (until - days * 86_400, until)
    found: History = await setup.store.read(lambda db: history(db, zones, kinds, period, bool(zone)))
    return found


def lines(found: History) -> list[tuple[Any, ...]]:
    return [(e.kind.value, e.what, e.subject, e.word, e.user, e.utc_s - NOW) for e in found.entries]


async def test_commands_with_their_ends_newest_first(setup: Setup) -> None:
    first = await setup.overrides.request("z01", "on", 120, "snow", "Kim")
    setup.clock.advance(600)
    await setup.overrides.request("z01", "boost", 60, "ice", "Lee")
    refused = await setup.overrides.request("z02", "on", 60, "ice", "Lee")
    await setup.overrides.advance(refused.id, OverrideState.REFUSED)
    assert lines(await ask(setup, (HistoryKind.COMMAND,))) == [
        ("command", "made", "z01", "boost", "Lee", 600),
        ("command", "ended", "z01", "on", "Kim", 600),
        ("command", "made", "z02", "on", "Lee", 600),
        ("command", "refused", "z02", "on", "Lee", 600),
        ("command", "made", "z01", "on", "Kim", 0),
    ]
    made = (await ask(setup, zone="z01")).entries[-1]
    assert (made.text, made.until_utc_s) == ("snow", first.expires_utc_s)


async def test_commands_that_were_cancelled_end_then_and_the_log_is_read_once_for_all_roads(setup: Setup) -> None:
    made = [await setup.overrides.request(zone, "on", 120, "snow", "Kim") for zone in ("z01", "z02")]
    setup.clock.advance(300)
    for override in made:
        await setup.overrides.cancel(override.id, "Lee")
    read: list[str] = []

    def traced(db: sqlite3.Connection) -> History:
        db.set_trace_callback(read.append)
        try:
            return history(db, ZONES, (HistoryKind.COMMAND,), (NOW, NOW + 301), False)
        finally:
            db.set_trace_callback(None)

    found = await setup.store.read(traced)
    ended = {(e.subject, e.utc_s - NOW) for e in found.entries if e.what == "ended"}
    assert ended == {("z01", 300), ("z02", 300)}
    assert len([sql for sql in read if "FROM audit" in sql]) == 1


async def test_a_road_has_the_alarms_of_its_board_and_supply_and_no_others(setup: Setup) -> None:
    for code, subject in (("offline", "b01"), ("offline", "b02"), ("peak", "f1"), ("earth-fault", "z02"), ("disk", "")):
        await setup.store.alarms.raise_alarm(code, subject, "why", NOW)
    await setup.store.alarms.clear_alarm("offline", "b01", NOW)
    of = {(e.subject, e.what) for e in (await ask(setup, zone="z01")).entries}
    assert of == {("b01", "raised"), ("b01", "cleared"), ("f1", "raised")}
    assert {e.subject for e in (await ask(setup)).entries} == {"b01", "b02", "f1", "z02", ""}


async def test_works_dangers_and_sign_ins(setup: Setup) -> None:
    works = RoadWorks(setup.store.works, setup.live, None, setup.clock)
    [work] = await works.report(["z01"], WorkKind.SALTED, "Kim")
    await works.take_back(work.id, "Lee")
    await setup.store.audit.append("Park", "danger", "7 zone z01")
    await setup.store.audit.append("Kim", "sign-in", "link of admin on phone")
    assert {line[:5] for line in lines(await ask(setup))} == {
        ("work", "done", "z01", "calcium-chloride", "Kim"), ("work", "taken-back", "z01", "calcium-chloride", "Lee"),
        ("danger", "danger", "z01", "zone", "Park"), ("sign-in", "sign-in", "", "", "Kim"),
    }  # fmt: skip
    assert {entry.kind for entry in (await ask(setup, zone="z02")).entries} == set()


async def test_a_plan_is_listed_where_its_reason_changes(setup: Setup) -> None:
    codes = [ReasonCode.PREHEAT_SNOW, ReasonCode.PREHEAT_SNOW, ReasonCode.MELT_SNOW, None, ReasonCode.MELT_SNOW]
    plans = [
        Plan(zone="z01", issued_utc_s=NOW - 4_500 + 900 * n, start_utc_s=NOW - 4_500 + 900 * n, slots=(Slot(0, 0, 0),),
             why=(Reason(0, 3_600, code),) if code else ())
        for n, code in enumerate(codes)
    ]  # fmt: skip
    await setup.store.plans.save(plans)
    found = await ask(setup, (HistoryKind.PLAN,), "z01")
    assert [(e.word, e.utc_s - NOW) for e in found.entries] == [
        ("melt-snow", -900), ("melt-snow", -2_700), ("preheat-snow", -4_500),
    ]  # fmt: skip


async def test_a_long_period_is_refused_and_a_full_one_says_so(setup: Setup) -> None:
    for kinds, days, zone in (
        (EVERYTHING, PLANS_MAX_S // 86_400 + 1, ""),
        (EVERYTHING, PERIOD_MAX_S // 86_400 + 1, "z01"),
    ):
        with pytest.raises(CommandError, match="too long"):
            await ask(setup, kinds, zone, days)
    for n in range(ENTRIES_MAX + 5):
        await setup.store.alarms.raise_alarm("offline", f"b{n}", "", NOW)
    found = await ask(setup)
    assert (len(found.entries), found.complete) == (ENTRIES_MAX, False)
