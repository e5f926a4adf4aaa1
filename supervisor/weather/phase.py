"""Rain or snow: the phase of precipitation by wet-bulb temperature. Pure; arrays broadcast."""

from __future__ import annotations

import numpy as np

from supervisor.domain.weather import Array
from supervisor.road.air import vapour_pressure_water_pa

PSYCHROMETER_PER_K = 6.53e-4  # × pressure [Pa/K]; ventilated, WMO-No. 8 (2018) eq. 4.B.6

# Wang et al. (2019, Geophys. Res. Lett. 46, 13825), sigmoid fitted to Northern-Hemisphere observations: half of the
# mass is snow at a wet bulb of +0.8 °C, whatever the humidity.
WANG_SCALE = 6.99e-5
WANG_SLOPE_PER_K = 2.0
WANG_SHIFT_K = 3.97


def wet_bulb_c(air_c: Array, dew_point_c: Array, pressure_pa: Array | float = 101_325.0) -> Array:
    """Wet-bulb temperature over water [°C]; root of e_s(Tw) − γ p (T − Tw) − e = 0 by Newton, to 1e-3 K."""
    air, dew = np.asarray(air_c, dtype=np.float64), np.minimum(dew_point_c, air_c)
    vapour = vapour_pressure_water_pa(dew)
    gamma = PSYCHROMETER_PER_K * np.asarray(pressure_pa)
    wet: Array = dew + (air - dew) / 3.0  # close from above and below zero
    for _ in range(6):
        saturation = vapour_pressure_water_pa(wet)
        slope = saturation * 17.62 * 243.12 / (243.12 + wet) ** 2
        wet = wet - (saturation - gamma * (air - wet) - vapour) / (slope + gamma)
    result: Array = np.clip(wet, dew, air)
    return result


def snow_fraction(air_c: Array, dew_point_c: Array, pressure_pa: Array | float = 101_325.0) -> Array:
    """Mass fraction that falls as snow [0–1]: 1 / (1 + a exp(b (Tw + c))), Wang et al. (2019)."""
    wet = wet_bulb_c(air_c, dew_point_c, pressure_pa)
    result: Array = 1.0 / (1.0 + WANG_SCALE * np.exp(WANG_SLOPE_PER_K * (wet + WANG_SHIFT_K)))
    return result
