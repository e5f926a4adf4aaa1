"""Delivers spooled lines to InfluxDB: each at least once, in order, one request in flight; every loss is counted.

| answer | what happens |
|---|---|
| 204 | the lines leave the spool |
| none, 408, 425, 429, 5xx | again after a pause that grows to 30 s, with jitter; `Retry-After` is honoured |
| a time-out, also the server's own | the same, with half the lines, down to 50; a quarter more after each batch |
| 413 | halved until it passes |
| 201, 400, 422 with InfluxDB's JSON | halved until the bad line is alone: a dead letter, with the reason |
| the same for many lines in a row or a tenth of a batch | held: the database is wrong, not the lines |
| anything else: another 2xx or 400, 3xx, 401, 403, 404 | held: alarm, and a retry every minute |

A line sent twice changes nothing: same series and same stamp overwrite.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from msgspec import Struct

from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import StoreError
from supervisor.energy.answer import Answer
from supervisor.energy.endpoint import Endpoint, Target, connect
from supervisor.energy.refused import Batching, Refused, Unavailable
from supervisor.energy.retention import split
from supervisor.runtime import work
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import at_work
from supervisor.store.spool import Batch, SpoolState

log = logging.getLogger(__name__)

LINGER_S = 0.5  # lets a tick's boards share a request; sample to queryable stays under 2 s
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 30.0  # first delivery within 30 s of a recovery
RETRY_AFTER_MAX_S = 600.0  # a longer Retry-After is cut to this
HOLD_S = 60.0  # wrong token or no such database: needs a person
CAP_EVERY_S = 30.0  # between two checks of the spool's size
ALARM_FILL = 0.7  # of the cap
DEAD_ALARM_S = 86_400.0  # an alarm of refused points ends a day after the last; the points stay for inspection

ALARM_HELD = AlarmCode.INFLUX_HELD
ALARM_FILLING = AlarmCode.INFLUX_SPOOL_FILLING
ALARM_DROPPED = AlarmCode.INFLUX_SPOOL_DROPPED
ALARM_LATE = AlarmCode.INFLUX_LATE
ALARM_DEAD = AlarmCode.INFLUX_DEAD_LETTERS

LATE_S = 900.0  # without a delivery while points wait

REFUSED = frozenset({201, 400, 413, 422})
LATER = frozenset({0, 408, 425, 429})


class Spool(Protocol):
    """The lines that wait, see `supervisor.store.spool`."""

    waiting: asyncio.Event

    async def batch(self, points_max: int) -> Batch | None: ...
    async def delivered(self, last_id: int, dead: list[tuple[str, str]]) -> None: ...
    async def enforce_cap(self) -> int: ...
    async def state(self) -> SpoolState: ...


class AlarmSink(Protocol):
    """Where alarms go; repeating one changes nothing."""

    def __call__(self, code: AlarmCode, subject: str, stands: bool, text: str = "") -> object: ...


class ShipperState(Struct):
    """For /metrics and the engineer's page."""

    delivered_points: int = 0  # since this start
    requests: int = 0
    failures: int = 0  # in a row
    dead_points: int = 0
    dropped_points: int = 0
    last_delivery_utc_s: float | None = None
    trouble: str = ""  # the server's last error, "" while it accepts lines


class Shipper:
    """Run `run()` as a task; cancel it to stop: what was under way is sent again next time."""

    def __init__(
        self,
        spool: Spool,
        endpoint: Endpoint,
        clock: Clock,
        alarm: AlarmSink,
        rng: random.Random | None = None,
        places: Mapping[str, str] | None = None,
    ) -> None:
        """`places`: measurement → place of the endpoint, where it has one of its own."""
        self._spool = spool
        self._endpoint = endpoint
        self._clock = clock
        self._alarm = alarm
        self._rng = rng or random.Random()
        self._last_dead_s = self._last_well_s = clock.monotonic_s()
        self._batching, self._refused = Batching(), Refused()
        self._places, self._prepared = places or {}, False
        self.state = ShipperState()
        self.spool: SpoolState | None = None  # as it was at the last check of its cap

    async def run(self) -> None:
        """Ship until cancelled."""
        cap = asyncio.create_task(self._watch_cap(), name="influx-cap")
        try:
            while True:
                self._spool.waiting.clear()
                try:
                    pause_s = await self.ship()
                except StoreError as error:  # the disk is full: what was delivered is sent once more later
                    log.error("The spool cannot be kept: %s", error)
                    pause_s = BACKOFF_MAX_S
                if pause_s:
                    await asyncio.sleep(pause_s)
                else:
                    await self._spool.waiting.wait()
                    await asyncio.sleep(LINGER_S)
        finally:
            cap.cancel()

    async def ship(self) -> float:
        """Send what is spooled. Returns 0 when it is empty, else how long to wait [s]."""
        if not self._prepared and not (answer := await self._endpoint.prepare()).ok:
            return self._pause(answer)
        self._prepared = True
        while (batch := await self._spool.batch(self._batching.points)) is not None:
            lines = batch.lines.split("\n")
            self._refused.begin(len(lines))
            try:
                at = 0
                while at < len(lines):  # a single entry of the spool may hold more than goes at once
                    part = lines[at : at + self._batching.points]
                    for place, there in split(part, self._places):
                        await self._send(there, place)
                    at += len(part)
            except Unavailable as trouble:
                self._prepared = False
                return self._pause(trouble.answer)
            await self._spool.delivered(batch.last_id, self._refused.dead)
            self._well(batch.points, self._refused.dead)
        self._last_well_s = self._clock.monotonic_s()
        return 0.0

    async def _send(self, lines: list[str], place: str) -> None:
        """Deliver `lines`, halving what the server refuses; raises Unavailable for answers about other things."""
        self.state.requests += 1
        with work.held(), at_work(self._clock):
            answer = await self._endpoint.write("\n".join(lines), place)
        if answer.ok:
            self._refused.accepted()
            return
        if answer.status not in REFUSED or not (answer.from_influx or (answer.status == 413 and len(lines) > 1)):
            raise Unavailable(answer)
        if len(lines) == 1:
            self._refused.add(lines[0], answer)
            return
        middle = len(lines) // 2
        await self._send(lines[:middle], place)
        await self._send(lines[middle:], place)

    def _well(self, points: int, dead: list[tuple[str, str]]) -> None:
        state = self.state
        state.delivered_points += points - len(dead)
        state.dead_points += len(dead)
        state.failures = 0
        state.trouble = ""
        state.last_delivery_utc_s = self._clock.utc_s()
        self._last_well_s = self._clock.monotonic_s()
        self._batching.delivered()
        self._alarm(ALARM_HELD, "", False)
        if dead:
            self._last_dead_s = self._clock.monotonic_s()
            log.error("InfluxDB refused %d points, the first: %s", len(dead), dead[0])
            self._alarm(ALARM_DEAD, "", True, f"{len(dead)} points refused: {dead[0][1]}")

    def _pause(self, answer: Answer) -> float:
        state = self.state
        state.failures += 1
        if answer.timed_out:
            self._batching.timed_out()
        state.trouble = f"{answer.status or 'no answer'}: {answer.text}"
        if state.failures == 1:
            log.warning("InfluxDB does not take points: %s", state.trouble)
        if answer.status not in LATER and answer.status < 500:
            self._alarm(
                ALARM_HELD,
                "",
                True,
                f"{state.trouble}. Nothing is lost: it waits in the spool. "
                "Check address, token, database and any proxy in between",
            )
            return HOLD_S
        if answer.retry_after_s is not None:
            return min(answer.retry_after_s, RETRY_AFTER_MAX_S) + self._rng.uniform(0, 1)
        longest_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** (state.failures - 1))
        return self._rng.uniform(longest_s / 2, longest_s)

    async def _watch_cap(self) -> None:
        """Keep the spool under its cap, and alarm before it is full."""
        while True:
            try:
                await self.check_cap()
            except Exception as error:
                log.error("The spool cannot be kept under its cap: %s", error or type(error).__name__)
            await asyncio.sleep(CAP_EVERY_S)

    async def check_cap(self) -> None:
        """Check the spool's size once."""
        dropped = await self._spool.enforce_cap()
        spool = self.spool = await self._spool.state()
        if dropped:
            self.state.dropped_points += dropped
            log.error("The spool for InfluxDB is full: %d oldest points dropped", dropped)
            self._alarm(ALARM_DROPPED, "", True, f"{spool.dropped} points dropped in all")
        elif spool.points == 0:
            self._alarm(ALARM_DROPPED, "", False)
        filling = dropped > 0 or spool.fill >= ALARM_FILL
        self._alarm(ALARM_FILLING, "", filling, f"{spool.fill:.0%} of the spool in use")
        late_s = self._clock.monotonic_s() - self._last_well_s
        self._alarm(
            ALARM_LATE,
            "",
            spool.points > 0 and late_s >= LATE_S,
            f"Nothing delivered for {late_s / 60:.0f} min ({self.state.trouble or 'no answer yet'}): "
            "it waits in the spool. Look at InfluxDB and the network",
        )
        if self._clock.monotonic_s() - self._last_dead_s >= DEAD_ALARM_S:
            self._alarm(ALARM_DEAD, "", False)


@asynccontextmanager
async def shipping(target: Target, spool: Spool, clock: Clock, alarm: AlarmSink) -> AsyncIterator[Shipper]:
    """A shipper with its connection; the caller runs it."""
    endpoint = connect(target)
    try:
        yield Shipper(spool, endpoint, clock, alarm, places=target.places)
    finally:
        await endpoint.close()
