"""KMA village forecast (단기예보, VilageFcstInfoService_2.0): Korean text categories on a 5 km Lambert grid.

Issued at 02, 05, … 23 h Korean time, out some 10 min later, hourly to four days. Amounts of the hour that ends at the
row's time. No dew point, pressure or radiation: derived. Errors may come as XML even where JSON was asked for.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import ISSUE, Array, Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.assemble import assemble
from supervisor.weather.gate import HUMIDITY, Columns
from supervisor.weather.providers.answers import (
    bounded,
    load_json,
    number,
    number_or_nan,
    place_in,
    possible_mm_h,
    reader,
)
from supervisor.weather.providers.fetch import Answer, Fetcher
from supervisor.weather.providers.kind import Attribution, District, ProviderKind, WeatherSettings
from supervisor.weather.providers.kma_asos import KEY_ENV as ASOS_KEY_ENV
from supervisor.weather.providers.kma_asos import KmaAsosObservations
from supervisor.weather.providers.kma_codes import (
    MISSING_FROM,
    PTY_SNOW,
    SKY_CLOUD,
    WATER_MM_PER_SNOW_CM,
    amount,
    grid_of,
)
from supervisor.weather.providers.kma_items import KEY_ENV, KST, items_of, table_of
from supervisor.weather.providers.kma_ultra import KmaUltra, NowcastSource, blended
from supervisor.weather.resample import between, splice

logger = logging.getLogger(__name__)

SOURCE = "kma-village"
URL = "https://apis.data.go.kr/1360000/VilageFcstInfoService_2.0/getVilageFcst"
BASE_HOURS = (2, 5, 8, 11, 14, 17, 20, 23)
ISSUED_EACH = timedelta(hours=3)
HOUR_S = 3600.0
OUT_AFTER_S = 15 * 60.0  # documented 10 min; the rest for differences of clocks
ROWS_PER_PAGE = 1000
PAGES_MAX = 4  # five days have 1,200 items
ISSUES_BACK = 3  # as old as a forecast may be (12 h)
LEAST_MM_H = 0.5  # where it snows by PTY and no amount is known: the middle of the least class


def _page(answer: Answer) -> bytes:
    """The body, if it has items; raises WeatherError."""
    items_of(answer.body, SOURCE)
    return answer.body


@reader(SOURCE)
def parse(body: bytes, site: Site, later_pages: Sequence[bytes] = ()) -> Forecast:
    """A one-member forecast from the pages of an issue; raises WeatherError naming category, time and value.

    The fifth day has rows of three hours with classes for amounts and wind: the forecast ends before it.
    """
    tally = Tally()
    items = bounded([item for page in (body, *later_pages) for item in items_of(page, SOURCE)], SOURCE)
    tally.add(Treatment.DROPPED, "item", max(total_of(body) - len(items), 0))
    table, issued = table_of(items, SOURCE, "fcstValue", tally, own_time=True)
    times = np.array(sorted(table))
    hourly = np.flatnonzero(np.diff(times) == HOUR_S)
    times = times[: int(hourly[-1]) + 2] if hourly.size else times
    columns = _columns([table[t] for t in times], times, tally)
    keys = {"air_c": "TMP", HUMIDITY: "REH", "wind_m_s": "WSD", "cloud_fraction": "SKY", "precipitation_mm_h": "PCP"}
    series, more = assemble(times, columns, place_in(SOURCE, keys, times), site)
    tally.update(more)
    return Forecast(issued, (series,), SOURCE, tally)


def total_of(body: bytes) -> int:
    """How many items the issue has on all pages; 0 where the answer does not say."""
    try:
        return int(number(load_json(body, SOURCE)["response"]["body"]["totalCount"]))
    except (KeyError, TypeError, ValueError):
        return 0


def _columns(rows: Sequence[dict[str, str]], times: Array, tally: Tally) -> Columns:
    """Columns (n,) with NaN where a value is missing or cannot be read."""

    def numbers(category: str, name: str) -> Array:
        values = np.array([number_or_nan(row.get(category), name, tally) for row in rows])
        return np.where(np.abs(values) >= MISSING_FROM, np.nan, values)

    kind, sky = numbers("PTY", "snow_fraction"), numbers("SKY", "cloud_fraction")
    share = np.array([PTY_SNOW.get(code, math.nan) for code in kind])
    return {
        "air_c": numbers("TMP", "air_c"),
        HUMIDITY: numbers("REH", HUMIDITY),
        "wind_m_s": numbers("WSD", "wind_m_s"),
        "cloud_fraction": np.array([SKY_CLOUD.get(code, math.nan) for code in sky]),
        "precipitation_mm_h": _water(rows, times, kind, share, tally),
        "snow_fraction": share,
    }


def _water(rows: Sequence[dict[str, str]], times: Array, kind: Array, share: Array, tally: Tally) -> Array:
    """Water equivalent [mm/h]; where the amount is not known, what phase and snow say of it.

    Raises WeatherError where most amounts cannot be read: their texts have changed.
    """
    water, snow_cm = (_amounts(rows, category, times, tally) for category in ("PCP", "SNO"))
    snow_mm = np.nan_to_num(possible_mm_h(snow_cm * WATER_MM_PER_SNOW_CM, "snow_fraction", tally))
    unknown = np.isnan(water)
    water = np.where(unknown & (kind == 0.0), 0.0, np.where(unknown & (snow_mm > 0.0), snow_mm, water))
    falling = np.isnan(water) & (kind > 0.0)
    if falling.any() and not np.isnan(water).all():
        known = ~np.isnan(water)
        little = np.interp(times, times[known], water[known]) < LEAST_MM_H
        water = np.where(falling & little, LEAST_MM_H, water)  # more is interpolated later
    tally.add(Treatment.ESTIMATED, "precipitation_mm_h", int((unknown & ~np.isnan(water)).sum()))
    # light snow: the water text says nothing yet
    return np.where((share == 1.0) & ~np.isnan(water), np.fmax(water, snow_mm), water)


def _amounts(rows: Sequence[dict[str, str]], category: str, times: Array, tally: Tally) -> Array:
    values = np.full(len(rows), np.nan)
    unread: list[tuple[int, str]] = []
    for i, row in enumerate(rows):
        try:
            values[i] = amount(row.get(category, "-999"))
        except ValueError as error:
            unread.append((i, str(error)))
    if 2 * len(unread) > sum(category in row for row in rows):
        first, text = unread[0]
        place = f"{SOURCE}: {category} at {datetime.fromtimestamp(times[first], UTC):%Y-%m-%dT%H:%MZ}"
        raise WeatherError(text, where=place, remedy="The texts changed")
    tally.add(Treatment.DROPPED, "precipitation_mm_h", len(unread))
    return values


def newest_base(now_utc_s: float) -> datetime:
    """Newest issue that is out, in Korean time."""
    now = datetime.fromtimestamp(now_utc_s - OUT_AFTER_S, KST)
    hours = [h for h in BASE_HOURS if h <= now.hour]
    day = now if hours else now - timedelta(days=1)
    return day.replace(hour=hours[-1] if hours else BASE_HOURS[-1], minute=0, second=0, microsecond=0)


class KmaVillageProvider:
    """Asks for the newest issue, and for the one before where it is missing. Its past is a station's, if given."""

    def __init__(
        self,
        site: Site,
        fetcher: Fetcher,
        station: KmaAsosObservations | None = None,
        nowcast: NowcastSource | None = None,
    ) -> None:
        self._site = site
        self._fetcher = fetcher
        self._fetcher.key_env = KEY_ENV
        self._station = station
        self._nowcast = nowcast
        self._newest: Forecast | None = None

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        if self._station is not None:
            try:
                await self._station.refresh(now_utc_s)
            except WeatherError as error:  # the forecast is still useful without observations
                logger.warning("no observations: %s", error)
        key = os.environ.get(KEY_ENV, "")
        if not key:
            raise WeatherError("no service key", where=KEY_ENV, remedy=f"Set {KEY_ENV} to the key from data.go.kr")
        base = newest_base(now_utc_s)
        fault: WeatherError | None = None
        for back in range(ISSUES_BACK + 1):
            try:
                whole = await self._issue(base - back * ISSUED_EACH, key)
            except WeatherError as error:
                fault = fault or error
                continue
            if self._newest is None or whole.issued_utc_s >= self._newest.issued_utc_s:  # no step back in time
                self._newest = whole
            treated = Tally(self._newest.treated)
            behind = (base.timestamp() - self._newest.issued_utc_s) / ISSUED_EACH.total_seconds()
            treated.add(Treatment.DROPPED, ISSUE, max(round(behind), 0))
            whole_series = self._newest.members[0]
            part = between(whole_series, now_utc_s, now_utc_s + horizon_s)
            found = replace(self._newest, members=(part,), treated=treated, rows_treated=len(whole_series))
            return found if self._nowcast is None else await blended(found, self._nowcast, now_utc_s, key)
        assert fault is not None
        raise fault

    async def _issue(self, base: datetime, key: str) -> Forecast:
        """One issue, from as many pages as it has: what the first has serves where a later one is missing."""
        nx, ny = grid_of(self._site.latitude, self._site.longitude)
        query = {
            "serviceKey": key,
            "pageNo": "1",
            "numOfRows": str(ROWS_PER_PAGE),
            "dataType": "JSON",
            "base_date": f"{base:%Y%m%d}",
            "base_time": f"{base:%H%M}",
            "nx": str(nx),
            "ny": str(ny),
        }
        whole, body = await self._fetcher.read(URL, query, lambda a: (parse(a.body, self._site), a.body))
        later: list[bytes] = []
        try:
            for page in range(2, min(math.ceil(total_of(body) / ROWS_PER_PAGE), PAGES_MAX) + 1):
                later.append(await self._fetcher.read(URL, {**query, "pageNo": str(page)}, _page))
            return parse(body, self._site, later) if later else whole
        except WeatherError as error:
            logger.warning("a page of the forecast is missing: %s", error)
            return whole

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        """The station's hours of the last `back_s`, and the forecast for the minutes since its last one."""
        station = self._station.newest if self._station else None
        if station is None or self._newest is None or station.time_utc_s[-1] <= now_utc_s - back_s:
            return None
        return between(splice(station, self._newest.members[0]), now_utc_s - back_s, now_utc_s)


class KmaSettings(WeatherSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of provider "kma"."""

    station: int = 0  # the ASOS station that observes, such as 108 for Seoul; 0 for none
    nowcast: bool = True  # blend the very short-range forecast over the next six hours


def _variables(settings: KmaSettings) -> Iterator[tuple[str, str]]:
    yield "provider", KEY_ENV
    if settings.station:
        yield "station", ASOS_KEY_ENV


def _make(settings: KmaSettings, district: District, fetcher: Callable[[], Fetcher]) -> KmaVillageProvider:
    station = KmaAsosObservations(district.site, fetcher(), settings.station) if settings.station else None
    nowcast = KmaUltra(district.site, fetcher()) if settings.nowcast else None
    return KmaVillageProvider(district.site, fetcher(), station, nowcast)


KIND = ProviderKind(
    name="kma",
    settings=KmaSettings,
    make=_make,
    attributions=(
        Attribution(
            "기상청(KMA)",
            "https://www.weather.go.kr/",
            "공공저작물 출처표시",
            "https://www.data.go.kr/data/15084084/openapi.do",
        ),
    ),
    variables=_variables,
)
