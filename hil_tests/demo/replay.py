"""The same storm on the same roads under today's rule: heat at ≤2 °C and wet. No boards, no supervisor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hil_tests.bench.plant import STEP_S, RoadPlant
from hil_tests.demo.record import MINUTE_S, Run
from supervisor.config import Config
from supervisor.domain.weather import WeatherSeries
from tools.bench.control_boards import Circuit, rule_named

WARM_MC = 99_000  # the reactive rule has no air sensor


def replay_reactive(
    config: Config,
    weather: WeatherSeries,
    start_utc_s: float,
    minutes: int,
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Run:
    """Run `minutes` of the storm; contactors as the boards have them, feeders without a limit as today."""
    plant = RoadPlant(config.zone, weather, config.site, start_utc_s, seed=seed)
    circuits = [Circuit(rule_named("reactive")) for _ in config.zone]
    power_kw = np.array([zone.power_w / 1000.0 for zone in config.zone])
    of_feeder = np.array([[zone.feeder == feeder.id for zone in config.zone] for feeder in config.feeder])
    run = Run("reactive", config.zone, config.feeder, start_utc_s)
    steps = MINUTE_S // STEP_S
    for minute in range(minutes):
        energy_wh, peak_kw = np.zeros(len(circuits)), np.zeros(len(config.feeder))
        for step in range(steps):
            t = minute * MINUTE_S + step * STEP_S
            surface_mc = np.round((plant.surface_c + plant.noise_k()) * 1000.0)
            seen = zip(circuits, surface_mc, plant.moisture, strict=True)
            closed = [circuit.tick(t, int(mc), 1000.0 * moisture, WARM_MC, False) for circuit, mc, moisture in seen]
            duty = np.array(closed, dtype=np.float64)
            plant.advance(duty)
            energy_wh += power_kw * duty * (STEP_S / 3.6)
            peak_kw = np.maximum(peak_kw, of_feeder @ (power_kw * duty))
        run.add_minute(plant.surface_c, plant.lying_mm, energy_wh, peak_kw)
        progress(minute + 1)
    return run
