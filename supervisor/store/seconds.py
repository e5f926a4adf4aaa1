"""A distinct second for each tick of a board: two points of one series and second overwrite each other
(docs/decisions/0004).

However many records of a board fall on one second, finding a free one takes a bounded search: seconds found to be
taken are remembered, and the next search begins behind them.
"""

from __future__ import annotations

import sqlite3

LOOK_MAX = 128  # seconds looked at in either direction


def free_second(db: sqlite3.Connection, board: str, start_utc_s: int, latest_utc_s: int) -> int | None:
    """The first second from `start_utc_s`, and not after `latest_utc_s`, that no tick of the board has; else the last
    one before. None where a bounded search finds none.
    """
    if not db.execute("SELECT 1 FROM tick WHERE board = ? AND start_utc_s = ?", (board, start_utc_s)).fetchone():
        return start_utc_s
    low, high = _taken(db, board)
    inside = low <= start_utc_s <= high
    ahead = high + 1 if inside else start_utc_s + 1
    behind = low - 1 if inside else start_utc_s - 1
    if not inside:
        low = high = start_utc_s
    until = min(ahead + LOOK_MAX, latest_utc_s + 1)
    for (taken,) in db.execute(
        "SELECT start_utc_s FROM tick WHERE board = ? AND start_utc_s BETWEEN ? AND ? ORDER BY start_utc_s",
        (board, ahead, until - 1),
    ):
        if taken != ahead:
            break
        ahead += 1
    if ahead < until:
        _remember(db, board, low, ahead)
        return ahead
    until = behind - LOOK_MAX
    for (taken,) in db.execute(
        "SELECT start_utc_s FROM tick WHERE board = ? AND start_utc_s BETWEEN ? AND ? ORDER BY start_utc_s DESC",
        (board, until + 1, behind),
    ):
        if taken != behind:
            break
        behind -= 1
    found = behind > until
    _remember(db, board, behind if found else behind + 1, max(high, ahead - 1))
    return behind if found else None


def _taken(db: sqlite3.Connection, board: str) -> tuple[int, int]:
    """Seconds, first and last, that are known to be taken by the board's ticks, all of them."""
    row = db.execute("SELECT from_utc_s, to_utc_s FROM board_seconds WHERE board = ?", (board,)).fetchone()
    return row if row else (0, -1)


def _remember(db: sqlite3.Connection, board: str, low: int, high: int) -> None:
    db.execute("INSERT OR REPLACE INTO board_seconds VALUES (?, ?, ?)", (board, low, high))
