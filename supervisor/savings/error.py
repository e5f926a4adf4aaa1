"""How far each road's model is off, as heat: what it would have to get beyond the recorded heat to be as measured.

The figures are those of ASHRAE Guideline 14 for a calibrated simulation (IPMVP option D), on the hours with heat:
measured is the cable's heat, simulated the heat with which the model shows the measured surface.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct

from supervisor.domain.weather import Array
from supervisor.road import Forcing, simulate
from supervisor.savings.replay import CHUNK, STEP_S, Recorded, start

# ASHRAE Guideline 14-2014, hourly data of a calibrated simulation
NMBE_LIMIT: Final = 0.10
CV_RMSE_LIMIT: Final = 0.30
HOUR: Final = int(3600 / STEP_S)
LEAST_HOURS: Final = 24  # with heat and a measured surface: fewer say nothing of a road


class ModelError(Struct, frozen=True):
    """Of one road. None: fewer than `LEAST_HOURS` hours with heat and a measured surface."""

    hours: int
    nmbe: float | None = None  # (measured − simulated) by the mean measured
    cv_rmse: float | None = None
    sigma_w_m2: float | None = None  # root mean square of the error's means by day: what does not average out

    @property
    def within_guideline(self) -> bool:
        """Whether the model may be used for savings by Guideline 14."""
        return (
            self.nmbe is not None
            and self.cv_rmse is not None
            and abs(self.nmbe) <= NMBE_LIMIT
            and self.cv_rmse <= CV_RMSE_LIMIT
        )


def model_errors(recorded: Recorded, forcing: Forcing) -> list[ModelError]:
    """One for each zone. `forcing` has one lane, over all steps of the record."""
    roads, state = start(recorded.pavements, forcing)
    heat, lacking = recorded.heat_w_m2, np.zeros_like(recorded.surface_c)
    for first in range(0, forcing.steps, CHUNK):
        rows = slice(first, first + CHUNK)
        done, state = simulate(
            roads, state, forcing[rows], heat[rows], STEP_S, observed_surface_c=recorded.surface_c[rows],
            with_fluxes=True,
        )  # fmt: skip
        assert done.fluxes is not None
        lacking[rows] = done.fluxes.lacking
    period = slice(recorded.spin_up, None)
    known = np.isfinite(recorded.surface_c[period])
    return [_of_one(heat[period, n], lacking[period, n], known[:, n]) for n in range(len(recorded.zones))]


def _of_one(heat_w_m2: Array, lacking_w_m2: Array, known: Array) -> ModelError:
    hours = len(heat_w_m2) // HOUR
    heat, lacking, seen = (
        np.asarray(row[: hours * HOUR], dtype=np.float64).reshape(hours, HOUR).mean(axis=1)
        for row in (heat_w_m2, lacking_w_m2, known)
    )
    used = (seen == 1.0) & (heat > 0.0)
    count = int(used.sum())
    if count < LEAST_HOURS:
        return ModelError(count)
    mean = float(heat[used].mean())
    error = -lacking[used]
    day = np.flatnonzero(used) // 24
    by_day = np.bincount(day, weights=error)[np.bincount(day) > 0] / np.bincount(day)[np.bincount(day) > 0]
    return ModelError(
        count,
        float(error.sum() / (count - 1) / mean),
        float(np.sqrt(np.square(error).sum() / (count - 1)) / mean),
        float(np.sqrt(np.mean(np.square(by_day)))),
    )
