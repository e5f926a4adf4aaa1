"""Sessions that gateways hold, as the core sees them, and the commands that wait to go to each gateway."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Final, Protocol

from supervisor.cluster.messages import FRAMES_MAX, BatchDone, Commands
from supervisor.control.board_link import BoardLink
from supervisor.gateway.session import OUTBOX_FRAMES
from supervisor.wire.messages import Get, Hello, Image, ResultFrame, Telemetry
from supervisor.wire.reports import Damaged

REMEMBERED: Final = 64  # batches of a gateway whose outcome is kept; it has a few under way


class RemoteControl(Protocol):
    """What the hub needs of control (`control.intake.Intake`)."""

    def attach(self, link: BoardLink, hello: Hello) -> None: ...

    def detach(self, link: BoardLink) -> None: ...

    async def answered(self, link: BoardLink, result: ResultFrame) -> None: ...

    def updating(self, link: BoardLink, said: Get | Image) -> None: ...

    async def heard(self, link: BoardLink, hello: Hello, frames: Sequence[Telemetry]) -> None: ...

    async def damaged(self, link: BoardLink, frames: Sequence[Damaged]) -> None: ...


class RemoteLink:
    """A board's session at a gateway (`control.dispatch.BoardLink`)."""

    __slots__ = ("gateway", "hello", "number", "waiting")

    def __init__(self, gateway: GatewayState, number: int, hello: Hello) -> None:
        self.gateway, self.number, self.hello = gateway, number, hello
        self.waiting = 0  # frames that have not gone to the gateway

    @property
    def board_id(self) -> str:
        return self.hello.b

    def send(self, payload: bytes) -> None:
        """Queue a frame for the gateway, which seals it; a board that does not take them is ended."""
        if self.waiting >= OUTBOX_FRAMES:
            self.end("slow")
            return
        self.waiting += 1
        self.gateway.put(self, payload)

    def end(self, reason: str) -> None:
        """Have the gateway end the session."""
        self.gateway.end(self.number, reason)


class GatewayState:
    """One gateway as long as it says that it is there."""

    def __init__(self, name: str, now_s: float) -> None:
        self.name = name
        self.heard_s = now_s
        self.links: dict[int, RemoteLink] = {}
        self.batches: dict[int, Awaitable[BatchDone]] = {}  # by number: one that comes again gets the same outcome
        self.pump: asyncio.Task[None] | None = None
        self._frames: deque[tuple[RemoteLink, bytes]] = deque()
        self._ends: list[tuple[int, str]] = []
        self._some = asyncio.Event()
        self._last = 0

    def put(self, link: RemoteLink, payload: bytes) -> None:
        """Add a frame; `RemoteLink` bounds them."""
        self._frames.append((link, payload))
        self._some.set()

    def end(self, number: int, reason: str) -> None:
        """End a session of the gateway."""
        if all(ended != number for ended, _ in self._ends):
            self._ends.append((number, reason))
            self._some.set()

    def remember(self, number: int, outcome: Awaitable[BatchDone]) -> None:
        """Keep the outcome of a batch; the oldest is forgotten."""
        self.batches[number] = outcome
        while len(self.batches) > REMEMBERED:
            del self.batches[next(iter(self.batches))]

    async def commands(self) -> Commands:
        """Wait for frames or ends; the next of them."""
        while not self._frames and not self._ends:
            self._some.clear()
            await self._some.wait()
        frames: list[tuple[int, bytes]] = []
        while self._frames and len(frames) < FRAMES_MAX:
            link, payload = self._frames.popleft()
            link.waiting -= 1
            frames.append((link.number, payload))
        ends = () if self._frames else tuple(self._ends)
        if not self._frames:
            self._ends.clear()
        self._last += 1
        return Commands(self._last, tuple(frames), ends)
