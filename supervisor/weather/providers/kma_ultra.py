"""KMA's very short-range forecast (초단기예보) and observation (초단기실황), of the village forecast's service.

`getUltraSrtFcst` is issued every hour at :30, out some 15 min later, six hourly rows; `getUltraSrtNcst` is the grid's
observation of the full hour, out some 40 min after it. Amounts are of the hour that ends at the row's time.
"""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array, Forecast
from supervisor.domain.zone import Site
from supervisor.weather.assemble import assemble
from supervisor.weather.blend import Nowcast, blend
from supervisor.weather.gate import HUMIDITY, Columns
from supervisor.weather.providers.answers import bounded, number_or_nan, place_in, reader
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.kma_codes import MISSING_FROM, PTY_SNOW, SKY_CLOUD, amount, grid_of
from supervisor.weather.providers.kma_items import KEY_ENV, KST, items_of, table_of

logger = logging.getLogger(__name__)

FORECAST, OBSERVATION = "kma-ultra-forecast", "kma-ultra-observation"
SERVICE = "https://apis.data.go.kr/1360000/VilageFcstInfoService_2.0"
FORECAST_OUT = timedelta(minutes=50)  # after the hour, of the issue at :30; documented 45 min
OBSERVATION_OUT = timedelta(minutes=45)  # documented 40 min
ISSUES_BACK = 1  # one hour older is still a nowcast
ROWS = "200"  # six hours of ten categories
TRACE_MM_H = 0.1  # where it falls by PTY and the amount says nothing


@reader(FORECAST)
def parse_forecast(body: bytes, site: Site) -> Nowcast:
    """Rows of the next six hours; raises WeatherError naming category, time and value."""
    tally = Tally()
    table, issued = _table(body, FORECAST, "fcstValue", tally)
    times = np.array(sorted(table))
    if times.size < 2 or not (np.diff(times) == 3600.0).all():
        raise WeatherError("its rows are not hours in a row", where=FORECAST, remedy="The issue may not be complete")
    columns = _columns([table[t] for t in times], tally)
    series, more = assemble(times, columns, place_in(FORECAST, _KEYS, times), site)
    tally.update(more)
    return Nowcast(issued, series, tally)


@reader(OBSERVATION)
def parse_observation(body: bytes) -> tuple[float, dict[str, float]]:
    """Time of the observed hour's end [UTC s], and what is known of it: `air_c`, `precipitation_mm_h`, `snow_fraction`.

    Raises WeatherError where there is no air temperature, or an impossible one.
    """
    tally = Tally()
    table, issued = _table(body, OBSERVATION, "obsrValue", tally)
    columns = _columns([table[issued]], tally)
    air = float(columns["air_c"][0])
    if not -50.0 <= air <= 50.0:
        raise WeatherError(f"T1H {air:g}", where=OBSERVATION, remedy="The station stands still or is being serviced")
    known = {name: float(values[0]) for name, values in columns.items() if np.isfinite(values[0])}
    return issued, known


_KEYS = {"air_c": "T1H", HUMIDITY: "REH", "wind_m_s": "WSD", "cloud_fraction": "SKY", "precipitation_mm_h": "RN1"}


def _table(body: bytes, source: str, value: str, tally: Tally) -> tuple[dict[float, dict[str, str]], float]:
    return table_of(bounded(items_of(body, source), source), source, value, tally, own_time=False)


def _columns(rows: list[dict[str, str]], tally: Tally) -> Columns:
    def numbers(category: str, name: str) -> Array:
        values = np.array([number_or_nan(row.get(category), name, tally) for row in rows])
        return np.where(np.abs(values) >= MISSING_FROM, np.nan, values)

    kind, sky = numbers("PTY", "snow_fraction"), numbers("SKY", "cloud_fraction")
    share = np.array([PTY_SNOW.get(code, math.nan) for code in kind])
    water = np.full(len(rows), np.nan)
    for i, row in enumerate(rows):
        try:
            water[i] = amount(row.get("RN1", "-999"))
        except ValueError:
            tally.add(Treatment.DROPPED, "precipitation_mm_h")
    water = np.where(np.isnan(water) & (kind == 0.0), 0.0, water)
    little = (kind > 0.0) & ~(water >= TRACE_MM_H)  # it falls, and the amount is none, too small to tell or unknown
    tally.add(Treatment.ESTIMATED, "precipitation_mm_h", int(little.sum()))
    return {
        "air_c": numbers("T1H", "air_c"),
        HUMIDITY: numbers("REH", HUMIDITY),
        "wind_m_s": numbers("WSD", "wind_m_s"),
        "cloud_fraction": np.array([SKY_CLOUD.get(code, math.nan) for code in sky]),
        "precipitation_mm_h": np.where(little, TRACE_MM_H, water),
        "snow_fraction": share,
    }


class NowcastSource(Protocol):
    """What gives the nowcast and the newest observation; both raise WeatherError."""

    async def newest(self, now_utc_s: float, key: str) -> Nowcast: ...

    async def observed(self, now_utc_s: float, key: str) -> tuple[float, dict[str, float]]: ...


async def blended(forecast: Forecast, source: NowcastSource, now_utc_s: float, key: str) -> Forecast:
    """The forecast with the nowcast over it; without one, or with one that contradicts, as it was and labelled."""
    seen = None
    try:
        nowcast = await source.newest(now_utc_s, key)
    except WeatherError as error:
        logger.warning("no nowcast: %s", error)
        return blend(forecast, None, None, now_utc_s)
    try:
        when, values = await source.observed(now_utc_s, key)
        seen = when, values["air_c"]
    except WeatherError as error:  # the nowcast is compared with the forecast alone
        logger.warning("no observation beside the nowcast: %s", error)
    return blend(forecast, nowcast, seen, now_utc_s)


class KmaUltra:
    """The newest very short-range forecast, and the one before where it is missing."""

    def __init__(self, site: Site, fetcher: Fetcher) -> None:
        self._site = site
        self._fetcher = fetcher
        self._fetcher.key_env = KEY_ENV

    async def newest(self, now_utc_s: float, key: str) -> Nowcast:
        """Raises WeatherError where neither of the last two issues can be used."""
        base = _hour(now_utc_s, FORECAST_OUT)
        fault: WeatherError | None = None
        for back in range(ISSUES_BACK + 1):
            issue = base - timedelta(hours=back)
            query = self._query(issue.replace(minute=30), key)
            try:
                found = await self._fetcher.read(
                    f"{SERVICE}/getUltraSrtFcst", query, lambda answer: parse_forecast(answer.body, self._site)
                )
            except WeatherError as error:
                fault = fault or error
                continue
            return found
        assert fault is not None
        raise fault

    async def observed(self, now_utc_s: float, key: str) -> tuple[float, dict[str, float]]:
        """The grid's observation of the newest full hour that is out. Raises WeatherError."""
        query = self._query(_hour(now_utc_s, OBSERVATION_OUT), key)
        return await self._fetcher.read(
            f"{SERVICE}/getUltraSrtNcst", query, lambda answer: parse_observation(answer.body)
        )

    def _query(self, base: datetime, key: str) -> dict[str, str]:
        nx, ny = grid_of(self._site.latitude, self._site.longitude)
        return {
            "serviceKey": key,
            "pageNo": "1",
            "numOfRows": ROWS,
            "dataType": "JSON",
            "base_date": f"{base:%Y%m%d}",
            "base_time": f"{base:%H%M}",
            "nx": str(nx),
            "ny": str(ny),
        }


def _hour(now_utc_s: float, out_after: timedelta) -> datetime:
    """The newest full hour of which something is out, in Korean time."""
    now = datetime.fromtimestamp(now_utc_s, UTC).astimezone(KST) - out_after
    return now.replace(minute=0, second=0, microsecond=0)
