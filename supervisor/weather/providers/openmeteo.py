"""Open-Meteo: /v1/forecast and /v1/ensemble (api.open-meteo.com; data CC BY 4.0, attribution at the app's foot).

Accumulations and radiation are means or totals over the PRECEDING hour, as here; state variables are instantaneous.
The answer names its units; whatever it names is converted, so that a wrong default cannot slip in. It does not say
when the model ran: a forecast counts as issued when it was received.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import Any

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally
from supervisor.domain.weather import Array, Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.assemble import assemble
from supervisor.weather.gate import HUMIDITY, Columns
from supervisor.weather.providers.answers import bounded, load_json, number, numbers, place_in, reader, to_si, trim
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.kind import Attribution, ProviderKind, WeatherSettings
from supervisor.weather.resample import between

SOURCE = "open-meteo"
API_KEY_ENV = "OPEN_METEO_API_KEY"  # customers only; the free service needs none
SNOW_CM_PER_MM = 0.7  # 1 cm of snow is 1/0.7 mm of water in Open-Meteo's own conversion
PAST_H = 24  # enough past for the state estimate after a restart
KEYS = {
    "air_c": "temperature_2m",
    "dew_point_c": "dew_point_2m",
    HUMIDITY: "relative_humidity_2m",
    "wind_m_s": "wind_speed_10m",
    "pressure_pa": "surface_pressure",
    "shortwave_w_m2": "shortwave_radiation",
    "cloud_fraction": "cloud_cover",
    "precipitation_mm_h": "precipitation",
    "snow_fraction": "snowfall",
}
MEMBERS_MAX = 100  # the largest ensemble has 51
_MEMBER = re.compile(r"_member(\d+)$")


@reader(SOURCE)
def parse(body: bytes, issued_utc_s: float | None = None, site: Site | None = None) -> Forecast:
    """A forecast from a JSON answer, one member per `_memberNN` suffix (and the control run).

    `issued_utc_s` defaults to the first time in the answer, `site` to the answer's own grid point. Raises WeatherError
    naming key, time and value.
    """
    answer = load_json(body, SOURCE)
    if answer.get("error"):
        raise WeatherError(str(answer.get("reason", "error")), where=SOURCE, remedy="Check the request")
    hourly, units = answer.get("hourly"), answer.get("hourly_units")
    if not isinstance(hourly, dict) or not isinstance(units, dict) or "time" not in hourly:
        raise WeatherError("no hourly values", where=f"{SOURCE}: hourly", remedy="Ask for hourly variables")
    times = _times(hourly["time"], answer)
    site = site or _own_site(answer)
    suffixes = ["", *sorted({m.group(0) for key in hourly if (m := _MEMBER.search(key))})]
    if len(suffixes) > MEMBERS_MAX:
        raise WeatherError(
            f"{len(suffixes)} members, at most {MEMBERS_MAX} are read", where=SOURCE, remedy="Ask for fewer models"
        )
    tally = Tally()
    members = []
    for suffix in suffixes:
        if suffix == "" and KEYS["air_c"] not in hourly and len(suffixes) > 1:
            continue  # an ensemble without a control run
        series, more = _member(times, hourly, units, suffix, site)
        members.append(series)
        tally.update(more)
    issued = float(times[0]) if issued_utc_s is None else issued_utc_s
    return Forecast(issued_utc_s=issued, members=tuple(members), source=SOURCE, treated=tally)


def _times(values: object, answer: dict[str, Any]) -> Array:
    offset_s = number(answer.get("utc_offset_seconds", 0))
    if not isinstance(values, list) or not values:
        raise WeatherError("no times", where=f"{SOURCE}: hourly.time", remedy="The format has changed")
    bounded(values, f"{SOURCE}: hourly.time")
    try:
        if isinstance(values[0], int):  # timeformat=unixtime is UTC whatever the time zone
            return numbers(values, len(values), f"{SOURCE}: hourly.time")
        naive = [datetime.fromisoformat(str(v)).replace(tzinfo=UTC).timestamp() for v in values]
    except ValueError as error:
        raise WeatherError(str(error), where=f"{SOURCE}: hourly.time", remedy="The format has changed") from error
    return np.array(naive) - offset_s


def _own_site(answer: dict[str, Any]) -> Site:
    try:
        return Site(
            name=SOURCE,
            timezone="UTC",
            latitude=number(answer["latitude"]),
            longitude=number(answer["longitude"]),
            elevation_m=number(answer.get("elevation") or 0.0),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WeatherError(f"no grid point: {error}", where=SOURCE, remedy="The format has changed") from error


def _member(
    times: Array, hourly: dict[str, Any], units: dict[str, Any], suffix: str, site: Site
) -> tuple[WeatherSeries, Tally]:
    columns: Columns = {}
    for name, base in KEYS.items():
        key = base + suffix
        if key in hourly:
            place = f"{SOURCE}: hourly.{key}"
            values = numbers(hourly[key], times.size, place)
            columns[name] = to_si(values, str(units.get(key, units.get(base, ""))), place)
    if "cloud_fraction" in columns:
        columns["cloud_fraction"] = columns["cloud_fraction"] / 100.0
    if "snow_fraction" in columns and "precipitation_mm_h" in columns:
        snow_mm = columns["snow_fraction"] / SNOW_CM_PER_MM
        # snow without precipitation happens by rounding (0.07 cm, 0.0 mm): believed, since the other error costs ice
        water = columns["precipitation_mm_h"] = np.where(
            (columns["precipitation_mm_h"] == 0.0) & (snow_mm > 0.0), snow_mm, columns["precipitation_mm_h"]
        )
        share = np.divide(snow_mm, water, out=np.full_like(water, np.nan), where=water > 0.0)
        columns["snow_fraction"] = np.clip(share, 0.0, 1.0)
    times, columns = trim(times, columns)
    keys = {name: f"hourly.{base}{suffix}" for name, base in KEYS.items()}
    return assemble(times, columns, place_in(SOURCE, keys, times), site)


class OpenMeteoProvider:
    """Asks the service, at most as often as its caching headers allow. `models` asks the ensemble service instead."""

    def __init__(self, site: Site, fetcher: Fetcher, models: str = "") -> None:
        self._site = site
        self._fetcher = fetcher
        self._models = models
        self._newest: Forecast | None = None

    def request(self, horizon_s: float) -> tuple[str, dict[str, str]]:
        """URL and query for a horizon."""
        key = os.environ.get(API_KEY_ENV, "")
        kind = "ensemble" if self._models else "forecast"
        host = f"{'customer-' if key else ''}{'ensemble-' if self._models else ''}api.open-meteo.com"
        query = {
            "latitude": f"{self._site.latitude:.4f}",
            "longitude": f"{self._site.longitude:.4f}",
            "elevation": f"{self._site.elevation_m:.0f}",
            "hourly": ",".join(KEYS.values()),
            "wind_speed_unit": "ms",
            "timeformat": "unixtime",
            "past_hours": str(PAST_H),
            "forecast_hours": str(int(horizon_s // 3600) + 2),  # one more on either side to interpolate
        }
        if self._models:
            query["models"] = self._models
        if key:
            query["apikey"] = key
        return f"https://{host}/v1/{kind}", query

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        url, query = self.request(horizon_s)
        whole = await self._fetcher.read(url, query, lambda a: parse(a.body, a.received_utc_s, self._site))
        self._newest = whole
        members = tuple(between(m, now_utc_s, now_utc_s + horizon_s) for m in whole.members)
        return Forecast(whole.issued_utc_s, members, whole.source, whole.treated)

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        """The model's own analysis of the last hours: not an observation, but the best estimate available."""
        if self._newest is None or self._newest.members[0].time_utc_s[-1] < now_utc_s:
            return None
        return between(self._newest.members[0], now_utc_s - back_s, now_utc_s)


class OpenMeteoSettings(WeatherSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of provider "open-meteo"."""

    models: str = ""  # its ensemble models, such as "icon_seamless"; none: the single forecast


KIND = ProviderKind(
    name=SOURCE,
    settings=OpenMeteoSettings,
    make=lambda settings, district, fetcher: OpenMeteoProvider(district.site, fetcher(), settings.models),
    attributions=(
        Attribution(
            "Open-Meteo.com", "https://open-meteo.com/", "CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"
        ),
    ),
)
