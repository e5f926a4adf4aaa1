"""Events that are real: what people commanded, alarms, reboots, gaps, changes of plans; each a point of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from supervisor.domain.override import Override, OverrideMode, OverrideState
from supervisor.domain.plan import Plan, PlanLabel, Reason, ReasonCode, Slot
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store, User, database, events, people
from supervisor.store.events import Event
from supervisor.store.place import Place
from supervisor.wire.messages import Telemetry, ZoneSample

T0 = 1_703_980_800


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
async def store(place: Place, clock: ManualClock) -> AsyncIterator[Store]:
    opened = Store.open(place, clock, site="s", spool_cap_bytes=2**20)
    await opened.write(lambda db: people.put_user(db, User("김서준", "crew", T0)))
    yield opened
    await opened.close()


async def points(store: Store) -> list[str]:
    """The lines of events that wait, oldest first."""
    batch = await store.spool.batch(10_000)
    return [line for line in (batch.lines.splitlines() if batch else []) if line.startswith("event,")]


def stamps(lines: list[str]) -> list[int]:
    return [int(line.rsplit(" ", 1)[1]) - T0 for line in lines]


@pytest.mark.parametrize("seconds", [(0, 0, 0, 1, 0), (5, 5, 4, 4, 5, 3), (9, 0, 0, 8, 9, 9)])
async def test_no_event_overwrites_another_in_whatever_order_they_are_recorded(
    store: Store, seconds: tuple[int, ...]
) -> None:
    """An alarm that could not be recorded at once comes later with its own, earlier, time."""
    for n, second in enumerate(seconds):
        await store.alarms.raise_alarm(f"code-{n}", "z01", "x", T0 + second)
    found = stamps(await points(store))
    assert len(set(found)) == len(seconds)
    assert all(stamp >= second for stamp, second in zip(found, seconds, strict=True))


async def test_a_thousand_events_of_a_second_are_a_thousand_points(store: Store) -> None:
    def job(db: sqlite3.Connection) -> None:
        for n in range(1000):
            events.happen(db, store.spool.labels, Event(T0, "alarm-raised", "z01", str(n)))

    await store.write(job)
    assert len(set(stamps(await points(store)))) == 1000


def test_events_of_the_schema_before_keep_the_stamps_that_their_points_had(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / DATABASE_NAME, isolation_level=None)
    for _, step in database.migrations()[:17]:
        db.executescript(step.read_text(encoding="utf-8"))
    db.execute("PRAGMA user_version = 17")
    for subject, second in (("a", 0), ("a", 0), ("b", 0), ("a", 1), ("a", 60)):
        db.execute("INSERT INTO event (utc_s, kind, subject, detail) VALUES (?, 'k', ?, '')", (T0 + second, subject))
    database.migrate(db)
    found = db.execute("SELECT subject, point_utc_s - ? FROM event ORDER BY id", (T0,)).fetchall()
    assert found == [("a", 0), ("a", 1), ("b", 0), ("a", 2), ("a", 60)]
    db.close()


async def test_an_override_says_why_and_by_which_role_but_not_by_whom(store: Store, clock: ManualClock) -> None:
    made = Override(
        id=7, zone="z01", mode=OverrideMode.ON, reason="김서준이 얼음 확인", user="김서준",
        created_utc_s=T0, expires_utc_s=T0 + 3600,
    )  # fmt: skip
    await store.write(lambda db: store.overrides.add(db, made))
    await store.overrides.set_state(7, OverrideState.ACCEPTED)
    clock.advance(600)
    await store.overrides.set_state(7, OverrideState.CANCELLED)
    await store.overrides.set_state(7, OverrideState.CANCELLED)
    begun, ended = await points(store)
    why = 'reason="person이 얼음 확인",role="crew"'
    assert begun == f'event,site=s,zone=z01 kind="override",detail="on 60 min",{why} {T0}'
    assert ended == f'event,site=s,zone=z01 kind="override-ended",detail="on cancelled" {T0 + 600}'


async def test_an_alarm_is_an_event_at_its_beginning_and_at_its_end(store: Store) -> None:
    for text in ("82 °C", "83 °C"):
        await store.alarms.raise_alarm("over-temperature", "z01", text, T0)
    assert await store.alarms.clear_alarm("over-temperature", "z01", T0 + 90)
    assert not await store.alarms.clear_alarm("over-temperature", "z01", T0 + 91)
    assert await points(store) == [
        f'event,site=s,zone=z01 kind="alarm-raised",detail="over-temperature",reason="82 °C" {T0}',
        f'event,site=s,zone=z01 kind="alarm-ended",detail="over-temperature" {T0 + 90}',
    ]


async def hear(store: Store, boot: int, q: int, up_s: int, end_s: int, dt_s: int = 10) -> None:
    zones = tuple(ZoneSample(zone, 1000, 9000, 0, 0, 0, 0, 0, 4, 0) for zone in ("z01", "z02"))
    frame = Telemetry(boot, q, T0 + end_s, up_s, dt_s, 0, zones)
    assert await store.telemetry.commit("b01", frame, T0 + 10_000, T0 + end_s - dt_s)


async def test_a_reboot_is_told_once_at_the_time_of_the_boot(store: Store) -> None:
    for boot, q, up_s, end_s in (
        (3, 1, 500, 500),
        (3, 2, 510, 510),
        (4, 1, 20, 560),
        (4, 2, 30, 570),
        (3, 3, 520, 520),
    ):
        await hear(store, boot, q, up_s, end_s)
    assert [line for line in await points(store) if "reboot" in line] == [
        f'event,site=s,zone=b01 kind="reboot",detail="boot 4" {T0 + 540}'
    ]


async def test_a_gap_shrinks_to_nothing_as_the_journal_comes(store: Store) -> None:
    """Ten minutes without the link: the point of the gap is written again in its place."""
    await hear(store, 1, 1, 10, 10)
    await hear(store, 1, 60, 620, 620)
    for n in range(1, 11):
        await hear(store, 1, n + 1, 10 + 60 * n, 10 + 60 * n, 60)
    lines = await points(store)
    assert lines[0] == f'event,site=s,zone=b01 kind="gap",detail="no records",missing_s=600i {T0 + 10}'
    assert set(stamps(lines)) == {10}
    assert [int(line.split("missing_s=")[1].split("i")[0]) for line in lines] == [*range(600, -1, -60)]
    assert [event.missing_s for event in await store.events.happened(T0, T0 + 900, "gap")] == [0]


def plan(duties: list[int], start_s: int = 0, label: PlanLabel = PlanLabel.OPTIMAL) -> Plan:
    """Quarters of an hour with these duties [‰], then standby."""
    slots = tuple(Slot(900 * n, 3000, duty) for n, duty in enumerate([*duties, -1]))
    why = (Reason(0, 900, ReasonCode.MELT_SNOW),)
    return Plan(zone="z01", issued_utc_s=T0 + start_s, start_utc_s=T0 + start_s, slots=slots, label=label, why=why)


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (plan([0, 1000, 1000, 0]), None),
        (plan([0, 500, 900, 0]), None),  # the same quarters, less of it
        (plan([1000, 1000, 0, 0], 900), None),  # a quarter later, rolled on
        (plan([1000, 1000, 0, 700], 900), None),  # beyond what the plan before covered
        (plan([0, 0, 1000, 1000]), "optimal: 12-31T00:30Z to 12-31T01:00Z"),
        (plan([0, 0, 0, 0]), "optimal: no heat"),
        (plan([0, 1000, 1000, 0], 0, PlanLabel.SHIFTED), "shifted: 12-31T00:15Z to 12-31T00:45Z"),
    ],
)
async def test_a_plan_is_an_event_where_it_heats_at_other_times(store: Store, after: Plan, told: str | None) -> None:
    await store.plans.save([plan([0, 1000, 1000, 0])])
    await store.plans.save([after])
    found = [
        (event.kind, event.subject, event.detail, event.reason)
        for event in await store.events.happened(T0, T0 + 10_000)
    ]
    assert found == ([] if told is None else [("plan-change", "z01", told, "melt-snow")])


async def test_heat_that_was_not_foreseen_at_all_is_an_event(store: Store) -> None:
    await store.plans.save([plan([0, 0])])
    await store.plans.save([plan([0, 0, 800])])
    assert [event.detail for event in await store.events.happened(T0, T0 + 1)] == [
        "optimal: 12-31T00:30Z to 12-31T00:45Z"
    ]
    await store.write(lambda db: db.execute("UPDATE plan SET plan = ?", (msgspec.json.encode({"zone": 1}),)))
    await store.plans.save([plan([0, 0, 0])])  # a kept plan that cannot be read is no reason to keep none
