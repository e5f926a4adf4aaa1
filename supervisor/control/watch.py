"""Periodic checks: overrides that end, boards that fall silent, peaks, clocks, and housekeeping of the record."""

from __future__ import annotations

import logging
from collections.abc import Callable

from supervisor.control.alarms import Alarms
from supervisor.control.dispatch import Dispatcher
from supervisor.control.live import OFFLINE_AFTER_S, LiveState
from supervisor.control.overrides import Overrides
from supervisor.control.peaks import KeptPeaks
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.plan import SLOT_S
from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell
from supervisor.runtime.pace import each, in_turns
from supervisor.runtime.supervision import Parts
from supervisor.store.upkeep import UpkeepRepository

logger = logging.getLogger(__name__)

ROUND_S = 5.0
ABSENT_ALARM_S = 300.0  # a reconnect with back-off takes up to 120 s
CLOCK_EACH_S = 3600.0  # a crystal is 0.2 s off by then
TOGETHER = 100  # boards that are told the time at once: some 10 ms in which nothing else is done
ROLL_UP_EACH_S = 600.0
TIDY_EACH_S = 86_400.0
KEEP_TICKS_S = 90 * 86_400.0  # the raw record; hours and days are kept without limit


class Watch:
    """`gap` is called with a zone that has fallen silent."""

    def __init__(
        self,
        live: LiveState,
        overrides: Overrides,
        dispatcher: Dispatcher,
        peaks: KeptPeaks,
        upkeep: UpkeepRepository,
        alarms: Alarms,
        clock: Clock,
    ) -> None:
        self._live = live
        self._overrides = overrides
        self._dispatcher = dispatcher
        self._meter = peaks.meter
        self._peaks = peaks
        self._upkeep = upkeep
        self._alarms = alarms
        self._clock = clock
        self._started_s = clock.monotonic_s()
        self._parts = Parts("watch", alarms)
        self._pruning = False
        self.gap: list[Callable[[str], None]] = []
        self.checks: dict[str, Callable[[], object]] = {}  # others' parts of each round, by name

    async def start(self) -> None:
        """Load the month's peaks."""
        await self._peaks.load(self._clock.utc_s())

    async def run(self) -> None:
        """Check until cancelled."""
        async for now in each(self._clock, ROUND_S):
            await self.round(now)

    async def round(self, now_utc_s: float) -> None:
        """What is due at this multiple of `ROUND_S`; a part that fails is reported, and the others run."""
        do = self._parts.do
        await do("silent boards", self._look_for_the_silent)
        await do("overrides", self._overrides.expire)
        await do("peaks", lambda: self._peaks.keep(now_utc_s))
        for name, check in self.checks.items():
            await do(name, check)
        await do("contract", lambda: self._check_contract(now_utc_s))
        if now_utc_s % CLOCK_EACH_S == 0:
            await do("clocks", self.send_clocks)
        if now_utc_s % ROLL_UP_EACH_S == 0:
            await do("roll-up", self._upkeep.roll_up)
        if now_utc_s % TIDY_EACH_S == 0:
            self._pruning = True
            await do("forgetting", self._upkeep.forget_expired)
        if self._pruning:
            await do("pruning", lambda: self._prune(now_utc_s))

    def _check_contract(self, now_utc_s: float) -> None:
        before = self._meter.mean_kw(now_utc_s - SLOT_S)
        for feeder, so_far_kw in self._meter.mean_kw(now_utc_s).items():
            kw = max(so_far_kw, before[feeder])  # stands until a whole quarter is within the contract
            contract_kw = self._meter.feeders[feeder].contract_kw
            self._alarms.set(
                AlarmCode.CONTRACT,
                feeder,
                kw > contract_kw,
                f"{kw:.1f} kW over a quarter of an hour, contract {contract_kw:g} kW",
            )

    async def send_clocks(self) -> None:
        """Tell every board that is connected the time; whatever else is due is done between them."""
        boards = sorted({zone.zone.board for zone in self._live.zones.values()})
        async for some in in_turns(boards, TOGETHER):
            for board in some:
                self._dispatcher.send_clock(board)

    async def _prune(self, now_utc_s: float) -> None:
        """One piece of what is too old, every round until none is left: telemetry first."""
        self._pruning = bool(await self._upkeep.prune(now_utc_s - KEEP_TICKS_S))

    def _named(self, board: str) -> str:
        name = self._live.board_names.get(board)
        return f"{board} ({name})" if name else board

    async def _look_for_the_silent(self) -> None:
        absent: dict[str, bool] = {}
        async for some in in_turns(self._live.zones.items()):
            now = self._clock.monotonic_s()
            for zone_id, zone in some:
                silent_s = now - max(zone.heard_monotonic_s, self._started_s)
                if zone.online and silent_s > OFFLINE_AFTER_S:
                    zone.online = False
                    self._live.touch(zone_id)
                    tell(self.gap, "zone silent", zone_id)
                board = zone.zone.board
                absent[board] = absent.get(board, True) and silent_s > ABSENT_ALARM_S
        async for boards in in_turns(absent.items()):
            for board, is_absent in boards:
                text = (
                    f"No contact with board {self._named(board)} for {ABSENT_ALARM_S / 60:g} min: it follows its plan "
                    "until the lease ends, then the local rule. Check power and link"
                ) if is_absent else ""  # fmt: skip
                self._alarms.set(AlarmCode.BOARD_ABSENT, board, is_absent, text)
