"""Observations of api.weather.gov: the nearest station's hours. Any value may be null; reports come some minutes early.

A report belongs to the full hour that is nearest, where it is within `EARLY_S` of it. An amount that is null stands for
no precipitation where the station reports no weather either; else it is not known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.assemble import assemble
from supervisor.weather.gate import HUMIDITY, Columns
from supervisor.weather.hours import HOUR
from supervisor.weather.providers.answers import bounded, load_json, number_or_nan, place_in, reader, to_si
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.resample import between, splice

SOURCE = "nws-station"
HOUR_S = 3600.0
EARLY_S = 1500.0  # routine reports are made from 51 to 59 minutes past the hour; others come between
KEPT_H = 30  # reports asked for: a day, and some special ones between
VALUES = {
    "air_c": "temperature",
    "dew_point_c": "dewpoint",
    HUMIDITY: "relativeHumidity",
    "wind_m_s": "windSpeed",
    "precipitation_mm_h": "precipitationLastHour",
}
UNITS = {"degC": "°C", "degF": "°F", "K": "K", "percent": "%", "km_h-1": "km/h", "m_s-1": "m/s", "kt": "kn", "mm": "mm"}
USUAL = {"air_c": "°C", "dew_point_c": "°C", HUMIDITY: "%", "wind_m_s": "km/h", "cloud_fraction": "%"}
CLOUD = {"CLR": 0.0, "SKC": 0.0, "FEW": 0.19, "SCT": 0.44, "BKN": 0.75, "OVC": 1.0, "VV": 1.0}  # octas of METAR
_STATION = re.compile(r"[A-Z0-9]{3,8}")


def unit_of(code: object, name: str) -> str:
    """A unit of this service ("wmoUnit:km_h-1") as `to_si` knows it; where none is given, the usual one of `name`."""
    if code is None:
        return USUAL.get(name, "mm")
    bare = str(code).rpartition(":")[2]
    return UNITS.get(bare, bare[:40])


@reader(SOURCE)
def nearest(body: bytes) -> str:
    """The first station of a grid point's list, which is ordered by distance; raises WeatherError."""
    features = load_json(body, SOURCE).get("features")
    for feature in features if isinstance(features, list) else ():
        properties = feature.get("properties") if isinstance(feature, dict) else None
        name = properties.get("stationIdentifier") if isinstance(properties, dict) else None
        if isinstance(name, str) and _STATION.fullmatch(name):
            return name
    raise WeatherError("no station", where=SOURCE, remedy="The forecast is used without observations")


@reader(SOURCE)
def parse(body: bytes, site: Site) -> tuple[WeatherSeries, Tally]:
    """The hours of a station's reports; raises WeatherError where too few can be used."""
    features = load_json(body, SOURCE).get("features")
    if not isinstance(features, list):
        raise WeatherError("no reports", where=f"{SOURCE}: features", remedy="The format has changed")
    tally = Tally()
    by_hour = _by_hour(bounded(features, SOURCE), tally)
    times = np.array(sorted(by_hour))
    reports = [by_hour[time] for time in times]
    columns: Columns = {
        name: np.array([_value(report, name, key, tally) for report in reports]) for name, key in VALUES.items()
    }
    water = columns["precipitation_mm_h"]
    dry = np.array([report.get("presentWeather") == [] for report in reports], dtype=bool)
    columns["precipitation_mm_h"] = np.where(np.isnan(water) & dry, 0.0, water)
    columns["cloud_fraction"] = np.array([_cloud(report.get("cloudLayers")) for report in reports])
    series, more = assemble(times, columns, place_in(SOURCE, VALUES, times), site)
    tally.update(more)
    return series, tally


def _by_hour(features: Sequence[Any], tally: Tally) -> dict[float, Mapping[str, Any]]:
    """The report nearest to each full hour."""
    found: dict[float, tuple[float, Mapping[str, Any]]] = {}
    for feature in features:
        try:
            report = feature["properties"]
            time = datetime.fromisoformat(report["timestamp"]).timestamp()
            hour = round(time / HOUR_S) * HOUR_S
            off_s = abs(time - hour)
        except (KeyError, TypeError, ValueError, OverflowError):
            tally.add(Treatment.DROPPED, HOUR)
            continue
        if isinstance(report, dict) and off_s <= EARLY_S and (hour not in found or off_s < found[hour][0]):
            found[hour] = off_s, report
    return {hour: report for hour, (_, report) in found.items()}


def _value(report: Mapping[str, Any], name: str, key: str, tally: Tally) -> float:
    """In SI units, NaN where it is null or of a unit that is not known."""
    given = report.get(key)
    if not isinstance(given, dict):
        return math.nan
    value = number_or_nan(given.get("value"), name, tally)
    try:
        return float(to_si(np.array([value]), unit_of(given.get("unitCode"), name), SOURCE, name)[0])
    except WeatherError:
        tally.add(Treatment.DROPPED, name)
        return math.nan


def _cloud(layers: object) -> float:
    """Cover of the thickest layer."""
    amounts = [layer.get("amount") for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    known = [CLOUD[amount] for amount in amounts if isinstance(amount, str) and amount in CLOUD]
    return max(known, default=math.nan)


class NwsStation:
    """Fetches the last day of the nearest station; keeps what it had where that fails."""

    def __init__(self, site: Site, fetcher: Fetcher) -> None:
        self._site = site
        self._fetcher = fetcher
        self._newest: WeatherSeries | None = None

    async def refresh(self, base_url: str, grid_path: str) -> None:
        """Newest reports of the station nearest to a grid point; raises WeatherError."""
        name = await self._fetcher.read(f"{base_url}{grid_path}/stations", {}, lambda answer: nearest(answer.body))
        url, query = f"{base_url}/stations/{name}/observations", {"limit": str(4 * KEPT_H)}
        self._newest, _ = await self._fetcher.read(url, query, lambda answer: parse(answer.body, self._site))

    def observed(self, forecast: WeatherSeries | None, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        """Hours of the last `back_s`, and the forecast for the minutes since the last one."""
        past = self._newest
        if past is None or forecast is None or past.time_utc_s[-1] <= now_utc_s - back_s:
            return None
        whole = splice(past, forecast)
        if whole.time_utc_s[-1] < now_utc_s:
            return None
        return between(whole, now_utc_s - back_s, now_utc_s)
