"""A step whose surface temperature is measured: the surface is forced to it, and what the model lacks is kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from supervisor.road import arrays
from supervisor.road import forcing as rows
from supervisor.road.constants import RoadConstants
from supervisor.road.maths import Array
from supervisor.road.stores import Cover
from supervisor.road.surface_step import SurfaceStep

RESIDUAL_SMOOTHING_S = 900.0  # a sensor's noise times the surface's stiffness is tens of W/m² from minute to minute
RESIDUAL_LIMIT_W_M2 = 400.0
OBSERVED_MARGIN_K = 1.0  # a sensor this far above (below) freezing says that ice (water) is not there
OBSERVED_RELAXATION_S = 1800.0
OBSERVED_MELT_S = 300.0  # snow that falls on a road a kelvin above freezing is gone within minutes
CLEARED_K_S = 1.5 / 3600.0  # under centimetres of snow a road cools by tenths of a degree in an hour


def observed_phase_mm(
    observed_c: Array,
    freezing_c: Array,
    water_mm: Array,
    frozen_mm: Array,
    lacking_w_m2: Array,
    per_mm: float,
    dt_s: float,
) -> Array:
    """Mass that froze (+) or melted (−) while the surface temperature was observed [mm].

    Near the freezing point what the road did not take of the model's flux melted (`lacking_w_m2` negative) or came from
    freezing (positive); `per_mm` W/m² change 1 mm in the step. A sensor well above (below) it says that ice (water) is
    not there, or not for long.
    """
    above = np.nan_to_num(observed_c) - freezing_c
    by_energy = np.clip(lacking_w_m2 / per_mm, -frozen_mm, water_mm)
    melted, frozen = -np.expm1(-dt_s / OBSERVED_MELT_S), -np.expm1(-dt_s / OBSERVED_RELAXATION_S)
    relaxed = np.where(above > 0.0, -melted * frozen_mm, frozen * water_mm)
    result: Array = np.where(np.abs(above) <= OBSERVED_MARGIN_K, by_energy, relaxed)
    return result


def cleared_mm(observed_c: Array, before_c: Array, snow_mm: Array, dt_s: float) -> Array:
    """Snow that must have been ploughed off in this step [mm]: the observed surface cools too fast to lie under it."""
    cools = (before_c - np.where(np.isfinite(observed_c), observed_c, np.inf)) > CLEARED_K_S * dt_s
    result: Array = np.where(cools, snow_mm * -np.expm1(-dt_s / OBSERVED_RELAXATION_S), 0.0)
    return result


class ObservedStep(SurfaceStep[Array]):
    """As `SurfaceStep`, with a measured surface temperature [°C] per lane, NaN where there is none.

    The flux that it asks for beyond the model's becomes the residual.
    """

    __slots__ = (
        "_before", "_correction", "_doubt", "cleared_mm", "forced", "lacking_w_m2", "observed_c", "surface_was_c",
    )  # fmt: skip

    def __init__(
        self, constants: RoadConstants[Array], cover: Cover[Array], surface_c: Array, observed_c: Array
    ) -> None:
        super().__init__(arrays, constants, cover)
        self.surface_was_c, self.observed_c, self.forced = surface_c, observed_c, np.isfinite(observed_c)

    def precipitate(self, row: Any) -> None:
        """Also snow that must have been ploughed off leaves."""
        super().precipitate(row)
        cover = self.cover
        self.cleared_mm = cleared_mm(self.observed_c, self.surface_was_c, cover.snow_mm, self.constants.dt_s)
        cover.snow_mm = cover.snow_mm - self.cleared_mm
        self._before, self._doubt, self._correction = cover.residual_w_m2, row[rows.DOUBT], row[rows.CORRECTION]

    def set_fluxes(self, top_c: Array, latent_w_m2: Array, model_w_m2: Array) -> None:
        """The top is as warm as observed, whatever was found."""
        top_c = np.where(self.forced, self.observed_c, top_c)
        _, latent_w_m2, model_w_m2 = self.balance.equilibrium(top_c, self.constants.zero, top_c)
        super().set_fluxes(top_c, latent_w_m2, model_w_m2)

    def settle(self) -> None:
        """Where observed, what melted or froze is told by the temperature, and the rest of the flux is the residual."""
        c, cover, forced = self.constants, self.cover, self.forced
        needed = (np.where(forced, self.observed_c, 0.0) - self.base_c) / c.response
        frozen, water = self.left_mm(c.zero)
        observed_mm = observed_phase_mm(
            self.observed_c, self.freezing_c, water, frozen, needed - self.model_w_m2, c.per_mm, c.dt_s
        )
        self.phase_w_m2 = np.where(forced, observed_mm * c.per_mm, self.phase_w_m2)
        beyond = needed - (self.model_w_m2 + self.phase_w_m2)
        excess = beyond + self.added_w_m2
        self.lacking_w_m2 = np.where(forced, np.clip(excess, -RESIDUAL_LIMIT_W_M2, RESIDUAL_LIMIT_W_M2), 0.0)
        part = -np.expm1(-c.dt_s / RESIDUAL_SMOOTHING_S)
        now = (self.lacking_w_m2 - self._correction) / self._doubt
        cover.residual_w_m2 = np.where(forced, self._before + part * (now - self._before), cover.residual_w_m2)
        self.net_w_m2 = np.where(forced, needed, self.net_w_m2)
        self.added_w_m2 = np.where(forced, self.added_w_m2 + beyond, self.added_w_m2)
        super().settle()
