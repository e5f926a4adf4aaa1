"""The emulated console loses nothing to a reader that is slow, and holds up nothing where there is none."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterator

import pytest

from hil_tests.vm import console
from hil_tests.vm.console import Console, ConsoleRelay, raw_pty

_WALL_S = 20


class Line:
    """A console with a VM's PTY behind it, whose other end the test writes to, as a VM would."""

    def __init__(self, relay: ConsoleRelay) -> None:
        self.console = Console(relay)
        master, self.vm = raw_pty()
        os.set_blocking(self.vm, False)
        self.console.attach(master)
        self.user = os.open(self.console.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def close(self) -> None:
        os.close(self.user)
        self.console.close()
        os.close(self.vm)

    def say(self, data: bytes, until_s: float = _WALL_S) -> int:
        """Write as a VM would; how much went out before the line held it up for `until_s`."""
        sent, since = 0, time.monotonic()
        while sent < len(data) and time.monotonic() - since < until_s:
            try:
                sent += os.write(self.vm, data[sent : sent + 4096])
                since = time.monotonic()
            except BlockingIOError:
                select.select([], [self.vm], [], 0.02)
        return sent

    def hear(self, size: int) -> bytes:
        seen, deadline = b"", time.monotonic() + _WALL_S
        while len(seen) < size and time.monotonic() < deadline:
            select.select([self.user], [], [], 0.1)
            with contextlib.suppress(BlockingIOError):
                seen += os.read(self.user, 65536)
        return seen


@pytest.fixture
def line(relay: ConsoleRelay) -> Iterator[Line]:
    made = Line(relay)
    yield made
    made.close()


def rows(count: int) -> bytes:
    return b"".join(b"%06d %s\n" % (i, b"." * 52) for i in range(count))


def test_a_reader_that_pauses_gets_every_row(line: Line) -> None:
    said = rows(400)
    assert line.say(said) == len(said)
    assert line.hear(len(said) + 400).replace(b"\r\n", b"\n") == said


def test_a_slow_reader_holds_up_the_board_and_loses_nothing(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "BACKLOG_MAX", 20_000)
    monkeypatch.setattr(console, "ABSENT_S", 60.0)
    said = rows(4_000)
    sent = line.say(said, until_s=0.3)
    assert 20_000 < sent < 100_000, "the line is held up, and holds a bounded amount"
    seen = b""
    while sent < len(said) or len(seen.replace(b"\r\n", b"\n")) < len(said):
        heard = line.hear(1)
        assert heard, len(seen)
        seen += heard
        sent += line.say(said[sent:], until_s=0.0 if sent == len(said) else 0.01)
    assert seen.replace(b"\r\n", b"\n") == said


def test_where_nobody_reads_output_is_dropped_and_the_board_goes_on(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "BACKLOG_MAX", 20_000)
    monkeypatch.setattr(console, "ABSENT_S", 0.05)
    said = rows(4_000)
    assert line.say(said) == len(said)
    while select.select([line.user], [], [], 0.1)[0]:  # what the kernel still holds
        os.read(line.user, 65536)
    line.say(b"here again\n")
    assert line.hear(12) == b"here again\r\n"
