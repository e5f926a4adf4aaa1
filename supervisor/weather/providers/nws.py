"""National Weather Service of the USA: the grid of api.weather.gov and its stations (public domain).

A point leads to an office's grid; every variable there is a list of values with ISO 8601 periods and its own unit. A
state variable holds throughout its period; precipitation [mm] is the total of the period, mostly of 6 h, and ends after
some three days, and the series with it. Phase comes from the forecast weather of the hour, else from the depth of new
snow. The service asks for a User-Agent that names application and contact.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array, Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.assemble import assemble
from supervisor.weather.gate import ESSENTIAL, HUMIDITY, Columns
from supervisor.weather.providers.answers import (
    bounded,
    load_json,
    number_or_nan,
    place_in,
    possible_mm_h,
    reader,
    to_si,
)
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.kind import Attribution, ProviderKind, WeatherSettings
from supervisor.weather.providers.nws_stations import NwsStation, unit_of
from supervisor.weather.resample import between

logger = logging.getLogger(__name__)

SOURCE = "nws"
BASE_URL = "https://api.weather.gov"
STATES = {
    "air_c": "temperature",
    "dew_point_c": "dewpoint",
    HUMIDITY: "relativeHumidity",
    "wind_m_s": "windSpeed",
    "cloud_fraction": "skyCover",
}
WATER, SNOW, CHANCE = "quantitativePrecipitation", "snowfallAmount", "probabilityOfPrecipitation"
KEYS = {**STATES, "precipitation_mm_h": WATER, "snow_fraction": "weather"}
HOUR_S = 3600.0
HOURS_MAX = 16 * 24
GRID_AGE_MAX_S = 18 * 3600.0  # beyond it, an office's updates have failed
SNOW_DEPTH_PER_WATER = 10.0  # the mean ratio of the NWS; wet snow has less, cold snow more
DRY_CHANCE_PCT = 5.0  # without an amount, so little of a chance is none
SHARES = {
    "snow": 1.0, "snow_showers": 1.0, "blowing_snow": 1.0, "sleet": 0.5, "ice_pellets": 0.5, "rain": 0.0,
    "rain_showers": 0.0, "drizzle": 0.0, "freezing_rain": 0.0, "freezing_drizzle": 0.0,
}  # fmt: skip
_PERIOD = re.compile(r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,3})H)?(?:(\d{1,4})M)?)?")
_OFFICE = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class _Period:
    """A value from `start_s` until `end_s`."""

    start_s: float
    end_s: float
    value: Any


@reader(SOURCE)
def parse(body: bytes, site: Site) -> Forecast:
    """A one-member forecast from the answer of a grid point; raises WeatherError naming key, time and value."""
    answer = load_json(body, SOURCE)
    tally = Tally()
    properties = answer.get("properties")
    if not isinstance(properties, dict):
        text = str(answer.get("detail") or answer.get("title") or "no properties")
        raise WeatherError(text, where=SOURCE, remedy="The service has no grid for this place, or its format changed")
    try:
        issued = datetime.fromisoformat(properties["updateTime"]).timestamp()
    except (KeyError, TypeError, ValueError) as error:
        raise WeatherError("no time of issue", where=f"{SOURCE}: updateTime", remedy="The format changed") from error
    air = _periods(properties, STATES["air_c"], "air_c", tally)
    if not air:
        raise WeatherError("no values", where=f"{SOURCE}: temperature", remedy="The service has none for this place")
    first = math.ceil(min(period.start_s for period in air) / HOUR_S)
    last = math.floor(max(period.end_s for period in air) / HOUR_S)
    times: Array = np.arange(first, min(last, first + HOURS_MAX) + 1).astype(np.float64) * HOUR_S
    columns: Columns = {}
    for name, key in STATES.items():
        if key in properties:
            values = _at(times, _periods(properties, key, name, tally), name, tally)
            columns[name] = _in_si(values, properties[key], name, key, tally)
    if "cloud_fraction" in columns:
        columns["cloud_fraction"] = columns["cloud_fraction"] / 100.0
    columns["precipitation_mm_h"], columns["snow_fraction"] = _precipitation(properties, times, tally)
    series, more = assemble(times, columns, place_in(SOURCE, KEYS, times), site)
    tally.update(more)
    return Forecast(issued, (series,), SOURCE, tally)


def _periods(properties: Mapping[str, Any], key: str, name: str, tally: Tally) -> list[_Period]:
    """The values of a variable in the order of the answer; one whose time cannot be read is dropped."""
    layer = properties.get(key)
    values = layer.get("values") if isinstance(layer, dict) else None
    found = []
    for entry in bounded(values, f"{SOURCE}: {key}") if isinstance(values, list) else ():
        try:
            start, _, duration = entry["validTime"].partition("/")
            match = _PERIOD.fullmatch(duration)
            days, hours, minutes = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
            length_s = 86_400.0 * days + 3600.0 * hours + 60.0 * minutes
            if not 0.0 < length_s <= HOURS_MAX * HOUR_S:
                raise ValueError(duration)
            begin_s = datetime.fromisoformat(start).timestamp()
            found.append(_Period(begin_s, begin_s + length_s, entry.get("value")))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            tally.add(Treatment.DROPPED, name)
    return found


def _at(times: Array, periods: Sequence[_Period], name: str, tally: Tally) -> Array:
    """Values (n,) at `times`, NaN where there is none; at the end of the last period its own."""
    values = np.full(times.size, np.nan)
    for period in periods:
        inside = (times >= period.start_s) & (times < period.end_s)
        inside |= (times == period.end_s) & np.isnan(values)
        values[inside] = number_or_nan(period.value, name, tally)
    return values


def _mean_rate(times: Array, periods: Sequence[_Period], name: str, tally: Tally) -> Array:
    """Mean per hour (n,) in the hours that end at `times`, from totals of periods; NaN where they are not covered."""
    total, covered_s = np.zeros(times.size), np.zeros(times.size)
    for period in periods:
        value = number_or_nan(period.value, name, tally)
        if math.isnan(value):
            continue
        shared_s = np.clip(np.minimum(times, period.end_s) - np.maximum(times - HOUR_S, period.start_s), 0.0, None)
        total += value * shared_s / (period.end_s - period.start_s)
        covered_s += shared_s
    rate: Array = np.where(covered_s > 0.5 * HOUR_S, total * HOUR_S / np.maximum(covered_s, 1.0), np.nan)
    return rate


def _precipitation(properties: Mapping[str, Any], times: Array, tally: Tally) -> tuple[Array, Array]:
    """Water [mm/h] and snow fraction (n,) of the hours that end at `times`.

    Where the amount is not known, new snow or a chance of next to nothing stands in for it. The hour before the first
    period is past: as the one after it.
    """
    name = "precipitation_mm_h"
    amounts = _mean_rate(times, _periods(properties, WATER, name, tally), name, tally)
    water = _in_si(amounts, properties.get(WATER), name, WATER, tally)
    depth = _mean_rate(times, _periods(properties, SNOW, "snow_fraction", tally), "snow_fraction", tally)
    depth = _in_si(depth, properties.get(SNOW), "snow_fraction", SNOW, tally)
    melted = possible_mm_h(depth / SNOW_DEPTH_PER_WATER, "snow_fraction", tally)
    chance = _at(times - HOUR_S, _periods(properties, CHANCE, "chance", tally), "chance", tally)
    known = np.flatnonzero(~np.isnan(water))
    if known.size and known[0] > 0:
        water[known[0] - 1] = water[known[0]]
    unknown = np.isnan(water)
    unknown[known[-1] + 1 if known.size else 0 :] = False  # beyond the reach of the amounts
    water = np.where(unknown & (melted > 0.0), melted, water)
    water = np.where(np.isnan(water) & unknown & (chance <= DRY_CHANCE_PCT), 0.0, water)
    tally.add(Treatment.ESTIMATED, name, int((unknown & ~np.isnan(water)).sum()))
    share = _share(times, _periods(properties, "weather", "snow_fraction", tally))
    by_depth = np.divide(melted, water, out=np.full_like(water, np.nan), where=(water > 0.0) & (melted > 0.0))
    return water, np.where(np.isnan(share), np.minimum(by_depth, 1.0), share)


def _share(times: Array, periods: Sequence[_Period]) -> Array:
    """Snow fraction (n,) that the weather of each hour says, the mean of its kinds; NaN where it says none."""
    shares = np.full(times.size, np.nan)
    for period in periods:
        kinds = [entry.get("weather") for entry in period.value or () if isinstance(entry, dict)]
        said = [SHARES[kind] for kind in kinds if isinstance(kind, str) and kind in SHARES]
        if said:
            shares[(times > period.start_s) & (times <= period.end_s)] = sum(said) / len(said)
    return shares


def _in_si(values: Array, layer: object, name: str, key: str, tally: Tally) -> Array:
    """In the unit of `name`. Values of an unknown unit are dropped, or refused where they are needed."""
    unit = unit_of(layer.get("uom") if isinstance(layer, dict) else None, name)
    try:
        return to_si(values, unit, f"{SOURCE}: {key}", name)
    except WeatherError:
        if name in ESSENTIAL:
            raise
        tally.add(Treatment.DROPPED, name, int((~np.isnan(values)).sum()))
        return np.full_like(values, np.nan)


@reader(SOURCE)
def grid_path(body: bytes) -> str:
    """The path of the grid point that the answer for a place names; raises WeatherError."""
    answer = load_json(body, SOURCE)
    properties = answer.get("properties")
    place = properties if isinstance(properties, dict) else {}
    office, x, y = (place.get(key) for key in ("gridId", "gridX", "gridY"))
    if not (isinstance(office, str) and _OFFICE.fullmatch(office) and type(x) is int and type(y) is int):
        text = str(answer.get("detail") or "no grid point")
        raise WeatherError(text, where=f"{SOURCE}: points", remedy="The service covers the USA: check the site's place")
    return f"/gridpoints/{office}/{x},{y}"


class NwsProvider:
    """Forecasts of the place's grid point; its past is the nearest station's."""

    def __init__(self, site: Site, points: Fetcher, grid: Fetcher, station: NwsStation) -> None:
        self._site = site
        self._points = points
        self._grid = grid
        self._station = station
        self._path = ""
        self._newest: WeatherSeries | None = None

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        await self._find()
        answer, whole = await self._grid.read(
            BASE_URL + self._path, {}, lambda answer: (answer, parse(answer.body, self._site))
        )
        try:
            await self._station.refresh(BASE_URL, self._path)
        except WeatherError as error:  # the forecast is still useful without observations
            logger.warning("no observations: %s", error)
        self._newest = whole.members[0]
        part = between(whole.members[0], now_utc_s, now_utc_s + horizon_s)
        # forecasters update when they see need, some twice a day: what is served is the newest
        age_s = answer.received_utc_s - whole.issued_utc_s
        issued = answer.received_utc_s if 0.0 <= age_s <= GRID_AGE_MAX_S else whole.issued_utc_s
        return replace(whole, issued_utc_s=issued, members=(part,), rows_treated=len(whole.members[0]))

    async def _find(self) -> None:
        """Grids move every few years: the place is looked up again as often as the service says."""
        url = f"{BASE_URL}/points/{self._site.latitude:.4f},{self._site.longitude:.4f}"
        try:
            self._path = await self._points.read(url, {}, lambda answer: grid_path(answer.body))
        except WeatherError as error:
            if not self._path:
                raise
            logger.warning("the grid point known before is used: %s", error)

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        """The station's hours of the last `back_s`, and the forecast for the minutes since its last one."""
        return self._station.observed(self._newest, now_utc_s, back_s)


KIND = ProviderKind(
    name=SOURCE,
    settings=WeatherSettings,
    make=lambda _, district, fetcher: NwsProvider(
        district.site, fetcher(), fetcher(), NwsStation(district.site, fetcher())
    ),
    attributions=(
        Attribution(
            "NOAA/National Weather Service",
            "https://www.weather.gov/",
            "public domain",
            "https://www.weather.gov/disclaimer",
        ),
    ),
)
