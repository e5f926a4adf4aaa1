"""Free space of the state folder's disk: alarm and metrics; and on a full disk the spool still empties."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from supervisor.control.alarms import Alarms
from supervisor.control.disk_watch import DiskWatch
from supervisor.control.metrics import Metrics
from supervisor.control.tests.test_off_with_a_full_disk import fill_folder, small_disk, write_until_full
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store, spool

__all__ = ["small_disk"]
GIB = 1024**3


def test_the_alarm_stands_from_a_gibibyte_until_a_quarter_more(tmp_path: Path) -> None:
    metrics = Metrics()
    alarms = Alarms(ManualClock(0), metrics)
    disk = SimpleNamespace(total=100 * GIB, free=2 * GIB)
    watch = DiskWatch(tmp_path, alarms, metrics, lambda _: disk)
    stood = []
    for free in (2.0, 0.99, 1.2, 1.26, 1.2):
        disk.free = int(free * GIB)
        watch.look()
        stood.append(any(alarm.code is AlarmCode.DISK_LOW for alarm in alarms.standing()))
    assert stood == [False, True, True, False, False]
    disk.total, disk.free = 4 * GIB, int(0.5 * GIB)  # a small disk: a tenth of it
    watch.look()
    assert not alarms.standing()
    assert metrics.registry.get_sample_value("roadheat_disk_free_bytes") == 0.5 * GIB


async def test_on_a_full_disk_delivered_lines_leave_and_make_room_for_telemetry(
    small_disk: Path, clock: ManualClock
) -> None:
    """A disk that is full to its last block: InfluxDB has taken the lines, and deleting them needs space itself."""
    store = Store.open(small_disk / DATABASE_NAME, clock, site="s", spool_cap_bytes=2**30)
    ballast = small_disk / f"{DATABASE_NAME}-ballast"
    assert ballast.exists()
    line = "zone,site=s,zone=z01 delta_wh=1i 1"
    lines = "\n".join([line] * 1000)
    for _ in range(60):
        await store.write(lambda db: spool.put(db, lines, 1000))
    fill_folder(small_disk)
    await write_until_full(store)
    while (batch := await store.spool.batch(5_000)) is not None:
        await store.spool.delivered(batch.last_id, [])
    assert not ballast.exists()
    state = await store.spool.state()
    assert (state.points, state.delivered) == (0, 60_000)
    for n in range(50):  # what the spool has left is room for others, although the disk is as full as before
        await store.values.set(f"telemetry-{n}", "x" * 3000)
    await write_until_full(store)  # but not the space that the next lines need to leave
    await store.write(lambda db: db.execute("DELETE FROM kv WHERE key LIKE 'app.filler%'"), drains=True)
    await store.close()
