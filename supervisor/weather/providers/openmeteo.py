"""Open-Meteo: /v1/forecast and /v1/ensemble (api.open-meteo.com; data CC BY 4.0, attribution at the app's foot).

Accumulations and radiation are means or totals over the PRECEDING hour, as here; state variables are instantaneous.
The answer names its units; whatever it names is converted, so that a wrong default cannot slip in. It does not say
when the model ran: a forecast counts as issued when it was received.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import MEMBER, Array, Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.assemble import assemble
from supervisor.weather.gate import ESSENTIAL, HUMIDITY, Columns
from supervisor.weather.hours import HOUR, on_grid
from supervisor.weather.providers.answers import (
    SNOWFALL_CM,
    bounded,
    load_json,
    number,
    numbers,
    own_site,
    place_in,
    possible_mm_h,
    reader,
    to_si,
)
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.kind import Attribution, ProviderKind, WeatherSettings
from supervisor.weather.providers.pool import lend, on_common_times, reach, whole
from supervisor.weather.resample import between

SOURCE = "open-meteo"
API_KEY_ENV = "OPEN_METEO_API_KEY"  # customers only; the free service needs none
SNOW_CM_PER_MM = 0.7  # 1 cm of snow is 1/0.7 mm of water in Open-Meteo's own conversion
PAST_H = 24  # enough past for the state estimate after a restart
CODE = "weather_code"
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
    CODE: "weather_code",
}
# WMO 4677, as Open-Meteo uses it; rates [mm/h] in the middle of slight, moderate and heavy
FIRST_WET_CODE = 51
CODE_MM_H = {
    51: 0.1, 53: 0.3, 55: 0.6, 56: 0.1, 57: 0.6,  # drizzle, freezing drizzle
    61: 1.0, 63: 4.0, 65: 10.0, 66: 1.0, 67: 8.0, 80: 1.0, 81: 4.0, 82: 10.0,  # rain, freezing rain, showers
    71: 0.5, 73: 1.5, 75: 3.0, 77: 0.1, 85: 0.5, 86: 3.0,  # snow, snow grains, snow showers
    95: 4.0, 96: 4.0, 99: 10.0,  # thunderstorm
}  # fmt: skip
MEMBERS_MAX = 100  # the largest ensemble has 51
VALUES_MAX = 60_000  # rows of all members; 51 of 16 days by the hour have 20,000
_MEMBER = re.compile(r"_member\d+$")


@reader(SOURCE)
def parse(body: bytes, issued_utc_s: float | None = None, site: Site | None = None) -> Forecast:
    """A forecast from a JSON answer, one member per `_memberNN` suffix (and the control run).

    `issued_utc_s` defaults to the first time in the answer, `site` to the answer's own grid point. Raises WeatherError
    naming key, time and value.
    """
    answer = load_json(body, SOURCE)
    if answer.get("error"):
        remedy = f"Check the request, and the key in {API_KEY_ENV} where one is set"
        raise WeatherError(str(answer.get("reason", "error")), where=SOURCE, remedy=remedy)
    hourly, units = answer.get("hourly"), answer.get("hourly_units")
    if not isinstance(hourly, dict) or not isinstance(units, dict) or "time" not in hourly:
        raise WeatherError("no hourly values", where=f"{SOURCE}: hourly", remedy="Ask for hourly variables")
    tally = Tally()
    times = _times(hourly["time"], answer, tally)
    site = site or own_site(SOURCE, *(answer.get(key) for key in ("latitude", "longitude", "elevation")))
    suffixes = sorted({"" if base == key else key[len(base) :] for key in hourly if (base := _base(key)) is not None})
    if len(suffixes) > MEMBERS_MAX or len(suffixes) * times.size > VALUES_MAX:
        text = f"{len(suffixes)} members of {times.size} rows, at most {MEMBERS_MAX} and together {VALUES_MAX} are read"
        raise WeatherError(text, where=SOURCE, remedy="Ask for fewer models or a shorter period")
    members = _members(times, suffixes, lambda suffix: _columns(times, hourly, units, suffix, tally), site, tally)
    issued = float(times[0]) if issued_utc_s is None else issued_utc_s
    return Forecast(issued, members, SOURCE, tally, members_offered=len(suffixes))


def _base(key: str) -> str | None:
    """The variable that a key of any member names; None for one that is not asked for."""
    base = _MEMBER.sub("", key)
    return base if base in KEYS.values() else None


def _times(values: object, answer: dict[str, Any], tally: Tally) -> Array:
    """Times in UTC, NaN where one cannot be read."""
    if not isinstance(values, list) or not values:
        raise WeatherError("no times", where=f"{SOURCE}: hourly.time", remedy="The format has changed")
    bounded(values, f"{SOURCE}: hourly.time")
    if any(isinstance(value, int) for value in values):  # timeformat=unixtime is UTC whatever the time zone
        return numbers(values, len(values), f"{SOURCE}: hourly.time", HOUR, tally)
    offset_s = number(answer.get("utc_offset_seconds", 0))
    result = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        with contextlib.suppress(ValueError, OverflowError):
            result[i] = datetime.fromisoformat(str(value)).replace(tzinfo=UTC).timestamp() - offset_s
    return result


def _members(
    times: Array, suffixes: Sequence[str], read: Callable[[str], Columns], site: Site, tally: Tally
) -> tuple[WeatherSeries, ...]:
    """Each member that can be used, on the same times; raises the first member's WeatherError where none can."""
    columns: dict[str, Columns] = {}
    failed: list[WeatherError] = []
    for suffix in suffixes:
        try:
            columns[suffix] = read(suffix)
        except WeatherError as error:
            failed.append(error)
    if not columns:
        raise failed[0]
    everything = {f"{name}{suffix}": values for suffix, own in columns.items() for name, values in own.items()}
    rows, step_s = on_grid(times, everything, place_in(SOURCE, {"time": "hourly.time"}, times), tally)
    times = times[rows]
    columns = {suffix: {name: values[rows] for name, values in own.items()} for suffix, own in columns.items()}
    if len(columns) > 1:  # alone, a forecast is used as far as it goes
        part = reach(columns.values())
        times = times[part]
        columns = {suffix: {name: values[part] for name, values in own.items()} for suffix, own in columns.items()}
        columns = whole(columns, step_s, tally)
        lend(columns.values(), step_s, tally)
    series = []
    for suffix, own in columns.items():
        keys = {name: f"hourly.{base}{suffix}" for name, base in KEYS.items()}
        try:
            member, more = assemble(times, own, place_in(SOURCE, keys, times), site)
        except WeatherError as error:
            failed.append(error)
            continue
        series.append(member)
        tally.update(more)
    if not series:
        raise failed[0]
    tally.add(Treatment.DROPPED, MEMBER, len(failed))
    return on_common_times(series, tally)


def _columns(times: Array, hourly: dict[str, Any], units: dict[str, Any], suffix: str, tally: Tally) -> Columns:
    """One member's columns in SI units; raises WeatherError where an essential one cannot be read."""
    columns: Columns = {}
    for name, base in KEYS.items():
        key = base + suffix
        place = f"{SOURCE}: hourly.{key}"
        try:
            values = np.full(times.size, np.nan)
            if key in hourly:
                values = numbers(hourly[key], times.size, place, name, tally)
            if name != CODE and not np.isnan(values).all():  # a code has no unit, nor has what a model lacks
                quantity = SNOWFALL_CM if name == "snow_fraction" else name
                values = to_si(values, str(units.get(key, units.get(base, ""))), place, quantity)
        except WeatherError:
            if name in (*ESSENTIAL, "wind_m_s"):
                raise
            tally.add(Treatment.DROPPED, name, times.size)
            values = np.full(times.size, np.nan)
        columns[name] = values
    columns["cloud_fraction"] = columns["cloud_fraction"] / 100.0
    snow_mm = possible_mm_h(columns["snow_fraction"] / SNOW_CM_PER_MM, "snow_fraction", tally)
    code = columns.pop(CODE)
    water = columns["precipitation_mm_h"] = _water(columns["precipitation_mm_h"], snow_mm, code, tally)
    share = np.divide(snow_mm, water, out=np.full_like(water, np.nan), where=water > 0.0)
    columns["snow_fraction"] = np.clip(share, 0.0, 1.0)
    for name in ESSENTIAL:
        if np.isnan(columns[name]).all():
            where = f"{SOURCE}: hourly.{KEYS[name]}{suffix}"
            raise WeatherError("missing", where=where, remedy="The road model needs it")
    return columns


def _water(said: Array, snow_mm: Array, code: Array, tally: Tally) -> Array:
    """Precipitation [mm/h]; where it is not known, what the snow and the weather code say (NaN: nothing).

    Snow without precipitation happens by rounding (0.07 cm, 0.0 mm): believed, since the other error costs ice.
    """
    water = np.where((said == 0.0) & (snow_mm > 0.0), snow_mm, said)
    missing = np.isnan(water)
    of_code = np.array([CODE_MM_H.get(int(c), 0.0 if 0 <= c < FIRST_WET_CODE else np.nan) if c >= 0 else np.nan
                        for c in code])  # fmt: skip
    water = np.where(missing, np.where(snow_mm > 0.0, snow_mm, of_code), water)
    tally.add(Treatment.ESTIMATED, "precipitation_mm_h", int((missing & ~np.isnan(water)).sum()))
    return water


class OpenMeteoProvider:
    """Asks the service, at most as often as its caching headers allow. `models` asks the ensemble service instead."""

    def __init__(self, site: Site, fetcher: Fetcher, models: str = "") -> None:
        self._site = site
        self._fetcher = fetcher
        self._fetcher.key_env = API_KEY_ENV
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
        return replace(whole, members=members, rows_treated=len(whole.members[0]))

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
