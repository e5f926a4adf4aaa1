"""Korean winters: bare-ground temperature a day ahead from the same hours' weather, and snow lying or gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from supervisor.calibration.fit import Windows, forecast
from supervisor.domain.errors import WeatherError
from supervisor.domain.zone import Site
from supervisor.road import Forcing, Pavement, SurfaceParameters, build_roads, initial_state, simulate
from supervisor.road.radiation import clear_sky_w_m2, sun_position
from supervisor.weather.providers.files import read_weather_csv
from supervisor.weather.resample import at_steps
from tools.bench.road_data import read_columns

Array = npt.NDArray[np.float64]

DT_S = 600.0
BACK_H, AHEAD_H = 48, 24
SNOW_LIES_MM = 0.5  # ours, against the observer's half centimetre
SNOW_LIES_M = 0.005
SITES = {"seoul": (37.571, 126.966), "chuncheon": (37.903, 127.736), "andong": (36.573, 128.707)}
# A thermometer on bare soil: nobody drives there and melt water soaks in.
GROUND = Pavement((("soil", 2.0),), surface=SurfaceParameters(albedo=0.15, retention_mm=1.0), name="bare ground")


@dataclass(frozen=True)
class Winter:
    """Scores of one file; snow counts are hours: we / the observer say that snow lies."""

    name: str
    hours: int
    bias_k: float
    rmse_k: float
    rmse_0_6_k: float
    both: int
    only_ours: int
    only_observed: int
    neither: int


def score(path: Path) -> Winter:
    """One `kr_*.csv`. Raises WeatherError where the ground is not observed."""
    series, _ = read_weather_csv(path)
    place = next((site for name, site in SITES.items() if name in path.stem), SITES["seoul"])
    site = Site(path.stem, "Asia/Seoul", *place)
    start_s = float(series.time_utc_s[0])
    steps = int((series.time_utc_s[-1] - start_s) / DT_S)
    forcing = at_steps(series, start_s, DT_S, steps, site)
    raw = read_columns(path)
    end_s = start_s + DT_S * np.arange(1.0, steps + 1.0)
    missing = [name for name in ("ground_surface_temperature_degC", "snow_depth_m") if name not in raw]
    if missing:
        raise WeatherError(f"no {', '.join(missing)}", where=path.name, remedy="Take a file that observes the ground.")
    ground = raw["ground_surface_temperature_degC"]
    good = np.isfinite(ground) & (raw.get("filled", np.zeros_like(ground)) == 0)
    observed = np.interp(end_s, raw["time_utc"][good], ground[good])
    depth = np.interp(end_s, raw["time_utc"], np.nan_to_num(raw["snow_depth_m"]))

    roads = build_roads([GROUND])
    deep = float(np.mean(observed[: round(5 * 86400 / DT_S)])) - 2.0
    season, _ = simulate(roads, initial_state(roads, observed[0], deep), forcing, 0.0, DT_S)
    hourly = np.arange(5, steps, 6)
    ours, theirs = season.snow_mm[hourly, 0] >= SNOW_LIES_MM, depth[hourly] >= SNOW_LIES_M

    per_day, back = round(86400 / DT_S), round(BACK_H * 3600 / DT_S)
    starts = list(range(0, steps - back - per_day, per_day))
    length = back + per_day
    index = np.array(starts)[None, :] + np.arange(length)[:, None]
    elevation, _, top = sun_position(end_s, *place)
    sky = replace(forcing, clear_sky_w_m2=clear_sky_w_m2(top, elevation)[:, None])
    cut = {name: value[index, 0] for name, value in vars(sky).items() if np.ndim(value) == 2}
    windows = Windows(Forcing(**cut), observed[index], np.zeros(index.shape), back, DT_S)
    lying_mm = depth[starts] * 100.0 * 1.5  # settled snow, 150 kg/m³
    run = forecast([GROUND] * len(starts), windows, snow_mm=lying_mm)[back:]
    verifying = np.stack([observed[s + back : s + back + per_day] for s in starts], axis=1)
    measured = np.stack(
        [np.isin(np.round(end_s[s + back : s + back + per_day]), raw["time_utc"][good]) for s in starts], axis=1
    )
    error = (run - verifying)[measured]
    lead_h = (np.arange(per_day)[:, None] + 1.0) * DT_S / 3600.0 * np.ones_like(verifying)
    near = lead_h[measured] <= 6.0
    return Winter(
        path.stem,
        int(measured.sum()),
        float(error.mean()),
        float(np.sqrt(np.mean(error**2))),
        float(np.sqrt(np.mean(error[near] ** 2))),
        int(np.sum(ours & theirs)),
        int(np.sum(ours & ~theirs)),
        int(np.sum(~ours & theirs)),
        int(np.sum(~ours & ~theirs)),
    )
