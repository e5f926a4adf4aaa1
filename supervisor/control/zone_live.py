"""What is known of one zone right now. Written by control only, read as `view.ZoneView`."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.control.reach import OffAtBoard
from supervisor.domain.danger import Danger
from supervisor.domain.override import Override
from supervisor.domain.plan import Plan, PlanState
from supervisor.domain.zone import Zone
from supervisor.wire.messages import Flag, ZoneSample, is_surface


@dataclass(slots=True)
class ZoneLive:
    """What is known of one zone; fields are written by control only, followed by `LiveState.touch`."""

    zone: Zone
    sample: ZoneSample | None = None  # newest live telemetry
    sample_utc_s: float = 0.0  # when its interval ended
    heard_monotonic_s: float = float("-inf")  # when it arrived
    online: bool = False
    surface_word: str | None = None
    lying_mm: float | None = None  # snow + ice + frost
    plan: Plan | None = None
    plan_state: PlanState = PlanState.REQUESTED
    override: Override | None = None
    waiting_since_utc_s: float | None = None  # cold and wet and without heat, kept by the demand guard
    cable_broken: bool = False  # known to be, whatever the board says while it tries again
    dangers: tuple[Danger, ...] = ()  # that stand here
    off: OffAtBoard | None = None  # how far the OFF of a danger has come

    @property
    def flags(self) -> int:
        """The board's flags, and a known broken cable."""
        flags = self.sample.flags if self.sample else 0
        return flags | Flag.CABLE_BROKEN if self.cable_broken else flags


def surface_c(sample: ZoneSample) -> float | None:
    """Measured surface temperature [°C], None where it is not plausible."""
    believed = is_surface(sample.surface_mc) and not sample.flags & Flag.SENSOR_IMPLAUSIBLE
    return sample.surface_mc / 1000 if believed else None


def moisture_permille(sample: ZoneSample) -> int | None:
    """Measured moisture [‰], None where it is not plausible."""
    believed = 0 <= sample.moisture_permille <= 1000 and not sample.flags & Flag.MOISTURE_IMPLAUSIBLE
    return sample.moisture_permille if believed else None
