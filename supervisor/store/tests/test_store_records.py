"""Commands, people and the journal are kept as documented."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from supervisor.domain.errors import NotFoundError, StoreError
from supervisor.domain.override import Override, OverrideMode, OverrideState
from supervisor.domain.plan import Plan, Reason, Slot
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Grant, Session, Store, User, commands, people, plans
from supervisor.store.place import Place
from supervisor.store.tests.hasty import unguard_audit
from supervisor.store.tests.hours import hours as hours_of
from supervisor.wire.messages import Telemetry, ZoneSample

T0 = 1_703_980_800  # 2023-12-31T00:00:00Z


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
async def store(place: Place, clock: ManualClock) -> AsyncIterator[Store]:
    opened = Store.open(place, clock, site="seongbuk", timezone="Asia/Seoul", spool_cap_bytes=2**20)
    yield opened
    await opened.close()


async def test_epochs_only_rise_across_restarts(place_named: Callable[[str], Place], clock: ManualClock) -> None:
    path = place_named("again.db")
    seen = []
    for _ in range(3):
        opened = Store.open(path, clock)
        seen.append(await opened.epochs.next())
        await opened.close()
    assert seen == [1, 2, 3]
    restored = Store.open(place_named("old_backup.db"), clock)
    assert await restored.epochs.raise_above(3) == 4
    assert await restored.epochs.next() == 5
    await restored.close()


async def test_an_override_lives_until_its_expiry_or_end(store: Store) -> None:
    ice = Override(
        id=0, zone="z01", mode=OverrideMode.ON, reason="ice", user="kim", created_utc_s=T0, expires_utc_s=T0 + 600
    )
    works = Override(
        id=0, zone="z02", mode=OverrideMode.OFF, reason="works", user="lee", created_utc_s=T0, expires_utc_s=T0 + 900
    )
    made = await store.write(lambda db: commands.add_override(db, ice))
    other = await store.write(lambda db: commands.add_override(db, works))
    assert await store.overrides.live(T0) == [made, other]
    assert await store.overrides.live(T0 + 600) == [other]
    await store.overrides.set_state(other.id, OverrideState.CANCELLED)
    assert await store.overrides.live(0) == [made]  # a start also sees what has expired meanwhile
    assert [found.id for found in await store.overrides.made("z01", T0, T0 + 1)] == [made.id]
    with pytest.raises(NotFoundError):
        await store.overrides.set_state(77, OverrideState.SENT)


async def test_the_newest_plan_of_each_zone_comes_back_whole(store: Store) -> None:
    def plan(zone: str, issued: int) -> Plan:
        return Plan(
            zone=zone,
            issued_utc_s=issued,
            start_utc_s=issued,
            slots=(Slot(0, 2000, 300), Slot(900, 2000, -1)),
            why=(Reason(0, 900, "preheat-snow", 0.7, issued + 3600),),
        )

    await store.plans.save([plan("z01", T0), plan("z02", T0)])
    await store.plans.save([plan("z01", T0 + 900)])
    assert await store.plans.latest() == {"z01": plan("z01", T0 + 900), "z02": plan("z02", T0)}
    assert await store.read(lambda db: plans.plans(db, "z01", T0, T0 + 900)) == [plan("z01", T0)]


async def test_the_audit_log_shows_any_change(store: Store, clock: ManualClock) -> None:
    for n in range(5):
        clock.advance(60)
        await store.audit.append("kim", "override", f"{n} z01 on 30 min: 빙판")
    length, head = await store.audit.verify()
    assert length == 5
    assert len(head) == 64
    assert [entry.utc_s for entry in await store.audit.entries(T0, T0 + 121)] == [T0 + 60, T0 + 120]
    with pytest.raises(StoreError, match="only grows"):
        await store.write(lambda db: db.execute("DELETE FROM audit WHERE id = 3"))
    for forgery in ("UPDATE audit SET user = 'lee' WHERE id = 3", "DELETE FROM audit WHERE id = 3"):
        await store.write(unguard_audit)
        saved = await store.read(lambda db: db.execute("SELECT * FROM audit").fetchall())
        await store.write(lambda db, forgery=forgery: db.execute(forgery))
        with pytest.raises(StoreError, match="entry 3"):
            await store.audit.verify()
        await store.write(lambda db: db.execute("DELETE FROM audit"))
        await store.write(
            lambda db, saved=saved: db.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", saved)
        )


async def test_a_one_time_token_works_once_and_in_time(store: Store, clock: ManualClock) -> None:
    grant = Grant("login", "admin", "admin")

    async def use(token: str, purpose: str) -> Grant | None:
        return await store.write(lambda db: people.use_one_time_token(db, token, purpose, clock.utc_s()))

    for token in ("secret", "late"):
        await store.write(lambda db, token=token: people.add_one_time_token(db, token, grant, T0 + 600))
    assert await use("secret", "reset") is None  # another purpose leaves it valid
    assert await use("secret", "login") == grant
    assert await use("secret", "login") is None
    clock.advance(600)
    assert await use("late", "login") is None


async def test_sessions_end(store: Store, clock: ManualClock) -> None:
    session = Session("kim", "crew", "csrf", T0, T0 + 3600)
    for token in ("one", "two", "three"):
        await store.write(lambda db, token=token: people.create_session(db, token, session))
    assert await store.access.find_session("one") == session
    await store.write(lambda db: people.end_session(db, "one"))
    assert await store.access.find_session("one") is None
    assert await store.access.find_session("two") == session
    clock.advance(3600)
    assert await store.access.find_session("two") is None
    assert await store.write(lambda db: people.end_sessions_of(db, "kim")) == 2


async def test_no_secret_is_in_the_file(tmp_path: Path, clock: ManualClock) -> None:
    store = Store.open(tmp_path / DATABASE_NAME, clock)
    session, grant = Session("kim", "crew", "c", T0, T0 + 3600), Grant("login", "a", "admin")
    await store.write(lambda db: people.create_session(db, "cookie-value-in-clear", session))
    await store.write(lambda db: people.add_one_time_token(db, "login-link-in-clear", grant, T0 + 600))
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240
    assert b"in-clear" not in stored
    await store.close()


async def test_users(store: Store) -> None:
    kim = User("kim", "crew", T0)
    await store.write(lambda db: people.put_user(db, kim))
    await store.write(lambda db: people.put_user(db, User("kim", "crew", T0, disabled=True)))
    assert await store.read(lambda db: people.find_user(db, "kim")) == User("kim", "crew", T0, disabled=True)
    assert await store.read(lambda db: people.find_user(db, "lee")) is None
    assert len(await store.read(people.users)) == 1


async def test_one_alarm_is_open_per_cause(store: Store, clock: ManualClock) -> None:
    first = await store.alarms.raise_alarm("over-temperature", "z01", "82 °C")
    clock.advance(5)
    again = await store.alarms.raise_alarm("over-temperature", "z01", "83 °C")
    assert (again.id, again.raised_utc_s, again.detail) == (first.id, T0, "83 °C")
    said = msgspec.structs.replace(again, acknowledged_by="kim", acknowledged_utc_s=T0 + 5, comment="on the way")
    assert await store.alarms.attend_alarm(said)
    assert await store.alarms.open_alarms() == [said]
    assert await store.alarms.clear_alarm("over-temperature", "z01")
    assert not await store.alarms.clear_alarm("over-temperature", "z01")
    assert await store.alarms.open_alarms() == []
    assert (await store.alarms.raise_alarm("over-temperature", "z01", "again")).id != first.id
    assert not await store.alarms.attend_alarm(msgspec.structs.replace(said, subject="z99"))


async def test_events_are_kept_and_spooled(store: Store) -> None:
    await store.events.append("frame-refused", "b01", 'bad "mac"')
    assert [event.kind for event in await store.events.happened(T0, T0 + 1)] == ["frame-refused"]
    assert await store.events.happened(T0, T0 + 1, "other") == []
    batch = await store.spool.batch(10)
    assert batch is not None
    assert batch.lines == rf'event,site=seongbuk,zone=b01 kind="frame-refused",detail="bad \"mac\"" {T0}'


async def test_events_of_one_second_are_points_of_their_own(store: Store, clock: ManualClock) -> None:
    for subject in ("z01", "z02", "z01", "z01"):
        await store.events.append("alarm", subject, "x")
    clock.advance(1)
    await store.events.append("alarm", "z01", "x")
    clock.advance(60)
    await store.events.append("alarm", "z01", "x")
    batch = await store.spool.batch(10)
    assert batch is not None
    points = [(line.split(",zone=")[1].split(" ")[0], int(line.split(" ")[-1])) for line in batch.lines.splitlines()]
    assert len(set(points)) == 6
    assert [stamp - T0 for zone, stamp in points if zone == "z01"] == [0, 1, 2, 3, 61]
    assert [event.utc_s - T0 for event in await store.events.happened(T0, T0 + 100)] == [0, 0, 0, 0, 1, 61]


async def test_hours_and_local_days_follow_the_ticks(store: Store, clock: ManualClock) -> None:
    """Three hours across Seoul's midnight (15:00 UTC): two local days, one point an hour, the late one again."""
    start = T0 + 13 * 3600
    for n in range(0, 3 * 360, 6):  # a record a minute
        zone = ZoneSample("z01", -1000 + n, 9000, 0, 60, 6_000, 100 * (n // 6 + 1), 1000, 4, 0)
        tel = Telemetry(boot=1, q=n, utc=0, up=n * 10 + 60, dt=60, bad=0, z=(zone,))
        if n != 600:
            await store.telemetry.commit("b01", tel, start + n * 10 + 60, start + n * 10)
        else:
            late = tel
    clock.advance(13 * 3600 + 3 * 3600 + 300)
    assert await store.upkeep.roll_up() == 3
    days = await store.read(
        lambda db: db.execute("SELECT day, energy_wh, covered_s FROM zone_1d ORDER BY day").fetchall()
    )
    assert days == [("2023-12-31", 12_000, 7140), ("2024-01-01", 6_000, 3600)]
    before = (await store.spool.state()).points
    await store.telemetry.commit("b01", late, start + 9000, start + 6000)
    assert await store.upkeep.roll_up() == 1
    assert (await store.spool.state()).points - before == 2 + 2  # the tick and its successor; its hour and its day
    days = await store.read(lambda db: db.execute("SELECT energy_wh, covered_s FROM zone_1d ORDER BY day").fetchall())
    assert days == [(12_000, 7200), (6_000, 3600)]
    hours = await store.read(lambda db: hours_of(db, start, start + 3 * 3600))
    assert [hour.energy_wh for hour in hours] == [6000, 6000, 6000]
    assert hours[0].quarters_wh == (1500, 1500, 1500, 1500)
    assert sum(hour.energy_wh for hour in hours) == (await store.telemetry.zone_totals())["z01"]


@pytest.mark.parametrize(
    ("timezone", "midnight"), [("Asia/Kathmandu", 18 * 3600 + 900), ("America/St_Johns", 3 * 3600 + 1800)]
)
async def test_local_days_begin_at_local_midnight_where_it_is_within_an_hour_of_utc(
    place: Place, clock: ManualClock, timezone: str, midnight: int
) -> None:
    """100 Wh a minute from two hours before midnight on: the day before has exactly two hours of it."""
    store = Store.open(place, clock, site="s", timezone=timezone, spool_cap_bytes=2**20)
    start = T0 + midnight - 2 * 3600
    for n in range(0, 3 * 360, 6):
        zone = ZoneSample("z01", -1000, 9000, 0, 60, 6_000, 100 * (n // 6 + 1), 1000, 4, 0)
        tel = Telemetry(boot=1, q=n, utc=0, up=n * 10 + 60, dt=60, bad=0, z=(zone,))
        await store.telemetry.commit("b01", tel, start + n * 10 + 60, start + n * 10)
    clock.advance(start + 4 * 3600 - clock.utc_s())
    await store.upkeep.roll_up()
    days = await store.read(
        lambda db: db.execute("SELECT energy_wh, on_s, covered_s FROM zone_1d ORDER BY day").fetchall()
    )
    assert [day[0] for day in days] == [12_000, 6_000]
    assert days[0][1] + days[1][1] == days[0][2] + days[1][2] == 3 * 3600
    await store.close()


async def test_the_cap_drops_the_oldest_and_counts_them(place: Place, clock: ManualClock) -> None:
    store = Store.open(place, clock, spool_cap_bytes=500)
    for _ in range(20):
        await store.events.append("k", "", "x" * 40)
    full = await store.spool.state()
    assert full.fill > 1
    dropped = await store.spool.enforce_cap()
    state = await store.spool.state()
    assert state.spool_bytes <= 500
    assert dropped == state.dropped == 20 - state.points > 0
    await store.close()
