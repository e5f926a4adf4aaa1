"""One thread that writes, and group commit: all work that waits shares the next transaction and its fsync."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

from supervisor.domain.errors import RoadheatError, StoreError
from supervisor.runtime.work import in_thread
from supervisor.store import database
from supervisor.store.place import Place, Server
from supervisor.store.room import Need, Room, RoomOnDisk, lacks_room

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]

READERS = 3  # a year's report does not delay a sign-in
GROUP_MAX = 256  # jobs in one transaction: bounds how long the first of them waits for the last
BEHIND_MAX = 64  # of them telemetry, some 0.6 ms each: what a command waits for at most before its own transaction
FULL = "store-full"  # code of a StoreError where the disk has no room


class Writer:
    """Runs jobs `fn(connection)`: writing ones in groups on one thread, reading ones on a few others."""

    def __init__(self, path: Place, *, drains: bool = False) -> None:
        """`drains`: lines are spooled in it, which must be able to leave it when the disk is full."""
        self._room = RoomOnDisk(path, drains=drains) if isinstance(path, Path) else Room()
        self._connection = self._room.open(path)
        self._path = path
        self._readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        for _ in range(READERS):
            self._readers.put(database.connect_read_only(path))
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._read_threads = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._waiting: list[tuple[Job, Need, asyncio.Future[Any]]] = []
        self._behind: list[tuple[Job, Need, asyncio.Future[Any]]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._closed = False

    async def write(
        self,
        job: Callable[[sqlite3.Connection], T],
        *,
        safety: bool = False,
        drains: bool = False,
        behind: bool = False,
    ) -> T:
        """Run `job` in a transaction; it has reached the disk when this returns.

        `safety`: what records a safety command; on a full disk it may use the space set aside. `drains`: what deletes
        lines of the spool; it may use the space set aside for that. `behind`: it lets others pass, and keeps its place
        among its own kind; each transaction takes some of both. Raises what the job raises (its own changes are undone,
        those of other jobs are kept), or StoreError where nothing could be kept.
        """
        self._require_open()
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        need = Need.SAFETY if safety else Need.DRAIN if drains else Need.ROOM
        (self._behind if behind else self._waiting).append((job, need, done))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush(), name="store-flush")
        return cast(T, await done)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run `query` on what is committed, without delaying a commit."""
        self._require_open()

        def run() -> T:
            connection = self._readers.get()
            try:
                return query(connection)
            finally:
                self._readers.put(connection)

        try:
            return await in_thread(self._read_threads, run)
        except sqlite3.Error as error:
            raise self._store_error(error) from error

    async def close(self) -> None:
        """Finish what waits, then close the file."""
        self._closed = True
        if self._flusher is not None:
            await self._flusher
        await in_thread(self._write_thread, self._connection.close)
        await in_thread(None, self._read_threads.shutdown)
        self._write_thread.shutdown()
        while not self._readers.empty():
            self._readers.get().close()

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed", where=str(self._path))

    async def _flush(self) -> None:
        try:
            while self._waiting or self._behind:
                first = self._waiting[: GROUP_MAX - BEHIND_MAX]
                group = first + self._behind[:BEHIND_MAX]
                del self._waiting[: len(first)], self._behind[: len(group) - len(first)]
                jobs = [(job, need) for job, need, _ in group]
                try:
                    outcomes = await in_thread(self._write_thread, self._commit_with_reserve, jobs)
                except Exception as failure:  # no thread could be started: the callers must learn of it
                    outcomes = [(None, self._store_error(failure)) for _ in group]
                for (_, _, done), (value, error) in zip(group, outcomes, strict=True):
                    if done.done():  # the caller has been cancelled; the work is kept
                        continue
                    if error is None:
                        done.set_result(value)
                    else:
                        done.set_exception(error)
        finally:
            self._flusher = None

    def _commit_with_reserve(self, jobs: list[tuple[Job, Need]]) -> list[tuple[Any, BaseException | None]]:
        """Commit; where the disk is full, once more what has space set aside for it."""
        refused = not self._room.has_room(self._connection)
        outcomes: list[tuple[Any, BaseException | None]] = [(None, None)] * len(jobs)
        admitted = [i for i, (_, need) in enumerate(jobs) if need is not Need.ROOM or not refused]
        for i, outcome in zip(admitted, self._commit([jobs[i][0] for i in admitted]), strict=True):
            outcomes[i] = outcome
        for i in set(range(len(jobs))) - set(admitted):
            outcomes[i] = None, self._store_error(OSError("the disk is full"))
        for need, space in self._room.reserves.items():
            again = [i for i in admitted if jobs[i][1] is need and lacks_room(outcomes[i][1])]
            if again and space.release():
                for i, outcome in zip(again, self._commit([jobs[i][0] for i in again]), strict=True):
                    outcomes[i] = outcome
        return outcomes

    def _commit(self, jobs: list[Job]) -> list[tuple[Any, BaseException | None]]:
        """One transaction, each job in a savepoint of its own."""
        connection = self._connection
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                connection.execute("SAVEPOINT job")
                try:
                    outcomes.append((job(connection), None))
                except Exception as error:
                    if not connection.in_transaction:  # SQLite gave up the whole transaction (disk full, I/O error)
                        raise
                    connection.execute("ROLLBACK TO job")
                    outcomes.append((None, self._store_error(error) if isinstance(error, sqlite3.Error) else error))
                connection.execute("RELEASE job")
            connection.execute("COMMIT")
        except Exception as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            failure = error if isinstance(error, RoadheatError) else self._store_error(error)
            return [(None, failure) for _ in jobs]
        return outcomes

    def _store_error(self, error: Exception) -> StoreError:
        full = any(words in str(error) for words in ("full", "No space left"))  # SQLite's words, PostgreSQL's
        remedy = "Check the disk and the permissions of the state folder"
        if isinstance(self._path, Server):
            remedy = "Check PostgreSQL and the network to it"
        if full:
            remedy = "Free space on the disk"
        return StoreError(
            f"not recorded: {error}", where=str(self._path), remedy=remedy, code=FULL if full else "store"
        )
