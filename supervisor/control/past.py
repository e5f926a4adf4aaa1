"""What people and faults did on a zone, as bars with a begin and an end."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from supervisor.domain.override import LIVE_STATES, Override, OverrideState
from supervisor.store import commands, journal, past, road_work

LONGEST_S = 86_400  # an override, which may have begun before the period


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
    made = commands.overrides(db, zone, from_utc_s - LONGEST_S, now_utc_s + 1)
    ended = cancelled(db, from_utc_s - LONGEST_S, now_utc_s)
    found = [
        Bar(BarKind.COMMAND, o.mode, o.created_utc_s, end, o.user, o.reason)
        for o, end in ends(made, ended)
        if end > from_utc_s and o.state is not OverrideState.REFUSED
    ]
    for alarm in past.alarms(db, subjects, from_utc_s, now_utc_s + 1):
        found.append(Bar(BarKind.ALARM, alarm.code, alarm.raised_utc_s, alarm.cleared_utc_s, "", alarm.detail))
    for work in road_work.between(db, zone, from_utc_s, now_utc_s + 1):
        if work.taken_back_utc_s is None:
            found.append(Bar(BarKind.WORK, work.kind, work.utc_s, work.utc_s, work.user, road_work.said(work)))
    return sorted(found, key=lambda bar: bar.from_utc_s)


def ends(made: Sequence[Override], cancelled_utc_s: Mapping[int, int]) -> list[tuple[Override, int]]:
    """Overrides of one zone, newest first, each with its end: by its expiry, a newer one or a person's cancel.

    `cancelled_utc_s`: of `cancelled`, from the oldest of them on; one reading serves all zones.
    """
    found, newer_utc_s = [], None
    for override in made:
        end = override.expires_utc_s
        if override.state not in LIVE_STATES:
            end = min(end, cancelled_utc_s.get(override.id, end))
        if newer_utc_s is not None:
            end = min(end, newer_utc_s)
        if override.state is not OverrideState.REFUSED:  # one that was refused displaced nothing on the board
            newer_utc_s = override.created_utc_s
        found.append((override, max(end, override.created_utc_s)))
    return found


def cancelled(db: sqlite3.Connection, from_utc_s: int, now_utc_s: int) -> dict[int, int]:
    """Number of each override that a person ended → when."""
    found = {}
    for entry in journal.audit(db, from_utc_s, now_utc_s + 1):
        if entry.action == "cancel" and (number := re.match(r"\d+", entry.detail)):
            found[int(number[0])] = entry.utc_s
    return found
