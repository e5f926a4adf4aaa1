"""The example configuration, and the same with bands of its own instead of a utility's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

EXAMPLE: Final = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"
_UTILITY = """utility = "kepco"
option = "general_B_HA_II"
"""
_BANDS = """
[[tariff.band]]
name = "off-peak"
price_per_kwh = 94.3
hours = ["22-08"]

[[tariff.band]]
name = "mid"
price_per_kwh = 140.4
hours = ["08-09", "12-16", "19-22"]

[[tariff.band]]
name = "peak"
price_per_kwh = 197.9
hours = ["09-12", "16-19"]
"""
_DEMAND = "demand_price_per_kw = 5550.0\n"


def banded() -> str:
    """The example with time-of-use bands in it and a base charge for each feeder."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert _UTILITY in text
    text = text.replace(_UTILITY, _BANDS, 1)
    lines = []
    for line in text.splitlines(keepends=True):
        lines.append(line)
        if line.startswith("breaker_kw"):
            lines.append(_DEMAND)
    return "".join(lines)
