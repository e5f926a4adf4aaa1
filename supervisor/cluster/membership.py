"""Which core a gateway belongs to: found, watched, left when it is gone.

The gateway belongs to one core process at a time, and to that under one name. When that core is gone it looks for
another under another name, so that a core that still knew the old one lets go of it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from supervisor.cluster.gateway_metrics import GatewayMetrics
from supervisor.cluster.messages import (
    ANSWER_S,
    BEAT_S,
    GONE_S,
    Batch,
    BatchDone,
    Join,
    Joined,
    Keys,
    KeysAsked,
    Presence,
    Subjects,
    decode,
)
from supervisor.cluster.remote_keys import RemoteKeys
from supervisor.cluster.transport import Handler, Transport
from supervisor.domain.errors import ClusterError
from supervisor.runtime.background import Background

logger = logging.getLogger(__name__)

JOIN_AGAIN_S: Final = 1.0  # between two attempts to find a core
# NATS says at once that nobody serves a subject. A core that lost its connection with NATS, which was restarted, is
# back within 2 s.
NOBODY_S: Final = 4.0
_OVER: Final = ("unknown-gateway", "version", "malformed", "over")  # refusals that asking again does not change


class Membership:
    """The core of this gateway, and the boards' keys that come from it."""

    def __init__(self, transport: Transport, subjects: Subjects, metrics: GatewayMetrics, command: Handler) -> None:
        """`command` gets what the core sends to this gateway."""
        self._transport = transport
        self._subjects = subjects
        self._metrics = metrics
        self._command = command
        self._forget: Callable[[], Awaitable[None]] | None = None  # ends the subscription to commands
        self._before: Joined | None = None  # the core that was left
        self._now_s = asyncio.get_running_loop().time
        self._away_since_s = self._heard_s = self._now_s()
        self._nobody_since_s: float | None = None
        self._last_batch = 0
        self._left = asyncio.Event()
        self.name = ""  # of this gateway: changes with each core
        self.core: Joined | None = None
        self.keys = RemoteKeys()
        self.joined: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()  # the first time
        self.entered: list[Callable[[Joined, Joined | None], None]] = []  # called with a core, and the one before
        self.left: list[Callable[[str], None]] = []  # called with the reason
        self.renewed: list[Callable[[Joined], None]] = []  # called with another certificate

    @property
    def away_s(self) -> float:
        """For how long there has been no core [s]; 0 while there is one."""
        return 0.0 if self.core is not None else max(self._now_s() - self._away_since_s, 1e-3)

    async def start(self, background: Background) -> None:
        """Begin to look for a core."""
        await self._transport.serve(self._subjects.presence, self._present)
        background.keep("core", self._run)
        background.keep("signs of life", self._beat)

    def next_batch(self) -> int:
        """The number of the next batch."""
        self._last_batch += 1
        return self._last_batch

    def member(self, name: str) -> bool:
        """Whether it is still the gateway of that name."""
        return self.core is not None and self.name == name

    async def ask(self, core: Joined, message: Struct, kind: type[Struct]) -> Struct:
        """A request to that core. Raises ClusterError."""
        made: Struct = await self._transport.request(self._subjects.core(core.core), message, kind, ANSWER_S)
        self._heard_s, self._nobody_since_s = self._now_s(), None
        return made

    def failed(self, name: str, error: ClusterError) -> None:
        """A request failed that the gateway of that name made: leave the core where it is gone."""
        if error.code == "nobody":
            self._nobody_since_s = self._nobody_since_s or self._now_s()
            gone = self._now_s() - self._nobody_since_s >= NOBODY_S
        else:
            gone = error.code in _OVER or self._now_s() - self._heard_s >= GONE_S
        if gone:
            self._leave(name, str(error))

    def _leave(self, name: str, why: str) -> None:
        if not self.member(name):
            return
        assert self.core is not None
        logger.warning("core %s is lost: %s", self.core.core, why)
        self.core, self._before = None, self.core
        self._nobody_since_s = None
        self._away_since_s = self._now_s()
        self._metrics.core.set(0)
        for listener in self.left:
            listener(why)
        self._left.set()

    async def _run(self) -> None:
        """Find a core whenever there is none."""
        said = ""
        while True:
            if self.core is not None:
                self._left.clear()
                await self._left.wait()
            try:
                await self._join()
                said = ""
            except ClusterError as error:
                if str(error) != said:
                    said = str(error)
                    logger.warning("no core yet: %s", said)
                await asyncio.sleep(JOIN_AGAIN_S)

    async def _join(self) -> None:
        """Become the gateway of whoever runs the district. Raises ClusterError."""
        if self._forget is not None:
            await self._forget()
            self._forget = None
        self.name = name = secrets.token_hex(8)
        self._forget = await self._transport.serve(self._subjects.gateway(name), self._command)
        await self._transport.flush()
        core: Joined = await self._transport.request(self._subjects.join, Join(name), Joined, ANSWER_S)
        await self._fetch_keys(core)
        before, self.core = self._before, core
        self._heard_s = self._now_s()
        self._metrics.core.set(1)
        logger.info("joined core %s, epoch %d", core.core, core.epoch)
        for listener in self.entered:
            listener(core, before)
        self._renew(core, before)
        if not self.joined.done():
            self.joined.set_result(core)

    async def _beat(self) -> None:
        """Say that this gateway is there, and notice that the core is not."""
        while True:
            await asyncio.sleep(BEAT_S)
            name, core = self.name, self.core
            if core is None:
                continue
            try:
                await self.ask(core, Batch(name, self.next_batch()), BatchDone)
            except ClusterError as error:
                self.failed(name, error)

    async def _present(self, raw: bytes) -> Struct | None:
        """A core of the district shows itself."""
        said: Presence = decode(raw, Presence)
        core = self.core
        if core is None:
            return None
        if said.core == core.core:
            if said.keys != core.keys:
                await self._refresh(self.name, core)
        elif said.epoch > core.epoch:
            self._leave(self.name, f"core {said.core} is newer")
        return None

    async def _refresh(self, name: str, core: Joined) -> None:
        """Keys or certificate have changed. On failure the core's next sign of life brings it up again."""
        try:
            made: Joined = await self._transport.request(self._subjects.join, Join(name), Joined, ANSWER_S)
            await self._fetch_keys(made)
        except ClusterError as error:
            logger.warning("keys not fetched yet: %s", error)
            return
        if self.member(name) and made.core == core.core:
            self.core = made
            self._renew(made, core)

    def _renew(self, core: Joined, before: Joined | None) -> None:
        if before is not None and (core.certificate, core.key) != (before.certificate, before.key):
            for listener in self.renewed:
                listener(core)

    async def _fetch_keys(self, core: Joined) -> None:
        keys: dict[str, tuple[bytes, ...]] = {}
        more, after = True, ""
        while more:
            page = await self.ask(core, KeysAsked(after), Keys)
            assert isinstance(page, Keys)
            keys |= page.keys
            more, after = page.more, max(page.keys, default="")
        self.keys.replace(keys)
