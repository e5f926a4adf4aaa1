"""Two cores of one district on PostgreSQL: when one follows the other, that one records and commands nothing more."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from supervisor.config import Config, load
from supervisor.domain.errors import StoreError
from supervisor.gateway.tests.board_client import hello, sample, telemetry
from supervisor.runtime.clock import SystemClock
from supervisor.store import Store, place_of
from supervisor.store.copying import copy
from supervisor.store.lease import LEASE_S, Lease
from supervisor.store.place import Server
from supervisor.store.postgres import Postgres
from supervisor.tests.test_service import client, dial, next_of, on, process
from supervisor.tests.test_service import config as config
from supervisor.wire.messages import Ack, ClockCommand
from tools.postgres_server import PostgresServer
from tools.record_places import own_database

pytestmark = pytest.mark.postgres
AFTER_KILL_S, AFTER_STOP_S = 15.0, 5.0


def silent(text: str) -> None:
    pass


class Hand:
    """A clock that is moved by hand [s]."""

    def __init__(self) -> None:
        self.at_s = 1000.0

    def __call__(self) -> float:
        return self.at_s


async def test_who_is_followed_commits_nothing_more_and_outbids_nobody(postgres: PostgresServer) -> None:
    place, hand = own_database(postgres), Hand()
    first, second = Lease(place, hand), Lease(place)
    old = Store.open(await first.take(silent), SystemClock())
    assert await old.epochs.next() == 1
    waiting = asyncio.create_task(second.take(silent))
    await asyncio.sleep(1)
    assert not waiting.done()
    assert first.holds()
    hand.at_s += LEASE_S  # the time that the first core has by its own clock
    assert not first.holds()
    taken = await asyncio.wait_for(waiting, LEASE_S + 3)
    new = Store.open(taken, SystemClock())
    assert await new.epochs.next() == 2
    lates = old.epochs.next(), old.epochs.raise_above(2), old.values.set("a", "late"), old.audit.append("k", "x", "")
    for late in lates:
        with pytest.raises(StoreError, match="another core runs district"):
            await late
    assert await new.epochs.next() == 3
    assert await new.values.get("a") is None
    with pytest.raises(StoreError, match="another core runs district"):
        await first.keep()
    assert not first.holds()
    assert second.holds()
    await old.close()
    await new.close()
    await first.release()  # changes nothing of the second's
    assert await in_use(place)
    await second.release()
    assert not await in_use(place)


async def in_use(place: Server) -> bool:
    """Whether a third core would have to wait."""
    third = Lease(place)
    try:
        await asyncio.wait_for(third.take(silent), 1.0)
    except TimeoutError:
        return True
    finally:
        await third.release()
    return False


async def test_a_transaction_under_way_is_waited_for(postgres: PostgresServer) -> None:
    """The check and the commit are one: who takes the lease sees all that was committed under the one before."""
    place = own_database(postgres)
    first, second = Lease(place), Lease(place)
    taken = await first.take(silent)
    store = Store.open(taken, SystemClock())
    with closing(Postgres(taken)) as db:
        await asyncio.sleep(LEASE_S - 1)
        db.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(second.take(silent))
        await asyncio.sleep(2.5)
        assert not first.holds()
        assert not waiting.done()
        db.execute("INSERT INTO kv VALUES ('app.a', 'kept')")
        db.execute("COMMIT")
        following = await asyncio.wait_for(waiting, 3)
    assert following.fence == taken.fence + 1
    assert await store.values.get("a") == "kept"
    await store.close()
    await second.release()


async def test_a_record_in_use_is_not_copied(postgres: PostgresServer, tmp_path: Path) -> None:
    place = own_database(postgres)
    lease = Lease(place)
    await Store.open(await lease.take(silent), SystemClock()).close()
    with pytest.raises(StoreError, match="the district is run by"):
        copy(place, tmp_path / "b.db", "s", [], lambda *_: None)
    await lease.release()
    assert copy(place, tmp_path / "b.db", "s", [], lambda *_: None)


def lines_until(child: subprocess.Popen[bytes], pattern: str) -> re.Match[str]:
    assert child.stdout is not None
    for raw in child.stdout:
        if found := re.search(pattern, raw.decode()):
            return found
    raise AssertionError(f"ended without {pattern}")


ADDRESS = r"boards dial in at ([\d.]+):(\d+)"


async def answers(config: Config, http: aiohttp.ClientSession, found: re.Match[str], q: int) -> int:
    """A board connects, gets the time and has a record acknowledged; the epoch that it was commanded with."""
    board = await dial(config, http, (found[1], int(found[2])), hello())
    clock = await next_of(board, ClockCommand)
    await board.send(telemetry(q, sample(dev_wh=100 * q), up=10 * q))
    assert (await next_of(board, Ack)).q == (q,)
    return int(clock.ep)


@pytest.fixture
def twins(config: Config, postgres: PostgresServer, tmp_path: Path) -> tuple[Config, Config]:
    """The same district on two machines: two folders with the same keys."""
    from supervisor.stages import prepare_files

    first = on(config, own_database(postgres))
    first.state_dir.mkdir(exist_ok=True)
    prepare_files(first)
    shutil.copytree(tmp_path, tmp_path / "twin", ignore=shutil.ignore_patterns("twin"))
    return first, load(tmp_path / "twin" / "city.toml")


@pytest.mark.parametrize(("how", "bar_s"), [(signal.SIGKILL, AFTER_KILL_S), (signal.SIGTERM, AFTER_STOP_S)])
async def test_a_stand_by_core_follows(
    twins: tuple[Config, Config], tmp_path: Path, how: signal.Signals, bar_s: float
) -> None:
    first, second = twins
    with (tmp_path / "log").open("ab") as log, process(first, log) as one, process(second, log) as other:
        address = await asyncio.to_thread(lines_until, one, ADDRESS + "|standing by")
        if address[1] is None:  # the other was quicker
            one, other = other, one
            address = await asyncio.to_thread(lines_until, one, ADDRESS)
        else:
            await asyncio.to_thread(lines_until, other, "standing by: district .* is run by .*process")
        async with client() as http:
            before = await answers(first, http, address, 1)
            one.send_signal(how)
            if how is signal.SIGTERM:
                assert await asyncio.to_thread(one.wait, 30) == 0
            begun = time.monotonic()
            address = await asyncio.to_thread(lines_until, other, ADDRESS)
            after = await answers(second, http, address, 2)
            took_s = time.monotonic() - begun
        print(f"takeover after {how.name}: {took_s:.1f} s")
        assert after > before
        assert took_s <= bar_s
    with closing(Postgres(place_of(first))) as db:  # type: ignore[arg-type]
        assert db.execute("SELECT q FROM tick WHERE board = 'b01' ORDER BY q").fetchall() == [(1,), (2,)]


async def test_a_core_that_was_stopped_neither_records_nor_commands_afterwards(
    twins: tuple[Config, Config], tmp_path: Path
) -> None:
    first, second = twins
    with (tmp_path / "log").open("ab") as log, process(first, log) as one:
        address = await asyncio.to_thread(lines_until, one, ADDRESS)
        async with client() as http:
            board = await dial(first, http, (address[1], int(address[2])), hello())
            old = (await next_of(board, ClockCommand)).ep
            while True:  # what it said while it ran the district
                try:
                    await asyncio.wait_for(board.receive(), 2)
                except TimeoutError:
                    break
            one.send_signal(signal.SIGSTOP)
            with process(second, log) as other:
                found = await asyncio.to_thread(lines_until, other, ADDRESS)
                assert await answers(second, http, found, 1) > old
                heard: list[object] = []
                with_old = asyncio.create_task(board.send(telemetry(7, sample(dev_wh=999), up=70)))
                one.send_signal(signal.SIGCONT)
                try:
                    await with_old
                    while True:
                        heard.append(await asyncio.wait_for(board.receive(), 20))
                except (OSError, TypeError, aiohttp.ClientError, TimeoutError):
                    pass
                assert heard == []
                assert await asyncio.to_thread(one.wait, 30) != 0
                assert await answers(second, http, found, 2) > old
    assert "another core runs district" in (tmp_path / "log").read_text()
    with closing(Postgres(place_of(first))) as db:  # type: ignore[arg-type]
        assert db.execute("SELECT q FROM tick WHERE board = 'b01' ORDER BY q").fetchall() == [(1,), (2,)]
