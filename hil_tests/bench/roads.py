"""The roads under the bench's zones: what contactors draw, what probes see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hil_tests.bench.plant import STEP_S, RoadPlant
from hil_tests.bench.zone import BenchError, BenchZone
from supervisor.config import Config
from supervisor.domain.weather import WeatherSeries
from supervisor.weather.providers.files import read_weather_csv
from supervisor.weather.providers.registry import weather_file

PLANT_MS = STEP_S * 1000


class Roads:
    """zones: in the order of the plant's."""

    def __init__(self, plant: RoadPlant, zones: Sequence[BenchZone]) -> None:
        self.plant = plant
        self._zones = zones
        self.show()

    def energise(self, ms: int) -> None:
        """Account for `ms` with the contactors as they stand."""
        if ms:
            for zone in self._zones:
                if zone.energised:
                    zone.on_ms += ms
                    zone.on_minute_ms += ms
                    zone.truth.energy_wh += zone.zone.power_w * ms / 3_600_000

    def load(self) -> None:
        """Power of each zone this instant."""
        for zone in self._zones:
            zone.truth.power_w = float(zone.zone.power_w) if zone.energised else 0.0

    def move(self) -> None:
        """One step of the plant."""
        self.plant.advance(np.array([zone.on_ms / PLANT_MS for zone in self._zones]))
        for zone in self._zones:
            zone.on_ms = 0
        self.show()

    def show(self) -> None:
        """Set truth and probes."""
        plant, state = self.plant, self.plant.state
        columns = (plant.surface_c, plant.cable_c, state.water_mm, state.ice_mm, state.snow_mm, state.frost_mm)
        rows = np.stack(columns, axis=1).tolist()
        for zone, row, moisture, noise in zip(
            self._zones, rows, plant.moisture.tolist(), plant.noise_k().tolist(), strict=True
        ):
            truth = zone.truth
            truth.surface_c, truth.cable_c, truth.water_mm, truth.ice_mm, truth.snow_mm, truth.frost_mm = row
            zone.show(moisture, noise)


def plant_of(config: Config, weather: WeatherSeries | None, start_utc_s: float, seed: int) -> RoadPlant:
    """`weather`: default what the service's file says. Raises BenchError where there is none."""
    if weather is None:
        file = weather_file(config)
        if file is None:
            raise BenchError("no weather file", where="weather.provider", remedy='Write provider = "file"')
        weather, _ = read_weather_csv(file, config.site)
    return RoadPlant(config.zone, weather, config.site, start_utc_s, seed=seed)
