"""Names of people in old records give place to pseudonyms, so that no more is kept of a person than is needed.

One person has one pseudonym. Which one is forgotten when nothing is left under the name; from then on the old records
say what was done, and nobody can tell by whom.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from typing import Final

from supervisor.domain.names import INTERFACE_PREFIX, RESERVED
from supervisor.domain.role import Role
from supervisor.store import audit
from supervisor.store.access import FIRST_ADMIN
from supervisor.store.tokens import USER_PREFIX

ENTRIES_MAX: Final = 5_000  # in one transaction: it delays other records by a tenth of a second
ALIAS: Final = "person-"
NOT_PEOPLE: Final = frozenset({"", FIRST_ADMIN, *RESERVED, *(role.value for role in Role)})
_INVITED: Final = re.compile(rf"(.+) as ({'|'.join(Role)})")
# Table, column with its time, columns that name people.
_TABLES: Final = (
    ("override", "created_utc_s", ("user", "reason")),
    ("alarm", "raised_utc_s", ("acknowledged_by", "assigned_to", "comment")),
    ("shift", "until_utc_s", ("person", "made_by")),
    ("maintenance", "until_utc_s", ("made_by", "reason")),
    ("notice", "utc_s", ("receiver",)),
    ("handover", "utc_s", ("user", "taken_by", "comment", "comment_lines")),
    ("road_work", "utc_s", ("user", "taken_back_by")),
    ("training", "utc_s", ("person",)),
    ("panel_reading", "utc_s", ("user",)),
    ("event", "utc_s", ("reason",)),
    ("danger", "raised_utc_s", ("user", "cleared_by", "confirmed_by")),
)


def pseudonymise(db: sqlite3.Connection, before_utc_s: float, now_utc_s: int) -> int:
    """Replace names in records from before that time. Returns how many audit entries were changed: call it until 0.

    Raises StoreError, and changes nothing, where these entries have been altered: what is wrong stays as it is.
    """
    done = _done(db)
    last = min(_last_before(db, before_utc_s), done + ENTRIES_MAX)
    replaced = _Replacer(db, _names(db, last))
    for table, time, columns in _TABLES:
        _replace(db, table, time, columns, before_utc_s, replaced)
    if last <= done:
        return 0
    audit.verify_part(db, done, last)
    rows = db.execute("SELECT id, user, detail FROM audit WHERE id > ? AND id <= ?", (done, last)).fetchall()
    db.executemany(
        "UPDATE audit SET user = ?, detail = ?, pseudonymised = 1 WHERE id = ?",
        [(replaced(user), replaced(detail), number) for number, user, detail in rows],
    )
    audit.seal(db, last, now_utc_s)
    _forget(db)
    return len(rows)


def _last_before(db: sqlite3.Connection, before_utc_s: float) -> int:
    """The last entry of those at the beginning that are all older; the clock may have been set back."""
    row = db.execute("SELECT MIN(id) - 1 FROM audit WHERE utc_s >= ?", (before_utc_s,)).fetchone()
    if row[0] is not None:
        return int(row[0])
    return int(db.execute("SELECT COALESCE(MAX(id), 0) FROM audit").fetchone()[0])


def _done(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT COALESCE(MAX(id), 0) FROM audit WHERE pseudonymised = 1").fetchone()[0])


def _names(db: sqlite3.Connection, last: int) -> set[str]:
    """Everybody who may be named in the entries up to `last`: who did something, and who was invited."""
    found = {name for (name,) in db.execute("SELECT name FROM user UNION SELECT name FROM pseudonym")}
    for user, action, detail in db.execute("SELECT user, action, detail FROM audit WHERE id <= ?", (last,)):
        found.add(user)
        if action == "invite" and (invited := _INVITED.fullmatch(detail)):
            found.add(invited[1])
    return {
        name for name in found if name not in NOT_PEOPLE and not name.startswith((USER_PREFIX, INTERFACE_PREFIX, ALIAS))
    }


def nameless(db: sqlite3.Connection, text: str) -> str:
    """A text that goes to others, such as InfluxDB, without the names of people who have access or had it."""
    names = {name for (name,) in db.execute("SELECT name FROM user UNION SELECT name FROM pseudonym")} - NOT_PEOPLE
    found = _pattern(names)
    return found.sub("person", text) if found else text


def _pattern(names: set[str]) -> re.Pattern[str] | None:
    # Longest first: one name may begin with another. Particles follow a Korean name without a space.
    words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![0-9A-Za-z])(?<!{USER_PREFIX})(?:{words})(?![0-9A-Za-z])") if words else None


def _alias(db: sqlite3.Connection, name: str) -> str:
    row = db.execute("SELECT alias FROM pseudonym WHERE name = ?", (name,)).fetchone()
    if row:
        return str(row[0])
    alias = ALIAS + secrets.token_hex(4)
    db.execute("INSERT INTO pseudonym VALUES (?, ?)", (name, alias))
    return alias


class _Replacer:
    """Replaces every name of people in a text; a pseudonym is made for those that occur."""

    def __init__(self, db: sqlite3.Connection, names: set[str]) -> None:
        self._db = db
        self._names = _pattern(names)

    def __call__(self, text: str) -> str:
        return self._names.sub(lambda found: _alias(self._db, found[0]), text) if self._names else text


def _replace(
    db: sqlite3.Connection, table: str, time: str, columns: tuple[str, ...], before_utc_s: float, replaced: _Replacer
) -> None:
    listed = ", ".join(columns)
    for row, *texts in db.execute(f"SELECT rowid, {listed} FROM {table} WHERE {time} < ?", (before_utc_s,)).fetchall():
        new = [None if text is None else replaced(text) for text in texts]
        if new != texts:
            changes = ", ".join(f"{column} = ?" for column in columns)
            db.execute(f"UPDATE {table} SET {changes} WHERE rowid = ?", (*new, row))


def _forget(db: sqlite3.Connection) -> None:
    """Delete the pseudonyms of people who have left and are named nowhere any more."""
    db.execute(
        "DELETE FROM pseudonym WHERE name NOT IN (SELECT name FROM user) AND NOT EXISTS (SELECT 1 FROM audit "
        "WHERE pseudonymised = 0 AND (audit.user = pseudonym.name OR instr(audit.detail, pseudonym.name) > 0))"
    )
