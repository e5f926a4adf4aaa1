"""OFF works with the disk full: to the board first, recorded when there is room, in order and with its true time."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from supervisor.control import late
from supervisor.control.tests.conftest import START_UTC_S, RecordingLink, Setup, greet
from supervisor.control.tests.test_dispatch import answer
from supervisor.domain.errors import StoreError
from supervisor.domain.override import OverrideMode, OverrideState
from supervisor.gateway.tests.board_client import until
from supervisor.runtime.background import Background
from supervisor.runtime.clock import ManualClock
from supervisor.store import reserve
from supervisor.store.store import Store


def limit(store: Store, pages: int) -> None:
    """SQLite's own SQLITE_FULL; 1 means: not one page more than now."""
    store._writer._connection.execute(f"PRAGMA max_page_count = {pages}")


async def fill(store: Store) -> None:
    limit(store, 1)
    await write_until_full(store)


async def write_until_full(store: Store) -> None:
    for n in range(10_000):
        try:
            await store.values.set(f"filler-{n}", "x" * 3000)
        except StoreError:
            return
    raise AssertionError("the disk does not fill")


@pytest.fixture
async def full(setup: Setup) -> AsyncIterator[Setup]:
    await fill(setup.store)
    yield setup
    limit(setup.store, 1_000_000)


LONG = "cable works on the bend " * 8  # so that no page has room for it


async def test_off_is_sent_at_once_and_recorded_with_its_true_time_once_there_is_room(full: Setup) -> None:
    setup = full
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet())
    told: list[int] = []
    setup.overrides.late.changed.append(told.append)
    made = [await setup.overrides.request("z01", "off", 60, LONG[:190], "kim") for _ in range(30)][-1]
    assert [o.m for o in link.overrides()] == ["off"] * 30
    assert not made.recorded
    view = setup.live.view("z01").override
    assert view is not None
    assert not view.recorded
    await setup.dispatcher.answered(link, answer(link.overrides()[-1]))
    assert setup.overrides.get(made.id).state is OverrideState.ACCEPTED
    assert told[0] > 0
    setup.clock.advance(600)
    limit(setup.store, 1_000_000)
    await setup.overrides.expire()
    assert told[-1] == 0
    assert setup.overrides.get(made.id).recorded
    [kept] = await setup.store.overrides.live(setup.clock.utc_s())
    assert (kept.id, kept.created_utc_s, kept.state) == (made.id, int(START_UTC_S), OverrideState.ACCEPTED)
    entries = [e for e in await setup.store.audit.entries(0, 4e9) if e.action == "override"]
    assert [entry.utc_s for entry in entries] == [int(START_UTC_S)] * 30
    assert [int(entry.detail.split()[0]) for entry in entries] == sorted(o.id for o in link.overrides())
    assert (await setup.store.audit.verify())[0] == len(await setup.store.audit.entries(0, 4e9))
    next_one = await setup.overrides.request("z02", "on", 60, "ice on the bend", "kim")
    assert next_one.id > made.id


@pytest.mark.parametrize("mode", ["on", "boost"])
async def test_on_and_boost_still_need_their_record(full: Setup, mode: str) -> None:
    link = RecordingLink("b01")
    full.dispatcher.attach(link, greet())
    codes = []
    for _ in range(30):
        try:
            await full.overrides.request("z02", mode, 60, LONG[:190], "kim")
        except StoreError as error:
            codes.append(error.code)
    assert set(codes) == {"store-full"}
    assert len(link.overrides()) == len(await full.store.overrides.made("z02", 0, 4e9))


async def test_ending_an_on_works_with_a_full_disk_and_ending_an_off_does_not(setup: Setup) -> None:
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet())
    on = await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    off = await setup.overrides.request("z02", "off", 60, "cable works", "kim")
    await fill(setup.store)
    await _use_up(setup)
    assert (await setup.overrides.cancel(on.id, "lee")).state is OverrideState.CANCELLED
    assert (link.overrides()[-1].z, link.overrides()[-1].m) == ("z01", "cancel")
    with pytest.raises(StoreError):
        await setup.overrides.cancel(off.id, "lee")
    assert setup.overrides.live_for("z02") is not None
    limit(setup.store, 1_000_000)
    await setup.overrides.expire()
    assert [o.id for o in await setup.store.overrides.live(0) if o.zone != "z03"] == [off.id]


async def test_what_expires_with_a_full_disk_ends_and_the_rounds_go_on(setup: Setup) -> None:
    on = await setup.overrides.request("z01", "on", 1, "ice on the bend", "kim")
    await fill(setup.store)
    await _use_up(setup)
    setup.clock.advance(61)
    await setup.overrides.expire()
    assert setup.overrides.get(on.id).state is OverrideState.EXPIRED
    limit(setup.store, 1_000_000)
    await setup.overrides.expire()
    assert await setup.store.overrides.live(0) == [o for o in await setup.store.overrides.live(0) if o.zone == "z03"]


async def _use_up(setup: Setup) -> None:
    """Until not even a short record fits."""
    for _ in range(60):
        if not (await setup.overrides.request("z03", "off", 60, LONG[:190], "kim")).recorded:
            return
    raise AssertionError("the disk does not fill")


async def test_off_overtakes_an_on_that_waits_for_a_slow_disk(setup: Setup) -> None:
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet())
    gate = threading.Event()
    holding = asyncio.create_task(setup.store.write(lambda db: gate.wait(20)))
    on = asyncio.create_task(setup.overrides.request("z01", "on", 60, "ice on the bend", "kim"))
    await asyncio.sleep(0.05)
    off = asyncio.create_task(setup.overrides.request("z01", "off", 60, "cable works", "lee"))
    await until(lambda: [o.m for o in link.overrides()] == ["off"])  # before anything is on the disk
    gate.set()
    await holding
    assert (await on).state is OverrideState.CANCELLED
    assert (await off).recorded
    held = setup.overrides.live_for("z01")
    assert held is not None
    assert held.mode is OverrideMode.OFF
    assert [o.m for o in link.overrides()] == ["off"]


async def test_a_disk_that_hangs_is_said_like_one_that_is_full(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "RECORD_WAIT_S", 0.05)
    said: list[int] = []
    setup.overrides.late.changed.append(said.append)
    gate = threading.Event()
    holding = asyncio.create_task(setup.store.write(lambda db: gate.wait(20)))
    for _ in range(2):
        assert not (await setup.overrides.request("z01", "off", 60, "cable works", "lee")).recorded
    assert said[0] > 0
    gate.set()
    await holding
    assert await setup.overrides.late.flush()
    assert len(said) == 2
    assert said[1] == 0


async def test_a_database_that_another_process_holds_spends_no_space_set_aside(setup: Setup, tmp_path: Path) -> None:
    await setup.store.write(lambda db: db.execute("PRAGMA busy_timeout = 20").fetchall())
    path = tmp_path / "roadheat.db"
    set_aside = path.with_name(f"{path.name}-reserve")
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        assert not (await setup.overrides.request("z01", "off", 60, "cable works", "lee")).recorded
        assert set_aside.exists()
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert (await setup.overrides.request("z02", "off", 60, "cable works", "lee")).recorded
    assert await setup.overrides.late.flush()


# A file system that is really full


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """16 MB of their own, where mounting is permitted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_folder(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return filler


async def test_a_really_full_disk_records_off_in_the_space_set_aside_and_nothing_else(
    small_disk: Path, clock: ManualClock, background: Background
) -> None:
    store = Store.open(small_disk / "roadheat.db", clock)
    set_aside = small_disk / "roadheat.db-reserve"
    assert set_aside.stat().st_blocks * 512 >= reserve.RESERVE_BYTES
    setup = Setup(store, clock, background, await store.epochs.next())
    on = await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    filler = fill_folder(small_disk)
    await write_until_full(store)
    off = [await setup.overrides.request("z01", "off", 60, LONG[:190], "kim") for _ in range(40)][-1]
    assert off.recorded
    assert not set_aside.exists()
    assert (await setup.overrides.cancel(off.id, "kim")).state is OverrideState.CANCELLED
    for more in (
        store.values.set("telemetry", "x"),
        setup.overrides.request("z02", "on", 60, "ice on the bend", "kim"),
    ):
        with pytest.raises(StoreError) as error:  # the space is for safety commands
            await more
        assert error.value.code == "store-full"

    await store.close()  # and the service starts in what is left
    store = Store.open(small_disk / "roadheat.db", clock)
    again = Setup(store, clock, background, await store.epochs.next())
    await again.overrides.load()
    assert again.overrides.get(on.id).state is OverrideState.CANCELLED
    with pytest.raises(StoreError):
        await store.values.set("telemetry", "x")
    filler.unlink()
    await store.values.set("telemetry", "x" * 3000)
    assert set_aside.exists()
    assert (await store.audit.verify())[0] == len(await store.audit.entries(0, 4e9))
    assert len([e for e in await store.audit.entries(0, 4e9) if e.action == "override"]) == 41
    await store.close()


async def test_the_service_starts_on_a_full_disk_with_the_space_set_aside(small_disk: Path, clock: ManualClock) -> None:
    first = Store.open(small_disk / "roadheat.db", clock)
    before = await first.epochs.next()
    await first.close()
    fill_folder(small_disk)
    store = Store.open(small_disk / "roadheat.db", clock)
    assert await store.epochs.next() == before + 1
    await store.close()
