"""Carries spooled lines to InfluxDB: each at least once, in order, one request in flight; every loss is counted.

| answer | what happens |
|---|---|
| 200, 204 | the lines leave the spool |
| none, 408, 429, 5xx | again after a pause that grows to 30 s, with jitter; `Retry-After` is honoured |
| 401, 403, 404, other | held: alarm, and a try each minute until a person has put it right |
| 400, 413, 422 | halved until the bad line stands alone: it goes to the dead letters with the server's reason |

A line sent twice changes nothing: same series and same stamp overwrite.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from msgspec import Struct

from supervisor.domain import work
from supervisor.domain.clock import Clock
from supervisor.domain.errors import StoreError
from supervisor.energy.endpoint import Answer, Endpoint, Target, connect
from supervisor.store.spool import Batch, SpoolState

log = logging.getLogger(__name__)

BATCH_POINTS = 5_000  # InfluxData's advice; above it nothing gets faster
LINGER_S = 0.5  # lets a tick's boards share a request; sample to queryable stays under 2 s
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 30.0  # first delivery within 30 s of a recovery
RETRY_AFTER_MAX_S = 600.0  # a server that asks for more is asked again anyway
HOLD_S = 60.0  # wrong token or no such database: only a person can help
CAP_EVERY_S = 30.0  # between two looks at the spool's size
ALARM_FILL = 0.7  # of the cap
DEAD_ALARM_S = 86_400.0  # an alarm of refused points ends a day after the last; the points stay for who looks

ALARM_HELD = "influx-held"
ALARM_FILLING = "influx-spool-filling"
ALARM_DROPPED = "influx-spool-dropped"
ALARM_DEAD = "influx-dead-letters"

REFUSED = frozenset({400, 413, 422})
LATER = frozenset({0, 408, 425, 429})


class ShipperStore(Protocol):
    """What the shipper needs of the store."""

    spooled: asyncio.Event

    async def spool_batch(self, points_max: int) -> Batch | None: ...
    async def spool_delivered(self, last_id: int, dead: list[tuple[str, str]]) -> None: ...
    async def spool_enforce_cap(self) -> int: ...
    async def spool_state(self) -> SpoolState: ...


class AlarmSink(Protocol):
    """Where alarms go; saying the same again changes nothing."""

    def __call__(self, code: str, subject: str, stands: bool, text: str = "") -> object: ...


class ShipperState(Struct):
    """For /metrics and the engineer's page."""

    delivered_points: int = 0  # since this start
    requests: int = 0
    failures: int = 0  # in a row
    dead_points: int = 0
    dropped_points: int = 0
    last_delivery_utc_s: float | None = None
    trouble: str = ""  # what the server last complained of, "" while all is well


class Unavailable(Exception):
    """The server cannot take anything now."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


class Shipper:
    """Run `run()` as a task; cancel it to stop: what was under way is sent again next time."""

    def __init__(
        self,
        store: ShipperStore,
        endpoint: Endpoint,
        clock: Clock,
        alarm: AlarmSink,
        rng: random.Random | None = None,
    ) -> None:
        self._store = store
        self._endpoint = endpoint
        self._clock = clock
        self._alarm = alarm
        self._rng = rng or random.Random()
        self._last_dead_s = clock.monotonic_s()
        self.state = ShipperState()

    async def run(self) -> None:
        """Ship for ever."""
        cap = asyncio.create_task(self._watch_cap(), name="influx-cap")
        try:
            while True:
                self._store.spooled.clear()
                try:
                    pause_s = await self.ship()
                except StoreError as error:  # the disk is full: what was delivered is sent once more later
                    log.error("The spool cannot be kept: %s", error)
                    pause_s = BACKOFF_MAX_S
                if pause_s:
                    await asyncio.sleep(pause_s)
                else:
                    await self._store.spooled.wait()
                    await asyncio.sleep(LINGER_S)
        finally:
            cap.cancel()

    async def ship(self) -> float:
        """Send what is spooled. Returns 0 when it is empty, else how long to leave the server alone [s]."""
        while (batch := await self._store.spool_batch(BATCH_POINTS)) is not None:
            dead: list[tuple[str, str]] = []
            try:
                await self._send(batch.lines.split("\n"), dead)
            except Unavailable as trouble:
                return self._pause(trouble.answer)
            await self._store.spool_delivered(batch.last_id, dead)
            self._well(batch.points, dead)
        return 0.0

    async def _send(self, lines: list[str], dead: list[tuple[str, str]]) -> None:
        """Deliver `lines`, halving what the server refuses; the lines that stay refused are added to `dead`."""
        self.state.requests += 1
        with work.held():
            answer = await self._endpoint.write("\n".join(lines))
        if answer.ok:
            return
        if answer.status not in REFUSED:
            raise Unavailable(answer)
        if len(lines) == 1:
            dead.append((lines[0], f"{answer.status} {answer.text}"))
            return
        middle = len(lines) // 2
        await self._send(lines[:middle], dead)
        await self._send(lines[middle:], dead)

    def _well(self, points: int, dead: list[tuple[str, str]]) -> None:
        state = self.state
        state.delivered_points += points - len(dead)
        state.dead_points += len(dead)
        state.failures = 0
        state.trouble = ""
        state.last_delivery_utc_s = self._clock.utc_s()
        self._alarm(ALARM_HELD, "", False)
        if dead:
            self._last_dead_s = self._clock.monotonic_s()
            log.error("InfluxDB refused %d points, the first: %s", len(dead), dead[0])
            self._alarm(ALARM_DEAD, "", True, f"{len(dead)} points refused: {dead[0][1]}")

    def _pause(self, answer: Answer) -> float:
        state = self.state
        state.failures += 1
        state.trouble = f"{answer.status or 'no answer'}: {answer.text}"
        if state.failures == 1:
            log.warning("InfluxDB does not take points: %s", state.trouble)
        if answer.status not in LATER and answer.status < 500:
            self._alarm(ALARM_HELD, "", True, f"{state.trouble}. Check token, database and address")
            return HOLD_S
        if answer.retry_after_s is not None:
            return min(answer.retry_after_s, RETRY_AFTER_MAX_S) + self._rng.uniform(0, 1)
        longest_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** (state.failures - 1))
        return self._rng.uniform(longest_s / 2, longest_s)

    async def _watch_cap(self) -> None:
        """Keep the spool under its cap, and say early that it fills."""
        while True:
            try:
                await self.check_cap()
            except StoreError as error:
                log.error("The spool cannot be kept under its cap: %s", error)
            await asyncio.sleep(CAP_EVERY_S)

    async def check_cap(self) -> None:
        """One look at the spool's size."""
        dropped = await self._store.spool_enforce_cap()
        spool = await self._store.spool_state()
        if dropped:
            self.state.dropped_points += dropped
            log.error("The spool for InfluxDB is full: %d oldest points dropped", dropped)
            self._alarm(ALARM_DROPPED, "", True, f"{spool.dropped} points dropped in all")
        elif spool.points == 0:
            self._alarm(ALARM_DROPPED, "", False)
        filling = dropped > 0 or spool.fill >= ALARM_FILL
        self._alarm(ALARM_FILLING, "", filling, f"{spool.fill:.0%} of the spool in use")
        if self._clock.monotonic_s() - self._last_dead_s >= DEAD_ALARM_S:
            self._alarm(ALARM_DEAD, "", False)


@asynccontextmanager
async def shipping(target: Target, store: ShipperStore, clock: Clock, alarm: AlarmSink) -> AsyncIterator[Shipper]:
    """A shipper with its connection; the caller runs it."""
    endpoint = connect(target)
    try:
        yield Shipper(store, endpoint, clock, alarm)
    finally:
        await endpoint.close()
