"""A gateway's side: what its sessions say goes to the core in batches, what the core commands goes to the sessions.

Sessions stay over a change to a newer core, which greets their boards anew. They end where the same core has lost them,
since only the board knows what it was told last.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from supervisor.cluster.gateway_metrics import GatewayMetrics
from supervisor.cluster.membership import Membership
from supervisor.cluster.messages import (
    ANSWER_S,
    FRAMES_MAX,
    GONE_S,
    Answered,
    Attached,
    Batch,
    BatchDone,
    Commands,
    CommandsDone,
    Detached,
    Heard,
    Item,
    Joined,
    Spoilt,
    Subjects,
    Updating,
    decode,
    key_mark,
)
from supervisor.cluster.outbox import UNDER_WAY_MAX, Entry, Outbox, settle
from supervisor.cluster.transport import Transport
from supervisor.domain.errors import ClusterError, StoreError
from supervisor.gateway.session import BoardSession
from supervisor.runtime.background import Background
from supervisor.wire.messages import Get, Hello, Image, ResultFrame, Telemetry
from supervisor.wire.reports import Damaged

logger = logging.getLogger(__name__)

AGAIN_S: Final = 0.2  # between two attempts to send a batch
# Without a core for so long, boards are sent away: another gateway may have one. Until then they stay, so that a core
# that restarts, or a stand-by that takes over, does not make all boards dial again.
AWAY_S: Final = 30.0
LOOK_S: Final = 5.0  # between two looks whether it is so long
AWAY: Final = "core-away"


class _Held:
    """A session of a board."""

    __slots__ = ("hello", "link", "since_s")

    def __init__(self, link: BoardSession, hello: Hello, since_s: float) -> None:
        self.link, self.hello, self.since_s = link, hello, since_s


class CoreLink:
    """`gateway.session.BoardControl` whose control is another process. Use as `async with`."""

    def __init__(self, transport: Transport, subjects: Subjects, metrics: GatewayMetrics) -> None:
        self.membership = Membership(transport, subjects, metrics, self._command)
        self.membership.entered.append(self._entered)
        self.membership.left.append(self._left)
        self._metrics = metrics
        self._background = Background(None, metrics.loop_restarts)
        self._outbox: Outbox[Item] = Outbox()
        self._held: dict[int, _Held] = {}
        self._numbers: dict[BoardSession, int] = {}
        self._last_session = self._last_commands = 0
        self._now_s = asyncio.get_running_loop().time
        self._under_way = asyncio.Semaphore(UNDER_WAY_MAX)

    async def __aenter__(self) -> CoreLink:
        await self.membership.start(self._background)
        self._background.keep("batches", self._pump)
        self._background.keep("boards without a core", self._send_away)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._background.close()
        self._outbox.clear("the gateway ends")

    def attach(self, link: BoardSession, hello: Hello) -> None:
        """A board has been authenticated."""
        if self.membership.away_s > AWAY_S:
            link.close(AWAY)
            return
        self._last_session = number = self._last_session + 1
        self._held[number] = _Held(link, hello, self._now_s())
        self._numbers[link] = number
        self._metrics.boards.set(len(self._held))
        self._outbox.put(Attached(number, hello, key_mark(link.key)))

    def detach(self, link: BoardSession) -> None:
        """A session has ended."""
        number = self._numbers.pop(link, None)
        if number is not None:
            del self._held[number]
            self._metrics.boards.set(len(self._held))
            self._outbox.put(Detached(number))

    async def answered(self, link: BoardSession, result: ResultFrame) -> None:
        """A board's answer to a command."""
        await self._done(link, lambda number: Answered(number, result), 1)

    def updating(self, link: BoardSession, said: Get | Image) -> None:
        """A board fetches a program, or says how that has ended. It asks again for a piece that does not come."""
        number = self._numbers.get(link)
        if number is not None and self.membership.core is not None:
            self._outbox.put(Updating(number, said))

    async def heard(self, link: BoardSession, hello: Hello, frames: Sequence[Telemetry]) -> None:
        """Telemetry: returns once it is committed. Raises StoreError where it is not known to be."""
        await self._done(link, lambda number: Heard(number, tuple(frames)), len(frames))

    async def damaged(self, link: BoardSession, frames: Sequence[Damaged]) -> None:
        """Telemetry of which something was out of range."""
        await self._done(link, lambda number: Spoilt(number, tuple(frames)), len(frames))

    async def _done(self, link: BoardSession, item: Callable[[int], Item], weight: int) -> None:
        number = self._numbers.get(link)
        if number is None:
            raise StoreError("the session has no core")
        began_s = self._now_s()
        try:
            async with asyncio.timeout(GONE_S + ANSWER_S):
                failed = await self._outbox.answered(item(number), weight)
        except TimeoutError:
            failed = "the core has not answered"
        self._metrics.answer_s.observe(self._now_s() - began_s)
        if failed is not None:
            self._metrics.failed.inc()
            raise StoreError(failed)

    async def _pump(self) -> None:
        while True:
            await self._under_way.acquire()
            try:
                entries = await self._outbox.take(FRAMES_MAX)
            except BaseException:
                self._under_way.release()
                raise
            self._background.spawn(self._carry(entries, self.membership.next_batch()), "batch")

    async def _carry(self, entries: list[Entry[Item]], number: int) -> None:
        try:
            await self._send(entries, number)
        finally:
            self._under_way.release()
            settle(entries, "not sent")  # where it was cancelled

    async def _send(self, entries: list[Entry[Item]], number: int) -> None:
        """Hand over a batch, again and again until the core answers or is left."""
        member, name, core = self.membership, self.membership.name, self.membership.core
        batch = Batch(name, number, tuple(entry.item for entry in entries))
        while core is not None and member.member(name):
            try:
                done = await member.ask(core, batch, BatchDone)
            except ClusterError as error:
                member.failed(name, error)
                await asyncio.sleep(AGAIN_S)
                continue
            assert isinstance(done, BatchDone)
            self._metrics.batches.inc()
            for place, entry in enumerate(entries):
                settle([entry], done.failed.get(place))
            self._end(done.unknown, "the core does not have it")
            return
        # What boards have said is not known to be recorded: they say it again. An answer to a command they do not.
        settle(entries, "the core is lost")
        self._end([entry.item.session for entry in entries if isinstance(entry.item, Answered)], "an answer was lost")

    def _end(self, sessions: Iterable[int], why: str) -> None:
        for number in sessions:
            held = self._held.get(number)
            if held is not None:
                logger.info("session of %s ends: %s", held.hello.b, why)
                held.link.close(AWAY)

    async def _send_away(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if self.membership.away_s > AWAY_S:
                self._end(list(self._held), "there is no core")

    def _left(self, why: str) -> None:
        self._outbox.clear(f"the core is lost: {why}")

    def _entered(self, core: Joined, before: Joined | None) -> None:
        """Tell a newer core of all boards; the same one has told them things since their hello."""
        self._last_commands = 0
        self._outbox.clear("another core")
        if before is not None and core.epoch <= before.epoch:
            self._end(list(self._held), "its core has lost it")
            return
        for number, held in self._held.items():
            self._outbox.put(Attached(number, self._hello_now(held, before), key_mark(held.link.key)))

    def _hello_now(self, held: _Held, before: Joined | None) -> Hello:
        """What the board would say in a hello now: it has run on, and has heard of the core before."""
        ran_s = round(self._now_s() - held.since_s)
        hello = held.hello
        heard_of = max(hello.ep, before.epoch if before is not None else 0)
        utc, q = hello.utc + ran_s if hello.utc else 0, hello.q if heard_of == hello.ep else 0
        return msgspec.structs.replace(hello, up=hello.up + ran_s, utc=utc, ep=heard_of, q=q)

    async def _command(self, raw: bytes) -> Struct | None:
        """Frames for boards. Each batch counts once, however often it comes."""
        said: Commands = decode(raw, Commands)
        if said.number <= self._last_commands:
            return CommandsDone()
        self._last_commands = said.number
        unknown: set[int] = set()
        for number, payload in said.frames:
            held = self._held.get(number)
            if held is None:
                unknown.add(number)
            else:
                held.link.send(payload)
        for number, reason in said.ends:
            held = self._held.get(number)
            if held is not None:
                held.link.close(reason)
        return CommandsDone(tuple(unknown))
