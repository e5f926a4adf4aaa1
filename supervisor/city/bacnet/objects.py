"""The object map: which object of a road has which instance. docs/city.md has the same table.

The instance is 10 × the number of the road (from 1, in the order of city.toml) + the number of the object.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from supervisor.city.codes import LOOKS, MODES, SEVERITIES, WINNERS
from supervisor.city.readings import ZoneReading

ROAD: Final = 10  # instances from one road to the next
COMMAND: Final = 7


@dataclass(frozen=True)
class Point:
    """One object of a road. `states` names those of a multi-state object, from 1."""

    number: int
    kind: str  # analog-input, multi-state-input, multi-state-value
    name: str
    units: str
    states: tuple[str, ...]
    value: Callable[[ZoneReading], float | None]  # None: not known


def _names(words: tuple[object, ...], nothing: str) -> tuple[str, ...]:
    return tuple(str(word or nothing) for word in words)


def _known(reading: ZoneReading, value: float | None) -> float | None:
    """Without contact nothing measured is shown as if it were of now."""
    return value if reading.view.online else None


def _kw(watts: float | None) -> float | None:
    return None if watts is None else watts / 1000


POINTS: Final = (
    Point(1, "analog-input", "surface temperature", "degreesCelsius", (), lambda one: _known(one, one.view.surface_c)),
    Point(2, "analog-input", "power", "kilowatts", (), lambda one: _known(one, _kw(one.view.power_w))),
    Point(3, "analog-input", "energy", "kilowattHours", (), lambda one: _kw(one.energy_wh)),
    Point(4, "multi-state-input", "state", "", _names(LOOKS, ""), lambda one: LOOKS.index(one.view.look) + 1),
    Point(5, "multi-state-input", "mode", "", _names(WINNERS, "not known"), lambda one: WINNERS.index(one.mode) + 1),
    Point(6, "multi-state-input", "alarm", "", _names(SEVERITIES, "none"),
          lambda one: SEVERITIES.index(one.severity) + 1),
    Point(COMMAND, "multi-state-value", "command", "", _names(MODES, "none"), lambda one: 1 + (
        0 if one.view.override is None else MODES.index(one.view.override.mode))),
)  # fmt: skip


def instance(road: int, point: Point) -> int:
    """Of the road number `road`, from 0."""
    return ROAD * (road + 1) + point.number


def place(number: int) -> tuple[int, int]:
    """Road, from 0, and number of the object, of an instance."""
    road, point = divmod(number, ROAD)
    return road - 1, point


def shown(point: Point, reading: ZoneReading) -> tuple[float, bool]:
    """The present value, and whether it is known; an unknown one is NaN."""
    value = point.value(reading)
    return (math.nan, False) if value is None else (value, True)


def table() -> str:
    """The map as a Markdown table, for docs/city.md."""
    rows = [
        f"| 10·n + {point.number} | {point.kind} | {point.name} | {point.units} | "
        + ", ".join(f"{number} {name}" for number, name in enumerate(point.states, 1)) + " |"
        for point in POINTS
    ]  # fmt: skip
    return "\n".join(["| instance | object | name | units | states |", "|---|---|---|---|---|", *rows, ""])
