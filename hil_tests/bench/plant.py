"""The roads under the emulated boards: the road model with parameters of each zone that the planner does not know.

Conductivity, heat capacity, albedo, roughness and drainage of each zone are drawn within ±20 % of the generic set from
the seed; grid and step differ from the planner's. Takes the power of the contactors and gives what probes see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Site, Zone
from supervisor.road import Pavement, State, SurfaceParameters, build_roads, initial_state, sheath_c
from supervisor.road.conduction import operator
from supervisor.road.forcing import prepare
from supervisor.road.step import advance_state
from supervisor.weather.resample import at_steps

STEP_S = 10  # the surface's own time constant is minutes
SPREAD = 0.2  # parameters of a road against the generic ones
NODES, FIRST_SPACING_M = 26, 0.0045  # not the planner's grid
DEEP_C = 6.0  # ground at 2 m in a Korean winter
_CHUNK_STEPS = 360  # weather is prepared an hour at a time
_DRAWN = ("conductivity_factor", "capacity_factor", "albedo", "roughness_m", "drainage_s", "retention_mm")
_PROBE_NOISE_K = 0.03  # of a DS18B20 from second to second
_FILM_MM = 0.3  # e-folding film thickness of the moisture probe's answer
_SNOW_SEEN = 0.5  # part of frozen water that the probe's warm head melts and sees


class RoadPlant:
    """All zones of a run, in the order given. Arrays have shape (zones,)."""

    def __init__(
        self, zones: Sequence[Zone], weather: WeatherSeries, site: Site, start_utc_s: float, *, seed: int = 1
    ) -> None:
        rng = np.random.default_rng([seed, 0x0AD])
        generic = SurfaceParameters()
        pavements = []
        for zone in zones:
            own = {name: getattr(generic, name) * rng.uniform(1 - SPREAD, 1 + SPREAD) for name in _DRAWN}
            pavements.append(replace(Pavement.from_zone(zone, **own), nodes=NODES, first_spacing_m=FIRST_SPACING_M))
        self.zones = tuple(zones)
        self._rng = np.random.default_rng([seed, 0x5E5])
        self._roads = build_roads(pavements)
        self._operator = operator(self._roads, float(STEP_S))
        self._weather = weather
        self._site = site
        self._start_utc_s = start_utc_s
        self._step = 0
        self._prepared: Array = np.empty((0, 0, 0))
        self._heat_w_m2 = np.zeros(len(zones))
        self._full_w_m2 = np.array([zone.heat_w_m2 for zone in zones])
        air_c = float(np.interp(start_utc_s, weather.time_utc_s, weather.air_c))
        self.state: State = initial_state(self._roads, air_c + 1.0, DEEP_C)

    @property
    def utc_s(self) -> float:
        """Time reached."""
        return self._start_utc_s + self._step * STEP_S

    def advance(self, duty: Array) -> None:
        """Advance one step of STEP_S with the contactors closed for `duty` (0–1) of it."""
        at = self._step % _CHUNK_STEPS
        if at == 0:
            forcing = at_steps(self._weather, self.utc_s, STEP_S, self._steps_left(), self._site)
            self._prepared = prepare(self._roads, forcing)
        self._heat_w_m2 = self._full_w_m2 * duty
        self.state, _ = advance_state(
            self._roads, self._operator, self.state, self._prepared[at], self._heat_w_m2, None
        )
        self._step += 1

    def _steps_left(self) -> int:
        """Steps to prepare: an hour, or what the weather still covers."""
        return max(1, min(_CHUNK_STEPS, int((self._weather.time_utc_s[-1] - self.utc_s) // STEP_S)))

    @property
    def surface_c(self) -> Array:
        return self.state.surface_c

    @property
    def cable_c(self) -> Array:
        """At the cable's sheath."""
        weight = self._roads.per_lane(self._roads.cable_weight)
        mean_c: Array = np.einsum("ln,ln->l", weight, self.state.temperature_c)
        return sheath_c(self._roads, mean_c, self._heat_w_m2)

    @property
    def lying_mm(self) -> Array:
        """Snow, ice and frost [mm water equivalent]."""
        return self.state.frozen_mm

    @property
    def moisture(self) -> Array:
        """What the moisture probe answers, 0–1."""
        seen: Array = self.state.water_mm + _SNOW_SEEN * self.state.frozen_mm
        return 1.0 - np.exp(-seen / _FILM_MM)

    def noise_k(self) -> Array:
        """Fresh noise of the probes."""
        return self._rng.normal(0.0, _PROBE_NOISE_K, len(self.zones))
