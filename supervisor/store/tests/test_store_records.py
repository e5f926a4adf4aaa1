"""Commands, people and the journal keep their promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.domain.errors import NotFoundError, StoreError
from supervisor.domain.override import OverrideMode, OverrideState
from supervisor.domain.plan import Plan, Reason, Slot
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Grant, Session, Store, User
from supervisor.wire.messages import Telemetry, ZoneSample

T0 = 1_703_980_800  # 2023-12-31T00:00:00Z


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / DATABASE_NAME, clock, site="seongbuk", timezone="Asia/Seoul", spool_cap_bytes=2**20)
    yield opened
    await opened.close()


async def test_epochs_and_sequences_only_rise_across_restarts(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "again.db"
    seen = []
    for _ in range(3):
        opened = Store.open(path, clock)
        seen.append((await opened.next_epoch(), await opened.reserve_sequences("b01", 10)))
        await opened.close()
    assert seen == [(1, 1), (2, 11), (3, 21)]
    restored = Store.open(tmp_path / "old_backup.db", clock)
    assert await restored.raise_epoch(3) == 4
    assert await restored.next_epoch() == 5
    await restored.close()


async def test_an_override_lives_until_its_expiry_or_end(store: Store) -> None:
    made = await store.add_override(
        zone="z01", mode=OverrideMode.ON, reason="ice", user="kim", created_utc_s=T0, expires_utc_s=T0 + 600
    )
    other = await store.add_override(
        zone="z02", mode=OverrideMode.OFF, reason="works", user="lee", created_utc_s=T0, expires_utc_s=T0 + 900
    )
    assert await store.live_overrides(T0) == [made, other]
    assert await store.live_overrides(T0 + 600) == [other]
    await store.update_override_state(other.id, OverrideState.CANCELLED)
    assert await store.live_overrides(0) == [made]  # a start looks at what expired while nobody did
    assert [found.id for found in await store.overrides("z01", T0, T0 + 1)] == [made.id]
    with pytest.raises(NotFoundError):
        await store.update_override_state(77, OverrideState.SENT)


async def test_the_newest_plan_of_each_zone_comes_back_whole(store: Store) -> None:
    def plan(zone: str, issued: int) -> Plan:
        return Plan(
            zone=zone,
            issued_utc_s=issued,
            start_utc_s=issued,
            slots=(Slot(0, 2000, 300), Slot(900, 2000, -1)),
            why=(Reason(0, 900, "preheat-snow", 0.7, issued + 3600),),
        )

    await store.save_plans([plan("z01", T0), plan("z02", T0)])
    await store.save_plans([plan("z01", T0 + 900)])
    assert await store.latest_plans() == {"z01": plan("z01", T0 + 900), "z02": plan("z02", T0)}
    assert await store.plans("z01", T0, T0 + 900) == [plan("z01", T0)]


async def test_the_audit_log_shows_any_change(store: Store, clock: ManualClock) -> None:
    for n in range(5):
        clock.advance(60)
        await store.append_audit("kim", "override", f"{n} z01 on 30 min: 빙판")
    length, head = await store.verify_audit()
    assert length == 5
    assert len(head) == 64
    assert [entry.utc_s for entry in await store.audit(T0, T0 + 121)] == [T0 + 60, T0 + 120]
    with pytest.raises(StoreError, match="only grows"):
        await store.write(lambda db: db.execute("DELETE FROM audit WHERE id = 3"))
    for forgery in ("UPDATE audit SET user = 'lee' WHERE id = 3", "DELETE FROM audit WHERE id = 3"):
        await store.write(lambda db: db.execute("DROP TRIGGER audit_keeps"))  # someone with the file in hand
        await store.write(lambda db: db.execute("DROP TRIGGER audit_stands"))
        saved = await store.read(lambda db: db.execute("SELECT * FROM audit").fetchall())
        await store.write(lambda db, forgery=forgery: db.execute(forgery))
        with pytest.raises(StoreError, match="entry 3"):
            await store.verify_audit()
        await store.write(lambda db: db.execute("DELETE FROM audit"))
        await store.write(lambda db, saved=saved: db.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", saved))
        await store.write(
            lambda db: db.execute("CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN SELECT 1; END")
        )
        await store.write(
            lambda db: db.execute("CREATE TRIGGER audit_stands BEFORE UPDATE ON audit BEGIN SELECT 1; END")
        )


async def test_a_one_time_token_works_once_and_in_time(store: Store, clock: ManualClock) -> None:
    grant = Grant("login", "admin", "admin")
    await store.add_one_time_token("secret", grant, T0 + 600)
    await store.add_one_time_token("late", grant, T0 + 600)
    assert (
        await store.use_one_time_token(
            "secret",
            "reset",
        )
        is None
    )  # another purpose does not burn it
    assert await store.use_one_time_token("secret", "login") == grant
    assert await store.use_one_time_token("secret", "login") is None
    clock.advance(600)
    assert await store.use_one_time_token("late", "login") is None


async def test_sessions_end(store: Store, clock: ManualClock) -> None:
    session = Session("kim", "crew", "csrf", T0, T0 + 3600)
    for token in ("one", "two", "three"):
        await store.create_session(token, session)
    assert await store.find_session("one") == session
    await store.end_session("one")
    assert await store.find_session("one") is None
    assert await store.find_session("two") == session
    clock.advance(3600)
    assert await store.find_session("two") is None
    assert await store.end_sessions_of("kim") == 2


async def test_no_secret_is_in_the_file(store: Store, tmp_path: Path) -> None:
    await store.create_session("cookie-value-in-clear", Session("kim", "crew", "c", T0, T0 + 3600))
    await store.add_one_time_token("login-link-in-clear", Grant("login", "a", "admin"), T0 + 600)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240
    assert b"in-clear" not in stored


async def test_users(store: Store) -> None:
    await store.put_user(User("kim", "crew", "$argon2id$…", T0))
    await store.put_user(User("kim", "crew", "$argon2id$…", T0, disabled=True))
    assert await store.find_user("kim") == User("kim", "crew", "$argon2id$…", T0, disabled=True)
    assert await store.find_user("lee") is None
    assert len(await store.users()) == 1


async def test_one_alarm_is_open_per_cause(store: Store, clock: ManualClock) -> None:
    first = await store.raise_alarm("over-temperature", "z01", "82 °C")
    clock.advance(5)
    again = await store.raise_alarm("over-temperature", "z01", "83 °C")
    assert (again.id, again.raised_utc_s, again.detail) == (first.id, T0, "83 °C")
    seen = await store.acknowledge_alarm(first.id, "kim")
    assert (await store.acknowledge_alarm(first.id, "lee")) == seen
    assert await store.clear_alarm("over-temperature", "z01")
    assert not await store.clear_alarm("over-temperature", "z01")
    assert await store.open_alarms() == []
    assert (await store.raise_alarm("over-temperature", "z01", "again")).id != first.id
    with pytest.raises(NotFoundError):
        await store.acknowledge_alarm(999, "kim")


async def test_events_are_kept_and_spooled(store: Store) -> None:
    await store.append_event("frame-refused", "b01", 'bad "mac"')
    assert [event.kind for event in await store.events(T0, T0 + 1)] == ["frame-refused"]
    assert await store.events(T0, T0 + 1, "other") == []
    batch = await store.spool_batch(10)
    assert batch is not None
    assert batch.lines == rf'event,site=seongbuk,zone=b01 kind="frame-refused",detail="bad \"mac\"" {T0}'


async def test_hours_and_local_days_follow_the_ticks(store: Store, clock: ManualClock) -> None:
    """Three hours across Seoul's midnight (15:00 UTC): two local days, each hour a point, the late one again."""
    start = T0 + 13 * 3600
    for n in range(0, 3 * 360, 6):  # a record a minute
        zone = ZoneSample("z01", -1000 + n, 9000, 0, 60, 6_000, 100 * (n // 6 + 1), 1000, 4, 0)
        tel = Telemetry(boot=1, q=n, utc=0, up=n * 10 + 60, dt=60, bad=0, z=(zone,))
        if n != 600:
            await store.commit_telemetry("b01", tel, start + n * 10 + 60, start + n * 10)
        else:
            late = tel
    clock.advance(13 * 3600 + 3 * 3600 + 300)
    assert await store.roll_up() == 3
    days = await store.read(
        lambda db: db.execute("SELECT day, energy_wh, covered_s FROM zone_1d ORDER BY day").fetchall()
    )
    assert days == [("2023-12-31", 12_000, 7140), ("2024-01-01", 6_000, 3600)]
    before = (await store.spool_state()).points
    await store.commit_telemetry("b01", late, start + 9000, start + 6000)
    assert await store.roll_up() == 1
    assert (await store.spool_state()).points - before == 2 + 2  # the tick and its successor; its hour and its day
    days = await store.read(lambda db: db.execute("SELECT energy_wh, covered_s FROM zone_1d ORDER BY day").fetchall())
    assert days == [(12_000, 7200), (6_000, 3600)]
    hours = await store.energy(start, start + 3 * 3600)
    assert [hour.energy_wh for hour in hours] == [6000, 6000, 6000]
    assert hours[0].quarters_wh == (1500, 1500, 1500, 1500)
    assert sum(hour.energy_wh for hour in hours) == (await store.zone_totals())["z01"]


async def test_the_cap_drops_the_oldest_and_counts_them(tmp_path: Path, clock: ManualClock) -> None:
    store = Store.open(tmp_path / "cap.db", clock, spool_cap_bytes=500)
    for _ in range(20):
        await store.append_event("k", "", "x" * 40)
    full = await store.spool_state()
    assert full.fill > 1
    dropped = await store.spool_enforce_cap()
    state = await store.spool_state()
    assert state.spool_bytes <= 500
    assert dropped == state.dropped == 20 - state.points > 0
    await store.close()
