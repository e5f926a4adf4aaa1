"""What people and faults did on a zone, as bars with a begin and an end."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from supervisor.domain.override import OverrideState
from supervisor.store import commands, past, road_work


class BarKind(StrEnum):
    COMMAND = "command"
    ALARM = "alarm"
    WORK = "work"


class Bar(Struct, frozen=True):
    """From when until when, what and by whom."""

    kind: BarKind
    word: str  # mode of a command, code of an alarm, kind of a work
    from_utc_s: int
    until_utc_s: int | None  # null: it stands; a work has its begin
    user: str = ""
    text: str = ""  # reason of a command; the alarm's details


def bars(db: sqlite3.Connection, zone: str, subjects: Sequence[str], from_utc_s: int, now_utc_s: int) -> list[Bar]:
    """All of a zone from that time on, oldest first; alarms of `subjects`."""
    made = commands.overrides(db, zone, from_utc_s - past.LONGEST_S, now_utc_s + 1)
    ended = past.cancelled(db, from_utc_s - past.LONGEST_S, now_utc_s)
    found = [
        Bar(BarKind.COMMAND, o.mode, o.created_utc_s, end, o.user, o.reason)
        for o, end in past.ends(made, ended)
        if end > from_utc_s and o.state is not OverrideState.REFUSED
    ]
    for alarm in past.alarms(db, subjects, from_utc_s, now_utc_s + 1):
        found.append(Bar(BarKind.ALARM, alarm.code, alarm.raised_utc_s, alarm.cleared_utc_s, "", alarm.detail))
    for work in road_work.between(db, zone, from_utc_s, now_utc_s + 1):
        if work.taken_back_utc_s is None:
            found.append(Bar(BarKind.WORK, work.kind, work.utc_s, work.utc_s, work.user, road_work.said(work)))
    return sorted(found, key=lambda bar: bar.from_utc_s)
