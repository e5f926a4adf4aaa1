"""What the meters of a road's panel say: voltage, current, leakage, temperature inside."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

RANGES: Final = {
    "voltage_v": (50.0, 1000.0),
    "current_a": (0.0, 5000.0),
    "leakage_ma": (0.0, 5000.0),
    "panel_c": (-40.0, 120.0),
}


class PanelReading(Struct, frozen=True, kw_only=True):
    """One moment of one road's circuit. None: not measured."""

    utc_s: int
    zone: str
    source: str
    voltage_v: float | None = None
    current_a: float | None = None
    leakage_ma: float | None = None
    panel_c: float | None = None

    @property
    def values(self) -> dict[str, float]:
        """What was measured."""
        found = {name: getattr(self, name) for name in RANGES}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def impossible(self) -> str | None:
        """The first value that no panel has; "" where nothing was measured; None: everything can be."""
        values = self.values
        if not values:
            return ""
        return next((name for name, value in values.items() if not RANGES[name][0] <= value <= RANGES[name][1]), None)
