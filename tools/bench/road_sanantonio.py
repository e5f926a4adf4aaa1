"""The San Antonio pavements: 24-h windows from perfect weather, generic or calibrated parameters."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from supervisor.road import Forcing, Pavement, SurfaceParameters, build_roads, initial_state, simulate
from supervisor.road.radiation import clear_sky_w_m2, longwave_down_w_m2, sun_position
from supervisor.road.residual import corrected, daily_correction_w_m2
from tools.bench.road_data import read_columns, utc_s

Array = npt.NDArray[np.float64]

DT_S = 600.0
BACK_S, AHEAD_S = 47 * 3600.0, 24 * 3600.0
LAYERS = (("asphalt", 0.10), ("crushed rock", 0.30))  # nothing is documented: one usual road for all four
HALF_HOUR_S = 1800.0
LATITUDE, LONGITUDE = 29.58, -98.62


@dataclass(frozen=True)
class Site:
    """One pavement's weather and road temperature; columns (hours,)."""

    name: str
    met_s: Array  # weather stands at label − 30 min
    road_s: Array  # road at label + 30 min
    columns: dict[str, Array]


@dataclass(frozen=True)
class Rows:
    """Verifying rows; arrays (rows,). `run` indexes `runs`."""

    pavement: list[str]
    run: npt.NDArray[np.int64]
    runs: list[tuple[str, float]]  # (pavement, t0)
    t0_s: Array
    lead_h: Array
    observed_c: Array
    metro_c: Array
    roadsurf_c: Array
    persist_c: Array
    winter: npt.NDArray[np.bool_]


def read_site(path: Path) -> Site:
    """One `sanantonio/*.csv`; road spikes dropped."""
    columns = read_columns(path)
    columns["t_road_c"] = np.where(columns.get("road_qc_bad", 0.0) == 1.0, np.nan, columns["t_road_c"])
    return Site(path.stem, columns["time_utc"] - HALF_HOUR_S, columns["time_utc"] + HALF_HOUR_S, columns)


def read_pairs(path: Path) -> Rows:
    """`anchors/sanantonio_pairs.csv`; winter is November to March of t0."""
    with path.open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    runs: dict[tuple[str, float], int] = {}
    index = [runs.setdefault((r["pavement"], utc_s(r["t0"])), len(runs)) for r in records]

    def column(name: str) -> Array:
        return np.array([float(r[name]) if r.get(name) not in (None, "") else np.nan for r in records])

    return Rows(
        [r["pavement"] for r in records],
        np.array(index),
        list(runs),
        np.array([utc_s(r["t0"]) for r in records]),
        column("lead_h"),
        column("obs_c"),
        column("metro_c"),
        column("roadsurf_c"),
        column("persist_c"),
        np.array([int(r["t0"][5:7]) in (11, 12, 1, 2, 3) for r in records]),
    )


def window_ends_s(t0_s: float) -> Array:
    """Ends of the steps of a window."""
    steps = round((BACK_S + AHEAD_S) / DT_S)
    return np.asarray(t0_s - BACK_S + DT_S * np.arange(1.0, steps + 1.0))


def forcing_of(sites: list[Site], t0_s: list[float]) -> tuple[Forcing, Array]:
    """Weather of every window and the road temperature that it may know; arrays (steps, windows)."""
    names = ("t_air_c", "t_dew_c", "wind_ms", "global_wm2", "cloud_frac")
    tables: dict[str, list[Array]] = {name: [] for name in names}
    roads = []
    for site, t0 in zip(sites, t0_s, strict=True):
        end = window_ends_s(t0)
        for name in names:
            values = site.columns[name]
            known = np.isfinite(values)
            at = end - 0.5 * DT_S if name == "global_wm2" else end
            tables[name].append(np.interp(at, site.met_s[known], values[known]))
        road = site.columns["t_road_c"]
        given = np.isfinite(road) & (site.road_s <= t0) & (site.road_s >= t0 - BACK_S - 3600.0)
        inside = (end <= site.road_s[given][-1] + 1.0) if given.any() else np.zeros(end.size, dtype=bool)
        known_c = np.interp(end, site.road_s[given], road[given]) if given.any() else np.full(end.size, np.nan)
        roads.append(np.where(inside, known_c, np.nan))
    air, dew, wind, sun, cloud = (np.stack(tables[name], axis=1) for name in names)
    dew = np.minimum(dew, air)
    zero = np.zeros_like(air)
    elevation, _, top = sun_position(np.stack([window_ends_s(t0) for t0 in t0_s], axis=1), LATITUDE, LONGITUDE)
    forcing = Forcing(
        air,
        dew,
        wind,
        np.maximum(sun, 0.0),
        longwave_down_w_m2(air, dew, np.clip(cloud, 0, 1)),
        zero,
        zero,
        clear_sky_w_m2=clear_sky_w_m2(top, elevation),
    )
    return forcing, np.stack(roads, axis=1)


def predict(sites: list[Site], t0_s: list[float], pavements: list[Pavement]) -> Array:
    """Surface temperature of all windows as lanes, one pavement for each; (steps, windows)."""
    forcing, observed = forcing_of(sites, t0_s)
    roads = build_roads(pavements)
    first = np.array([column[np.isfinite(column)][0] for column in observed.T])
    state = initial_state(roads, first, np.nanmean(observed, axis=0))
    now = round(BACK_S / DT_S)
    past, state = simulate(roads, state, forcing[:now], 0.0, DT_S, observed_surface_c=observed[:now], with_fluxes=True)
    assert past.fluxes is not None
    end_s: Array = DT_S * np.arange(1.0, forcing.steps + 1.0)  # relative to each window's start
    known = np.isfinite(observed[:now])
    daily = daily_correction_w_m2(end_s[:now], past.fluxes.lacking, known, end_s[now - 1 :])
    state, ahead = corrected(state, forcing[now:], daily[1:], daily[0])
    run, _ = simulate(roads, state, ahead, 0.0, DT_S)
    return np.concatenate((past.surface_c, run.surface_c))


def at_rows(rows: Rows, chosen: list[int], run: Array) -> Array:
    """The prediction at every row of the chosen runs, NaN elsewhere; (rows,)."""
    ours = np.full(rows.lead_h.size, np.nan)
    for lane, index in enumerate(chosen):
        mine = np.flatnonzero(rows.run == index)
        t0 = rows.runs[index][1]
        ours[mine] = np.interp(t0 + rows.lead_h[mine] * 3600.0, window_ends_s(t0), run[:, lane])
    return ours


def model(data: Path, rows: Rows, surface: SurfaceParameters, chosen: list[int]) -> Array:
    """Generic prediction for the chosen runs."""
    sites = {name: read_site(data / "sanantonio" / f"{name}.csv") for name in {rows.runs[i][0] for i in chosen}}
    pavement = Pavement(LAYERS, surface=surface)
    run = predict([sites[rows.runs[i][0]] for i in chosen], [rows.runs[i][1] for i in chosen], [pavement] * len(chosen))
    return at_rows(rows, chosen, run)
