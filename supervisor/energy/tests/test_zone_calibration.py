"""From ticks to windows, and what is kept of a calibration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from supervisor.domain.errors import CommandError, PhysicsError
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Layer, Site, Zone
from supervisor.energy import calibrate as calibration
from supervisor.road import build_pavements
from supervisor.store.meter import Meter
from supervisor.store.tick import Tick, ZoneTick
from supervisor.wire.messages import Flag, ZoneSample

T0 = 1_704_067_200  # 2024-01-01T00:00Z
ZONE = Zone(
    id="z01", name="Slope", board="b01", relay=0, feeder="f1", power_w=60_000, area_m2=200.0,
    layers=(Layer("asphalt", 0.1), Layer("base", 0.3)),
)  # fmt: skip
SITE = Site("seongbuk", "Asia/Seoul", 37.6, 127.0)


def tick(start_s: int, surface_mc: int, power_w: int, flags: int = 0, zone: str = "z01") -> Tick:
    sample = ZoneSample(zone, surface_mc, 5_000, 0, 60, power_w, 0, 0, 5, flags)
    return Tick("b01", 1, 1, 0, 0, start_s, 60, start_s + 60, None, (ZoneTick(sample, 0, _METER),))


_METER = Meter(0, 1, 1, 0, 0, 0)


def test_ticks_become_means_of_surface_and_heat_per_step() -> None:
    ticks = [tick(T0 + 60 * i, 2_000 if i < 5 else 4_000, 30_000) for i in range(10)]
    ticks += [tick(T0 + 600 + 60 * i, 9_000, 0, int(Flag.SENSOR_IMPLAUSIBLE)) for i in range(10)]
    ticks.append(tick(T0 + 60, 50_000, 60_000, zone="z02"))
    surface, heat = calibration.series(ZONE, ticks, T0, T0 + 1800)
    assert surface[0] == pytest.approx(3.0)
    assert np.isnan(surface[1:]).all()
    assert heat.tolist() == pytest.approx([150.0, 0.0, 0.0])


def test_too_short_a_record_is_refused_and_a_long_one_gives_a_window_a_day() -> None:
    hours = 7 * 24
    t = T0 + 3600.0 * np.arange(hours + 1)
    even = np.full(t.size, 1.0)
    weather = WeatherSeries(t, even, even - 2, even, even * 1e5, even * 0, even * 260, even * 0.5, even * 0, even * 0)
    surface = np.full(hours * 6, 1.5)
    data, starts = calibration.windows(surface, surface * 0.0, weather, SITE, T0)
    assert data.count == len(starts) == 6
    assert starts[0] == T0 + 86_400
    surface[6 * 24 : 6 * 24 * 4] = np.nan
    with pytest.raises(CommandError, match="only 2 days"):
        calibration.windows(surface, surface * 0.0, weather, SITE, T0)


def test_what_is_kept_comes_back_as_the_zones_pavement(tmp_path: Path) -> None:
    kept = calibration.Kept(
        "z01", "now", "then", "now", "w.csv", 6, 2.0, 1.0, 1.1, 0.1, {"albedo": 0.2, "cable_efficiency": 0.9}, {}, []
    )
    path = calibration.keep(tmp_path, kept)
    surfaces = calibration.load(tmp_path)
    assert surfaces == {"z01": {"albedo": 0.2}}
    assert build_pavements([ZONE], surfaces=surfaces).surface("albedo")[0] == 0.2
    path.write_text("{")
    with pytest.raises(PhysicsError, match=r"z01\.json"):
        calibration.load(tmp_path)
