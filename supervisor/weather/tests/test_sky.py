"""Phase and sky where a source gives neither: closed forms, bounds, and measured winters."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.errors import WeatherError
from supervisor.domain.zone import Site
from supervisor.weather import longwave, phase
from supervisor.weather.providers.files import read_weather_csv

DATA = Path(os.environ.get("ROADHEAT_DATA", Path(__file__).parents[4] / "shared" / "data")) / "weather"
SITES = {  # name: site, RMSE [W/m²] that the estimate must keep
    "fr_coldeporte_2005-06": (Site("Col de Porte", "UTC", 45.295, 5.765, 1325.0), 24.0),
    "ch_davos_2014_octdec": (Site("Davos", "UTC", 46.81, 9.84, 1594.0), 24.0),
    "us_bondville_1998_janapr": (Site("Bondville", "UTC", 40.05, -88.37, 213.0), 22.0),
}


@given(air=st.floats(-40, 40), depression=st.floats(0, 40))
def test_wet_bulb_lies_between_dew_point_and_air(air: float, depression: float) -> None:
    dew = max(air - depression, -60.0)
    wet = float(phase.wet_bulb_c(np.array(air), np.array(dew)))
    assert dew - 1e-9 <= wet <= air + 1e-9


def test_wet_bulb_known_values() -> None:
    """Psychrometric tables (WMO-No. 8): 10 °C at 50 % is 5.5 °C wet bulb; saturated air is its own wet bulb."""
    dew = 0.06  # of 10 °C and 50 %
    assert float(phase.wet_bulb_c(np.array(10.0), np.array(dew))) == pytest.approx(5.5, abs=0.15)
    assert float(phase.wet_bulb_c(np.array(3.0), np.array(3.0))) == pytest.approx(3.0)


@given(air=st.floats(-20, 20), depression=st.floats(0, 10), warmer=st.floats(0.01, 5))
def test_warmer_or_moister_is_less_snow(air: float, depression: float, warmer: float) -> None:
    def share(t: float, d: float) -> float:
        return float(phase.snow_fraction(np.array(t), np.array(d)))

    base = share(air, air - depression)
    assert 0.0 <= base <= 1.0
    assert share(air + warmer, air - depression + warmer) <= base
    assert share(air, air - depression + min(warmer, depression)) <= base + 1e-12


def test_dry_air_snows_at_temperatures_where_moist_air_rains() -> None:
    assert float(phase.snow_fraction(np.array(2.5), np.array(-6.0))) > 0.7
    assert float(phase.snow_fraction(np.array(2.5), np.array(2.4))) < 0.1


@given(air=st.floats(-30, 30), depression=st.floats(0, 20), cloud=st.floats(0, 1))
def test_cloud_of_longwave_inverts_longwave(air: float, depression: float, cloud: float) -> None:
    a, d, c = np.array([air]), np.array([air - depression]), np.array([cloud])
    down = longwave.longwave_down_w_m2(a, d, c)
    assert longwave.cloud_of_longwave(a, d, down)[0] == pytest.approx(cloud, abs=1e-6)


@pytest.mark.data
@pytest.mark.parametrize("name", SITES)
def test_longwave_from_sun_against_pyrgeometers(name: str) -> None:
    path = DATA / f"{name}.csv"
    if not path.exists():
        pytest.skip("measured weather is not here; set ROADHEAT_DATA")
    site, bar = SITES[name]
    series, _ = read_weather_csv(path)
    step = float(series.time_utc_s[1] - series.time_utc_s[0])
    cloud = longwave.cloud_of_shortwave(series.time_utc_s, step, series.shortwave_w_m2, site)
    error = longwave.longwave_down_w_m2(series.air_c, series.dew_point_c, cloud) - series.longwave_w_m2
    assert np.sqrt(np.mean(error**2)) < bar
    assert abs(error.mean()) < 6.0


@pytest.mark.data
@pytest.mark.parametrize("name", ["kr_seoul_2021-22", "kr_seoul_2023_octdec", "fr_coldeporte_2005-06"])
def test_phase_against_observed_weather(name: str) -> None:
    path = DATA / f"{name}.csv"
    if not path.exists():
        pytest.skip("measured weather is not here; set ROADHEAT_DATA")
    series, _ = read_weather_csv(path)
    wet = series.precipitation_mm_h >= 0.1
    ours = phase.snow_fraction(series.air_c, series.dew_point_c, series.pressure_pa)[wet]
    right = (ours > 0.5) == (series.snow_fraction[wet] > 0.5)
    assert right.mean() > 0.93


def test_polar_night_knows_nothing() -> None:
    site = Site("Tromsø", "UTC", 69.6, 18.9)
    times = 1_703_894_400.0 + 3600.0 * np.arange(48)
    assert (longwave.cloud_of_shortwave(times, 3600.0, np.zeros(48), site) == 0.5).all()


@pytest.mark.data
def test_another_citys_sun_gives_its_longitude() -> None:
    seoul = Site("Seoul", "Asia/Seoul", 37.57, 126.97)
    for name, longitude in (
        ("ee_tallinn_2022-23", 24.7),
        ("kr_seoul_2021-22", 127.0),
        ("us_bondville_1998_janapr", -88.4),
    ):
        path = DATA / f"{name}.csv"
        if not path.exists():
            pytest.skip("measured weather is not here; set ROADHEAT_DATA")
        series, _ = read_weather_csv(path)
        moved = longwave.site_under_sun(series, seoul)
        assert moved.longitude == pytest.approx(longitude, abs=6.0)
        read_weather_csv(path, moved)  # and there its sun no longer shines at night
    with pytest.raises(WeatherError, match="night"):
        read_weather_csv(DATA / "ee_tallinn_2022-23.csv", seoul)
