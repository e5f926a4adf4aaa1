"""Life left of a part, with an interval that holds the truth four times out of five. Pure.

Trends (resistance, leakage): a line through monthly values, its slope known before by what such parts do in general, by
Bayes on a grid. Counts and ages: the Weibull law of such parts, given that this one still works.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

Array = npt.NDArray[np.float64]
LOW, HIGH = 0.1, 0.9  # of the interval: 80 %
LONG_YEARS: Final = 100.0  # further is not foreseen: "more than"
_GRID: Final = 400
_WIDE: Final = 4.0  # standard deviations of the slope's logarithm that the grid covers


class Life(Struct, frozen=True):
    """Years left [a]: median and 80 % interval, `LONG_YEARS` standing for more."""

    low_a: float
    median_a: float
    high_a: float

    def holds(self, truth_a: float) -> bool:
        """Whether the interval holds it."""
        truth = min(truth_a, LONG_YEARS)
        return self.low_a <= truth <= self.high_a


class Slope(Struct, frozen=True):
    """What slopes such parts have: logarithm normal about `median` with standard deviation `sigma`."""

    median: float
    sigma: float


# A heating cable's resistance rises as strands break; a conductor is good for 20 to 40 winters.
CABLE: Final = Slope(0.004, 0.9)  # of the first value, a year
# Leakage of ageing insulation grows by a part of itself each year.
INSULATION: Final = Slope(0.15, 0.8)  # of the natural logarithm, a year
NOISE_MIN: Final = {"cable": 0.003, "insulation": 0.05}  # no meter and no month is steadier


def trend(
    ages_a: Array, values: Array, limit: float, slope: Slope, noise_min: float, *, relative: bool = False
) -> Life | None:
    """Years from the last value until a rising line reaches `limit`; None for fewer than three values.

    `ages_a` (n,) [a] rise; `values` (n,) in the limit's unit. `relative`: the limit is relative to the line's begin.
    """
    if len(values) < 3:
        return None
    t = ages_a - ages_a.mean()
    spread = float((t**2).sum())
    slopes = np.exp(math.log(slope.median) + slope.sigma * np.linspace(-_WIDE, _WIDE, _GRID))
    prior = np.exp(-0.5 * np.linspace(-_WIDE, _WIDE, _GRID) ** 2)
    fitted = float((t * values).sum()) / spread if spread > 0 else 0.0
    rest = values - values.mean() - fitted * t
    noise = max(noise_min, math.sqrt(float((rest**2).sum()) / max(len(values) - 2, 1)))
    likely = np.exp(-0.5 * ((slopes - fitted) ** 2) * spread / noise**2 - _least(slopes, fitted, spread, noise))
    weight = prior * likely
    # The level today, for each slope, is uncertain by the mean's error: five points of a normal.
    points = np.array([-1.28, -0.52, 0.0, 0.52, 1.28])
    error = points * noise / math.sqrt(len(values))
    level = values.mean() + slopes[:, None] * t[-1] + error
    most = limit * (values.mean() + slopes[:, None] * t[0] + error) if relative else limit
    left = np.clip((most - level) / slopes[:, None], 0.0, LONG_YEARS)
    return _quantiles(left.ravel(), np.repeat(weight, points.size))


def _least(slopes: Array, fitted: float, spread: float, noise: float) -> float:
    """The smallest exponent, taken off so that nothing vanishes."""
    return -float((0.5 * (slopes - fitted) ** 2 * spread / noise**2).min())


def weibull(used: float, scale: float, shape: float, rate_per_a: float, rate_sigma: float) -> Life:
    """Years left of a part that has lasted `used` of what wears it, which comes at `rate_per_a`.

    `rate_sigma`: standard deviation of the logarithm of the mean rate over what is left.
    """
    if rate_per_a <= 0.0:
        return Life(LONG_YEARS, LONG_YEARS, LONG_YEARS)
    survived = (used / scale) ** shape
    u = (np.arange(199) + 0.5) / 199
    total = scale * (survived - np.log1p(-u)) ** (1.0 / shape)
    rates = rate_per_a * np.exp(rate_sigma * np.array([-1.28, -0.52, 0.0, 0.52, 1.28]))
    left = np.clip((total[:, None] - used) / rates, 0.0, LONG_YEARS)
    return _quantiles(left.ravel(), np.ones(left.size))


def scale_of_b10(b10: float, shape: float) -> float:
    """The scale of a Weibull law of which a tenth has failed at `b10`: what makers rate."""
    return float(b10 / (-math.log(0.9)) ** (1.0 / shape))


def _quantiles(values: Array, weight: Array) -> Life:
    order = np.argsort(values)
    share = np.cumsum(weight[order])
    share /= share[-1]
    places = np.minimum(np.searchsorted(share, (LOW, 0.5, HIGH)), len(values) - 1)
    low, median, high = values[order][places].tolist()
    return Life(low, median, high)
