"""Implausible data of boards: counted, kept in quarantine, with an alarm while it continues."""

from __future__ import annotations

import msgspec

from supervisor.control.admission import Admitted
from supervisor.control.alarms import Alarms
from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import Clock
from supervisor.store.quarantine import QuarantineRepository
from supervisor.store.telemetry import Booking
from supervisor.wire.messages import Telemetry
from supervisor.wire.reports import Damaged

STANDS_S = 86_400.0  # an alarm stands this long after the last case: a person looks at least once a day
FRAMES_REMEDY = "Compare its zones with the configuration; provision it again. If nobody works on it, remove its key"
ENERGY_REMEDY = (
    "It is not in the record, `roadheat energy` lists it. Check current transformer, meter and rated power; if all are "
    "right, provision the board again with a new key"
)


class Distrust:
    """Alarms by board (frames and samples) and by zone (energy)."""

    def __init__(self, store: QuarantineRepository, alarms: Alarms, metrics: Metrics, clock: Clock) -> None:
        self._store = store
        self._alarms = alarms
        self._metrics = metrics
        self._clock = clock
        self._last_s: dict[tuple[AlarmCode, str], float] = {}

    async def admitted(self, board: str, frame: Telemetry, what: Admitted) -> None:
        """Quarantine the samples of a frame that do not count. Raises StoreError."""
        for reason, zones in (("foreign-zone", what.foreign), ("repeated-zone", what.repeated)):
            for zone in zones:
                await self._refuse(board, (frame.boot, frame.q), reason, msgspec.json.encode(frame), zone)

    async def damaged(self, board: str, frame: Damaged) -> None:
        """Quarantine a frame with values out of range. Raises StoreError."""
        await self._refuse(board, (frame.boot, frame.q), "; ".join(frame.faults), frame.raw)

    async def unusable(self, board: str, frame: Telemetry, why: str) -> None:
        """Quarantine a frame that can never be stored. Raises StoreError."""
        await self._refuse(board, (frame.boot, frame.q), why, msgspec.json.encode(frame))

    def committed(self, board: str, booking: Booking) -> None:
        """Raise alarms for what a commit did not book, and clear those whose last case is long ago."""
        if booking.refused:
            self._metrics.samples_refused.labels(board).inc()
            self._raise(
                AlarmCode.TELEMETRY_REFUSED,
                board,
                f"Board {board} sends a record that cannot be stored ({booking.refused})",
            )
        for excess in booking.excess:
            self._metrics.quarantined_wh.labels(excess.zone).inc(excess.excess_wh)
            self._raise(
                AlarmCode.ENERGY_QUARANTINED,
                excess.zone,
                f"{excess.excess_wh / 1000:.3f} kWh counted by board {board} are more than power explains. "
                + ENERGY_REMEDY,
            )
        self._settle(AlarmCode.TELEMETRY_REFUSED, board)
        for zone in booking.rated_w:
            self._settle(AlarmCode.ENERGY_QUARANTINED, zone)
            self._settle(AlarmCode.ESTIMATE_RESET, zone)

    def estimate_lost(self, zone: str) -> None:
        """A zone's estimate left the physical range and was restarted."""
        self._raise(
            AlarmCode.ESTIMATE_RESET,
            zone,
            "The estimate of this road left the physical range and was restarted: what lies there is not known. "
            "Look at the road, its sensor and its power measurement",
        )

    async def _refuse(self, board: str, key: tuple[int, int], reason: str, raw: bytes, zone: str = "") -> None:
        self._metrics.samples_refused.labels(board).inc()
        await self._store.put_frame(board, key, reason, raw, zone)
        about = f" of {zone}" if zone else ""
        self._raise(
            AlarmCode.TELEMETRY_REFUSED,
            board,
            f"Board {board} sends implausible telemetry{about} ({reason}). {FRAMES_REMEDY}",
        )

    def _raise(self, code: AlarmCode, subject: str, text: str) -> None:
        self._alarms.set(code, subject, True, text)
        self._last_s[code, subject] = self._clock.monotonic_s()

    def _settle(self, code: AlarmCode, subject: str) -> None:
        if not self._alarms.stands(code, subject):
            return
        now = self._clock.monotonic_s()
        if now - self._last_s.setdefault((code, subject), now) > STANDS_S:
            del self._last_s[code, subject]
            self._alarms.set(code, subject, False)
