"""Record of a run, a row per minute: roads, power, contactors. For reports and plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from hil_tests.bench.zone import BenchZone
from supervisor.domain.weather import Array
from supervisor.domain.zone import Feeder, Zone

MINUTE_MS = 60_000


class District(Protocol):
    """What is recorded."""

    @property
    def zones(self) -> Mapping[str, BenchZone]: ...

    @property
    def utc_s(self) -> float: ...


class Recorder:
    """Columns as lists of arrays (zones,) or (feeders,), one item per minute; `array(name)` stacks one."""

    def __init__(self, zones: Sequence[Zone], feeders: Sequence[Feeder], start_utc_s: float) -> None:
        self.zones = tuple(zone.id for zone in zones)
        self.feeders = tuple(feeder.id for feeder in feeders)
        self.time_utc_s: list[float] = []  # end of each minute
        self.columns: dict[str, list[Array]] = {
            name: []
            for name in (
                "surface_c",  # at the end of the minute
                "cable_c",
                "water_mm",
                "ice_mm",
                "snow_mm",
                "frost_mm",
                "lying_mm",  # snow, ice and frost
                "energy_wh",  # in the minute, true
                "duty",  # part of the minute with the contactor closed, 0–1
                "feeder_max_kw",  # highest instant of the minute
            )
        }
        self._energy_wh = np.zeros(len(self.zones))
        self._load_kw = np.zeros(len(self.feeders))
        self._max_kw = np.zeros(len(self.feeders))

    def load(self, kw: dict[str, float]) -> None:
        """The feeders' load has changed."""
        self._load_kw = np.array([kw[name] for name in self.feeders])
        self._max_kw = np.maximum(self._max_kw, self._load_kw)

    def minute(self, bench: District) -> None:
        """Close a minute."""
        zones = [bench.zones[name] for name in self.zones]
        truth = [zone.truth for zone in zones]
        energy = np.array([t.energy_wh for t in truth])
        row = {name: np.array([getattr(t, name) for t in truth]) for name in list(self.columns)[:7]}
        row["energy_wh"] = energy - self._energy_wh
        row["duty"] = np.array([zone.on_minute_ms for zone in zones]) / MINUTE_MS
        row["feeder_max_kw"] = self._max_kw
        for name, values in row.items():
            self.columns[name].append(values)
        self.time_utc_s.append(bench.utc_s)
        self._energy_wh = energy
        self._max_kw = self._load_kw
        for zone in zones:
            zone.on_minute_ms = 0

    def array(self, name: str) -> Array:
        """A column, shape (minutes, zones) or (minutes, feeders)."""
        return np.array(self.columns[name])
