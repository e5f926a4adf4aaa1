"""Reading the road-weather stations' files and building what a run may know; the protocol is in the data's README.

A run is one (mode, event, t0). It may read the observations up to and including t0, at most 46 h back, and the event's
forecast; in mode `obsmet` also the observed air after t0. `Window.surface_given_until_s` records the last road
temperature that was handed to the model, and scoring refuses a row that is not later than that.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from supervisor.domain.errors import PhysicsError, WeatherError

Array = npt.NDArray[np.float64]

BACK_S = 46 * 3600.0
SNOW_MM_PER_CM = 1.0  # water equivalent of forecast snow depth, 10:1
DRY_K, WIND_M_S = 3.0, 2.0  # where nobody gives dew point or wind
MISS_DECAY_S = 6 * 3600.0  # a forecast that misses the air now will miss it by 1/e of that in this time
# What a sensor or a forecast can mean; 99, 999 and 9999 stand for nothing.
POSSIBLE = {
    "t_air_c": (-60.0, 60.0),
    "t_dew_c": (-80.0, 40.0),
    "wind_ms": (0.0, 75.0),
    "t_road_c": (-60.0, 80.0),
    "t_sub_c": (-40.0, 60.0),
    "pressure_pa": (50_000.0, 108_000.0),
    "global_wm2": (-20.0, 1500.0),
}
USUAL_LAYERS = (("asphalt", 0.10), ("crushed rock", 0.30))  # where the station does not say
LONGEST_GAP_S = 6 * 3600.0  # over a longer gap the road temperature is not interpolated, the model runs free


def utc_s(text: str) -> float:
    """Seconds since 1970 of an ISO time in UTC, with `Z`, an offset or nothing."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def number(text: str | None) -> float:
    """A cell's number; NaN where it has none."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def _time(text: str | None) -> float:
    try:
        return utc_s(text or "") if "-" in (text or "") else float(text or "nan")
    except ValueError:
        return float("nan")


def read_columns(path: Path) -> dict[str, Array]:
    """CSV as columns in order of time; what is not a number, or not a possible one, is NaN; text columns are left out.

    A column named time… is UTC seconds; rows without a time, and all but the first of a time, are left out.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            records = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WeatherError(str(error), where=str(path), remedy="Check the file.") from error
    columns: dict[str, Array] = {}
    for name in records[0] if records else ():
        if not isinstance(name, str):  # cells beyond the header
            continue
        parse = _time if name.startswith("time") else number
        values = np.array([parse(record[name]) for record in records])
        if name in POSSIBLE:
            low, high = POSSIBLE[name]
            values = np.where((values >= low) & (values <= high), values, np.nan)
        if name in POSSIBLE or np.isfinite(values).any():
            columns[name] = values
    clock = next((columns[name] for name in columns if name.startswith("time")), None)
    if clock is None:
        raise WeatherError("no rows with a time", where=str(path), remedy="Check the file.")
    known = np.flatnonzero(np.isfinite(clock))
    order = known[np.unique(clock[known], return_index=True)[1]]
    return {name: values[order] for name, values in columns.items()}


@dataclass(frozen=True)
class Event:
    """One station's files."""

    id: str
    latitude: float
    longitude: float
    bridge: bool
    layers: tuple[tuple[str, float], ...]
    sub_depth_m: float
    horizon: tuple[tuple[float, float], ...]  # azimuth, elevation [°]
    observed: dict[str, Array]
    forecasts: tuple[dict[str, Array], ...]


def read_event(folder: Path) -> Event:
    """Read `station.json`, `obs.csv` and `forecast*.csv`. Raises RoadheatError naming the file that cannot be used."""
    try:
        return _read_event(folder)
    except (OSError, KeyError, ValueError, TypeError) as error:
        text = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise WeatherError(text, where=str(folder / "station.json"), remedy="Complete the station.") from error


def _read_event(folder: Path) -> Event:
    station = json.loads((folder / "station.json").read_text(encoding="utf-8"))
    observed = read_columns(folder / "obs.csv")
    for name in ("t_air_c", "t_dew_c", "wind_ms", "t_road_c"):
        observed.setdefault(name, np.full(observed["time_utc"].shape, np.nan))
    layers = tuple((layer["material"], float(layer["thickness_m"])) for layer in station.get("layers") or [])
    horizon = tuple(sorted((float(h["azimuth"]), float(h["elevation"])) for h in station.get("horizon_deg") or []))
    return Event(
        folder.name,
        float(station["lat"]),
        float(station["lon"]),
        station.get("type") == "bridge",
        layers or USUAL_LAYERS,
        float(station.get("subsurface_sensor_depth_m") or 0.4),
        horizon,
        observed,
        tuple(read_columns(path) for path in sorted(folder.glob("forecast*.csv"))),
    )


@dataclass(frozen=True)
class Window:
    """What one run may know, on a grid of steps; arrays (steps,), each value at the END of its step."""

    event: Event
    now: int  # steps up to t0
    start_s: float  # where the grid begins; step i ends at start_s + (i+1) dt_s
    dt_s: float
    air_c: Array
    dew_point_c: Array
    wind_m_s: Array
    pressure_pa: Array
    cloud_fraction: Array  # NaN where nobody says
    rain_mm_h: Array
    snow_mm_h: Array
    global_w_m2: Array  # NaN where the forecast has none
    longwave_w_m2: Array  # likewise
    sky_known: Array  # 1 where the forecast covers the step, 0 before
    road_c: Array  # observed surface, NaN where none may be known
    sub_c: float  # observed below the surface at the start, NaN
    wet_at_t0: bool | None
    last_road_c: float
    surface_given_until_s: float

    @property
    def end_s(self) -> Array:
        steps = np.arange(1, self.air_c.size + 1, dtype=np.float64)
        end: Array = np.asarray(self.start_s + self.dt_s * steps, dtype=np.float64)
        return end


def forecast_for(event: Event, t0_s: float) -> dict[str, Array]:
    """The newest forecast that had begun by t0, else the first; nothing where there is none."""
    if not event.forecasts:
        return {}
    begun = [f for f in event.forecasts if f["time_utc"][0] <= t0_s]
    return max(begun, key=lambda f: float(f["time_utc"][0])) if begun else event.forecasts[0]


def _at(times_s: Array, source: dict[str, Array], name: str) -> Array:
    """Linear interpolation of the finite values of a column; NaN if there are none; ends held."""
    values = source.get(name)
    if values is None or not np.isfinite(values).any():
        return np.full(times_s.shape, np.nan)
    known = np.isfinite(values)
    return np.interp(times_s, source["time_utc"][known], values[known])


def _rate(end_s: Array, dt_s: float, source: dict[str, Array], name: str, scale: float) -> Array:
    """Mean rate per hour in each step of an accumulated column."""
    known = np.isfinite(source.get(name, np.array([])))
    if known.sum() < 2:
        return np.zeros_like(end_s)
    times, total = source["time_utc"][known], np.maximum.accumulate(source[name][known])
    amount = np.interp(end_s, times, total) - np.interp(end_s - dt_s, times, total)
    return amount * scale * 3600.0 / dt_s


def build_window(event: Event, t0_s: float, mode: str, horizon_s: float, dt_s: float) -> Window:
    """What a run from `t0_s` may know, for `horizon_s` beyond it.

    Raises PhysicsError on an unknown mode, and where no road temperature is known up to t0.
    """
    if mode not in ("nwp", "obsmet"):
        raise PhysicsError(f"unknown mode {mode!r}", where=event.id, remedy="Use nwp or obsmet.")
    observed, forecast = event.observed, forecast_for(event, t0_s)
    past = {k: v[(observed["time_utc"] <= t0_s) & (observed["time_utc"] >= t0_s - BACK_S)] for k, v in observed.items()}
    roads = past["time_utc"][np.isfinite(past["t_road_c"])]
    if not roads.size:
        raise PhysicsError("no road temperature in the 46 h up to t0", where=event.id, remedy="Start the run later.")
    begin_s = float(forecast["time_utc"][0]) if forecast else np.inf
    first = float(np.min(past["time_utc"][np.isfinite(past["t_air_c"])], initial=float(roads[0])))
    start_s = t0_s - np.ceil((t0_s - min(first, float(roads[0]))) / dt_s) * dt_s
    steps = round((t0_s - start_s + horizon_s) / dt_s)
    end_s = start_s + dt_s * (np.arange(steps) + 1.0)
    driven = {
        k: v[observed["time_utc"] <= (t0_s if mode == "nwp" else np.inf)]
        for k, v in observed.items()
        if k in ("time_utc", "t_air_c", "t_dew_c", "wind_ms")
    }

    def air(name: str) -> Array:
        known = np.isfinite(driven[name])
        from_forecast = _at(end_s, forecast, name)
        if not known.any():
            return from_forecast
        last_s = float(driven["time_utc"][known][-1])
        last = np.array([last_s])
        miss = float((_at(last, driven, name) - _at(last, forecast, name))[0])
        if np.isfinite(miss) and name != "wind_ms" and last_s >= begin_s:
            from_forecast = from_forecast + miss * np.exp(-np.maximum(end_s - last_s, 0.0) / MISS_DECAY_S)
        return np.where(end_s <= last_s + 1.0, _at(end_s, driven, name), from_forecast)

    temperature = np.clip(air("t_air_c"), -60.0, 60.0)
    dew = air("t_dew_c")
    times, road = roads, past["t_road_c"][np.isfinite(past["t_road_c"])]
    after = np.searchsorted(times, end_s, side="left")
    gap = times[np.minimum(after, times.size - 1)] - times[np.maximum(after - 1, 0)]
    inside = (end_s >= times[0]) & (end_s <= times[-1] + 1.0) & (gap <= LONGEST_GAP_S)
    codes = past.get("road_code", np.array([]))[-1:]
    return Window(
        event,
        round((t0_s - start_s) / dt_s),
        start_s,
        dt_s,
        temperature,
        np.clip(np.where(np.isfinite(dew), np.minimum(dew, temperature), temperature - DRY_K), -80.0, 40.0),
        np.clip(np.nan_to_num(air("wind_ms"), nan=WIND_M_S), 0.0, 60.0),
        np.clip(np.nan_to_num(_at(end_s, forecast, "pressure_pa"), nan=101_325.0), 50_000.0, 108_000.0),
        np.clip(_at(end_s, forecast, "cloud_octas") / 8.0, 0.0, 1.0),
        _rate(end_s, dt_s, forecast, "rain_accum_mm", 1.0),
        _rate(end_s, dt_s, forecast, "snow_accum_cm", SNOW_MM_PER_CM),
        np.where(end_s >= begin_s, _at(end_s, forecast, "global_wm2"), np.nan),
        np.where(end_s >= begin_s, _at(end_s, forecast, "longwave_down_wm2"), np.nan),
        (end_s >= begin_s).astype(np.float64),
        np.where(inside, np.interp(end_s, times, road), np.nan),
        _subsurface_c(past),
        None if not codes.size or not np.isfinite(codes[0]) or codes[0] < 30 else bool(codes[0] >= 34),
        float(road[-1]),
        float(times[-1]),
    )


def _subsurface_c(past: dict[str, Array]) -> float:
    """Median of the sensor below the surface while the surface was observed; NaN if it is missing or plainly broken.

    At 40 cm the temperature moves by tenths of a degree within hours: hour-to-hour jumps mean a broken sensor.
    """
    sub = past.get("t_sub_c")
    if sub is None:
        return float("nan")
    sub = sub[np.isfinite(sub) & np.isfinite(past["t_road_c"])]
    if not sub.size or np.median(np.abs(np.diff(sub, prepend=sub[0]))) > 0.5:
        return float("nan")
    return float(np.median(sub))


def refuse_given(window: Window, verifying_s: Array) -> None:
    """Raise PhysicsError if one of the observations that verify had been handed to the model."""
    given = verifying_s[verifying_s <= window.surface_given_until_s]
    if given.size:
        at = datetime.fromtimestamp(float(given[0]), UTC).isoformat()
        raise PhysicsError(
            f"the road temperature of {at} verifies the run and was given to it",
            where=window.event.id,
            remedy="Score later rows only.",
        )
