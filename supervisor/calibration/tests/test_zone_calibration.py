"""From ticks to windows, and what is kept of a calibration."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from supervisor.calibration import kept as kept_roads
from supervisor.calibration import zone_fit
from supervisor.calibration.command import calibrate
from supervisor.cli import main
from supervisor.config import load
from supervisor.domain.errors import CommandError, NotFoundError, PhysicsError
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Layer, Site, Zone
from supervisor.road import build_pavements, initial_state, simulate
from supervisor.road.radiation import clear_sky_w_m2, sun_position
from supervisor.store import DATABASE_NAME, database, telemetry
from supervisor.store import weather as weather_record
from supervisor.store.meter import Meter
from supervisor.store.tick import Tick, ZoneTick
from supervisor.weather.providers.files import read_weather_csv, write_weather_csv
from supervisor.weather.resample import at_steps
from supervisor.wire.messages import Flag, Telemetry, ZoneSample

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"

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
    surface, heat = zone_fit.series(ZONE, ticks, T0, T0 + 1800)
    assert surface[0] == pytest.approx(3.0)
    assert np.isnan(surface[1:]).all()
    assert heat.tolist() == pytest.approx([150.0, 0.0, 0.0])


def test_too_short_a_record_is_refused_and_a_long_one_gives_a_window_a_day() -> None:
    hours = 7 * 24
    t = T0 + 3600.0 * np.arange(hours + 1)
    even = np.full(t.size, 1.0)
    weather = WeatherSeries(t, even, even - 2, even, even * 1e5, even * 0, even * 260, even * 0.5, even * 0, even * 0)
    surface = np.full(hours * 6, 1.5)
    data, starts = zone_fit.windows(surface, surface * 0.0, weather, SITE, T0)
    assert data.count == len(starts) == 6
    assert starts[0] == T0 + 86_400
    surface[6 * 24 : 6 * 24 * 4] = np.nan
    with pytest.raises(CommandError, match="only 2 days"):
        zone_fit.windows(surface, surface * 0.0, weather, SITE, T0)


def test_days_without_weather_are_left_out() -> None:
    t = T0 + 3600.0 * np.arange(10 * 24 + 1)
    t = t[(t < T0 + 4 * 86_400) | (t > T0 + 4.5 * 86_400)]
    even = np.full(t.size, 1.0)
    weather = WeatherSeries(t, even, even - 2, even, even * 1e5, even * 0, even * 260, even * 0.5, even * 0, even * 0)
    surface = np.full(12 * 144, 1.5)  # two days longer than the weather
    data, starts = zone_fit.windows(surface, surface * 0.0, weather, SITE, T0)
    days = [(start - T0) // 86_400 for start in starts]
    assert days == [1, 2, 3, 6, 7, 8, 9]  # not the day of the gap, nor the one whose spin-up it is
    assert np.isfinite(data.observed_c).all()
    assert data.forcing.air_c.shape == (288, 7)


def test_what_is_kept_comes_back_as_the_zones_pavement(tmp_path: Path) -> None:
    kept = kept_roads.Kept(
        "z01", "now", "then", "now", "w.csv", 6, 2.0, 1.0, 1.1, 0.1, {"albedo": 0.2, "cable_efficiency": 0.9}, {}, []
    )
    path = kept_roads.keep(tmp_path, kept)
    values = kept_roads.load(tmp_path)["z01"]
    surfaces = {"z01": kept_roads.surface_of(values)}
    assert surfaces == {"z01": {"albedo": 0.2}}
    assert build_pavements([ZONE], surfaces=surfaces).surface("albedo")[0] == 0.2
    assert kept_roads.own_cable(ZONE, values).heat_w_m2 == pytest.approx(0.9 * ZONE.heat_w_m2)
    path.write_text("{")
    with pytest.raises(PhysicsError, match=r"z01\.json"):
        kept_roads.load(tmp_path)


def test_the_command_fits_a_road_from_the_record_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five days of telemetry of a road that differs from the generic one; from city.toml to the kept file."""
    path = Path(shutil.copy(EXAMPLE, tmp_path / "city.toml"))
    steps = 5 * 144
    hours = np.arange(steps // 6 + 1)
    t = T0 + 3600.0 * hours
    air = -1.0 + 4.0 * np.sin(hours / 24.0 * 2 * np.pi - 1.0) + np.repeat([0, 3, -4, 1, 5, -2, 0, 1], 24)[: t.size]
    flat = np.zeros(t.size)
    elevation, _, top = sun_position(t - 1800.0, 37.6, 127.0)
    sun = 0.7 * clear_sky_w_m2(top, elevation) * (elevation > 3.0)
    weather = WeatherSeries(t, air, air - 4, flat + 2.5, flat + 1e5, sun, flat + 250, flat + 0.4, flat, flat)
    write_weather_csv(tmp_path / "weather.csv", weather)
    series, _ = read_weather_csv(tmp_path / "weather.csv")
    zone = next(z for z in load(path).zone if z.id == "z01")
    roads = build_pavements([zone], surfaces={"z01": {"conductivity_factor": 0.6, "albedo": 0.25}})
    forcing = at_steps(series, float(T0), 600.0, steps, load(path).site)
    truth, _ = simulate(roads, initial_state(roads, 0.0, 2.0), forcing, 0.0, 600.0)
    (tmp_path / "state").mkdir()
    db = database.connect(tmp_path / "state" / DATABASE_NAME)
    database.migrate(db)
    for n, celsius in enumerate(truth.surface_c[:, 0].tolist()):
        sample = ZoneSample("z01", round(celsius * 1000), 5000, 0, 0, 0, 0, 0, 5, 0)
        frame = Telemetry(boot=1, q=n, utc=0, up=600 * (n + 1), dt=600, bad=0, z=(sample,))
        telemetry.commit(db, None, "b01", frame, T0 + 600 * (n + 1), T0 + 600 * n, None)
    db.close()
    period = ["--from", "2024-01-01T09:00", "--to", "2024-01-06T09:00"]
    plot = tmp_path / "z01.png"
    command = ["calibrate", "z01", "--config", str(path), *period, "--plot", str(plot)]
    found: list[Any] = []
    fit = zone_fit.fit
    monkeypatch.setattr(zone_fit, "fit", lambda *given: found.append(fit(*given)) or found[-1])
    said = CliRunner().invoke(main, command, catch_exceptions=False)
    assert said.exit_code == 0, said.output
    assert "out of sample" in said.output
    assert "± 1 σ" in said.output
    assert "a running service takes it up" in said.output
    assert plot.read_bytes().startswith(b"\x89PNG")
    kept_path = tmp_path / "state" / "calibration" / "z01.json"
    kept_path.unlink()
    monkeypatch.setattr(zone_fit, "fit", lambda *_: found[-1])
    said = CliRunner().invoke(main, [*command[:-1], str(tmp_path / "z01.none")], catch_exceptions=False)
    monkeypatch.undo()
    assert (said.exit_code, said.output.count("not drawn")) == (0, 1)
    assert kept_path.exists()
    kept = msgspec.json.decode((tmp_path / "state" / "calibration" / "z01.json").read_bytes(), type=kept_roads.Kept)
    assert kept.rmse_after_k < kept.rmse_before_k
    assert kept.values["conductivity_factor"] < 0.9
    assert set(kept.sigma) == set(kept.values)
    assert all(0.0 < sigma < np.inf for sigma in kept.sigma.values())
    assert (kept.zone, kept.weather, kept.made_by) == ("z01", "weather.csv", "roadheat calibrate")
    assert (kept.from_utc, kept.to_utc) == ("2024-01-01T00:00:00Z", "2024-01-06T00:00:00Z")
    assert (("at bound" in said.output) and "physical bound" in said.output) == bool(kept.at_bound)

    db = database.connect(tmp_path / "state" / DATABASE_NAME)
    weather_record.put(db, series)  # the service recorded it: no file is needed
    db.close()
    said = CliRunner().invoke(main, ["calibrate", "z01", "--config", str(path), *period], catch_exceptions=False)
    again = msgspec.json.decode((tmp_path / "state" / "calibration" / "z01.json").read_bytes(), type=kept_roads.Kept)
    assert again.weather == "as recorded by the service"
    assert again.values == pytest.approx(kept.values, rel=0.02)
    with pytest.raises(NotFoundError, match="z99"):
        CliRunner().invoke(calibrate, ["z99", "--config", str(path), *period], catch_exceptions=False)


def test_a_picture_that_cannot_be_drawn_is_refused_before_the_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    period = ["--from", "2024-01-01", "--to", "2024-01-06"]
    for plot, said in (("z01.png", "roadheat[report]"), ("no/z01.png", "does not exist")):
        result = CliRunner().invoke(main, ["calibrate", "z01", *period, "--plot", str(tmp_path / plot)])
        assert result.exit_code in (1, 2)
        assert said in " ".join(result.output.split())
