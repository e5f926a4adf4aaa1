"""Pushes changed entities to a broker: spooled first, delivered in order, one request in flight.

| answer | what happens |
|---|---|
| 201, 204 | the batch leaves the spool |
| 207, 400, 409, 413, 422 | refused: counted and logged with the broker's reason, the next one follows |
| anything else: none, 200 with a web page, 3xx, 401, 403, 404, 408, 429, 5xx | again after 1 s, 2 s … 5 min |

An entity sent twice changes nothing: the operation is upsert, and values carry `observedAt`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp

from supervisor.city.ngsi.entities import Entity, ingest_form, with_context
from supervisor.city.spool import Spool
from supervisor.config.city import NgsiLdConfig
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import at_work, each
from supervisor.runtime.supervision import RaisesAlarms

logger = logging.getLogger(__name__)

TAKEN: Final = (201, 204)  # ETSI GS CIM 009, 6.15.3.1: created, updated
REFUSED: Final = (207, 400, 409, 413, 422)  # the entities are wrong, not the broker
BACKOFF_S: Final = (1.0, 300.0)
LATE_S: Final = 3600.0  # without a delivery while something waits: an alarm
TIMEOUT_S: Final = 30.0
REASON_MAX: Final = 300  # letters of the broker's answer in the log
CONTENT: Final = {"upsert": "application/ld+json", "ingest": "application/json"}


@dataclass(frozen=True)
class Broker:
    """Where entities go, and in which form."""

    config: NgsiLdConfig
    token: str  # "": none

    def body(self, entities: Sequence[Entity]) -> bytes:
        """A batch."""
        if self.config.form == "ingest":
            return json.dumps(ingest_form(self.config.dataset, entities), ensure_ascii=False).encode()
        return json.dumps(with_context(entities), ensure_ascii=False).encode()

    def headers(self) -> dict[str, str]:
        """Of each request."""
        found = {"Content-Type": CONTENT[self.config.form]}
        return found | ({"Authorization": f"Bearer {self.token}"} if self.token else {})


class Changes:
    """Which entities differ from those that were queued last."""

    def __init__(self) -> None:
        self._last: dict[str, Entity] = {}

    def of(self, entities: Sequence[Entity]) -> list[Entity]:
        """Those whose values have changed; a later time of the same value is no change."""
        changed = [one for one in entities if _without_times(one) != self._last.get(one["id"])]
        self._last = {one["id"]: _without_times(one) for one in entities}
        return changed

    def forget(self) -> None:
        """Everything counts as changed."""
        self._last = {}


def _without_times(entity: Entity) -> Entity:
    return {
        name: {key: value for key, value in part.items() if key != "observedAt"} if isinstance(part, dict) else part
        for name, part in entity.items()
        if name not in ("calculationPeriod", "lastMeterReading")
    }


class Pusher:
    """Keep `run` running."""

    def __init__(
        self, broker: Broker, entities: Callable[[], list[Entity]], spool: Spool, alarms: RaisesAlarms, clock: Clock
    ) -> None:
        self._broker = broker
        self._entities = entities
        self._spool = spool
        self._alarms = alarms
        self._clock = clock
        self._changes = Changes()
        self._more = asyncio.Event()

    async def run(self) -> None:
        """Queue and deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._queue())
            tasks.create_task(self._deliver())

    async def queue_once(self) -> int:
        """Spool what has changed; returns how many entities. Raises StoreError: then they are changed still."""
        changed = self._changes.of(self._entities())
        if changed:
            try:
                await self._spool.add(self._broker.body(changed), int(self._clock.utc_s()))
            except BaseException:
                self._changes.forget()
                raise
            self._more.set()
        return len(changed)

    async def _queue(self) -> None:
        await self.queue_once()
        async for _ in each(self._clock, self._broker.config.every_s):
            await self.queue_once()

    async def _deliver(self) -> None:
        pause_s, since_s = BACKOFF_S[0], self._clock.monotonic_s()
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as http:
            while True:
                self._more.clear()
                waiting = await self._spool.oldest()
                if waiting is None:
                    self._late(False, "")
                    await self._more.wait()
                    since_s = self._clock.monotonic_s()
                    continue
                with at_work(self._clock):
                    status, said = await self._send(http, waiting.body)
                if status in TAKEN or status in REFUSED:
                    if status in REFUSED:
                        logger.error("the broker refused a batch (%d): %s", status, said)
                    await self._spool.done(waiting.id, "delivered" if status in TAKEN else "refused")
                    pause_s, since_s = BACKOFF_S[0], self._clock.monotonic_s()
                    self._late(False, "")
                    continue
                if self._clock.monotonic_s() - since_s >= LATE_S:
                    self._late(True, said)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, BACKOFF_S[1])

    async def _send(self, http: aiohttp.ClientSession, body: bytes) -> tuple[int, str]:
        """Status (0: no answer) and the reason of what was not taken."""
        url, headers = self._broker.config.url, self._broker.headers()
        try:
            async with http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                if answer.status in TAKEN:
                    return answer.status, ""
                said = (await answer.content.read(2048)).decode("utf-8", "replace")
                return answer.status, f"{answer.status} {' '.join(said.split())[:REASON_MAX]}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return 0, f"{type(error).__name__}: {error}"

    def _late(self, stands: bool, said: str) -> None:
        text = f"{self._broker.config.url}: {said}. What waits is kept and sent in order later. Look at the broker"
        self._alarms.set(AlarmCode.CITY_NOT_DELIVERED, "ngsi_ld", stands, text)
