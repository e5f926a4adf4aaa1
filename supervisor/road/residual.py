"""What the last days' observations say about the model's fluxes at this hour of the day.

While the surface is observed, each step yields the flux that the model lacks (`Fluxes.lacking`). Shade of buildings and
trees, sensor depth, traffic and the sky's own errors come back at the same hour of the next day; so a forecast carries
part of the mean of the days before at that hour, and the residual of the last hour only as far as it differs from that.

There are two ways: with a record of the days at hand (bench, calibration) use `daily_correction_w_m2` and `corrected`;
the service, which runs minute by minute, keeps `State.daily_w_m2` with `learn_daily`, and `prepare` reads it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from supervisor.road.forcing import DAY_S, HOURS, Forcing, State
from supervisor.road.pavement import Array, Roads

WINDOW_S = 3600.0  # half-width of the mean around the hour
HALF_LIFE_S = 3600.0  # an hour of today counts as much as that hour of all days before


def daily_correction_w_m2(
    end_s: Array, lacking_w_m2: Array, known: npt.NDArray[np.bool_], future_end_s: Array, days: int = 2
) -> Array:
    """Mean lack at the same hour of the days before, for each `future_end_s` (m,), per lane: (m, lanes).

    `end_s` (n,) evenly spaced times of `lacking_w_m2` (n, lanes), `known` (n, lanes) where the surface was observed.
    Zero where none of the last `days` days knows that hour.
    """
    dt_s = float(end_s[1] - end_s[0]) if end_s.size > 1 else DAY_S
    zero = np.zeros((1, lacking_w_m2.shape[1]))
    total = np.concatenate((zero, np.cumsum(np.where(known, lacking_w_m2, 0.0), axis=0)))
    count = np.concatenate((zero, np.cumsum(known, axis=0)))
    added, weight = np.zeros((2, future_end_s.size, lacking_w_m2.shape[1]))
    horizon = int(np.ceil((future_end_s[-1] - end_s[-1]) / DAY_S)) if future_end_s.size else 0
    for day in range(1, days + max(horizon, 1)):
        centre = future_end_s - day * DAY_S
        low = np.clip(np.round((centre - WINDOW_S - end_s[0]) / dt_s).astype(int), 0, end_s.size)
        high = np.clip(np.round((centre + WINDOW_S - end_s[0]) / dt_s).astype(int) + 1, 0, end_s.size)
        added += total[high] - total[low]
        weight += count[high] - count[low]
    enough = weight * dt_s >= 0.5 * WINDOW_S
    mean: Array = np.divide(added, weight, out=np.zeros_like(added), where=enough)
    return mean


def learn_daily(
    daily_w_m2: Array, time_utc_s: float, lacking_w_m2: Array, learnt: npt.NDArray[np.bool_], dt_s: float
) -> Array:
    """What the roads lack by hour (lanes, 24) after a step that lacked `lacking_w_m2` (lanes,).

    Only where `learnt`; the hour's own column forgets by half within that hour.
    """
    hour = int(time_utc_s % DAY_S // 3600.0) % HOURS
    known = daily_w_m2[:, hour]
    share = -np.expm1(-dt_s * np.log(2.0) / HALF_LIFE_S)
    result = daily_w_m2.copy()
    result[:, hour] = known + np.where(learnt, share * (lacking_w_m2 - known), 0.0)
    return result


def corrected(
    roads: Roads, state: State, forcing: Forcing, daily_w_m2: Array, now_w_m2: Array
) -> tuple[State, Forcing]:
    """State and forcing of a forecast that carries the daily correction.

    `daily_w_m2` (steps, lanes) from `daily_correction_w_m2`, `now_w_m2` (lanes,) its value now; each road takes its own
    part of it (`daily_weight`). The residual is left with what differs from it.
    """
    weight = roads.surface("daily_weight")
    return (
        replace(state, residual_w_m2=state.residual_w_m2 - weight * now_w_m2),
        replace(forcing, correction_w_m2=np.clip(weight * daily_w_m2, -300.0, 300.0)),
    )
