"""The service's event loop on granted time."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from supervisor.runtime import work
from supervisor.runtime.clock import Clock
from supervisor.runtime.lockstep import GRANT, MESSAGE, SETTLE, SETTLED, START, run


class Conductor:
    """Runs `main` under lock-step in a thread and grants it time."""

    def __init__(self, folder: Path, main: Callable[[Clock], Coroutine[Any, Any, None]]) -> None:
        path = folder / "s"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self.thread = threading.Thread(target=run, args=(main, path), daemon=True)
        self.thread.start()
        self.link, _ = self._listener.accept()
        self.link.settimeout(10)
        self.link.sendall(MESSAGE.pack(START, 1_000_000_000_000))

    def grant(self, ms: int) -> None:
        self.link.sendall(MESSAGE.pack(GRANT, ms) + MESSAGE.pack(SETTLE, 0))
        assert self.link.recv(1) == SETTLED

    def close(self) -> None:
        self.link.close()
        self._listener.close()
        self.thread.join(timeout=10)
        assert not self.thread.is_alive()


@pytest.mark.timeout(30)
def test_timers_run_in_order_at_their_times(tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []

    async def main(clock: Clock) -> None:
        async def one(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append((name, round(clock.utc_s() - 1e9, 6)))

        await asyncio.gather(one("late", 3600.0), one("soon", 0.25), one("middle", 5.5))
        await asyncio.Event().wait()

    conductor = Conductor(tmp_path, main)
    began = time.monotonic()
    conductor.grant(2000)
    assert seen == [("soon", 0.25)]
    for _ in range(1800):
        conductor.grant(2000)
    assert seen == [("soon", 0.25), ("middle", 5.5), ("late", 3600.0)]
    assert time.monotonic() - began < 20
    conductor.close()


@pytest.mark.timeout(30)
def test_blocking_work_takes_no_time(tmp_path: Path) -> None:
    seen: list[float] = []

    async def main(clock: Clock) -> None:
        await asyncio.sleep(1)
        await work.in_thread(None, time.sleep, 0.3)
        seen.append(clock.monotonic_s())
        await asyncio.sleep(100)

    conductor = Conductor(tmp_path, main)
    conductor.grant(1000)
    assert seen == [1.0]
    conductor.close()


@pytest.mark.timeout(30)
def test_sockets_are_served_while_time_is_stopped(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()

    async def main(clock: Clock) -> None:
        reader, writer = await asyncio.open_connection(sock=theirs)
        while line := await reader.readline():
            writer.write(line.upper() + str(clock.monotonic_s()).encode())
            await writer.drain()
        writer.close()

    conductor = Conductor(tmp_path, main)
    conductor.grant(2000)
    ours.settimeout(10)
    ours.sendall(b"hello\n")
    answer = b""
    while not answer.endswith(b"2.0"):
        answer += ours.recv(100)
    assert answer == b"HELLO\n2.0"
    conductor.close()


@pytest.mark.timeout(30)
def test_ends_when_the_conductor_goes(tmp_path: Path) -> None:
    cleaned = threading.Event()

    async def main(clock: Clock) -> None:
        try:
            await asyncio.sleep(1e9)
        finally:
            await asyncio.sleep(5)
            cleaned.set()

    conductor = Conductor(tmp_path, main)
    conductor.grant(10)
    conductor.close()
    assert cleaned.is_set()
