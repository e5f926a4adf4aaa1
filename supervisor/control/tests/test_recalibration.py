"""Three weeks of service in virtual time on a real store: what is recorded, fitted, adopted and used."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from supervisor.calibration import kept as kept_roads
from supervisor.config import CalibrationConfig, Config, load
from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.recalibration import CalibrationRecord, Recalibration
from supervisor.control.tests.conftest import START_UTC_S, ZONES, Setup
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Zone
from supervisor.road import build_pavements, initial_state, simulate
from supervisor.road.radiation import clear_sky_w_m2, cloudy_w_m2, longwave_down_w_m2, sun_position
from supervisor.store import weather as weather_record
from supervisor.weather.providers.provider import FileProvider
from supervisor.weather.resample import at_steps
from supervisor.wire.messages import Telemetry, ZoneSample

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"
DAY_S = 86_400
STEP_S = 600
OWN = {"conductivity_factor": 0.55, "albedo": 0.28}  # of the first zone's real road; the others are generic


def weather_of(days: int) -> WeatherSeries:
    """Changing winter days, hourly."""
    rng = np.random.default_rng(5)
    hours = np.arange(days * 24 + 49.0)
    t = START_UTC_S - DAY_S + 3600.0 * hours
    air = np.repeat(rng.normal(0.0, 4.0, days + 3), 24)[: t.size] + 3.0 * np.sin(hours / 24 * 2 * np.pi + 2.0)
    cloud = np.clip(np.repeat(rng.uniform(-0.2, 1.0, days + 3), 24)[: t.size], 0.0, 1.0)
    elevation, _, top = sun_position(t - 1800.0, 37.59, 127.02)
    sun = cloudy_w_m2(clear_sky_w_m2(top, elevation), cloud)
    flat = np.zeros(t.size)
    longwave = longwave_down_w_m2(air, air - 4.0, cloud)
    return WeatherSeries(t, air, air - 4.0, flat + 2.5, flat + 1e5, sun, longwave, cloud, flat, flat)


def record_of(setup: Setup) -> CalibrationRecord:
    return CalibrationRecord(setup.store.weather, setup.store.values, setup.store.audit)


class Running:
    """What calibration needs, and a first zone whose road differs."""

    def __init__(
        self, setup: Setup, folder: Path, days: int, *, zones: tuple[Zone, ...] = ZONES, weekly: bool = True
    ) -> None:
        (folder / "weather.csv").touch()
        (folder / "city.toml").write_text(EXAMPLE.read_text())
        config = load(folder / "city.toml")
        self.config: Config = msgspec.structs.replace(
            config,
            zone=zones,
            service=msgspec.structs.replace(config.service, state_dir="."),
            calibration=CalibrationConfig(days=10, weekly=weekly),
        )
        self.setup, self.days, self.series = setup, days, weather_of(days)
        self.forecasts = Forecasts(
            FileProvider(self.series),
            self.config.site,
            30 * 3600,
            setup.clock,
            setup.alarms,
            setup.metrics,
            setup.degradations,
        )
        self.estimation = Estimation(ZONES, self.forecasts, setup.live, setup.store.values, setup.clock)
        self.recalibration = Recalibration(
            self.config, self.estimation, self.forecasts, record_of(setup), setup.metrics, setup.clock
        )
        roads = build_pavements(ZONES[:2], surfaces={"z01": OWN})
        steps = days * DAY_S // STEP_S
        forcing = at_steps(self.series, START_UTC_S, STEP_S, steps, self.config.site)
        truth, _ = simulate(roads, initial_state(roads, 0.0, 3.0), forcing, 0.0, STEP_S)
        noise = np.random.default_rng(6).normal(0.0, 0.1, truth.surface_c.shape)
        self.surface_mc = np.round(1000 * (truth.surface_c + noise)).astype(int)

    async def live(self, from_day: int, to_day: int) -> None:
        """Telemetry of the first board, and a look every six hours."""
        per_look = 36
        for first in range(from_day * 144, to_day * 144, per_look):
            frames = [self.frame(n) for n in range(first, first + per_look)]
            await asyncio.gather(*(self.commit(frame, n) for n, frame in enumerate(frames, first)))
            self.setup.clock.advance(per_look * STEP_S)
            await self.recalibration.look(self.setup.clock.utc_s())

    def frame(self, n: int) -> Telemetry:
        z = tuple(
            ZoneSample(zone.id, int(mc), 5000, 0, 0, 0, 0, 0, 5, 0)
            for zone, mc in zip(ZONES[:2], self.surface_mc[n], strict=True)
        )
        return Telemetry(boot=1, q=n, utc=0, up=STEP_S * (n + 1), dt=STEP_S, bad=0, z=z)

    async def commit(self, frame: Telemetry, n: int) -> bool:
        start = START_UTC_S + STEP_S * n
        return await self.setup.store.telemetry.commit("b01", frame, start + STEP_S, start)

    def factor(self, lane: int) -> float:
        return float(self.estimation.roads.surface("conductivity_factor")[lane])

    async def audited(self) -> list[str]:
        return [e.detail for e in await self.setup.store.audit.entries(0, 1e12) if e.action == "calibration"]


async def test_every_week_a_zone_is_fitted_and_what_predicts_better_is_adopted_and_used(
    setup: Setup, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    running = Running(setup, tmp_path, days=16)
    await running.recalibration.start()
    await running.live(0, 13)
    assert running.estimation.calibrated == {}  # after a week there were too few days to learn from
    assert "only 6 days" in caplog.text
    generic = running.estimation.roads
    before = running.estimation.state.temperature_c.copy()

    await running.live(13, 15)
    kept = msgspec.json.decode((tmp_path / "calibration" / "z01.json").read_bytes(), type=kept_roads.Kept)
    assert kept.made_by == "weekly, by the service"
    assert kept.windows >= 8
    assert kept.rmse_in_use_k is not None
    assert kept.rmse_out_of_sample_k < 0.7 * kept.rmse_in_use_k
    assert kept.values["conductivity_factor"] == pytest.approx(0.55, abs=0.15)
    assert not (tmp_path / "calibration" / "z02.json").exists()  # its road is the generic one: nothing to gain
    assert not (tmp_path / "calibration" / "z03.json").exists()  # its board never spoke

    assert running.factor(0) == kept.values["conductivity_factor"]
    assert running.factor(1) == 1.0
    assert running.estimation.estimator.roads is running.estimation.roads is not generic
    np.testing.assert_array_equal(running.estimation.state.temperature_c, before)  # what is known of the road stays

    said = await running.audited()
    assert any(text.startswith("z01: adopted: ") and "out of sample" in text for text in said)
    assert any(text.startswith("z02: not adopted: ") for text in said)
    counted = {
        result: setup.metrics.registry.get_sample_value("roadheat_calibrations_total", {"result": result})
        for result in ("adopted", "kept", "too-little")
    }
    assert counted == {"adopted": 1.0, "kept": 1.0, "too-little": 4.0}
    measured = setup.metrics.registry.get_sample_value("roadheat_calibration_rmse_kelvin", {"zone": "z01"})
    assert measured == kept.rmse_out_of_sample_k

    again = Estimation(ZONES, running.forecasts, setup.live, setup.store.values, setup.clock)
    room = Recalibration(running.config, again, running.forecasts, record_of(setup), setup.metrics, setup.clock)
    await room.start()
    assert again.roads.surface("conductivity_factor")[0] == running.factor(0)  # after a restart too


async def test_boards_are_answered_while_a_fit_runs(setup: Setup, tmp_path: Path) -> None:
    running = Running(setup, tmp_path, days=11, zones=ZONES[:1], weekly=False)
    await running.live(0, 10)
    fitting = asyncio.create_task(running.recalibration.fit_all(setup.clock.utc_s()))
    for n in range(10 * 144, 10 * 144 + 20):
        assert await running.commit(running.frame(n), n)
        await asyncio.sleep(0.01)
    assert not fitting.done()
    found = await fitting
    assert [one.adopted for one in found] == [True]


async def test_a_stop_of_the_service_does_not_wait_for_a_fit(setup: Setup, tmp_path: Path) -> None:
    running = Running(setup, tmp_path, days=11, weekly=False)
    await running.live(0, 10)
    fitting = asyncio.create_task(running.recalibration.fit_all(setup.clock.utc_s()))
    while not running.recalibration.fitting:  # noqa: ASYNC110 - its process starts
        await asyncio.sleep(0.02)
    fitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(fitting, 2.0)
    assert running.estimation.calibrated == {}


async def test_it_can_be_switched_off_and_takes_up_what_an_engineer_keeps(setup: Setup, tmp_path: Path) -> None:
    running = Running(setup, tmp_path, days=11, weekly=False)
    await running.live(0, 10)
    assert await running.audited() == []
    kept = kept_roads.Kept(
        "z02", "now", "then", "now", "w.csv", 6, 2.0, 1.0, 1.1, 0.1,
        {"conductivity_factor": 0.8, "cable_efficiency": 0.9}, {}, [],
    )  # fmt: skip
    kept_roads.keep(tmp_path, kept)
    await running.recalibration.look(setup.clock.utc_s())
    assert running.factor(1) == 0.8
    assert [zone.heat_w_m2 for zone in running.estimation.zones] == pytest.approx([300.0, 270.0, 300.0])  # planned with
    (tmp_path / "calibration" / "z02.json").unlink()
    await running.recalibration.look(setup.clock.utc_s())
    assert running.factor(1) == 1.0


async def test_the_weather_as_it_was_is_on_record(setup: Setup, tmp_path: Path) -> None:
    running = Running(setup, tmp_path, days=3, weekly=False)
    await running.live(0, 2)
    now = int(setup.clock.utc_s())
    kept = await setup.store.read(lambda db: weather_record.between(db, now - 2 * DAY_S, now))
    assert len(kept) == 48
    then = np.isin(running.series.time_utc_s, kept.time_utc_s)
    np.testing.assert_array_equal(kept.air_c, running.series.air_c[then])
    np.testing.assert_array_equal(kept.shortwave_w_m2, running.series.shortwave_w_m2[then])


async def test_a_start_in_a_cold_snap_does_not_take_the_ground_for_frozen(setup: Setup, tmp_path: Path) -> None:
    running = Running(setup, tmp_path, days=3, weekly=False)
    cold = {"air_c": running.series.air_c * 0.0 - 12.0, "dew_point_c": running.series.air_c * 0.0 - 16.0}
    series = replace(running.series, **cold)
    forecasts = Forecasts(
        FileProvider(series),
        running.config.site,
        30 * 3600,
        setup.clock,
        setup.alarms,
        setup.metrics,
        setup.degradations,
    )
    setup.clock.advance(DAY_S)
    await forecasts.ask()
    estimation = Estimation(ZONES, forecasts, setup.live, setup.store.values, setup.clock)
    await estimation.start()
    assert np.all(estimation.state.surface_c < -5.0)
    assert np.all(estimation.state.temperature_c[:, -1] > 3.0)
    assert np.all(estimation.state.deep_c == 5.0)
