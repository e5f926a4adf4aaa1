"""I5, I7, I9, I11, I13 and I15 of the fault model: safety loop, latches and flash of the boards, and what is on record.

The safety loop is seen by the beat output, a latched weld by the contactor upstream; boards without these are not
watched for it. Outputs are exact to the millisecond; what concerns the service is looked up once a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from firmware.rh.board import ALONE_MAX_S, ALONE_S
from firmware.rh.state import BAD_BOOTS_MAX, GOOD_BOOT_S
from hil_tests.bench.flash_check import Accepted, accepted, damage, flash
from hil_tests.bench.zone import BenchZone
from hil_tests.vm.emulated_board import EmulatedBoard

PERIOD_MS = 1_000
DELAY_MS = 1_000  # the longest by which anything may delay the loop
WATCHDOG_MS = 8_000  # what a call that never returns may cost
WELD_MS = 5_000
LOOP_MS = 3_000  # a meter's round, and two turns of the loop
BOOT_MS = 2_000
CONNECTED_MS = 15 * 60_000  # dials of a board whose link has failed often are two minutes apart
SILENT_MS = 180_000
METER_SHARE, METER_WH = 1.02, 100.0
_SOFT_RESET = 5


class Service(Protocol):
    """What the service has on record."""

    def newest(self, board: str) -> int | None:
        """Number of the record of the board that was stored last; None: nobody keeps one."""

    def energy_wh(self) -> dict[str, int]:
        """By zone."""


@dataclass
class _Board:
    beat_ms: int | None = None
    since_ms: int = 0  # connection and power are there, and the service runs
    accepted: Accepted | None = None
    ran_ms: int = 0  # its program was last seen running
    bad_starts: int = 0  # in a row, this one included
    alone_ms: int = 0  # safe mode: the local rule runs alone for so long
    newest: int = 0
    heard_ms: int = 0


class BoardWatch:
    """Fed by the bench; `tell(invariant, at_ms, place, what)` for each violation."""

    def __init__(
        self, boards: Mapping[str, EmulatedBoard], zones: Mapping[str, BenchZone], service: Service,
        tell: Callable[[str, int, str, str], None],
    ) -> None:  # fmt: skip
        self._boards = boards
        self._zones = zones
        self._service = service
        self._tell = tell
        self._watch = {name: _Board() for name in boards}
        self._welded_ms: dict[str, int] = {}
        self._reset_ms = dict.fromkeys(boards, 0)
        self._unmetered: set[str] = set()

    def beat(self, name: str, at_ms: int) -> None:
        """The safety loop has turned."""
        watch = self._watch[name]
        if watch.beat_ms is not None and watch.beat_ms >= self._reset_ms[name]:
            self._late(name, at_ms - watch.beat_ms, at_ms)
        watch.beat_ms = at_ms

    def _late(self, name: str, gap_ms: int, at_ms: int) -> None:
        most_ms = WATCHDOG_MS + PERIOD_MS if self._boards[name].trouble == "hang" else PERIOD_MS + DELAY_MS
        if gap_ms > most_ms:
            self._tell("I9", at_ms, name, f"safety loop turned after {gap_ms / 1000:.1f} s")

    def reset(self, name: str, at_ms: int, cause: int) -> None:
        """A board starts anew: what it finds on its flash."""
        watch, board = self._watch[name], self._boards[name]
        watch.beat_ms = None
        lasted_ms = watch.ran_ms - self._reset_ms[name]
        watch.bad_starts = 1 if lasted_ms > watch.alone_ms + GOOD_BOOT_S * 1000 else watch.bad_starts + 1
        more = watch.bad_starts - BAD_BOOTS_MAX
        watch.alone_ms = 1000 * min(ALONE_MAX_S, ALONE_S << min(more, 5)) if more >= 0 else 0
        watch.since_ms = self._reset_ms[name] = at_ms
        if cause == _SOFT_RESET:
            return
        try:
            files = flash(board.image)
        except OSError as error:
            self._tell("I13", at_ms, name, f"file system: {error}")
            return
        if not files:  # never flashed
            return
        if what := damage(files):
            self._tell("I13", at_ms, name, what)
        now, before = accepted(files), watch.accepted
        if now and before and now.life == before.life and now[1:] < before[1:]:
            self._tell("I5", at_ms, name, f"knows {now[1:]} after {before[1:]}")
        watch.accepted = now or before

    def tick(self, now_ms: int, service_runs: bool) -> None:
        """Check what must hold at each instant."""
        for name, board in self._boards.items():
            watch = self._watch[name]
            if board.application:
                watch.ran_ms = now_ms
            if not board.application:
                watch.beat_ms = None
            elif watch.beat_ms is not None and watch.beat_ms >= self._reset_ms[name] and self._heats(board):
                self._late(name, now_ms - watch.beat_ms, now_ms)
            if not (service_runs and board.linked and board.application and board.trouble == "none"):
                watch.since_ms = now_ms
        for zone in self._zones.values():
            self._weld(zone, now_ms)
            if zone.silent or zone.broken:
                self._unmetered.add(zone.id)

    def _heats(self, board: EmulatedBoard) -> bool:
        """With its contactors open a board may take its time: to say what ended it, and to start anew."""
        return any(zone.closed for zone in self._zones.values() if zone.board is board)

    def _weld(self, zone: BenchZone, now_ms: int) -> None:
        """I7: a current for 5 s without a command latches, which opens the contactor upstream."""
        seen = "trip_pin" in zone.wiring and zone.board.application and not self._deaf(zone)
        if not seen or not zone.welded or not zone.energised or zone.closed:
            self._welded_ms.pop(zone.id, None)
            return
        since_ms = max(self._welded_ms.setdefault(zone.id, now_ms), self._reset_ms[zone.board.name] + BOOT_MS)
        if now_ms - since_ms > WELD_MS + LOOP_MS:
            self._tell("I7", now_ms, zone.id, f"current for {(now_ms - since_ms) / 1000:.0f} s without a command")

    def _deaf(self, zone: BenchZone) -> bool:
        """One meter can hold the whole line."""
        return any(other.silent for other in self._zones.values() if other.board is zone.board)

    def minute(self, now_ms: int) -> None:
        """I15: a board with power and network whose service runs is heard by it."""
        for name, watch in self._watch.items():
            newest = self._service.newest(name)
            if newest is None:
                continue
            if newest != watch.newest:
                watch.newest, watch.heard_ms = newest, now_ms
            if now_ms - watch.since_ms >= CONNECTED_MS + watch.alone_ms and now_ms - watch.heard_ms > SILENT_MS:
                self._tell("I15", now_ms, name, f"not heard for {(now_ms - watch.heard_ms) / 60_000:.0f} min")

    def end(self, now_ms: int) -> None:
        """Check the whole record: a record stored twice is energy that no cable drew."""
        for name, wh in self._service.energy_wh().items():
            zone = self._zones.get(name)
            if zone is None or name in self._unmetered:
                continue
            if wh > zone.truth.energy_wh * METER_SHARE + METER_WH:
                self._tell("I11", now_ms, name, f"{wh} Wh on record, {zone.truth.energy_wh:.0f} Wh drawn")
