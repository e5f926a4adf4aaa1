"""People of a database from before sessions had an age and links a maker."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from supervisor.store import access, database, journal, people

T0 = 1_703_980_800  # 2023-12-31T00:00:00Z


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@pytest.mark.parametrize("first_used", [True, False])
def test_people_sessions_and_links_of_an_older_database_are_taken_over(tmp_path: Path, first_used: bool) -> None:
    db = database.connect(tmp_path / "old.db")
    for number, path in database.migrations():
        if path.stem.endswith("_sign_in"):
            break
        for statement in database.statements(path.read_text(encoding="utf-8")):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
    session = (digest("cookie"), "이민수", "crew", "csrf", T0 - 100, T0 + 100)
    db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)", session)
    for token, user, role in (("first", "admin", "admin"), ("invited", "Park", "viewer")):
        link = (digest(token), "sign-in", user, role, T0 + 100)
        db.execute("INSERT INTO one_time_token VALUES (?, ?, ?, ?, ?, NULL)", link)
    if first_used:
        journal.kv_set(db, access.FIRST_DONE, str(T0 - 100))
    database.migrate(db)

    found = people.find_session(db, "cookie", T0)
    assert found is not None
    assert (found.user, found.role, found.seen_utc_s) == ("이민수", "crew", T0 - 100)
    assert [(p.name, p.role) for p in access.overview(db, T0) if p.name != "admin"] == [
        ("Park", "viewer"),
        ("이민수", "crew"),
    ]
    opened = access.sign_in(db, "first", "token", "csrf", T0, T0 + 100, "phone")
    assert (opened is None) == first_used
    assert access.sign_in(db, "invited", "another", "csrf", T0, T0 + 100, "phone") is not None
    assert db.execute("SELECT user FROM one_time_token WHERE used_utc_s IS NULL").fetchall() == []
    db.close()
