from __future__ import annotations

import numpy as np
import pytest

from supervisor.control.sky import Sky, sky_now
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.road.forcing import Forcing

NOW = 1_700_000_000.0


def minute(rain: float = 0.0, snow: float = 0.0, air: float = -1.0) -> Forcing:
    one = np.ones((1, 1))
    return Forcing(air * one, (air - 1) * one, one, 0 * one, 300 * one, rain * one, snow * one)


def forecast(mm_h: float, at_h: int, snow: float = 1.0, air: float = -1.0, members: int = 1) -> Forecast:
    """One of `members` brings that much in one hour, the others nothing."""
    n = 24
    wet = np.zeros(n)
    wet[at_h] = mm_h
    flat = np.ones(n)

    def series(fall: np.ndarray[tuple[int], np.dtype[np.float64]]) -> WeatherSeries:
        return WeatherSeries(
            NOW + 3600.0 * (1 + np.arange(n)), air * flat, (air - 1) * flat, flat, 1e5 * flat, 0 * flat, 300 * flat,
            flat, fall, snow * flat,
        )  # fmt: skip

    return Forecast(NOW, (series(wet), *[series(0 * flat)] * (members - 1)), "file")


@pytest.mark.parametrize(
    ("now", "ahead", "sky"),
    [
        (minute(), None, Sky(None, False)),
        (minute(snow=1.0), None, Sky("snow", True)),
        (minute(rain=1.0), None, Sky("rain", True)),
        (minute(rain=1.0, air=6.0), None, Sky("rain", False)),
        (minute(snow=0.01), None, Sky(None, False)),
        (minute(), forecast(1.0, 6), Sky(None, True)),
        (minute(), forecast(1.0, 6, members=10), Sky(None, True)),
        (minute(), forecast(1.0, 6, members=11), Sky(None, False)),
        (minute(), forecast(1.0, 20), Sky(None, False)),
        (minute(), forecast(1.0, 6, snow=0.0, air=8.0), Sky(None, False)),
        (minute(), Forecast(NOW, (), "none"), Sky(None, False)),
    ],
)
def test_what_falls_and_what_is_foreseen(now: Forcing, ahead: Forecast | None, sky: Sky) -> None:
    assert sky_now(now, ahead, NOW) == sky
