"""The road-weather stations: all runs as lanes of one batch, scored against METRo, RoadSurf and persistence."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from supervisor.domain.errors import PhysicsError, RoadheatError
from supervisor.road import ICE_MM, Forcing, Pavement, SurfaceParameters, build_roads, initial_state, simulate
from supervisor.road.air import KELVIN
from supervisor.road.horizon import sky_view_of
from supervisor.road.radiation import (
    STEFAN_BOLTZMANN,
    clear_sky_w_m2,
    cloudy_w_m2,
    longwave_down_w_m2,
    sun_position,
)
from supervisor.road.residual import corrected, daily_correction_w_m2
from tools.bench.road_data import Event, Window, build_window, number, read_event, refuse_given, utc_s

Array = npt.NDArray[np.float64]
DT_S = 300.0
LEAST_OF_CLEAR, MOST_OF_BLACK = 0.8, 1.05  # long-wave outside these is some other quantity, and is not believed
CURTAIN_K, CURTAIN_S, SNOWY_CM = 1.0, 6 * 3600.0, 1.0
CLOUD_UNKNOWN = 0.6  # the temperate zone's mean


@dataclass(frozen=True)
class Rows:
    """Verifying rows of one set; arrays (rows,)."""

    mode: list[str]
    event: list[str]
    run: npt.NDArray[np.int64]
    t0_s: Array
    lead_h: Array
    observed_c: Array
    metro_c: Array
    roadsurf_c: Array
    persist_c: Array


def read_pairs(path: Path, stations: Path | None = None) -> Rows:
    """`anchors/rwis_pairs.csv`; only rows of the events in `stations`, where given. A peer's column may be missing."""
    with path.open(newline="", encoding="utf-8") as file:
        records = [r for r in csv.DictReader(file) if stations is None or (stations / r["id"]).is_dir()]
    runs: dict[tuple[str, str, str], int] = {}
    index = [runs.setdefault((r["mode"], r["id"], r["t0"]), len(runs)) for r in records]

    def column(name: str) -> Array:
        return np.array([number(r.get(name)) for r in records], dtype=np.float64)

    return Rows(
        [r["mode"] for r in records],
        [r["id"] for r in records],
        np.array(index, dtype=np.int64),
        np.array([utc_s(r["t0"]) for r in records], dtype=np.float64),
        column("lead_h"),
        column("obs_c"),
        column("metro_c"),
        column("roadsurf_c"),
        column("persist_c"),
    )


def pavement_of(event: Event, surface: SurfaceParameters) -> Pavement:
    """The station's pavement with the generic surface parameters and its own horizon."""
    view = sky_view_of(event.horizon) if event.horizon else surface.sky_view
    depth = sum(thickness for _, thickness in event.layers)
    return Pavement(
        event.layers,
        cable_depth_m=min(0.05, depth / 2),
        bridge=event.bridge,
        horizon=event.horizon,
        surface=replace(surface, sky_view=view),
        name=event.id,
    )


def radiation(window: Window) -> dict[str, Array]:
    """Global, downward long-wave and clear-sky irradiance: the forecast's where it has them, else the model's own.

    With where the sun stands; by the names of `Forcing`, arrays (steps,).
    """
    e = window.event
    cloud = np.where(np.isfinite(window.cloud_fraction), window.cloud_fraction, CLOUD_UNKNOWN)
    elevation, azimuth, top = sun_position(window.end_s - 0.5 * window.dt_s, e.latitude, e.longitude)
    clear = clear_sky_w_m2(top, elevation)
    estimate = cloudy_w_m2(clear, cloud)
    shortwave = np.where(np.isfinite(window.global_w_m2), window.global_w_m2, estimate)
    longwave = longwave_down_w_m2(window.air_c, window.dew_point_c, cloud)
    given = window.longwave_w_m2
    clear_low = longwave_down_w_m2(window.air_c, window.dew_point_c, np.zeros_like(cloud))
    black = STEFAN_BOLTZMANN * (window.air_c + KELVIN) ** 4
    possible = np.isfinite(given) & (given > LEAST_OF_CLEAR * clear_low) & (given < MOST_OF_BLACK * black)
    longwave = np.where(possible, given, longwave)
    return {
        "shortwave_w_m2": np.maximum(shortwave, 0.0),
        "longwave_w_m2": longwave,
        "clear_sky_w_m2": clear,
        "sun_elevation_deg": elevation,
        "sun_azimuth_deg": azimuth,
    }


def predict(windows: list[Window], surface: SurfaceParameters) -> list[Array]:
    """Surface temperature of each run on its own grid, (steps,) each."""
    now = max(w.now for w in windows)
    steps = now + max(w.air_c.size - w.now for w in windows)
    roads = build_roads([pavement_of(w.event, surface) for w in windows])
    offsets = [now - w.now for w in windows]  # every run has its t0 after step `now`; ends are held

    def column(values: Array, offset: int) -> Array:
        rest = steps - offset - values.size
        return np.concatenate((np.full(offset, values[0]), values, np.full(rest, values[-1])))

    def table(name: str) -> Array:
        return np.stack([column(getattr(w, name), o) for w, o in zip(windows, offsets, strict=True)], axis=1)

    skies = [radiation(w) for w in windows]
    sky = {
        name: np.stack([column(own[name], o) for own, o in zip(skies, offsets, strict=True)], axis=1)
        for name in skies[0]
    }
    given = ("air_c", "dew_point_c", "wind_m_s", "rain_mm_h", "snow_mm_h", "pressure_pa")
    forcing = Forcing(**{name: table(name) for name in given}, **sky)
    observed = np.stack([column(w.road_c, o) for w, o in zip(windows, offsets, strict=True)], axis=1)
    known = [np.isfinite(w.road_c) for w in windows]
    soon = [k[: round(3600.0 / w.dt_s)].any() for k, w in zip(known, windows, strict=True)]
    first = np.array([w.road_c[k][0] if s else w.air_c[0] for w, k, s in zip(windows, known, soon, strict=True)])
    mean = np.array([w.road_c[k].mean() if k.any() else w.last_road_c for w, k in zip(windows, known, strict=True)])
    deep = np.array([w.sub_c if np.isfinite(w.sub_c) else m for w, m in zip(windows, mean, strict=True)])
    begin = initial_state(roads, first, deep)
    state = begin.copy()
    surface_c = np.empty((steps, len(windows)))
    lacking, frozen = np.zeros((2, now, len(windows)))
    cuts = sorted({0, now, *offsets})
    for a, b in pairwise(cuts):
        fresh = np.array([o >= a for o in offsets])  # not begun before this stretch: as at its own start
        for name in vars(state):
            getattr(state, name)[fresh] = getattr(begin, name)[fresh]
        run, state = simulate(roads, state, forcing[a:b], 0.0, DT_S, observed_surface_c=observed[a:b], with_fluxes=True)
        assert run.fluxes is not None
        surface_c[a:b], lacking[a:b], frozen[a:b] = run.surface_c, run.fluxes.lacking, run.frozen_mm
    end_s: Array = DT_S * np.arange(1.0, steps + 1.0)
    begun = np.arange(now)[:, None] >= np.array(offsets)[None, :]
    # Of a sky that nobody described and of a covered road there is nothing to learn for tomorrow.
    learnt = begun & (table("sky_known")[:now] > 0.0) & (frozen < ICE_MM)
    known_past = np.isfinite(observed[:now]) & learnt
    daily = daily_correction_w_m2(end_s[:now], lacking, known_past, end_s[now - 1 :])
    state, ahead = corrected(roads, state, forcing[now:], daily[1:], daily[0])
    run, _ = simulate(roads, state, ahead, 0.0, DT_S)
    surface_c[now:] = run.surface_c
    return [surface_c[o : o + w.air_c.size, i] for i, (o, w) in enumerate(zip(offsets, windows, strict=True))]


def _predict_or_hold(windows: list[Window], surface: SurfaceParameters) -> tuple[list[Array], list[str]]:
    """As `predict`; a run that fails alone holds its last observation and is named with its reason."""
    try:
        return predict(windows, surface), []
    except PhysicsError as error:
        if len(windows) == 1:
            w = windows[0]
            return [np.full(w.air_c.size, w.last_road_c)], [f"{w.event.id}: {error}"]
    runs, failed = [], []
    for window in windows:
        run, reason = _predict_or_hold([window], surface)
        runs += run
        failed += reason
    return runs, failed


@dataclass(frozen=True)
class Outcome:
    """Our prediction for every row (rows,), NaN where there is none; and what could not be run or scored."""

    predicted_c: Array
    failed: list[str]  # runs that failed, with the reason; they count with their last valid state held
    refused: list[str]  # runs whose verifying observations had been given to the model: not scored


def model(data: Path, rows: Rows, surface: SurfaceParameters) -> Outcome:
    """Every run of `rows`; stations whose files cannot be used fail with all their runs."""
    events: dict[str, Event | RoadheatError] = {}
    for name in dict.fromkeys(rows.event):
        try:
            events[name] = read_event(data / "rwis" / name)
        except RoadheatError as error:
            events[name] = error
    windows, members = [], []
    failed, refused = [], []
    ours = np.full(rows.lead_h.size, np.nan)
    for run in range(int(rows.run.max(initial=-1)) + 1):
        mine = np.flatnonzero(rows.run == run)
        i, verifying_s = int(mine[0]), rows.t0_s[mine] + rows.lead_h[mine] * 3600.0
        try:
            event = events[rows.event[i]]
            if isinstance(event, RoadheatError):
                raise event
            horizon_s = max(float(rows.lead_h[mine].max()), 0.0) * 3600.0 + DT_S
            window = build_window(event, rows.t0_s[i], rows.mode[i], horizon_s, DT_S)
        except RoadheatError as error:
            ours[mine] = rows.persist_c[mine]  # the last observation, as far as anybody knows it
            failed.append(f"{rows.event[i]}, {rows.mode[i]}: {error}")
            continue
        try:
            refuse_given(window, verifying_s)
        except PhysicsError as error:
            refused.append(f"{rows.mode[i]}, {error}")
            continue
        windows.append(window)
        members.append(mine)
    runs, more = _predict_or_hold(windows, surface) if windows else ([], [])
    for window, mine, predicted in zip(windows, members, runs, strict=True):
        ours[mine] = np.interp(rows.t0_s[mine] + rows.lead_h[mine] * 3600.0, window.end_s, predicted)
    return Outcome(ours, failed + more, refused)


def snow_cover(data: Path, rows: Rows) -> npt.NDArray[np.bool_]:
    """Rows in a time when a road lay under melting snow: its station's forecast has at least 1 cm of it, and the
    observed surface stayed within 1 K of 0 °C for six hours round the row.
    """
    found = np.zeros(rows.lead_h.size, dtype=np.bool_)
    for name in dict.fromkeys(rows.event):
        try:
            event = read_event(data / "rwis" / name)
        except RoadheatError:
            continue
        if not any(np.nanmax(f.get("snow_accum_cm", np.zeros(1)), initial=0.0) >= SNOWY_CM for f in event.forecasts):
            continue
        known = np.isfinite(event.observed["t_road_c"])
        time, road = event.observed["time_utc"][known], event.observed["t_road_c"][known]
        near = np.abs(road) <= CURTAIN_K
        turns = np.flatnonzero(np.diff(near.astype(int), prepend=0, append=0))
        for first, after in zip(turns[::2], turns[1::2], strict=True):
            if time[after - 1] - time[first] >= CURTAIN_S:
                at = rows.t0_s + rows.lead_h * 3600.0
                here = np.array([e == name for e in rows.event])
                found |= here & (at >= time[first] - 1.0) & (at <= time[after - 1] + 1.0)
    return found
