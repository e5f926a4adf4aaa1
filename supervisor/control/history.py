"""What happened on one zone or on all: commands, alarms, works, dangers, stages, plan reasons, sign-ins."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from supervisor.domain.errors import CommandError
from supervisor.domain.override import LIVE_STATES, OverrideState
from supervisor.domain.plan import Plan
from supervisor.domain.stage import STAGE_EVENT
from supervisor.domain.zone import Zone
from supervisor.store import commands, events, journal, past, plans, road_work

PERIOD_MAX_S: Final = 31 * 86_400
PLANS_MAX_S: Final = 2 * 86_400  # of all zones at once: each has a plan at least every quarter of an hour
ENTRIES_MAX: Final = 2_000
_SIGN_INS: Final = ("sign-in", "sign-out")
_DANGERS: Final = ("danger", "danger-again", "danger-cleared")


class HistoryKind(StrEnum):
    COMMAND = "command"
    ALARM = "alarm"
    WORK = "work"
    DANGER = "danger"
    STAGE = "stage"
    PLAN = "plan"
    SIGN_IN = "sign-in"


class HistoryEntry(Struct, frozen=True):
    """One thing that happened: the translation key `history.<kind>.<what>` and its values."""

    utc_s: int
    kind: HistoryKind
    what: str  # made, ended, refused; raised, cleared, acknowledged; done, taken-back; reason; or the audit's action
    subject: str  # zone, board or feeder; "" for the service
    word: str = ""  # mode of a command, code of an alarm or plan reason, ploughed or agent of a work
    user: str = ""
    text: str = ""  # as somebody wrote it
    until_utc_s: int | None = None


class History(Struct, frozen=True):
    """Newest first."""

    entries: list[HistoryEntry]
    complete: bool  # False: older ones of the period were left out


def history(
    db: sqlite3.Connection, zones: Sequence[Zone], kinds: Collection[HistoryKind], period: tuple[int, int], one: bool
) -> History:
    """What happened from `period[0]` until before `period[1]`. `one`: of these zones, their boards and feeders only.

    Raises CommandError for a period that is too long.
    """
    begin, end = period
    longest = PLANS_MAX_S if HistoryKind.PLAN in kinds and not one else PERIOD_MAX_S
    if not 0 < end - begin <= longest:
        raise CommandError(
            "this period is empty or too long", where="from", remedy=f"Ask for at most {longest // 86_400} days at once"
        )
    subjects = {part for zone in zones for part in (zone.id, zone.board, zone.feeder)} if one else None
    found = [
        entry
        for kind, entries in _SOURCES.items()
        if kind in kinds
        for entry in entries(db, zones, subjects, begin, end)
        if begin <= entry.utc_s < end
    ]
    found.sort(key=lambda entry: entry.utc_s, reverse=True)
    return History(found[:ENTRIES_MAX], len(found) <= ENTRIES_MAX)


Entries = Iterator[HistoryEntry]
Subjects = Collection[str] | None


def _commands(db: sqlite3.Connection, zones: Sequence[Zone], _: Subjects, begin: int, end: int) -> Entries:
    ended = past.cancelled(db, begin - past.LONGEST_S, end)
    for zone in zones:
        made = commands.overrides(db, zone.id, begin - past.LONGEST_S, end)
        for override, until in past.ends(made, ended):
            kind, mode, by, reason = HistoryKind.COMMAND, override.mode.value, override.user, override.reason
            made_s, expires = override.created_utc_s, override.expires_utc_s
            yield HistoryEntry(made_s, kind, "made", zone.id, mode, by, reason, expires)
            if override.state is OverrideState.REFUSED:
                yield HistoryEntry(made_s, kind, "refused", zone.id, mode, by, reason)
            elif override.state not in LIVE_STATES:
                yield HistoryEntry(until, kind, "ended", zone.id, mode, by, reason)


def _alarms(db: sqlite3.Connection, _: Sequence[Zone], subjects: Subjects, begin: int, end: int) -> Entries:
    for alarm in past.alarms(db, None if subjects is None else sorted(subjects), begin, end):
        kind, subject, code = HistoryKind.ALARM, alarm.subject, alarm.code
        yield HistoryEntry(alarm.raised_utc_s, kind, "raised", subject, code, "", alarm.detail)
        if alarm.acknowledged_utc_s is not None:
            by = alarm.acknowledged_by or ""
            yield HistoryEntry(alarm.acknowledged_utc_s, kind, "acknowledged", subject, code, by, alarm.comment)
        if alarm.cleared_utc_s is not None:
            yield HistoryEntry(alarm.cleared_utc_s, kind, "cleared", subject, code)


def _works(db: sqlite3.Connection, zones: Sequence[Zone], _: Subjects, begin: int, end: int) -> Entries:
    wanted = {zone.id for zone in zones}
    for work in road_work.between(db, None, begin - 86_400, end):
        if work.zone in wanted:
            kind, word = HistoryKind.WORK, (work.agent or work.kind).value
            amount = "" if work.amount_g_m2 is None else f"{work.amount_g_m2:g} g/m²"
            yield HistoryEntry(work.utc_s, kind, "done", work.zone, word, work.user, amount)
            if work.taken_back_utc_s is not None:
                yield HistoryEntry(
                    work.taken_back_utc_s, kind, "taken-back", work.zone, word, work.taken_back_by or ""
                )  # fmt: skip


def _dangers(db: sqlite3.Connection, _: Sequence[Zone], subjects: Subjects, begin: int, end: int) -> Entries:
    for entry in journal.audit(db, begin, end):
        if entry.action in _DANGERS:
            _number, kind, subject = entry.detail.split(" ", 2)
            if subjects is None or subject in subjects:
                yield HistoryEntry(entry.utc_s, HistoryKind.DANGER, entry.action, subject, kind, entry.user)


def _sign_ins(db: sqlite3.Connection, _: Sequence[Zone], subjects: Subjects, begin: int, end: int) -> Entries:
    if subjects is None:
        for entry in journal.audit(db, begin, end):
            if entry.action in _SIGN_INS:
                yield HistoryEntry(entry.utc_s, HistoryKind.SIGN_IN, entry.action, "", user=entry.user)


def _stages(db: sqlite3.Connection, _: Sequence[Zone], subjects: Subjects, begin: int, end: int) -> Entries:
    if subjects is None:
        for event in events.events(db, begin, end, STAGE_EVENT):
            word, _rest = event.detail.split(" ", 1)
            yield HistoryEntry(event.utc_s, HistoryKind.STAGE, "now", "", word)


def _plans(db: sqlite3.Connection, zones: Sequence[Zone], _: Subjects, begin: int, end: int) -> Entries:
    for zone in zones:
        yield from _reasons(zone.id, plans.plans(db, zone.id, begin, end))


def _reasons(zone: str, plans: Iterable[Plan]) -> Entries:
    """Where the reason of the moment is another one than before."""
    before = ""
    for plan in plans:
        since = plan.issued_utc_s - plan.start_utc_s
        now = next((why for why in plan.why if why.start_s <= since < why.end_s), None)
        code = now.code.value if now is not None else ""
        if now is not None and code != before:
            until = plan.start_utc_s + now.end_s
            yield HistoryEntry(plan.issued_utc_s, HistoryKind.PLAN, "reason", zone, code, until_utc_s=until)
        before = code


_SOURCES: Final = {
    HistoryKind.COMMAND: _commands,
    HistoryKind.ALARM: _alarms,
    HistoryKind.WORK: _works,
    HistoryKind.DANGER: _dangers,
    HistoryKind.STAGE: _stages,
    HistoryKind.PLAN: _plans,
    HistoryKind.SIGN_IN: _sign_ins,
}
