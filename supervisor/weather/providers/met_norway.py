"""MET Norway Locationforecast 2.0, compact or complete (api.met.no; data CC BY 4.0 and NLOD).

Terms of service: an identifying User-Agent, at most 4 decimals in coordinates, Expires honoured. Precipitation stands
at the START of its hour (`next_1_hours`) and is moved to the end here; after some 60 h only 6-hourly values remain, and
the series ends there. Phase only through the symbol; radiation is estimated from cloud.
"""

from __future__ import annotations

import math
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
from supervisor.weather.estimate import SCALE_HEIGHT_M
from supervisor.weather.gate import ESSENTIAL, HUMIDITY, Columns
from supervisor.weather.hours import HOUR
from supervisor.weather.providers.answers import bounded, load_json, number_or_nan, own_site, place_in, reader
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.kind import Attribution, ProviderKind, WeatherSettings
from supervisor.weather.resample import between

SOURCE = "met-norway"
URL = "https://api.met.no/weatherapi/locationforecast/2.0/complete"
DETAILS = {
    "air_c": "air_temperature",
    "dew_point_c": "dew_point_temperature",
    HUMIDITY: "relative_humidity",
    "wind_m_s": "wind_speed",
    "pressure_pa": "air_pressure_at_sea_level",
    "cloud_fraction": "cloud_area_fraction",
}
UNITS = {
    "air_temperature": "celsius",
    "dew_point_temperature": "celsius",
    "relative_humidity": "%",
    "wind_speed": "m/s",
    "air_pressure_at_sea_level": "hPa",
    "cloud_area_fraction": "%",
    "precipitation_amount": "mm",
}
HOUR_S = 3600.0
MODEL_AGE_MAX_S = 12 * 3600.0  # runs every 6 h, out 4–6 h later


def snow_share_of_symbol(symbol: str) -> float:
    """Snow fraction that a symbol code says; NaN for symbols without precipitation."""
    if "sleet" in symbol:
        return 0.5
    if "snow" in symbol:
        return 1.0
    return 0.0 if "rain" in symbol else float("nan")


def rate_of_symbol(symbol: str) -> float:
    """Precipitation [mm/h] that a symbol code stands for, in the middle of its range; NaN where there is none."""
    if not symbol:
        return math.nan
    if not any(word in symbol for word in ("rain", "snow", "sleet")):
        return 0.0
    return 0.3 if "light" in symbol else 4.0 if "heavy" in symbol else 1.5


@reader(SOURCE)
def parse(body: bytes, site: Site | None = None) -> Forecast:
    """A one-member forecast from GeoJSON; raises WeatherError naming key, time and value."""
    answer = load_json(body, SOURCE)
    tally = Tally()
    try:
        properties = answer["properties"]
        units = properties["meta"].get("units")
        units = units if isinstance(units, dict) else {}
        issued = datetime.fromisoformat(properties["meta"]["updated_at"]).timestamp()
        rows = _rows(bounded(properties["timeseries"], SOURCE), tally)
        if site is None:
            longitude, latitude, elevation = answer["geometry"]["coordinates"]
            site = own_site(SOURCE, latitude, longitude, elevation)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeatherError(f"{type(error).__name__}: {error}", where=SOURCE, remedy="The format has changed") from error
    times, water, share, reach = _precipitation(rows, tally)
    times, water, share = times[:reach], water[:reach], share[:reach]
    columns: Columns = {"precipitation_mm_h": water, "snow_fraction": share}
    details = [rows[time].instant if time in rows else {} for time in times]
    for name, key in DETAILS.items():
        values = np.array([number_or_nan(detail.get(key), name, tally) for detail in details])
        columns[name] = _in_unit(name, key, values, units, tally)
    columns["cloud_fraction"] = columns["cloud_fraction"] / 100.0
    columns["pressure_pa"] = columns["pressure_pa"] * 100.0 * np.exp(-site.elevation_m / SCALE_HEIGHT_M)
    _in_unit("precipitation_mm_h", "precipitation_amount", water, units, tally)
    keys = {**DETAILS, "precipitation_mm_h": "next_1_hours.precipitation_amount"}
    series, more = assemble(times, columns, place_in(SOURCE, keys, times), site)
    tally.update(more)
    return Forecast(issued, (series,), SOURCE, tally)


@dataclass(frozen=True)
class _Row:
    """What one row says of its time and of the hours after it."""

    instant: Mapping[str, Any]
    next_1h: Mapping[str, Any]
    next_6h: Mapping[str, Any]


def _rows(given: Sequence[Any], tally: Tally) -> dict[float, _Row]:
    """Rows by time; those that cannot be read are dropped. Raises ValueError where all are."""
    rows = {}
    for row in given:
        try:
            time, data = datetime.fromisoformat(row["time"]).timestamp(), row["data"]
            ahead = [data.get(key) for key in ("next_1_hours", "next_6_hours")]
            next_1h, next_6h = (part if isinstance(part, dict) else {} for part in ahead)
            instant = data["instant"]["details"]
            if not isinstance(instant, dict):
                raise ValueError("no details")
            rows[time] = _Row(instant, next_1h, next_6h)
        except (KeyError, TypeError, ValueError, AttributeError):
            tally.add(Treatment.DROPPED, HOUR)
    if not rows:
        raise ValueError("no row can be read")
    return rows


def _precipitation(rows: Mapping[float, _Row], tally: Tally) -> tuple[Array, Array, Array, int]:
    """Times, precipitation [mm/h] and snow fraction of the hour that ends then (n,), and how many rows are hourly.

    An hour that is missing is what six hours leave for it, else what the symbol says. The hour before the first row is
    past: as the one after it. Raises WeatherError where no hours are known.
    """
    amount = {time: _amount(row.next_1h, tally) for time, row in rows.items()}
    known = sorted(time for time in rows if not math.isnan(amount[time]))
    if not known:
        raise WeatherError("no hourly values", where=f"{SOURCE}: next_1_hours", remedy="The format has changed")
    times = np.array(sorted({*rows, *(time + HOUR_S for time in known)}))  # the end of an hour may have no row
    reach = int(np.searchsorted(times, known[-1] + HOUR_S, side="right"))
    water, share = np.full(times.size, np.nan), np.full(times.size, np.nan)
    for i, end in enumerate(times[:reach]):
        start = end - HOUR_S if i else end
        if start not in rows:
            continue
        said = amount[start]
        symbol = _symbol(rows[start].next_1h)
        if math.isnan(said):
            said = _left_of_six(rows[start], start, amount, tally)
            if math.isnan(said):
                said = rate_of_symbol(symbol)
            tally.add(Treatment.ESTIMATED, "precipitation_mm_h", 0 if math.isnan(said) else 1)
        water[i], share[i] = said, snow_share_of_symbol(symbol)
    return times, water, share, reach


def _left_of_six(row: _Row, start: float, amount: Mapping[float, float], tally: Tally) -> float:
    """What six hours leave for an hour of them: an equal part of what its known hours do not explain."""
    total = _amount(row.next_6h, tally)
    hours = [amount.get(start + k * HOUR_S, math.nan) for k in range(6)]
    return max(total - float(np.nansum(hours)), 0.0) / max(int(np.isnan(hours).sum()), 1)


def _amount(hours: Mapping[str, Any], tally: Tally) -> float:
    details = hours.get("details")
    value = details.get("precipitation_amount") if isinstance(details, dict) else None
    return number_or_nan(value, "precipitation_mm_h", tally)


def _symbol(hours: Mapping[str, Any]) -> str:
    summary = hours.get("summary")
    return str(summary.get("symbol_code", "")) if isinstance(summary, dict) else ""


def _in_unit(name: str, key: str, values: Array, units: Mapping[str, Any], tally: Tally) -> Array:
    """Values of the unit that the service documents. One in another unit is dropped, or refused where it is needed."""
    if units.get(key, UNITS[key]) == UNITS[key]:
        return values
    if name in (*ESSENTIAL, "wind_m_s"):
        text = f"unit {units[key]!r}, want {UNITS[key]!r}"
        raise WeatherError(text, where=f"{SOURCE}: {key}", remedy="Units changed")
    tally.add(Treatment.DROPPED, name, int((~np.isnan(values)).sum()))
    return np.full_like(values, np.nan)


class MetNorwayProvider:
    """Forecasts of the service. It has no observations."""

    def __init__(self, site: Site, fetcher: Fetcher) -> None:
        self._site = site
        self._fetcher = fetcher

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        query = {
            "lat": f"{self._site.latitude:.4f}",
            "lon": f"{self._site.longitude:.4f}",
            "altitude": f"{self._site.elevation_m:.0f}",
        }
        answer, whole = await self._fetcher.read(URL, query, lambda answer: (answer, parse(answer.body, self._site)))
        part = between(whole.members[0], now_utc_s, now_utc_s + horizon_s)
        # `updated_at` is the global model's, up to ten hours back while the service still serves it as its newest
        model_age_s = answer.received_utc_s - whole.issued_utc_s
        issued = answer.received_utc_s if 0.0 <= model_age_s <= MODEL_AGE_MAX_S else whole.issued_utc_s
        return replace(whole, issued_utc_s=issued, members=(part,), rows_treated=len(whole.members[0]))

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        return None


KIND = ProviderKind(
    name=SOURCE,
    settings=WeatherSettings,
    make=lambda _, district, fetcher: MetNorwayProvider(district.site, fetcher()),
    attributions=(
        Attribution("MET Norway", "https://www.met.no/en", "CC BY 4.0, NLOD 2.0", "https://api.met.no/doc/License"),
    ),
)
