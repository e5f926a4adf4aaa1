"""Which life of a board a record belongs to: a board replaced or provisioned anew counts its boots from one again.

A board names its life in its hello (`life`). One with firmware before 0.2 does not: it has begun a new life where its
boot number is below one that is on record.
"""

from __future__ import annotations

import sqlite3

LIVES_SEARCHED = 16  # newest lives in which a repeated record is looked for: bounds the work of a commit


def life_of(db: sqlite3.Connection, board: str, life_id: str, hello_boot: int) -> int:
    """The life of the session whose hello said this; a new one is begun where it is new."""
    life = newest(db, board)
    if not life_id:
        return begin(db, board) if hello_boot < _newest_boot(db, board, life) else life
    row = db.execute("SELECT life FROM board_life_id WHERE board = ? AND id = ?", (board, life_id)).fetchone()
    if row is not None:
        return int(row[0])
    named = db.execute("SELECT 1 FROM board_life_id WHERE board = ? AND life = ?", (board, life)).fetchone()
    if named is not None or hello_boot < _newest_boot(db, board, life):
        life = begin(db, board)
    db.execute("INSERT INTO board_life_id VALUES (?, ?, ?)", (board, life_id, life))
    return life


def earlier_life(db: sqlite3.Connection, board: str, life: int, boot: int) -> int | None:
    """The newest life before `life` in which that boot is on record; None where it is in none of the last ones.

    A board whose state was made anew may still hold the journal of the life before.
    """
    for earlier in range(life - 1, max(-1, life - LIVES_SEARCHED), -1):
        if db.execute(
            "SELECT 1 FROM tick WHERE board = ? AND life = ? AND boot = ? LIMIT 1", (board, earlier, boot)
        ).fetchone():
            return earlier
    return None


def newest(db: sqlite3.Connection, board: str) -> int:
    """The number of the board's newest life."""
    row = db.execute("SELECT life FROM board_life WHERE board = ?", (board,)).fetchone()
    return int(row[0]) if row else 0


def begin(db: sqlite3.Connection, board: str) -> int:
    """Begin a new life; returns its number."""
    life = newest(db, board) + 1
    db.execute("INSERT OR REPLACE INTO board_life VALUES (?, ?)", (board, life))
    return life


def _newest_boot(db: sqlite3.Connection, board: str, life: int) -> int:
    row = db.execute("SELECT max(boot) FROM meter WHERE board = ? AND life = ?", (board, life)).fetchone()
    return -1 if row[0] is None else int(row[0])
