"""Words and quantities of a road's surface as other systems name them: DATEX II and NTCIP 1204."""

from __future__ import annotations

from typing import Final

from supervisor.control.view import ZoneView
from supervisor.road.surface import DATEX_II, Surface

# NTCIP 1204 essSurfaceStatus.
NTCIP: Final = {
    Surface.DRY: "dry", Surface.TRACE: "traceMoisture", Surface.DEW: "dew", Surface.MOIST: "traceMoisture",
    Surface.WET: "wet", Surface.SLUSH: "snowWarning", Surface.FROST: "frost", Surface.SNOW: "snowWarning",
    Surface.ICE: "iceWarning",
}  # fmt: skip
_BY_WORD: Final = {surface.word: surface for surface in Surface}


def surface_of(view: ZoneView) -> Surface | None:
    """The estimated state; None where it is not known. Without contact nothing harmless is said of a road."""
    found = _BY_WORD.get(view.state or "")
    return None if found is None or (not view.online and found <= Surface.WET) else found


def weather_related(view: ZoneView) -> str | None:
    """DATEX II's WeatherRelatedRoadConditionType; None where it is not known."""
    found = surface_of(view)
    return None if found is None else DATEX_II[found]


def surface_status(view: ZoneView) -> str:
    """NTCIP 1204's essSurfaceStatus; "error" where it is not known."""
    found = surface_of(view)
    return "error" if found is None else NTCIP[found]


def snow_depth_m(view: ZoneView) -> float | None:
    """Depth of what lies, as settled snow [m]; None where it is not known."""
    return None if view.snow_cm is None else round(view.snow_cm / 100, 3)
