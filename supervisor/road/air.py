"""Moist air at the surface: vapour pressure, density, turbulent exchange with stability. Pure; arrays broadcast."""

from __future__ import annotations

import numpy as np

from supervisor.road.pavement import Array

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


def vapour_pressure_water_pa(temperature_c: Array) -> Array:
    """Saturation over water [Pa], Magnus form of WMO-No. 8 (2018) eq. 4.B.1; from dew point it is the actual one."""
    result: Array = 611.2 * np.exp(17.62 * temperature_c / (243.12 + temperature_c))
    return result


def vapour_pressure_ice_pa(temperature_c: Array) -> Array:
    """Saturation over ice [Pa], WMO-No. 8 (2018) eq. 4.B.2."""
    result: Array = 611.2 * np.exp(22.46 * temperature_c / (272.62 + temperature_c))
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


def stability_factor(air_c: Array, surface_c: Array, wind_m_s: Array, neutral: Array, roughness_m: Array) -> Array:
    """Factor on the neutral exchange by the bulk Richardson number [-], Louis (1979) eqs 14–15.

    Unstable: 1 − b Ri / (1 + c √|Ri|). Stable: (1 + b' Ri)⁻², not below 0.25, since a road never decouples as
    flat snow does (traffic, kerbs and slope keep the air moving).
    """
    mean_k = 0.5 * (air_c + surface_c) + KELVIN
    ri = GRAVITY_M_S2 * AIR_HEIGHT_M * (air_c - surface_c) / (mean_k * wind_m_s * wind_m_s)
    unstable_ri = np.maximum(-ri, 0.0)
    c = 5.3 * 9.4 * neutral * np.sqrt(AIR_HEIGHT_M / roughness_m)
    unstable = 1.0 + 9.4 * unstable_ri / (1.0 + c * np.sqrt(unstable_ri))
    stable = np.maximum(1.0 / (1.0 + 4.7 * np.maximum(ri, 0.0)) ** 2, 0.25)
    result: Array = np.where(ri < 0.0, unstable, stable)
    return result
