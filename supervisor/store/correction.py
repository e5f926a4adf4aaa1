"""Quarantined energy that a person books after all: into hours and days, evenly over a time; it can be taken back.

Ticks and totals stay what the board's counter explains. Hours, days, reports and bills follow the correction.
"""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from supervisor.domain.errors import CommandError
from supervisor.domain.plan import SLOT_S
from supervisor.store import rollup
from supervisor.store.energy import quarters_wh
from supervisor.store.journal import append_audit
from supervisor.store.meter import drawable_wh
from supervisor.store.quarantine import ENERGY

SETTLED_S = 2 * 86_400  # by then a board has sent its journal, which may explain the energy
_OF = "board = :board AND life = :life AND boot = :boot AND q = :q AND zone = :zone"


class Case(Struct, frozen=True):
    """Energy in quarantine, and what became of it."""

    id: int  # of the quarantine's row
    board: str
    zone: str
    start_utc_s: int
    excess_wh: int
    booked_utc_s: int | None  # None: it is not booked


class Spread(Struct, frozen=True):
    """The quarters of an hour to book into, and the power that the cable can draw."""

    from_utc_s: int
    to_utc_s: int
    rated_w: int


def cases(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> list[Case]:
    """Energy of intervals that begin in a period, oldest first."""
    rows = db.execute(
        "SELECT a.id, a.board, a.zone, a.start_utc_s, a.excess_wh, c.booked_utc_s FROM quarantine a "
        "LEFT JOIN correction c ON c.board = a.board AND c.life = a.life AND c.boot = a.boot AND c.q = a.q "
        "AND c.zone = a.zone AND c.reverted_utc_s IS NULL "
        "WHERE a.reason = ? AND a.start_utc_s >= ? AND a.start_utc_s < ? ORDER BY a.start_utc_s, a.id",
        (ENERGY, from_utc_s, to_utc_s),
    )
    return [Case(*row) for row in rows]


def zone_of(db: sqlite3.Connection, case_id: int) -> str:
    """The zone of a case; raises CommandError where there is none."""
    return str(_row(db, case_id)["zone"])


def book(db: sqlite3.Connection, case_id: int, spread: Spread, now_utc_s: int, by: str, reason: str) -> int:
    """Book a case evenly over quarters of an hour; returns its energy [Wh].

    Raises CommandError where it is booked already or younger than two days, and for a time in which the cable cannot
    have drawn it beside what is booked there: no correction makes a peak above rated power × 1.1.
    """
    row = _row(db, case_id)
    where = f"case {case_id}"
    if db.execute(f"SELECT 1 FROM correction WHERE {_OF} AND reverted_utc_s IS NULL", row).fetchone():
        raise CommandError("booked already", where=where, remedy="Take it back first: energy correct revert")
    if now_utc_s - int(row["received_utc_s"]) < SETTLED_S:
        raise CommandError(
            "younger than two days: the journal of the board may still explain it", where=where, remedy="Book it later"
        )
    energy_wh = int(row["excess_wh"])
    parts = _parts(energy_wh, spread)
    _refuse_too_much(db, str(row["zone"]), parts, spread)
    rollup.book(db, str(row["zone"]), parts)
    db.execute(
        "INSERT INTO correction (board, life, boot, q, zone, booked_utc_s, from_utc_s, to_utc_s, energy_wh) "
        "VALUES (:board, :life, :boot, :q, :zone, :now, :first, :past, :energy_wh)",
        {**row, "now": now_utc_s, "first": spread.from_utc_s, "past": spread.to_utc_s, "energy_wh": energy_wh},
    )
    detail = f"case {case_id}, {row['zone']}: {energy_wh} Wh over {spread.from_utc_s} to {spread.to_utc_s}: {reason}"
    append_audit(db, now_utc_s, by, "energy-correct", detail)
    return energy_wh


def revert(db: sqlite3.Connection, case_id: int, now_utc_s: int, by: str, reason: str) -> int:
    """Take a correction back, to the watt-hour; returns its energy [Wh]. Raises CommandError where none stands."""
    row = _row(db, case_id)
    found = db.execute(
        f"SELECT id, from_utc_s, to_utc_s, energy_wh FROM correction WHERE {_OF} AND reverted_utc_s IS NULL", row
    ).fetchone()
    if found is None:
        raise CommandError("not booked", where=f"case {case_id}", remedy="energy correct list shows what is booked")
    number, first, past, energy_wh = found
    parts = _parts(energy_wh, Spread(first, past, 0))
    rollup.book(db, str(row["zone"]), {quarter: -wh for quarter, wh in parts.items()})
    db.execute("UPDATE correction SET reverted_utc_s = ? WHERE id = ?", (now_utc_s, number))
    append_audit(db, now_utc_s, by, "energy-correct-revert", f"case {case_id}, {row['zone']}: {energy_wh} Wh: {reason}")
    return int(energy_wh)


def _row(db: sqlite3.Connection, case_id: int) -> dict[str, int | str]:
    names = ("board", "life", "boot", "q", "zone", "received_utc_s", "excess_wh")
    row = db.execute(
        f"SELECT {', '.join(names)} FROM quarantine WHERE id = ? AND reason = ?", (case_id, ENERGY)
    ).fetchone()
    if row is None:
        raise CommandError("no such energy in quarantine", where=f"case {case_id}", remedy="See energy correct list")
    return dict(zip(names, row, strict=True))


def _parts(energy_wh: int, spread: Spread) -> dict[int, int]:
    """Whole watt-hours of each quarter, by the UTC second at which it starts."""
    quarters = range(spread.from_utc_s, spread.to_utc_s, SLOT_S)
    if not quarters:
        raise CommandError(
            "the period is empty", where="--from --to", remedy="--to is the end of the period, exclusive"
        )
    ends = [energy_wh * (n + 1) // len(quarters) for n in range(len(quarters))]
    return {quarter: end - begin for quarter, begin, end in zip(quarters, [0, *ends], ends, strict=False)}


def _refuse_too_much(db: sqlite3.Connection, zone: str, parts: dict[int, int], spread: Spread) -> None:
    booked = quarters_wh(db, zone, spread.from_utc_s, spread.to_utc_s)
    most_wh = drawable_wh(spread.rated_w, SLOT_S)
    full = [quarter for quarter, wh in parts.items() if wh and wh + booked.get(quarter, 0) > most_wh]
    if full:
        raise CommandError(
            f"{len(full)} of {len(parts)} quarters of an hour would have more than {spread.rated_w} W can draw",
            where=zone, remedy="Give a longer time, or correct the rated power of the zone first",
        )  # fmt: skip
