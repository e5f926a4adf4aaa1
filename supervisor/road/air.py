"""Moist air at the surface: vapour pressure, density, turbulent exchange with stability. Pure; arrays broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from supervisor.road import arrays
from supervisor.road.maths import Array, Maths, T

KELVIN = 273.15
GRAVITY_M_S2 = 9.81
KARMAN = 0.4
AIR_HEAT_J_KGK = 1005.0
GAS_CONSTANT_J_KGK = 287.05
LATENT_VAPORISATION_J_KG = 2.501e6  # at 0 °C
LATENT_SUBLIMATION_J_KG = 2.835e6  # vaporisation + fusion
VAPOUR_RATIO = 0.622
MEASURING_HEIGHT_M = 10.0  # wind
AIR_HEIGHT_M = 2.0  # temperature and dew point
RICHARDSON_M2_S2 = GRAVITY_M_S2 * AIR_HEIGHT_M
MAGNUS_PA = 611.2  # saturation at 0 °C
MAGNUS_WATER = (17.62, 243.12)  # exp(a T / (b + T)), WMO-No. 8 (2018) eq. 4.B.1
MAGNUS_ICE = (22.46, 272.62)  # eq. 4.B.2
LOUIS_B, LOUIS_B_STABLE, LOUIS_C = 9.4, 4.7, 5.3  # Louis (1979) eqs 14–15, heat
LEAST_STABLE_FACTOR = 0.25


def vapour_pressure_water_pa(temperature_c: Array) -> Array:
    """Saturation over water [Pa], Magnus form; from dew point it is the actual one."""
    return _magnus_pa(temperature_c, *MAGNUS_WATER)


def vapour_pressure_ice_pa(temperature_c: Array) -> Array:
    """Saturation over ice [Pa], Magnus form."""
    return _magnus_pa(temperature_c, *MAGNUS_ICE)


def _magnus_pa(temperature_c: Array, a: float, b: float) -> Array:
    result: Array = MAGNUS_PA * np.exp(a * temperature_c / (b + temperature_c))
    return result


def air_density_kg_m3(air_c: Array, pressure_pa: Array) -> Array:
    """Ideal gas, dry [kg/m³]."""
    return pressure_pa / (GAS_CONSTANT_J_KGK * (air_c + KELVIN))


def neutral_coefficient(roughness_m: Array, heat_ratio: Array) -> Array:
    """Bulk exchange coefficient for heat without stratification [-]: κ² / (ln(z_u/z0) ln(z_t/z0h))."""
    result: Array = KARMAN**2 / (
        np.log(MEASURING_HEIGHT_M / roughness_m) * np.log(AIR_HEIGHT_M / (roughness_m * heat_ratio))
    )
    return result


def louis_c(neutral: Array, roughness_m: Array) -> Array:
    """The factor of √|Ri| in Louis (1979) eq. 14 [-], from the neutral coefficient."""
    result: Array = LOUIS_C * LOUIS_B * neutral * np.sqrt(AIR_HEIGHT_M / roughness_m)
    return result


def stability_factor(air_c: T, surface_c: T, wind_m_s: T, c: T, m: Maths[Any] = arrays) -> T:
    """Factor on the neutral exchange by the bulk Richardson number [-], Louis (1979) eqs 14–15; `c` from `louis_c`.

    Unstable: 1 − b Ri / (1 + c √|Ri|). Stable: (1 + b' Ri)⁻², not below 0.25, since a road never decouples as
    flat snow does (traffic, kerbs and slope keep the air moving).
    """
    mean_k = 0.5 * (air_c + surface_c) + KELVIN
    ri = RICHARDSON_M2_S2 * (air_c - surface_c) / (mean_k * wind_m_s * wind_m_s)
    rising = m.maximum(-ri, 0.0)
    sinking = 1.0 + LOUIS_B_STABLE * (ri + rising)
    # Each of the two is 1 where the other one holds.
    unstable = 1.0 + LOUIS_B * rising / (1.0 + c * m.sqrt(rising))
    result: T = unstable * m.maximum(1.0 / (sinking * sinking), LEAST_STABLE_FACTOR)
    return result
