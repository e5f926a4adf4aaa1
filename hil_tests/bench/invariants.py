"""I1–I4, I8, I10, I12 and I16 of the fault model, from the host's data: contactors as wired, roads as simulated.

Telemetry is not used here. Probes see a little less than the truth, and a board reads once a second, so limits on
temperature carry a grace in kelvins and seconds; the rest is exact to the millisecond of the contactor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hil_tests.bench.liveness import Liveness
from hil_tests.bench.zone import BenchZone
from supervisor.domain.zone import Feeder

LOOP_MS = 3_000  # a sample, its conversion and the loop that acts on it
PROBE_K = 0.5  # quantisation, noise and the conversion's age at the steepest heating
BOOT_OFF_MS = 3_000  # the self-test takes at least this
AFTER_RUN_MS = 3_600_000 + 1_200_000  # local rule: 60 min dry, and the period that it ends in
LOCAL_MAX_C = 6.0  # the local rule never heats above
DRY = 0.15  # moisture below which no board calls a road wet
DAY_MS = 86_400_000
DAY_GRACE_MS = 3_600_000  # boards count the day in hourly buckets


class Violation(NamedTuple):
    """Which invariant was violated, when and where."""

    invariant: str
    at_s: float
    place: str
    what: str


@dataclass
class _Watch:
    """What is remembered of a zone."""

    off_since_ms: int | None = None  # None: unknown, which counts as just now
    on_since_ms: int = 0
    stretches: deque[tuple[int, int]] = field(default_factory=deque)  # closed from, to
    wet_ms: int = -DAY_MS
    limit_since_ms: int | None = None  # over a limit since
    unauthorised_since_ms: int | None = None
    overrides: list[tuple[int, int]] = field(default_factory=list)  # ON and BOOST: from, to
    contact_ms: int = -DAY_MS * 9  # the service could have sent a plan


class Invariants:
    """Fed by the bench with edges, resets and ticks; `violations` stays empty."""

    def __init__(
        self,
        feeders: Sequence[Feeder],
        zones: Sequence[BenchZone],
        limits: Mapping[str, int],
        start_utc_s: float = 0.0,
    ) -> None:
        self.violations: list[Violation] = []
        self._feeders = feeders
        self._zones = zones
        self._limits = limits
        self._watch = {zone.id: _Watch() for zone in zones}
        self._of_feeder = {f.id: [z for z in zones if z.zone.feeder == f.id] for f in feeders}
        self._earth_ms: dict[str, int | None] = {}
        self._resets_ms: dict[str, list[int]] = {}
        self._told: set[tuple[str, str, int]] = set()
        self.lease_ms = limits["lease_max_s"] * 1000
        self.edges = 0
        self.liveness = Liveness(zones, limits, start_utc_s, self.tell)

    def edge(self, zone: BenchZone, closed: bool, at_ms: int) -> None:
        """A contactor moved."""
        self.edges += 1
        self.liveness.edge(zone, closed, at_ms)
        watch, limits = self._watch[zone.id], self._limits
        if not closed:
            watch.off_since_ms = at_ms
            watch.stretches.append((watch.on_since_ms, at_ms))
            return
        watch.on_since_ms = at_ms
        # Of a stretch of time the resets are told before the edges, so the newest one may come later than this edge.
        reset_ms = max([0, *(ms for ms in self._resets_ms.get(zone.board.name, ()) if ms <= at_ms)])
        off_ms = at_ms - (watch.off_since_ms if watch.off_since_ms is not None else reset_ms)
        if off_ms < limits["min_off_s"] * 1000:
            self.tell("I3", at_ms, zone.id, f"closed {off_ms / 1000:.1f} s after opening")
        if at_ms - reset_ms < BOOT_OFF_MS:
            self.tell("I8", at_ms, zone.id, f"closed {(at_ms - reset_ms) / 1000:.1f} s after a reset")

    def feeder_load(self, at_ms: int) -> dict[str, float]:
        """kW per feeder this instant, checked against the breaker."""
        load = {}
        for feeder in self._feeders:
            kw = sum(zone.truth.power_w for zone in self._of_feeder[feeder.id]) / 1000
            load[feeder.id] = kw
            if kw > feeder.breaker_kw + 1e-9:
                self.tell("I10", at_ms, feeder.id, f"{kw:.1f} kW on a breaker of {feeder.breaker_kw:.1f} kW")
        return load

    def reset(self, board: str, at_ms: int, cause: int) -> None:
        """A board has restarted. `cause` as machine.reset_cause()."""
        self._resets_ms.setdefault(board, []).append(at_ms)
        self.liveness.reset(board, at_ms, cause)

    def lock(self, board: str, locked: bool, at_ms: int) -> None:
        """The maintenance key is turned, or back."""
        self.liveness.lock(board, locked, at_ms)

    def earth_fault(self, board: str, fault: bool, at_ms: int) -> None:
        self._earth_ms[board] = at_ms if fault else None
        self.liveness.earth_fault(board, fault)

    def override(self, zone: str, from_ms: int, to_ms: int) -> None:
        """A person may heat `zone` in this window."""
        self._watch[zone].overrides.append((from_ms, to_ms))

    def hold_off(self, zone: str, from_ms: int, to_ms: int) -> None:
        """A person keeps `zone` off in this window."""
        self.liveness.off(zone, from_ms, to_ms)

    def end_override(self, zone: str, at_ms: int) -> None:
        """It was cancelled."""
        self.liveness.end_off(zone, at_ms)
        watch = self._watch[zone]
        watch.overrides = [(begin, min(end, at_ms)) for begin, end in watch.overrides]

    def contact(self, board: str, at_ms: int) -> None:
        """The service and a board could talk."""
        for zone in self._zones:
            if zone.board.name == board:
                self._watch[zone.id].contact_ms = at_ms
                self.liveness.contact(zone.id, at_ms)

    def tick(self, now_ms: int) -> None:
        """Check what must hold at each instant."""
        for zone in self._zones:
            watch = self._watch[zone.id]
            if zone.moisture >= DRY or "moisture" in zone.fault:
                watch.wet_ms = now_ms
            self.liveness.tick(zone, now_ms)
            if not zone.closed:
                watch.limit_since_ms = watch.unauthorised_since_ms = None
                continue
            self._check_limits(zone, watch, now_ms)
            self._check_authority(zone, watch, now_ms)
            self._check_on_time(zone, watch, now_ms)

    def _check_limits(self, zone: BenchZone, watch: _Watch, now_ms: int) -> None:
        """I1: closed only below the limits and without an earth fault."""
        limits, truth = self._limits, zone.truth
        what = ""
        surface_c = max(truth.surface_c, truth.surface_c if zone.surface_seen_c is None else zone.surface_seen_c)
        if surface_c > limits["t_max_mc"] / 1000 + PROBE_K:
            what = f"surface {surface_c:.1f} °C"
        elif truth.cable_c > limits["cable_max_mc"] / 1000 + PROBE_K:
            what = f"cable {truth.cable_c:.1f} °C"
        elif self._earth_ms.get(zone.board.name) is not None:
            what = "earth fault"
        elif zone.fault.keys() & {"surface", "cable"} and {*zone.fault.values()} & {"open", "short", "noise"}:
            what = f"probe {zone.fault}"
        if not what:
            watch.limit_since_ms = None
        elif watch.limit_since_ms is None:
            watch.limit_since_ms = now_ms
        elif now_ms - watch.limit_since_ms > LOOP_MS:
            self.tell("I1", now_ms, zone.id, f"closed with {what}")

    def _check_authority(self, zone: BenchZone, watch: _Watch, now_ms: int) -> None:
        """I2, I12: closed only under a live override, a lease, or the local rule where it may heat."""
        if any(begin <= now_ms <= end + LOOP_MS for begin, end in watch.overrides):
            watch.unauthorised_since_ms = None
            return
        if now_ms - watch.contact_ms <= self.lease_ms:
            watch.unauthorised_since_ms = None
            return
        may_be_wet = now_ms - watch.wet_ms <= AFTER_RUN_MS
        if may_be_wet and zone.truth.surface_c <= LOCAL_MAX_C + PROBE_K:
            watch.unauthorised_since_ms = None
            return
        if watch.unauthorised_since_ms is None:
            watch.unauthorised_since_ms = now_ms
        elif now_ms - watch.unauthorised_since_ms > LOOP_MS:
            expired = [end for _, end in watch.overrides if end < now_ms]
            name = "I12" if expired and watch.on_since_ms < max(expired) else "I2"
            self.tell(name, now_ms, zone.id, "closed without plan, override or a cold wet road")

    def _check_on_time(self, zone: BenchZone, watch: _Watch, now_ms: int) -> None:
        """I4: longest continuous on-time and hours per day."""
        limits = self._limits
        if now_ms - watch.on_since_ms > limits["max_on_s"] * 1000 + LOOP_MS:
            self.tell("I4", now_ms, zone.id, f"closed for {(now_ms - watch.on_since_ms) / 3.6e6:.2f} h")
        begin_ms = now_ms - DAY_MS
        while watch.stretches and watch.stretches[0][1] <= begin_ms:
            watch.stretches.popleft()
        if len(watch.stretches) and now_ms % 60_000 == 0:
            day_ms = now_ms - watch.on_since_ms
            day_ms += sum(end - max(begin, begin_ms) for begin, end in watch.stretches)
            if day_ms > limits["max_on_day_s"] * 1000 + DAY_GRACE_MS:
                self.tell("I4", now_ms, zone.id, f"closed {day_ms / 3.6e6:.2f} h of the last 24 h")

    def tell(self, invariant: str, at_ms: int, place: str, what: str) -> None:
        """Note a violation, once per place and minute."""
        key = (invariant, place, at_ms // 60_000)
        if key not in self._told:
            self._told.add(key)
            self.violations.append(Violation(invariant, at_ms / 1000, place, what))
