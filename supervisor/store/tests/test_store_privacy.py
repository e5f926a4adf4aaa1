"""Names give place to pseudonyms, and the audit log's chain still shows every change."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.domain.errors import StoreError
from supervisor.domain.override import Override, OverrideMode, OverrideState
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store, User, commands, journal, people, pseudonyms
from supervisor.store.audit import DAY_S, records
from supervisor.store.place import Place
from supervisor.store.tests.hasty import unguard_audit

T0 = 1_703_980_800  # 2023-12-31T00:00:00Z
KEPT_S = 730 * DAY_S


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    opened = Store.open(place, ManualClock(T0))
    yield opened
    await opened.close()


async def log(store: Store, utc_s: int, *entries: tuple[str, str, str]) -> None:
    for user, action, detail in entries:
        await store.write(lambda db, e=(user, action, detail): journal.append_audit(db, utc_s, *e))


async def replace_names(store: Store, now: int) -> int:
    return await store.write(lambda db: pseudonyms.pseudonymise(db, now - KEPT_S, now))


async def the_winter_of_2023(store: Store) -> None:
    await store.write(lambda db: people.put_user(db, User("박 서연", "crew", T0)))
    await log(
        store, T0,
        ("admin", "invite", "김하나 as crew"),
        ("admin", "invite", "Lee as admin"),
        ("Lee", "invite", "박 서연 as crew"),
        ("김하나", "override", "1 z01 on 60 min: 김하나가 얼음을 봄, Leeds road"),
        ("token:Lee", "override", "2 z02 on 60 min: sensor"),
        ("calibration", "calibration", "z01: better"),
        ("Lee", "revoke-person", "김하나: 1 sessions, 0 links"),
    )  # fmt: skip
    old = Override(id=0, zone="z01", mode=OverrideMode.ON, reason="Lee called", user="김하나", created_utc_s=T0,
                   expires_utc_s=T0 + 60, state=OverrideState.EXPIRED)  # fmt: skip
    await store.write(lambda db: commands.add_override(db, old))


async def test_old_entries_name_nobody_and_the_chain_holds(store: Store) -> None:
    await the_winter_of_2023(store)
    before = await store.audit.verify()
    now = T0 + KEPT_S + DAY_S
    await log(store, now - 60, ("박 서연", "override", "9 z01 off 60 min: done"))
    assert await replace_names(store, now) == 7
    entries = await store.read(lambda db: list(records(db)))
    text = " ".join(entry.user + " " + entry.detail for entry in entries[:7])
    assert not [name for name in ("김하나", "박 서연", "Lee as") if name in text]
    assert "Leeds road" in text
    assert "token:Lee" in text  # a program
    assert entries[0].user == "admin"
    assert "Lee" not in [entry.user for entry in entries]
    assert entries[3].detail.startswith("1 z01 on 60 min: person-")
    assert entries[3].detail.split(": ")[1].startswith(entries[3].user)  # the same pseudonym, before the particle 가
    assert entries[7].user == "박 서연"  # young enough
    length, head = await store.audit.verify()
    assert (length, head != before[1]) == (9, True)
    assert entries[6].hash == before[1]  # what was noted before still fits
    [kept] = await store.overrides.made("z01", T0, T0 + 1)
    assert kept.user == entries[3].user
    assert kept.reason.startswith("person-")
    # Whoever is named nowhere else is forgotten; who still works here keeps one pseudonym.
    names = [name for (name,) in await store.read(lambda db: db.execute("SELECT name FROM pseudonym").fetchall())]
    assert names == ["박 서연"]
    assert await replace_names(store, now) == 0
    again = now + 2 * DAY_S + KEPT_S
    assert await replace_names(store, again) == 2
    later = await store.read(lambda db: list(records(db)))
    assert later[7].user == entries[2].detail.split(" as ")[0]
    await store.audit.verify()


async def test_many_entries_are_replaced_in_parts_and_the_chain_holds_in_between(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pseudonyms, "ENTRIES_MAX", 3)
    await the_winter_of_2023(store)
    now, counts = T0 + KEPT_S + DAY_S, []
    while changed := await replace_names(store, now):
        counts.append(changed)
        await store.audit.verify()
    assert counts == [3, 3, 1]
    entries = await store.read(lambda db: list(records(db)))
    assert entries[2].user == entries[6].user  # Lee, in the first and in the last part
    assert (await store.audit.verify())[0] == 7 + len(counts)


ZEROS = f"x'{'00' * 32}'"
FORGERIES = [
    "UPDATE audit SET detail = 'z09 off' WHERE id = 4",
    "UPDATE audit SET user = 'person-00000000' WHERE id = 4",
    f"UPDATE audit SET hash = {ZEROS} WHERE id = 4",
    f"UPDATE audit SET hash = {ZEROS} WHERE id = 7",
    "UPDATE audit SET pseudonymised = 1, user = 'person-1' WHERE id = 8",
    "UPDATE audit SET pseudonymised = 0 WHERE id = 7",
    "DELETE FROM audit WHERE id = 3",
    "DELETE FROM audit WHERE id = 9",
]


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_entry_is_found_among_those_with_pseudonyms(store: Store, forgery: str) -> None:
    await the_winter_of_2023(store)
    now = T0 + KEPT_S + DAY_S
    await log(store, now - 60, ("박 서연", "override", "9 z01 off 60 min: done"))
    await replace_names(store, now)
    await store.write(unguard_audit)
    await store.write(lambda db: db.execute(forgery))
    with pytest.raises(StoreError, match="altered"):
        await store.audit.verify()


async def test_a_log_that_was_altered_is_not_changed_further(store: Store) -> None:
    await the_winter_of_2023(store)
    await store.write(unguard_audit)
    await store.write(lambda db: db.execute("UPDATE audit SET user = 'nobody' WHERE id = 4"))
    with pytest.raises(StoreError, match="altered"):
        await replace_names(store, T0 + KEPT_S + DAY_S)
    [kept] = await store.overrides.made("z01", T0, T0 + 1)
    assert kept.user == "김하나"


async def test_young_entries_cannot_be_made_to_look_old(store: Store) -> None:
    await the_winter_of_2023(store)
    await store.write(lambda db: pseudonyms.pseudonymise(db, T0 + 1, T0 + 2))
    with pytest.raises(StoreError, match="before 365 days"):
        await store.audit.verify()


async def test_the_database_refuses_to_change_anything_but_names(store: Store) -> None:
    await the_winter_of_2023(store)
    for change in ("user = 'x'", "user = 'x', pseudonymised = 1, utc_s = 1", f"pseudonymised = 1, hash = {ZEROS}"):
        with pytest.raises(StoreError, match="only grows"):
            await store.write(lambda db, change=change: db.execute(f"UPDATE audit SET {change} WHERE id = 4"))


# Deleted with the person, with their end, or after a day; or names no person.
NOT_REPLACED = {
    ("user", "name"), ("session", "user"), ("one_time_token", "user"), ("one_time_token", "made_by"),
    ("passkey", "user"), ("push_subscription", "person"),
    ("api_token", "name"), ("api_token", "made_by"), ("answer", "user"),
    ("dead_letter", "reason"), ("quarantine", "reason"), ("counter", "name"),
    ("pseudonym", "name"), ("pseudonym", "alias"), ("audit", "user"), ("audit", "detail"),
}  # fmt: skip


async def test_every_column_that_may_name_a_person_is_known(tmp_path: Path) -> None:
    """A new one: replaced by pseudonyms (`_TABLES` of `pseudonyms`), or deleted otherwise and listed above."""
    store = Store.open(tmp_path / DATABASE_NAME, ManualClock(T0))
    replaced = {(table, column) for table, _, columns in pseudonyms._TABLES for column in columns}
    tables = await store.read(lambda db: db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall())
    found = set()
    for (table,) in tables:
        for row in await store.read(lambda db, table=table: db.execute(f"PRAGMA table_info({table})").fetchall()):
            if (
                re.search(r"user|name$|_by$|assigned|comment|reason|alias|person|who$|receiver", row[1])
                and row[2] == "TEXT"
            ):
                found.add((table, row[1]))
    found.add(("audit", "detail"))
    assert found - NOT_REPLACED == replaced
    await store.close()
