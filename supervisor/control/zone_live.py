"""What is known of one zone right now. Written by control only, read as `view.ZoneView`."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.control.condition import NotHeating
from supervisor.control.reach import OffAtBoard
from supervisor.domain.danger import Danger
from supervisor.domain.override import Override
from supervisor.domain.plan import Plan, PlanState
from supervisor.domain.road_work import RoadWork
from supervisor.domain.zone import Zone
from supervisor.road.believed import BELIEVED
from supervisor.wire.messages import WET_PERMILLE, Flag, ZoneSample, is_surface


@dataclass(slots=True)
class ZoneLive:
    """What is known of one zone; fields are written by control only, followed by `LiveState.touch`."""

    zone: Zone
    sample: ZoneSample | None = None  # newest live telemetry
    sample_utc_s: float = 0.0  # when its interval ended
    sample_s: float = float("-inf")  # the same, monotonic: to compare with other moments
    heard_monotonic_s: float = float("-inf")  # when it arrived
    online: bool = False
    surface_word: str | None = None
    lying_mm: float | None = None  # snow + ice + frost
    freezing_c: float | None = None  # lowered by salt; None: 0 °C, or nothing there to freeze
    works: tuple[RoadWork, ...] = ()  # of the last hours, the newest first
    estimated_c: float | None = None  # surface by the estimate, which uses the sensor as far as it is believed
    surface_quality: float = 1.0  # how far the surface sensor is believed [0–1]
    moisture_outvoted: bool = False  # reads dry while snow or rain falls on the heated road
    heated_s: float | None = None  # when it last drew power, monotonic
    plan: Plan | None = None
    plan_state: PlanState = PlanState.REQUESTED
    override: Override | None = None
    waiting_since_s: float | None = None  # monotonic; cold and wet and without heat, kept by the demand guard
    cable_broken: bool = False  # known to be, whatever the board says while it tries again
    dangers: tuple[Danger, ...] = ()  # that stand here
    off: OffAtBoard | None = None  # how far the OFF of a danger has come
    not_heating: NotHeating | None = None  # as last decided, and since when [UTC]; None where it was so at the start
    not_heating_since_utc_s: float | None = None

    def decided(self, reason: NotHeating | None, now_utc_s: float) -> None:
        """Note why it is not heated, so that people can be told since when."""
        if reason is not self.not_heating:
            known_before = self.not_heating is not None or self.sample is not None
            self.not_heating_since_utc_s = now_utc_s if known_before else None
            self.not_heating = reason

    @property
    def flags(self) -> int:
        """The board's flags, and a known broken cable."""
        flags = self.sample.flags if self.sample else 0
        return flags | Flag.CABLE_BROKEN if self.cable_broken else flags

    @property
    def believed_c(self) -> float | None:
        """Surface temperature to decide by [°C]: measured, or estimated where the sensor is not believed."""
        measured = surface_c(self.sample) if self.sample else None
        return self.estimated_c if measured is not None and self.surface_quality < BELIEVED else measured

    @property
    def wet(self) -> bool | None:
        """Whether the moisture sensor says wet, or is outvoted; None where it gives nothing plausible."""
        moisture = moisture_permille(self.sample) if self.sample else None
        return None if moisture is None else self.moisture_outvoted or moisture >= WET_PERMILLE


def surface_c(sample: ZoneSample) -> float | None:
    """Measured surface temperature [°C], None where it is not plausible."""
    believed = is_surface(sample.surface_mc) and not sample.flags & Flag.SENSOR_IMPLAUSIBLE
    return sample.surface_mc / 1000 if believed else None


def moisture_permille(sample: ZoneSample) -> int | None:
    """Measured moisture [‰], None where it is not plausible."""
    believed = 0 <= sample.moisture_permille <= 1000 and not sample.flags & Flag.MOISTURE_IMPLAUSIBLE
    return sample.moisture_permille if believed else None
