"""The core's side: it takes the place of the boards' listener, and gateways bring the boards.

What gateways hand over is done in its order, and answered once it is committed. A gateway that is silent is given up
and its boards count as gone until another gateway brings them.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from msgspec import Struct

from supervisor.cluster.core_keys import CoreKeys
from supervisor.cluster.messages import (
    ANSWER_S,
    BEAT_S,
    GONE_S,
    Answered,
    Attached,
    Batch,
    BatchDone,
    CommandsDone,
    Detached,
    Heard,
    Item,
    Join,
    Joined,
    KeysAsked,
    Presence,
    Spoilt,
    Subjects,
    Updating,
    decode,
)
from supervisor.cluster.remote_boards import GatewayState, RemoteControl, RemoteLink
from supervisor.cluster.transport import Transport
from supervisor.config import Config
from supervisor.control.monitoring import Monitoring
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import ClusterError, ConfigError, StoreError
from supervisor.runtime.background import Background
from supervisor.wire.pki import Pki

logger = logging.getLogger(__name__)

AGAIN_S: Final = 0.2  # between two attempts to reach a gateway
WHO_S: Final = 2.0  # at start: another core of the district would answer within milliseconds
GATEWAYS_MAX: Final = 100  # of a district of 10,000 boards: a gateway holds some thousands


class Hub:
    """Use as `async with`: gateways are served between enter and exit."""

    def __init__(
        self,
        config: Config,
        pki: Pki,
        control: RemoteControl,
        epoch: Callable[[], int],
        monitoring: Monitoring,
        transport: Transport,
        subjects: Subjects,
    ) -> None:
        """`epoch`: this core's now."""
        self._boards = config.boards
        self._control = control
        self._epoch = epoch
        self._alarms, self._metrics = monitoring.alarms, monitoring.metrics
        self._transport = transport
        self._subjects = subjects
        self._name = secrets.token_hex(8)
        self._keys = CoreKeys(config, pki)
        self._gateways: dict[str, GatewayState] = {}
        self._by_board: dict[str, RemoteLink] = {}
        self._background = Background(self._alarms, self._metrics.loop_restarts)
        self._now_s = asyncio.get_running_loop().time
        self._over = False  # no gateway is served any more
        self._stack = AsyncExitStack()
        self.address = ("", 0)  # it listens nowhere

    async def __aenter__(self) -> Hub:
        """Raises ConfigError where NATS does not answer, or another core has the district."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._transport)
            await self._be_alone()
            leave = await self._transport.serve(self._subjects.join, self._join)
            await self._transport.serve(self._subjects.core(self._name), self._take)
            await self._transport.serve(self._subjects.presence, self._present)
            self._background.keep("presence", self._show)
            self._background.keep("board-keys", self._watch_keys)
            self._background.keep("gateways", self._give_up)
            stack.push_async_callback(self._background.close)
            stack.push_async_callback(leave)  # first, so that gateways look for another core
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        for gateway in list(self._gateways.values()):
            self._drop(gateway, "the core ends")
        await self._stack.aclose()

    def renew_certificate(self) -> None:
        """Give gateways the certificate that is on disk now. Raises OSError."""
        self._keys.look()

    async def _be_alone(self) -> None:
        try:
            other: Joined = await self._transport.request(self._subjects.join, Join(""), Joined, WHO_S)
        except ClusterError as error:
            if error.code in ("nobody", "silent"):
                return
            raise ConfigError(str(error), where="--nats") from error
        raise ConfigError(
            f"another core has this district (epoch {other.epoch})", where="--district",
            remedy="Stop that one first, or give this district an id of its own",
        )  # fmt: skip

    async def _show(self) -> None:
        while True:
            await self._show_once()
            await asyncio.sleep(BEAT_S)

    async def _show_once(self) -> None:
        shown = Presence(self._name, self._epoch(), self._keys.generation)
        await self._transport.publish(self._subjects.presence, shown)

    async def _present(self, raw: bytes) -> Struct | None:
        """Another core of the district shows itself: the older of the two serves no gateway any more."""
        said: Presence = decode(raw, Presence)
        if said.core == self._name or self._over or (said.epoch, said.core) < (self._epoch(), self._name):
            return None
        self._over = True
        self._alarms.set(
            AlarmCode.NEWER_SUPERVISOR, "", True,
            f"Another core has this district: its epoch is {said.epoch}, this one has {self._epoch()}. "
            "This one serves no board any more: stop it",
        )  # fmt: skip
        for gateway in list(self._gateways.values()):
            self._drop(gateway, "a newer core has the district")
        return None

    async def _watch_keys(self) -> None:
        """Tell gateways of other keys and certificates at once."""
        while True:
            await asyncio.sleep(CoreKeys.LOOK_S)
            if await asyncio.to_thread(self._keys.look):
                await self._show_once()

    async def _join(self, raw: bytes) -> Struct | None:
        asked: Join = decode(raw, Join)
        if self._over:
            return None  # another core answers
        if asked.gateway and asked.gateway not in self._gateways:
            if len(self._gateways) >= GATEWAYS_MAX:
                raise ClusterError(f"{GATEWAYS_MAX} gateways are served", code="busy")
            made = self._gateways[asked.gateway] = GatewayState(asked.gateway, self._now_s())
            made.pump = self._background.spawn(self._pump(made), "commands of a gateway")
            self._metrics.gateways.set(len(self._gateways))
            logger.info("gateway %s joins", asked.gateway)
        certificate, key = self._keys.certificate()
        return Joined(
            self._name, self._epoch(), self._keys.generation, certificate, key, self._keys.boards,
            self._boards.handshakes_max, self._boards.connections_per_address,
        )  # fmt: skip

    async def _take(self, raw: bytes) -> Struct | None:
        said: Batch | KeysAsked = decode(raw, Batch | KeysAsked)
        if isinstance(said, KeysAsked):
            return await asyncio.to_thread(self._keys.page, said.after)
        gateway = self._gateways.get(said.gateway)
        if gateway is None or self._over:
            code = "over" if self._over else "unknown-gateway"
            raise ClusterError(f"gateway {said.gateway} is not served here", code=code)
        gateway.heard_s = self._now_s()
        outcome = gateway.batches.get(said.number)
        if outcome is None:
            outcome = self._background.spawn(self._do(gateway, said.items), "batch")
            gateway.remember(said.number, outcome)
        return await asyncio.shield(outcome)

    async def _do(self, gateway: GatewayState, items: Sequence[Item]) -> BatchDone:
        """Do what a batch says: greetings and farewells in their order, what is recorded together."""
        failed: dict[int, str] = {}
        unknown: set[int] = set()
        recorded: list[Coroutine[Any, Any, None]] = []
        for place, item in enumerate(items):
            link = gateway.links.get(item.session)
            if isinstance(item, Attached):
                if not self._attach(gateway, item):
                    unknown.add(item.session)
            elif isinstance(item, Detached):
                if link is not None:
                    self._detach(link)
            elif link is None:
                unknown.add(item.session)
                failed[place] = "the core does not have the session"
            else:
                recorded.append(self._record(link, place, item, failed))
        await asyncio.gather(*recorded)
        return BatchDone(failed, tuple(unknown))

    def _attach(self, gateway: GatewayState, item: Attached) -> bool:
        """Whether the board is one of this district and its key still counts."""
        if not self._keys.proved(item.hello.b, item.proof):
            logger.warning("board %s at gateway %s: its key does not count", item.hello.b, gateway.name)
            return False
        older = self._by_board.get(item.hello.b)
        link = RemoteLink(gateway, item.session, item.hello)
        gateway.links[item.session] = self._by_board[item.hello.b] = link
        self._metrics.sessions.inc()
        if older is not None:
            logger.info("board %s connected again: its older session ends", item.hello.b)
            older.end("replaced")
            self._detach(older)
        try:
            self._control.attach(link, item.hello)
        except Exception as error:  # costs this session only, as in a single process
            logger.error("session of %s failed", item.hello.b, exc_info=error)
            self._detach(link)
            return False
        return True

    def _detach(self, link: RemoteLink) -> None:
        link.gateway.links.pop(link.number, None)
        if self._by_board.get(link.board_id) is link:
            del self._by_board[link.board_id]
        self._control.detach(link)

    async def _record(self, link: RemoteLink, place: int, item: Item, failed: dict[int, str]) -> None:
        """One board's part of a batch: its failure loses no other part."""
        try:
            if isinstance(item, Heard):
                await self._control.heard(link, link.hello, item.frames)
            elif isinstance(item, Spoilt):
                await self._control.damaged(link, item.frames)
            elif isinstance(item, Answered):
                await self._control.answered(link, item.result)
            elif isinstance(item, Updating):
                self._control.updating(link, item.said)
        except StoreError as error:
            failed[place] = str(error)
        except Exception as error:
            logger.error("session of %s failed", link.board_id, exc_info=error)
            failed[place] = type(error).__name__
            link.end("failed")
            self._detach(link)

    async def _pump(self, gateway: GatewayState) -> None:
        """Hand commands to a gateway, one batch after the other, until it is given up."""
        subject = self._subjects.gateway(gateway.name)
        while True:
            commands = await gateway.commands()
            since_s = self._now_s()
            while True:
                try:
                    done: CommandsDone = await self._transport.request(subject, commands, CommandsDone, ANSWER_S)
                    break
                except ClusterError as error:
                    if self._now_s() - since_s >= GONE_S or error.code == "version":
                        self._drop(gateway, str(error))
                        return
                    await asyncio.sleep(AGAIN_S)
            for number in done.unknown:
                if (link := gateway.links.get(number)) is not None:
                    self._detach(link)

    async def _give_up(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for gateway in list(self._gateways.values()):
                if self._now_s() - gateway.heard_s >= GONE_S:
                    self._drop(gateway, "it says nothing")

    def _drop(self, gateway: GatewayState, why: str) -> None:
        """Its boards are gone, until it or another gateway brings them."""
        if self._gateways.pop(gateway.name, None) is None:
            return
        self._metrics.gateways.set(len(self._gateways))
        logger.warning("gateway %s is given up with %d boards: %s", gateway.name, len(gateway.links), why)
        for link in list(gateway.links.values()):
            self._detach(link)
        if gateway.pump is not None and gateway.pump is not asyncio.current_task():
            gateway.pump.cancel()
