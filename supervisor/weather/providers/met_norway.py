"""MET Norway Locationforecast 2.0, compact or complete (api.met.no; data CC BY 4.0 and NLOD).

Terms of service: an identifying User-Agent, at most 4 decimals in coordinates, Expires honoured. Precipitation stands
at the START of its hour (`next_1_hours`) and is moved to the end here; after some 60 h only 6-hourly values remain, and
the series ends there. Phase only through the symbol; radiation is estimated from cloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.assemble import SCALE_HEIGHT_M, assemble
from supervisor.weather.gate import HUMIDITY, Columns
from supervisor.weather.providers.answers import bounded, load_json, number, place_in, reader
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


@reader(SOURCE)
def parse(body: bytes, site: Site | None = None) -> Forecast:
    """A one-member forecast from GeoJSON; raises WeatherError naming key, time and value."""
    answer = load_json(body, SOURCE)
    try:
        properties = answer["properties"]
        units: dict[str, str] = properties["meta"]["units"]
        issued = datetime.fromisoformat(properties["meta"]["updated_at"]).timestamp()
        rows: Sequence[dict[str, Any]] = bounded(properties["timeseries"], SOURCE)
        longitude, latitude, elevation = answer["geometry"]["coordinates"]
        times = [datetime.fromisoformat(row["time"]).timestamp() for row in rows]
        hourly = _hourly_part(times, rows)
        columns, snow, rain = _columns(rows[: hourly + 1])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeatherError(f"{type(error).__name__}: {error}", where=SOURCE, remedy="The format has changed") from error
    for key, unit in UNITS.items():
        if key in units and units[key] != unit:
            raise WeatherError(f"unit {units[key]!r}, want {unit!r}", where=f"{SOURCE}: {key}", remedy="Units changed")
    site = site or Site(SOURCE, "UTC", number(latitude), number(longitude), number(elevation))
    columns["cloud_fraction"] = columns["cloud_fraction"] / 100.0
    columns["pressure_pa"] = columns["pressure_pa"] * 100.0 * np.exp(-site.elevation_m / SCALE_HEIGHT_M)
    columns["precipitation_mm_h"] = np.array(rain)
    columns["snow_fraction"] = np.array(snow)
    time = np.array(times[: hourly + 1])
    keys = {**DETAILS, "precipitation_mm_h": "next_1_hours.precipitation_amount"}
    series, tally = assemble(time, columns, place_in(SOURCE, keys, time), site)
    return Forecast(issued_utc_s=issued, members=(series,), source=SOURCE, treated=tally)


def _hourly_part(times: Sequence[float], rows: Sequence[dict[str, Any]]) -> int:
    """How many rows from the first on are an hour apart and tell the precipitation of their next hour."""
    count = 0
    while (
        count + 1 < len(rows)
        and times[count + 1] - times[count] == HOUR_S
        and "precipitation_amount" in rows[count]["data"].get("next_1_hours", {}).get("details", {})
    ):
        count += 1
    if count < 2:
        raise ValueError("no hourly values")
    return count


def _columns(rows: Sequence[dict[str, Any]]) -> tuple[Columns, list[float], list[float]]:
    """Instant values, and snow share and precipitation moved from the start of their hour to its end."""
    details = [row["data"]["instant"]["details"] for row in rows]
    columns = {
        name: np.array([number(d.get(key)) for d in details], dtype=np.float64)
        for name, key in DETAILS.items()
        if any(key in d for d in details)
    }
    hours = [row["data"]["next_1_hours"] for row in rows[:-1]]
    rain = [0.0] + [
        number(h["details"]["precipitation_amount"]) for h in hours
    ]  # the hour before the first row is past
    snow = [float("nan")] + [snow_share_of_symbol(h.get("summary", {}).get("symbol_code", "")) for h in hours]
    return columns, snow, rain


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
        return Forecast(issued, (part,), SOURCE, whole.treated)

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
