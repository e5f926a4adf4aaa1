"""One zone, every second: readings → interlock → who decides → contactor → energy. Pure."""

from .codes import (
    BLOCKING,
    CLOCK_INVALID,
    EARTH_FAULT,
    LEAKAGE_HIGH,
    METER_SILENT,
    MOISTURE_IMPLAUSIBLE,
    NO_LEAKAGE,
    NO_MOISTURE,
    NO_POWER,
    POWER_RETURN_HOLD,
    THERMAL_CUT_OUT,
)
from .control import Control
from .energy import Energy
from .leakage import Leakage
from .plausible import Plausible
from .relay import Relay
from .safety import Safety

if 0:  # for the type checker; leaves nothing on the chip
    from .config import Limits

WET_PERMILLE = 200
DRY_PERMILLE = 150  # hysteresis, so that noise does not toggle
_SURFACE = (-45_000, 80_000, 2_000)  # m°C, m°C, m°C/s: a road changes some K a minute at most
_CABLE = (-45_000, 125_000, 5_000)
_MOISTURE = (-25, 1_100, 2_000)  # ‰; a splash has no limit of rate


class Zone:
    """State of one zone. `tick` decides; the rest of the class counts for telemetry."""

    def __init__(
        self, zone_id: str, power_w: int, limits: "Limits", t: int = 0, hold_until: int = 0, latched: int = 0
    ) -> None:
        self.id = zone_id
        self.surface = Plausible(*_SURFACE)
        self.cable = Plausible(*_CABLE)
        self.moisture = Plausible(*_MOISTURE)
        self.safety = Safety(limits, power_w, latched)
        self.leakage = Leakage(limits)
        self.control = Control(limits)
        self.relay = Relay(t, limits)
        self.flags = 0
        self.phase_s = 0
        self.power_w = 0
        self._period_s = limits.period_s
        self._hold_until = hold_until
        self._wet = False
        self._rated_w = power_w
        self.energy = Energy(power_w)
        # Since the last telemetry record.
        self.on_s = 0
        self._sum_w = 0
        self._sum_s = 0

    def tick(
        self,
        t: int,
        utc_phase: int,
        surface_mc: "int | None",
        cable_mc: "int | None",
        moisture_permille: "int | None",
        power_w: int,
        earth_fault: bool,
        locked: bool,
        register_wh: "int | None" = None,
        cut_out: bool = False,
        leakage_ma: "int | None" = NO_LEAKAGE,
    ) -> bool:
        """Advance to uptime `t` with a set of samples (None: no answer); returns whether the contactor is to be closed.

        cut_out: the thermal cut-out has opened; leakage_ma: of the monitor, NO_LEAKAGE where there is none.
        power_w: NO_POWER where the meter is silent; register_wh: of a meter whose register was read since the last one.
        utc_phase: added to `t` it gives the clock modulo the period, so that zones of a feeder stagger across boards;
        -1 while the clock is not set.
        """
        relay = self.relay
        surface = self.surface
        on = relay.on
        surface.feed(surface_mc)
        self.cable.feed(cable_mc)
        moisture_ok = self.moisture.feed(moisture_permille)
        self._count(power_w, on, register_wh)
        tripped = EARTH_FAULT if self.leakage.step(leakage_ma) or earth_fault else 0
        if cut_out:
            tripped |= THERMAL_CUT_OUT
        flags = self.safety.step(t, surface, self.cable, power_w, on, relay.since, tripped)
        if self.leakage.high:
            flags |= LEAKAGE_HIGH
        if t < self._hold_until:
            flags |= POWER_RETURN_HOLD
        if moisture_ok:
            wet = self.moisture.value >= (DRY_PERMILLE if self._wet else WET_PERMILLE)
            self._wet = wet
        else:
            flags |= MOISTURE_IMPLAUSIBLE
            wet = True  # a road that may be wet is treated as wet; the on-time limits bound it
        if power_w == NO_POWER:
            flags |= METER_SILENT
        if utc_phase < 0:
            flags |= CLOCK_INVALID
            utc_phase = 0
        self.flags = flags
        control = self.control
        blocked = flags & BLOCKING != 0 or self.safety.resting
        duty = control.decide(t, surface.value, wet, blocked, locked)
        if blocked or locked:
            relay.open(t)
            return False
        return relay.step(t, (t + utc_phase - self.phase_s) % self._period_s, duty, control.who)

    def _count(self, power_w: int, on: bool, register_wh: "int | None") -> None:
        """Energy of the second that ended, measured; while the meter is silent, the cable's rated power."""
        if power_w == NO_POWER:
            power_w = self._rated_w if on else 0
        self.power_w = power_w
        self._sum_w += power_w
        self._sum_s += 1
        if on:
            self.on_s += 1
        self.energy.count(power_w, register_wh)

    def sample(self) -> "tuple[int, ...]":
        """Fields of the wire's sample after the zone's name; begins a new interval."""
        mean_w = self._sum_w // self._sum_s if self._sum_s else 0
        on_s = self.on_s
        self.on_s = self._sum_w = self._sum_s = 0
        control = self.control
        moisture = self.moisture.value if self.moisture.valid else NO_MOISTURE
        if moisture < 0 and self.moisture.valid:
            moisture = 0
        return (
            self.surface.value,
            self.cable.value,
            moisture,
            on_s,
            mean_w,
            self.energy.wh,
            control.duty,
            control.who,
            self.flags,
        )
