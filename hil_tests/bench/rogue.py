"""A server with the listener's certificate that sends boards what they must refuse, and notes what one accepts.

It stands in the service's place: a stolen certificate, a copy restored from a backup, a mistaken address.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from hil_tests.bench.impostor import FakeSupervisor, Impostor, Session
from hil_tests.bench.zone import BenchError
from supervisor.config import Config
from supervisor.runtime.clock import SystemClock
from supervisor.wire.authentication import open_report, seal_command
from supervisor.wire.keys import load_or_create_key
from supervisor.wire.messages import ClockCommand, FromBoard, Hello, OverrideCommand, Result, ResultFrame

Tell = Callable[[str, str, str], None]
_HEAT_S = 14_400
_OVERSIZE = 4_000  # bytes: boards take frames of one kilobyte


def _order(board: str, zone: str, epoch: int, sequence: int, utc_s: int) -> bytes:
    """Heat for hours."""
    made = OverrideCommand(b=board, ep=epoch, q=sequence, z=zone, id=1, m="on", dur=_HEAT_S, exp=utc_s + _HEAT_S)
    return msgspec.json.encode(made)


def _forged(key: bytes, hello: Hello, utc_s: int) -> Iterator[bytes]:
    """Without the key, or with one bit changed on the way."""
    order = _order(hello.b, hello.z[0], max(hello.ep, 1), hello.q + 1, utc_s)
    yield order + b"\n" + b"0" * 64
    yield seal_command(secrets.token_bytes(32), order)
    genuine = seal_command(key, order)
    for at in (3, len(order) // 2, len(order) - 1, len(genuine) - 1):
        yield genuine[:at] + bytes((genuine[at] ^ 1,)) + genuine[at + 1 :]


def _replayed(key: bytes, hello: Hello, utc_s: int) -> Iterator[bytes]:
    """Overheard, or out of a queue: at most as new as the newest that the board has accepted."""
    for sequence in {hello.q, hello.q // 2, 0}:
        yield seal_command(key, _order(hello.b, hello.z[0], hello.ep, sequence, utc_s))


def _misaddressed(key: bytes, hello: Hello, utc_s: int) -> Iterator[bytes]:
    """For another board, and for another board's zone."""
    yield seal_command(key, _order("b99", hello.z[0], max(hello.ep, 1), hello.q + 1, utc_s))
    yield seal_command(key, _order(hello.b, "z99", max(hello.ep, 1), hello.q + 1, utc_s))


def _older(key: bytes, hello: Hello, utc_s: int) -> Iterator[bytes]:
    """A service restored from a backup: it knows the keys, and an epoch that is over."""
    if hello.ep:
        clock = ClockCommand(b=hello.b, ep=hello.ep - 1, q=hello.q + 100, utc=utc_s)
        yield seal_command(key, msgspec.json.encode(clock))
        yield seal_command(key, _order(hello.b, hello.z[0], hello.ep - 1, hello.q + 101, utc_s))


def _unbounded(key: bytes, hello: Hello, utc_s: int) -> Iterator[bytes]:
    """Longer than any frame may be, cut off, and nothing."""
    genuine = seal_command(key, _order(hello.b, hello.z[0], max(hello.ep, 1), hello.q + 1, utc_s))
    yield genuine[: len(genuine) // 2]
    yield b""
    yield b"\n"
    yield b"[" * 900
    yield genuine + b" " * _OVERSIZE


# Which invariant an accepted one violates.
KINDS: dict[str, tuple[str, Callable[[bytes, Hello, int], Iterator[bytes]]]] = {
    "forged": ("I6", _forged), "replayed": ("I5", _replayed), "misaddressed": ("I6", _misaddressed),
    "older": ("I5", _older), "unbounded": ("I6", _unbounded),
}  # fmt: skip


class _Rogue(FakeSupervisor):
    def __init__(self, config: Config, kind: str, tell: Tell) -> None:
        super().__init__(config, SystemClock())
        self._invariant, self._frames = KINDS[kind]
        self._kind = kind
        self._tell = tell
        self.greeted = 0

    async def _greet(self, socket: Any, nonce: str, frame: bytes) -> Session:
        hello = self._decode(frame.rpartition(b"\n")[0])
        assert isinstance(hello, Hello)
        key = load_or_create_key(self.config.board_key_path(hello.b))
        open_report(key, nonce, frame)
        self.greeted += 1
        session = self.sessions[hello.b] = Session(hello.b, key, socket, hello)
        for bad in self._frames(key, hello, int(self.clock.utc_s())):
            await session.send(bad)
        return session

    async def _take(self, session: Session, message: FromBoard) -> None:
        if isinstance(message, ResultFrame) and message.rc == Result.OK:
            self._tell(self._invariant, session.board, f"accepted a {self._kind} command")


@contextmanager
def rogue(config: Config, kind: str, tell: Tell) -> Iterator[_Rogue]:
    """Serve in the service's place while entered; `tell(invariant, board, what)` for each that a board accepts."""
    if kind not in KINDS:
        raise BenchError(f"no rogue `{kind}`", remedy=f"Known: {', '.join(KINDS)}")
    made = _Rogue(config, kind, tell)
    with Impostor(config, fake=made):
        yield made
