"""How much time a board's records may claim: never more than has passed.

The energy that a record may bring is bounded by the uptime it claims, so the uptime itself has to be bounded, or a
board could book a year of full power at once. Time passes at the rate of the supervisor's clock: `spare_s` grows with
it and shrinks by what each record claims (the uptime since the record before, within its boot). Time without
contact between two boots stays claimable for the journal of the earlier one, and expires as live records come in.

A record that claims more is kept, but its counter's rise is not booked: `believed` is false.
"""

from __future__ import annotations

import sqlite3

from supervisor.store.tick import Position

SLACK_S = 180  # records may wait this long in the network before they arrive, and the next one not at all
FIRST_S = 600  # the same for a board that is heard for the first time: how late its records come is not known yet
DRIFT = 1.002  # a board's crystal may run so much faster than the supervisor's clock; 50 ppm are usual
JOURNAL_S = 28 * 3600  # a first contact may reach back so far; a board's journal holds 26 h
# Unclaimed time that is kept. The oldest record of a journal claims all the time since the board was last heard, which
# with a dead modem is weeks, and the cable may have drawn power in all of it.
DARK_S = 31 * 86_400


def believes(db: sqlite3.Connection, board: str, at: Position, received_utc_s: int, ran_s: int | None) -> bool | None:
    """Whether the time that a record at `at` claims has passed; it is claimed then.

    None: it is from too long before the board's first record.

    `ran_s`: for a board without any record, how long it reports to have run in this boot: its journal may reach
    back so far. None for others.
    """
    first = ran_s is not None
    row = db.execute(
        "SELECT received_utc_s, spare_s, early_s, first_life, first_boot, life, boot, up_s "
        "FROM board_time WHERE board = ?",
        (board,),
    ).fetchone()
    if row is None:
        row = _begin(db, board, at, received_utc_s, ran_s)
    known_utc_s, spare_s, early_s, first_life, first_boot, *newest = row
    passed_s = max(0, received_utc_s - known_utc_s)
    spare_s += passed_s * DRIFT
    life, boot, up_s = newest
    is_newest = (at.life, at.boot, at.up_s) > (life, boot, up_s)
    if is_newest:
        claimed_s = at.up_s - up_s if (at.life, at.boot) == (life, boot) else at.up_s
        claimed_s = 0 if first else claimed_s
        newest = [at.life, at.boot, at.up_s]
    else:
        claimed_s = _claimed_late_s(db, board, at)
    early = (at.life, at.boot) < (first_life, first_boot)
    if not is_newest and (at.life, at.boot) == (first_life, first_boot):
        before_s = _before_first_s(db, board, at)
        if before_s is not None:
            if before_s > early_s:
                return None
            early, claimed_s = True, before_s
    believed: bool = claimed_s <= (early_s if early else spare_s)
    if believed and early:
        early_s -= claimed_s
    elif believed:
        spare_s -= claimed_s
        if is_newest and abs(passed_s - claimed_s) <= SLACK_S:  # live: as time is covered, older time expires
            spare_s = max(min(spare_s, SLACK_S), spare_s - passed_s)
    spare_s = min(spare_s, DARK_S)
    db.execute(
        "UPDATE board_time SET received_utc_s = ?, spare_s = ?, early_s = ?, life = ?, boot = ?, up_s = ? "
        "WHERE board = ?",
        (received_utc_s, spare_s, early_s, *newest, board),
    )
    return believed


def _begin(
    db: sqlite3.Connection, board: str, at: Position, received_utc_s: int, ran_s: int | None
) -> tuple[float, ...]:
    """The account of a board without one: it is new, or its record is from before accounts were kept."""
    life, boot, up_s, known_utc_s = at.life, at.boot, at.up_s - 1, received_utc_s
    spare_s = SLACK_S if ran_s is None else FIRST_S
    if ran_s is not None:
        spare_s += min(max(0, ran_s - at.up_s), JOURNAL_S)
    else:
        found = db.execute(
            "SELECT life, boot, up_s, received_utc_s FROM tick WHERE board = ? "
            "ORDER BY life DESC, boot DESC, up_s DESC, q DESC LIMIT 1",
            (board,),
        ).fetchone()
        if found is None:  # all its ticks have been pruned
            found = (*db.execute(
                "SELECT life, boot, up_s FROM meter WHERE board = ? ORDER BY life DESC, boot DESC, up_s DESC LIMIT 1",
                (board,),
            ).fetchone(), received_utc_s - JOURNAL_S)  # fmt: skip
        life, boot, up_s, known_utc_s = found
    row = known_utc_s, spare_s, JOURNAL_S, life, boot, life, boot, up_s
    db.execute(
        "INSERT INTO board_time (board, received_utc_s, spare_s, early_s, first_life, first_boot, life, boot, up_s) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (board, *row),
    )
    return row


def _before_first_s(db: sqlite3.Connection, board: str, at: Position) -> int | None:
    """Time from `at` to the first record of its boot, of which none has been claimed yet; None where `at` is later."""
    first = db.execute(
        "SELECT min(up_s) FROM tick WHERE board = ? AND life = ? AND boot = ?", (board, at.life, at.boot)
    ).fetchone()[0]
    return None if first is None or at.up_s >= first else first - at.up_s


def _claimed_late_s(db: sqlite3.Connection, board: str, at: Position) -> int:
    """Time that a record before the newest one claims: none where the one after it, of its boot, has claimed it."""
    key = (board, at.life, at.boot, at.up_s, at.q)
    after = db.execute(
        "SELECT believed FROM tick WHERE board = ? AND life = ? AND boot = ? AND (up_s, q) > (?, ?) "
        "ORDER BY up_s, q LIMIT 1",
        key,
    ).fetchone()
    if after is not None and after[0]:
        return 0
    before = db.execute(
        "SELECT up_s FROM tick WHERE board = ? AND life = ? AND boot = ? AND (up_s, q) < (?, ?) "
        "ORDER BY up_s DESC, q DESC LIMIT 1",
        key,
    ).fetchone()
    return at.up_s - (before[0] if before is not None else 0)
