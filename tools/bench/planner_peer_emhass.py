"""Runs in its own environment (see `planner_peers`): a feeder's zones as one-state thermal loads of EMHASS.

Easier than ours: one thermal state a zone, one forecast (the mean of the members), no ensemble. Its own first build of
the problem is not counted; what is timed is the re-solve with a new start temperature and new prices.
"""

from __future__ import annotations

import asyncio
import json
import logging
import pathlib
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

HOURS = 6.0  # time constant of the one state
SLOTS_PER_H = 4
BASE_C = 10.0  # where no heat leaves a road: EMHASS takes a start of 0 for none given


# Settings of every load: heats whenever it is worth it, at any power, from a start to an end of the horizon.
LOAD: dict[str, Any] = {
    "operating_hours_of_each_deferrable_load": 0,
    "start_timesteps_of_each_deferrable_load": 0,
    "end_timesteps_of_each_deferrable_load": 0,
    "treat_deferrable_load_as_semi_cont": False,
    "set_deferrable_load_single_constant": False,
    "set_deferrable_startup_penalty": 0.0,
    "deferrable_load_max_cost": 0.0,
    "set_deferrable_max_startups": 0,
    "def_minimum_on_time": 0,
    "def_minimum_off_time": 0,
    "minimum_power_of_deferrable_loads": 0.0,
    "is_electric_load": True,
    "cost_forecast_per_deferrable_load": None,
}


def defaults(paths: dict[str, Path], logger: logging.Logger) -> Any:
    """EMHASS's own configuration: retrieval, optimisation and plant, as it makes it from its defaults."""
    from emhass import utils  # type: ignore[import-not-found,unused-ignore]

    async def configured() -> Any:
        config = await utils.build_config(paths, logger, str(paths["defaults_path"]))
        _, secrets = await utils.build_secrets(paths, logger, no_response=True)
        params = await utils.build_params(paths, secrets, config, logger)
        return utils.get_yaml_parse(json.dumps(params, default=str), logger)

    return asyncio.run(configured())


def loads(data: Any, f: int) -> dict[str, Any]:
    """A feeder's zones as deferrable thermal loads."""
    zones = data[f"start{f}"].shape[0]
    thermal = [
        {
            "thermal_config": {
                "heating_rate": float(data[f"kernel{f}"][z].sum(axis=1).max()) / HOURS,  # K/h at full power
                "cooling_constant": 1.0 / HOURS,
                "start_temperature": BASE_C,
                "desired_temperatures": (BASE_C + np.maximum(data[f"need{f}"][z], 0.0)).tolist(),
                "overshoot_temperature": 60.0,
                "penalty_factor": float(data[f"slope{f}"][z].max()),
            }
        }
        for z in range(zones)
    ]
    every = {name: [value] * zones for name, value in LOAD.items()}
    return every | {
        "number_of_deferrable_loads": zones,
        "nominal_power_of_deferrable_loads": (1000.0 * data[f"power{f}"]).tolist(),
        "def_load_config": thermal,
    }


def feeder(data: Any, f: int) -> Any:
    """EMHASS's own optimiser for a feeder: its configuration from its defaults, changed where the job asks for it."""
    import emhass  # type: ignore[import-not-found,unused-ignore]
    import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]
    from emhass.optimization import Optimization  # type: ignore[import-not-found,unused-ignore]

    logger = logging.getLogger("emhass")
    logger.setLevel(logging.ERROR)
    root = pathlib.Path(emhass.__file__).parent
    paths = {
        "data_path": root / "data",
        "root_path": root,
        "associations_path": root / "data" / "associations.csv",
        "defaults_path": root / "data" / "config_defaults.json",
    }
    zones, n = data[f"start{f}"].shape
    demand, floor, contract = data[f"limits{f}"]
    retrieve, optim, plant = defaults(paths, logger)
    retrieve["optimization_time_step"] = pd.to_timedelta(60 // SLOTS_PER_H, "minutes")
    optim |= loads(data, f)
    optim |= {
        "set_use_battery": False,
        "set_use_pv": False,
        "delta_forecast_daily": pd.Timedelta(hours=n / SLOTS_PER_H),
        "capacity_cost_per_kw": float(demand),
        "num_threads": 1,
    }
    plant |= {"maximum_power_from_grid": 1000.0 * float(contract), "maximum_power_to_grid": 0, "number_of_batteries": 1}
    optimiser = Optimization(
        retrieve, optim, plant, "unit_load_cost", "unit_prod_price", "cost", paths, logger, num_timesteps=n
    )
    times = pd.date_range("2024-01-01", periods=n, freq="15min", tz="UTC")
    frame = pd.DataFrame(
        {"unit_load_cost": data[f"price{f}"], "unit_prod_price": np.zeros(n), "outdoor_temperature_forecast": BASE_C},
        index=times,
    )

    def solve(start_k: float) -> Any:
        for load in optim["def_load_config"]:
            load["thermal_config"]["start_temperature"] = BASE_C + start_k
        optimiser.update_thermal_start_temps(optim)
        zeros = pd.Series(np.zeros(n), index=times)
        return optimiser.perform_naive_mpc_optim(
            frame,
            zeros,
            zeros,
            n,
            current_period_peak=1000.0 * float(floor),
            def_total_hours=[0] * zones,
            def_start_timestep=[0] * zones,
            def_end_timestep=[0] * zones,
        )

    return solve


def main(given: str, out: str) -> None:
    data = np.load(given)
    zones = seconds = first_s = 0.0
    for f in range(int(data["feeders"][0])):
        before = time.process_time()
        solve = feeder(data, f)
        result = solve(0.0)
        first_s += time.process_time() - before
        before = time.process_time()
        result = solve(0.1)
        seconds += time.process_time() - before
        zones += len(data[f"power{f}"])
        status = str(result["optim_status"].iloc[0]) if "optim_status" in result else "?"
        if status.lower() != "optimal":
            raise SystemExit(f"EMHASS says {status}")
    row = {
        "name": "EMHASS",
        "problem": "easier: feeders, one state, one forecast",
        "ms_per_zone": 1000 * seconds / zones,
        "first_ms_per_zone": 1000 * first_s / zones,
    }
    Path(out).write_text(json.dumps([row]))


if __name__ == "__main__":
    main(*sys.argv[1:3])
