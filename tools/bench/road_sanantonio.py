"""The San Antonio pavements: 24-h windows from perfect weather, generic or calibrated parameters."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from supervisor.calibration.fit import Windows, cross_validate, forecast
from supervisor.domain.errors import PhysicsError, RoadheatError, WeatherError
from supervisor.road import Forcing, Pavement, SurfaceParameters
from supervisor.road.radiation import clear_sky_w_m2, longwave_down_w_m2, sun_position
from tools.bench.road_data import DRY_K, WIND_M_S, number, read_columns, utc_s
from tools.bench.road_rwis import CLOUD_UNKNOWN, Outcome

Array = npt.NDArray[np.float64]

DT_S = 600.0
BACK_S, AHEAD_S = 47 * 3600.0, 24 * 3600.0
LAYERS = (("asphalt", 0.10), ("crushed rock", 0.30))  # nothing is documented: one usual road for all four
HALF_HOUR_S = 1800.0
LEAST_WINDOWS = 8  # two for each block, as the service wants them: fewer teach one road's bad luck
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
    """One `sanantonio/*.csv`; road spikes dropped. Raises WeatherError where air, sun or road are missing.

    Without dew point, wind or cloud the usual stands in.
    """
    columns = read_columns(path)
    for name in ("t_air_c", "global_wm2", "t_road_c"):
        if not np.isfinite(columns.get(name, np.nan)).any():
            raise WeatherError(f"no {name}", where=str(path), remedy="Complete the file.")
    for name, usual in (("t_dew_c", columns["t_air_c"] - DRY_K), ("wind_ms", WIND_M_S), ("cloud_frac", CLOUD_UNKNOWN)):
        if not np.isfinite(columns.get(name, np.nan)).any():
            columns[name] = np.broadcast_to(np.asarray(usual, dtype=np.float64), columns["t_air_c"].shape)
    columns["t_road_c"] = np.where(columns.get("road_qc_bad", 0.0) == 1.0, np.nan, columns["t_road_c"])
    return Site(path.stem, columns["time_utc"] - HALF_HOUR_S, columns["time_utc"] + HALF_HOUR_S, columns)


def read_pairs(path: Path, sites: Path | None = None) -> Rows:
    """`anchors/sanantonio_pairs.csv`; winter is November to March of t0. Only pavements in `sites`, where given."""
    with path.open(newline="", encoding="utf-8") as file:
        records = [r for r in csv.DictReader(file) if sites is None or (sites / f"{r['pavement']}.csv").exists()]
    runs: dict[tuple[str, float], int] = {}
    index = [runs.setdefault((r["pavement"], utc_s(r["t0"])), len(runs)) for r in records]

    def column(name: str) -> Array:
        return np.array([number(r.get(name)) for r in records], dtype=np.float64)

    return Rows(
        [r["pavement"] for r in records],
        np.array(index, dtype=np.int64),
        list(runs),
        np.array([utc_s(r["t0"]) for r in records], dtype=np.float64),
        column("lead_h"),
        column("obs_c"),
        column("metro_c"),
        column("roadsurf_c"),
        column("persist_c"),
        np.array([int(r["t0"][5:7]) in (11, 12, 1, 2, 3) for r in records], dtype=np.bool_),
    )


def window_ends_s(t0_s: float) -> Array:
    """Ends of the steps of a window."""
    steps = round((BACK_S + AHEAD_S) / DT_S)
    return np.asarray(t0_s - BACK_S + DT_S * np.arange(1.0, steps + 1.0))


def windows_of(sites: list[Site], t0_s: list[float]) -> Windows:
    """Weather of every window and its road temperature; arrays (steps, windows)."""
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
        road, ahead = site.columns["t_road_c"], end > t0
        known = np.isfinite(road)
        # Two pieces, so that no value before t0 is drawn to one after it.
        past, future = known & (site.road_s <= t0), known & (site.road_s > t0)
        values = np.full(end.shape, np.nan)
        if past.any():
            values = np.where(ahead, np.nan, np.interp(end, site.road_s[past], road[past], right=np.nan))
        if future.any():
            verifying = np.interp(end, site.road_s[future], road[future], left=np.nan, right=np.nan)
            values = np.where(ahead, verifying, values)
        roads.append(values)
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
    return Windows(forcing, np.stack(roads, axis=1), np.zeros_like(air), round(BACK_S / DT_S), DT_S)


def at_rows(rows: Rows, chosen: list[int], run: Array) -> Array:
    """The prediction at every row of the chosen runs, NaN elsewhere; (rows,)."""
    ours = np.full(rows.lead_h.size, np.nan)
    for lane, index in enumerate(chosen):
        mine = np.flatnonzero(rows.run == index)
        t0 = rows.runs[index][1]
        ours[mine] = np.interp(t0 + rows.lead_h[mine] * 3600.0, window_ends_s(t0), run[:, lane])
    return ours


def _sites(data: Path, rows: Rows, chosen: list[int]) -> tuple[dict[str, Site], list[str]]:
    """The pavements of the chosen runs, and why some cannot be read."""
    sites, failed = {}, []
    for name in sorted({rows.runs[i][0] for i in chosen}):
        try:
            sites[name] = read_site(data / "sanantonio" / f"{name}.csv")
        except RoadheatError as error:
            failed.append(str(error))
    return sites, failed


def model(data: Path, rows: Rows, surface: SurfaceParameters, chosen: list[int]) -> Outcome:
    """Generic prediction for the chosen runs; the observed road after t0 is not given to it."""
    sites, failed = _sites(data, rows, chosen)
    ours = np.full(rows.lead_h.size, np.nan)
    given = {i for i in chosen if _given(rows, i)}
    refused = [
        f"{rows.runs[i][0]}: a verifying row of {rows.runs[i][1]:.0f} lies in the spin-up" for i in sorted(given)
    ]
    for i in chosen:
        if rows.runs[i][0] not in sites:
            ours[rows.run == i] = rows.persist_c[rows.run == i]
    can = [i for i in chosen if i not in given and rows.runs[i][0] in sites]
    if can:
        windows = windows_of([sites[rows.runs[i][0]] for i in can], [rows.runs[i][1] for i in can])
        run = _forecast_or_hold(Pavement(LAYERS, surface=surface), windows)
        failed += [f"{rows.runs[i][0]}: no road temperature before t0" for i in can if np.isnan(run[-1, can.index(i)])]
        part = at_rows(rows, can, run)
        ours = np.where(np.isfinite(part), part, ours)
    return Outcome(ours, failed, refused)


def _given(rows: Rows, index: int) -> bool:
    """Whether one of the observations that verify a run lies in its spin-up."""
    return bool((rows.lead_h[rows.run == index] <= 0.0).any())


def _forecast_or_hold(pavement: Pavement, windows: Windows) -> Array:
    """As `forecast`; a window that fails alone holds its last observation (none: NaN, counted as failed)."""
    try:
        return forecast([pavement] * windows.count, windows)
    except PhysicsError:
        if windows.count == 1:
            given = windows.observed_c[: windows.now, 0]
            known = given[np.isfinite(given)]
            return np.full(windows.observed_c.shape, known[-1] if known.size else np.nan)
    alone = [_forecast_or_hold(pavement, windows.take(np.array([i]))) for i in range(windows.count)]
    return np.concatenate(alone, axis=1)


def cross_validated(data: Path, rows: Rows, chosen: list[int]) -> Array:
    """Prediction of every chosen run with parameters fitted on the other three blocks in time of its pavement."""
    ours = np.full(rows.lead_h.size, np.nan)
    sites, _ = _sites(data, rows, chosen)
    for name, site in sites.items():
        mine = sorted(
            (i for i in chosen if rows.runs[i][0] == name and not _given(rows, i)), key=lambda i: rows.runs[i][1]
        )
        if not mine:
            continue
        windows = windows_of([site] * len(mine), [rows.runs[i][1] for i in mine])
        if len(mine) < LEAST_WINDOWS:  # nothing to learn from: the generic road
            run = _forecast_or_hold(Pavement(LAYERS), windows)
        else:
            try:
                run, _ = cross_validate(Pavement(LAYERS), windows)
            except PhysicsError:  # a window that cannot be run teaches nothing either
                run = _forecast_or_hold(Pavement(LAYERS), windows)
        part = at_rows(rows, mine, run)
        ours = np.where(np.isfinite(part), part, ours)
    return ours
