"""Rain or snow: the phase of precipitation by wet-bulb temperature. Pure; arrays broadcast."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from supervisor.domain.weather import Array
from supervisor.road.air import vapour_pressure_water_pa

Mask = npt.NDArray[np.bool_]

PSYCHROMETER_PER_K = 6.53e-4  # × pressure [Pa/K]; ventilated, WMO-No. 8 (2018) eq. 4.B.6

# Wang et al. (2019, Geophys. Res. Lett. 46, 13825), sigmoid fitted to Northern-Hemisphere observations: half of the
# mass is snow at a wet bulb of +0.8 °C, whatever the humidity.
WANG_SCALE = 6.99e-5
WANG_SLOPE_PER_K = 2.0
WANG_SHIFT_K = 3.97

# Wet bulbs below and above which a phase needs no source: 99.6 % of the mass is snow; the warmest sleet of six winters
# in Seoul fell at a wet bulb of 3.6 °C. Freezing rain below the lower one is taken for snow, which asks for more heat.
SNOW_BELOW_C, RAIN_ABOVE_C = -2.0, 3.7
RAIN_ABOVE_AIR_C = 7.0  # however dry: it would have melted on the way
SNOW_LEAST, RAIN_SNOW_MOST = 0.5, 0.25  # snow fraction that is possible below and above them


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


def believed(said: Array, air_c: Array, dew_point_c: Array, pressure_pa: Array | float = 101_325.0) -> Mask:
    """Where a source's snow fraction is possible: snow in warm air and rain in hard frost are not. NaN says nothing."""
    wet = wet_bulb_c(air_c, dew_point_c, pressure_pa)
    warm = (wet > RAIN_ABOVE_C) | (np.asarray(air_c) > RAIN_ABOVE_AIR_C)
    impossible = ((wet < SNOW_BELOW_C) & (said < SNOW_LEAST)) | (warm & (said > RAIN_SNOW_MOST))
    result: Mask = ~np.isnan(said) & ~impossible
    return result
