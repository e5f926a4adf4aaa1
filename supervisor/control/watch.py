"""The regular rounds: overrides that end, boards that fall silent, peaks, clocks, and the record's housekeeping."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from supervisor.control.alarms import Alarms
from supervisor.control.dispatch import Dispatcher
from supervisor.control.live import OFFLINE_AFTER_S, LiveState
from supervisor.control.meter import FeederMeter
from supervisor.control.overrides import Overrides
from supervisor.control.pace import each
from supervisor.domain.clock import Clock
from supervisor.domain.errors import RoadheatError
from supervisor.domain.plan import SLOT_S
from supervisor.store.store import Store

logger = logging.getLogger(__name__)

ROUND_S = 5.0
ABSENT_ALARM_S = 300.0  # a reconnect with back-off takes up to 120 s
CLOCK_EACH_S = 3600.0  # a crystal is 0.2 s off by then
ROLL_UP_EACH_S = 600.0
TIDY_EACH_S = 86_400.0
KEEP_TICKS_S = 90 * 86_400.0  # the raw record; hours and days stay for ever
PEAKS = "peaks"  # + month


class Watch:
    """`gap` is called with a zone that has fallen silent."""

    def __init__(
        self,
        live: LiveState,
        overrides: Overrides,
        dispatcher: Dispatcher,
        meter: FeederMeter,
        store: Store,
        alarms: Alarms,
        clock: Clock,
    ) -> None:
        self._live = live
        self._overrides = overrides
        self._dispatcher = dispatcher
        self._meter = meter
        self._store = store
        self._alarms = alarms
        self._clock = clock
        self._started_s = clock.monotonic_s()
        self.gap: list[Callable[[str], None]] = []

    async def start(self) -> None:
        """Take up the month's peaks."""
        self._meter.roll(self._clock.utc_s())
        kept = await self._store.kv_get(f"{PEAKS}.{self._meter.month}")
        if kept is not None:
            try:
                self._meter.take_up(kept)
            except ValueError as error:
                logger.warning("the month's peaks count from now on: %s", error)

    async def run(self) -> None:
        """Rounds for ever; one that fails is logged and the next one comes."""
        async for now in each(self._clock, ROUND_S):
            try:
                await self.round(now)
            except RoadheatError as error:
                logger.error("round failed: %s", error)

    async def round(self, now_utc_s: float) -> None:
        """What is due at this multiple of `ROUND_S`."""
        await self._overrides.expire()
        self._look_for_the_silent()
        if self._meter.roll(now_utc_s):
            await self._store.kv_set(f"{PEAKS}.{self._meter.month}", msgspec.json.encode(self._meter.peaks_kw).decode())
        before = self._meter.mean_kw(now_utc_s - SLOT_S)
        for feeder, so_far_kw in self._meter.mean_kw(now_utc_s).items():
            kw = max(so_far_kw, before[feeder])  # stands until a whole quarter has kept the contract
            contract_kw = self._meter.feeders[feeder].contract_kw
            self._alarms.set(
                "contract",
                feeder,
                kw > contract_kw,
                f"{kw:.1f} kW over a quarter of an hour, contract {contract_kw:g} kW",
            )
        if now_utc_s % CLOCK_EACH_S == 0:
            for board in {zone.zone.board for zone in self._live.zones.values()}:
                self._dispatcher.send_clock(board)
        if now_utc_s % ROLL_UP_EACH_S == 0:
            await self._store.roll_up()
        if now_utc_s % TIDY_EACH_S == 0:
            await self._tidy(now_utc_s)

    async def _tidy(self, now_utc_s: float) -> None:
        await self._store.forget_expired()
        while await self._store.prune(now_utc_s - KEEP_TICKS_S):  # noqa: ASYNC110 - it counts, it is no event
            await asyncio.sleep(1)  # telemetry goes first

    def _look_for_the_silent(self) -> None:
        now = self._clock.monotonic_s()
        absent: dict[str, bool] = {}
        for zone_id, zone in self._live.zones.items():
            silent_s = now - max(zone.heard_monotonic_s, self._started_s)
            if zone.online and silent_s > OFFLINE_AFTER_S:
                zone.online = False
                self._live.touch(zone_id)
                for listener in self.gap:
                    listener(zone_id)
            board = zone.zone.board
            absent[board] = absent.get(board, True) and silent_s > ABSENT_ALARM_S
        for board, is_absent in absent.items():
            self._alarms.set(
                "board-absent",
                board,
                is_absent,
                f"Nothing heard of board {board} for {ABSENT_ALARM_S / 60:g} min: it follows its plan until the lease "
                "ends, then the local rule. Check power and link",
            )
