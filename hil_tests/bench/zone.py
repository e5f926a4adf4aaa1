"""One zone of the bench: true state of road and contactor, and faults that can be set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hil_tests.vm.emulated_board import NOISE, OPEN, SHORT, EmulatedBoard
from hil_tests.vm.wired import CT_OFFSET_MV, DRY_MV, WET_MV
from supervisor.domain.errors import RoadheatError
from supervisor.domain.zone import Zone

_PROBE_FAULTS = {"open": OPEN, "short": SHORT, "noise": NOISE}
_ON_BUS = ("surface", "cable")
FAULTS = {"surface": (*_PROBE_FAULTS, "stuck"), "cable": (*_PROBE_FAULTS, "stuck"), "moisture": ("open", "stuck")}


class BenchError(RoadheatError):
    code = "bench"


@dataclass
class Truth:
    """The road as it is, not as a probe sees it."""

    surface_c: float = 0.0
    cable_c: float = 0.0
    water_mm: float = 0.0
    ice_mm: float = 0.0
    snow_mm: float = 0.0
    frost_mm: float = 0.0
    power_w: float = 0.0  # this instant
    energy_wh: float = 0.0  # since the start, exact to the millisecond of the contactor

    @property
    def lying_mm(self) -> float:
        """Snow, ice and frost."""
        return self.ice_mm + self.snow_mm + self.frost_mm


@dataclass
class BenchZone:
    """Wiring, truth and faults of a zone."""

    zone: Zone
    wiring: dict[str, Any]  # its entry in the board's config.json
    board: EmulatedBoard
    slot: int  # which zone of its board: probes 2·slot and 2·slot+1
    moist_channel: int = 0
    current_channel: int = 1  # -1: a register meter measures
    truth: Truth = field(default_factory=Truth)
    closed: bool = False  # the contactor as commanded
    fault: dict[str, str] = field(default_factory=dict)  # place → kind
    moisture: float = 0.0  # as the probe sees it, 0–1
    drift_k: float = 0.0
    welded: bool = False
    broken: bool = False  # cable: no current
    tripped: bool = False  # the contactor upstream is open
    silent: bool = False  # the register meter, or what it says, cannot be used
    stuck_c: dict[str, float] = field(default_factory=dict)  # constant reading of a stuck probe; moisture 0–1
    on_ms: int = 0  # energised since the last plant step
    on_minute_ms: int = 0  # energised since the last full minute

    @property
    def id(self) -> str:
        return self.zone.id

    @property
    def energised(self) -> bool:
        """Whether current flows."""
        return (self.closed or self.welded) and not self.broken and not self.tripped

    def set_sensor_fault(self, kind: str | None, place: str = "surface") -> None:
        """Break a probe: `open`, `short`, `noise` (broken CRC), `stuck` at `surface` or `cable`; `open` or `stuck` at
        `moisture`. None ends the fault. Raises BenchError for a fault that the probe cannot have.
        """
        if kind not in (None, *FAULTS.get(place, ())):
            raise BenchError(f"no fault `{kind}` at `{place}`", remedy=f"Known: {FAULTS}")
        self.board.shorted.discard((self.id, place))
        if kind == "short":  # one shorted probe silences all on the bus of its board
            self.board.shorted.add((self.id, place))
        if kind is None:
            self.fault.pop(place, None)
        else:
            if kind == "stuck" and self.fault.get(place) != "stuck":
                now = {"surface": self.truth.surface_c + self.drift_k, "cable": self.truth.cable_c}
                self.stuck_c[place] = now.get(place, self.moisture)
            self.fault[place] = kind
        self.show(self.moisture, 0.0)

    @property
    def surface_seen_c(self) -> float | None:
        """Reading of the board's probe without noise; None where it gives no answer."""
        return self._seen_c("surface", self.truth.surface_c + self.drift_k)

    @property
    def cable_seen_c(self) -> float | None:
        return self._seen_c("cable", self.truth.cable_c)

    @property
    def moisture_seen(self) -> float | None:
        """0–1; None where the probe gives no answer, which a board treats as wet."""
        return self._seen_c("moisture", self.moisture)

    def _seen_c(self, place: str, now: float) -> float | None:
        if place in _ON_BUS and self.board.shorted:
            return None
        kind = self.fault.get(place)
        return now if kind is None else self.stuck_c[place] if kind == "stuck" else None

    def set_drift(self, kelvin: float) -> None:
        """Let the surface probe read so much [K] above the truth."""
        self.drift_k = kelvin
        self.show(self.moisture, 0.0)

    def weld_contactor(self, welded: bool = True) -> None:
        self.welded = welded
        self.show(self.moisture, 0.0)

    def break_cable(self, broken: bool = True) -> None:
        self.broken = broken
        self.show(self.moisture, 0.0)

    def trip(self, tripped: bool) -> None:
        """The contactor upstream opens, or closes again."""
        self.tripped = tripped
        self.show(self.moisture, 0.0)

    def set_meter_fault(self, fault: str) -> None:
        """One of hil_tests.vm.meters.FAULTS, where the zone has a register meter."""
        self.silent = fault != "fine"
        if self._has_meter:
            self.board.meters.set_fault(self.slot, fault)

    @property
    def _has_meter(self) -> bool:
        return self.current_channel < 0

    def show(self, moisture: float, noise_k: float) -> None:
        """Set the board's inputs to what the probes read. `moisture` 0–1."""
        for i, (place, celsius) in enumerate((("surface", self.truth.surface_c), ("cable", self.truth.cable_c))):
            kind = self.fault.get(place)
            if kind in _PROBE_FAULTS:
                self.board.set_temperature(2 * self.slot + i, _PROBE_FAULTS[kind])
            elif kind == "stuck":
                self.board.set_temperature(2 * self.slot + i, self.stuck_c[place])
            else:
                drift_k = self.drift_k if place == "surface" else 0.0
                self.board.set_temperature(2 * self.slot + i, celsius + noise_k + drift_k)
        self.moisture = moisture
        kind = self.fault.get("moisture")
        if kind == "open":
            self.board.set_adc(self.moist_channel, 0.0)
        else:
            seen = self.stuck_c["moisture"] if kind == "stuck" else moisture
            self.board.set_adc(self.moist_channel, DRY_MV + (WET_MV - DRY_MV) * seen)
        on_w = 0 if self.broken or self.tripped else self.zone.power_w
        off_w = on_w if self.welded else 0
        if self._has_meter:
            self.board.meters.set_power(self.slot, off_w, on_w)
            return
        off_mv, on_mv = (CT_OFFSET_MV + watts / self.wiring["ct_w_per_mv"] for watts in (off_w, on_w))
        self.board.set_adc(self.current_channel, off_mv, on_mv)
