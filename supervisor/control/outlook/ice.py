"""Ice on roads without heat, from the weather: by all members for the outlook, by what came for its check. Pure.

The same model, the same state and the same measure, so that an outlook is judged by what it said.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from supervisor.domain.outlook import DISTRICT, Outlook, RoadOutlook
from supervisor.domain.stage import Stage, Steps, stage_of
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.planner.foresee.physics import for_lanes
from supervisor.road import ICE_MM, Roads, State, simulate
from supervisor.road.forcing import Forcing
from supervisor.weather.resample import at_steps, forecast_at_steps

STEP_S = 900.0
STEPS = 96  # a day
AHEAD_S = STEPS * STEP_S
_LANES = 1_200  # at once: half a second of a processor

Mask = npt.NDArray[np.bool_]


def foresee(
    zones: tuple[str, ...], roads: Roads, state: State, forecast: Forecast, start_utc_s: float, site: Site
) -> tuple[Mask, Mask]:
    """Whether a road without heat is icy, and icy without snow: each (Z, K, 96) by member and quarter of an hour.

    Raises WeatherError where the forecast does not reach a day ahead, PhysicsError.
    """
    weather = forecast_at_steps(forecast, start_utc_s, STEP_S, STEPS, site)
    members = weather.air_c.shape[1]
    batch = max(1, _LANES // members)
    parts = [
        _icy(roads.take(lanes), state.take(lanes), weather)
        for lanes in (list(range(first, min(first + batch, len(zones)))) for first in range(0, len(zones), batch))
    ]
    icy, black = zip(*parts, strict=True)
    return np.concatenate(icy), np.concatenate(black)


def _icy(roads: Roads, state: State, weather: Forcing) -> tuple[Mask, Mask]:
    members = weather.air_c.shape[1]
    many = roads.with_members(members)
    trajectory, _ = simulate(many, state.repeat(members), for_lanes(weather, roads.roads), 0.0, STEP_S)
    shape = (roads.roads, members, weather.steps)
    icy = np.ascontiguousarray((trajectory.frozen_mm >= ICE_MM).T).reshape(shape)
    bare = np.ascontiguousarray(
        ((trajectory.ice_mm + trajectory.frost_mm >= ICE_MM) & (trajectory.snow_mm < ICE_MM)).T
    ).reshape(shape)
    return icy, bare


def came(roads: Roads, state: State, weather: WeatherSeries, start_utc_s: float, site: Site) -> npt.NDArray[np.int64]:
    """Minutes with snow, ice or frost within the day from then, by road (Z,), without heat, by the weather as it was.

    Raises WeatherError where the record does not cover the day, PhysicsError.
    """
    icy, _ = _icy(roads, state, at_steps(weather, start_utc_s, STEP_S, STEPS, site))
    return np.asarray(icy[:, 0].sum(axis=1) * round(STEP_S / 60), dtype=np.int64)


def summarise(
    zones: tuple[str, ...], icy: Mask, black: Mask, start_utc_s: float, snow_cm: float, steps: Steps, least: float
) -> Outlook:
    """The outlook of every road and of the district. `least`: probability from which ice calls for a stage."""
    roads = tuple(_road(zone, icy[z], black[z], start_utc_s, snow_cm, steps, least) for z, zone in enumerate(zones))
    any_icy, any_black = np.asarray(icy.any(axis=0)), np.asarray(black.any(axis=0))
    district = _road(DISTRICT, any_icy, any_black, start_utc_s, snow_cm, steps, least)
    return Outlook(
        issued_utc_s=int(start_utc_s), until_utc_s=int(start_utc_s + AHEAD_S), members=icy.shape[1],
        district=district, roads=roads,
    )  # fmt: skip


def _road(
    zone: str, icy: Mask, black: Mask, start_utc_s: float, snow_cm: float, steps: Steps, least: float
) -> RoadOutlook:
    """One road by members and steps (K, 96)."""
    some = icy.any(axis=1)
    probability = float(some.mean())
    onset = None
    if some.any():
        onset = int(start_utc_s + STEP_S * float(np.median(icy[some].argmax(axis=1))))
    stage = Stage.NONE if probability < least else max(Stage.REINFORCED, stage_of(snow_cm, steps))
    if zone == DISTRICT:
        stage = max(stage, stage_of(snow_cm, steps))
    bare = float(black.any(axis=1).mean())
    return RoadOutlook(
        zone=zone, stage=stage.word, probability=round(probability, 3), black_ice=round(bare, 3),
        snow_cm=round(snow_cm, 1), onset_utc_s=onset,
    )  # fmt: skip
