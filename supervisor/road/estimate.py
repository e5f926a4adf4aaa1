"""The state of every zone, minute by minute: model and weather now, corrected to the measured surface temperature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road.conduction import operator
from supervisor.road.forcing import Forcing, State, initial_state, prepare
from supervisor.road.isolate import advance_each, bounded_heat, broken, renewed
from supervisor.road.pavement import Array, Roads
from supervisor.road.residual import learn_daily
from supervisor.road.step import advance_state
from supervisor.road.surface import ICE_MM

UNHEATED_W_M2 = 10.0  # cable heat at the surface; above it the error of the cable's heat would be learnt


class StateEstimator:
    """Keeps a `State` for all zones; one `update` per minute for all of them at once.

    Where a zone's surface sensor gives a value the surface is forced to it, so the profile below takes the heat that
    really went in, and what the model lacks becomes a residual flux, smoothed over an hour and decaying in forecasts.
    What it lacks at each hour of the day is kept too, and comes back at that hour.
    """

    def __init__(self, roads: Roads, surface_c: Array | float, deep_c: Array | float) -> None:
        self.roads = roads
        self.state: State = initial_state(roads, surface_c, deep_c)
        self.renewed: tuple[int, ...] = ()  # lanes that the last update has reset

    def update(
        self, weather_now: Forcing, surface_c: Array, power_w_m2: Array, dt_s: float = 60.0, moist: Array | None = None
    ) -> State:
        """Advance by `dt_s`.

        `weather_now`: one-row Forcing. `surface_c` (zones,) measured, NaN where the sensor is missing or implausible.
        `power_w_m2` (zones,) measured electrical power that ends in the pavement per area. `moist` (zones,) moisture
        0–1 of the board's sensor or NaN: a wet sensor says that at least a film is there, a dry one that the model's
        film is not. Returns the new state, also kept as `self.state`. A lane that leaves the physical range is reset
         and named in `self.renewed`; the others go on. Raises PhysicsError where all lanes fail; the state stays.
        """
        air_c = float(np.mean(weather_now.air_c))
        lost = broken(self.state)
        self.state = renewed(self.roads, self.state, lost, air_c)
        observed = np.asarray(surface_c, dtype=np.float64)
        observed = np.where(np.isfinite(observed), np.clip(observed, -50.0, 80.0), np.nan)
        heat = bounded_heat(np.asarray(power_w_m2, dtype=np.float64), np.inf)
        row = prepare(self.roads, weather_now, self.state)[0]
        try:
            state, fluxes = advance_state(self.roads, operator(self.roads, dt_s), self.state, row, heat, observed)
            lacking = fluxes.lacking
            failed = broken(state)
        except PhysicsError:
            state, lacking, failed = advance_each(self.roads, self.state, row, heat, observed, dt_s)
        state = renewed(self.roads, state, failed, air_c)
        lacking = np.where(failed, 0.0, lacking)
        self.renewed = tuple(int(lane) for lane in np.flatnonzero(lost | failed))
        water = state.water_mm
        if moist is not None:
            wet = np.isfinite(moist) & (moist >= 0.15) & (state.frozen_mm < 0.05)
            dry = np.isfinite(moist) & (moist < 0.05)
            water = np.where(wet, np.maximum(water, 0.1), np.where(dry, np.minimum(water, 0.02), water))
        self.state = replace(state, water_mm=water, daily_w_m2=self._daily(state, lacking, observed, weather_now, dt_s))
        return self.state

    def _daily(self, state: State, lacking_w_m2: Array, observed: Array, weather_now: Forcing, dt_s: float) -> Array:
        """What the roads lack at this hour; nothing is learnt from a covered or heated road."""
        if np.ndim(weather_now.time_utc_s) == 0:
            return state.daily_w_m2
        learnt = np.isfinite(observed) & (state.frozen_mm < ICE_MM) & (state.wires_w_m2 < UNHEATED_W_M2)
        return learn_daily(state.daily_w_m2, float(np.ravel(weather_now.time_utc_s)[0]), lacking_w_m2, learnt, dt_s)
