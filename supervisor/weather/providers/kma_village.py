"""KMA village forecast (단기예보, VilageFcstInfoService_2.0): Korean text categories on a 5 km Lambert grid.

Issued at 02, 05, … 23 h Korean time, out some 10 min later, hourly to three days. Amounts of the hour that ends at the
row's time. No dew point, pressure or radiation: derived. Errors may come as XML even where JSON was asked for.
"""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.assemble import assemble
from supervisor.weather.gate import HUMIDITY, Columns
from supervisor.weather.providers.answers import bounded, load_json, number, place_in, reader, trim
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.kind import Attribution, District, ProviderKind, WeatherSettings
from supervisor.weather.providers.kma_asos import KEY_ENV as ASOS_KEY_ENV
from supervisor.weather.providers.kma_asos import KmaAsosObservations
from supervisor.weather.resample import between, splice

logger = logging.getLogger(__name__)

SOURCE = "kma-village"
URL = "https://apis.data.go.kr/1360000/VilageFcstInfoService_2.0/getVilageFcst"
KEY_ENV = "KMA_SERVICE_KEY"
KST = timezone(timedelta(hours=9))
BASE_HOURS = (2, 5, 8, 11, 14, 17, 20, 23)
OUT_AFTER_S = 15 * 60.0  # documented 10 min; the rest for differences of clocks
MISSING_FROM = 900.0  # KMA: +900 and above or −900 and below is missing
SKY_CLOUD = {1: 0.2, 3: 0.7, 4: 0.95}  # middle of 0–5, 6–8, 9–10 tenths
PTY_SNOW = {1: 0.0, 2: 0.5, 3: 1.0, 5: 0.0, 6: 0.5, 7: 1.0}  # 4 (shower) says nothing: wet bulb
WATER_MM_PER_SNOW_CM = 1.0  # 10:1, the convention behind 신적설
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def amount(text: str) -> float:
    """Amount from a PCP or SNO text: "강수없음", "1mm 미만" (half), "1.0mm", "30.0~50.0mm" (middle), "50.0mm 이상".

    Raises ValueError on a text that is none of these.
    """
    text = text.strip()
    if text in ("강수없음", "적설없음", "-", "null", "0"):
        return 0.0
    values = [number(v) for v in _NUMBER.findall(text)]
    if "미만" in text and len(values) == 1:
        return values[0] / 2.0
    if "~" in text and len(values) == 2:
        return (values[0] + values[1]) / 2.0
    if len(values) == 1 and not text.startswith("-") and re.fullmatch(r"[\d.]+\s*(mm|cm)?(\s*이상)?", text):
        return values[0]
    raise ValueError(f"{text!r} is not an amount")


def grid_of(latitude: float, longitude: float) -> tuple[int, int]:
    """Grid point (nx, ny): Lambert conformal conic 30°/60° N, 5 km, origin 38° N 126° E at (43, 136), KMA's guide."""
    radius = 6371.00877 / 5.0
    slat1, slat2, olat = (math.radians(v) for v in (30.0, 60.0, 38.0))
    sn = math.log(math.cos(slat1) / math.cos(slat2)) / math.log(_half(slat2) / _half(slat1))
    sf = _half(slat1) ** sn * math.cos(slat1) / sn
    ro = radius * sf / _half(olat) ** sn
    ra = radius * sf / _half(math.radians(latitude)) ** sn
    theta = ((math.radians(longitude - 126.0) + math.pi) % (2 * math.pi) - math.pi) * sn
    return math.floor(ra * math.sin(theta) + 43 + 0.5), math.floor(ro - ra * math.cos(theta) + 136 + 0.5)


def _half(latitude: float) -> float:
    return math.tan(math.pi / 4.0 + latitude / 2.0)


def items_of(body: bytes, source: str = SOURCE) -> list[dict[str, str]]:
    """The items of a data.go.kr answer; raises WeatherError with the service's own code and message."""
    if body.lstrip()[:1] == b"<":
        text = body.decode("utf-8", "replace")
        found = re.search(r"<(?:returnAuthMsg|resultMsg|errMsg)>([^<]*)<", text)
        reason = found.group(1) if found else "an XML page"
        raise WeatherError(f"service answers {reason}", where=source, remedy=f"Check the key in {KEY_ENV}")
    answer = load_json(body, source)
    try:
        header = answer["response"]["header"]
        if header["resultCode"] != "00":
            text = f"service answers {header['resultCode']} {header.get('resultMsg', '')}"
            raise WeatherError(text, where=source, remedy="03 = not out yet; 22 = quota; 30 = key")
        items = answer["response"]["body"]["items"]["item"]
    except (KeyError, TypeError) as error:
        raise WeatherError(f"{type(error).__name__}: {error}", where=source, remedy="The format has changed") from error
    if not isinstance(items, list) or not items:
        raise WeatherError("no items", where=source, remedy="The forecast may not be out yet")
    return items


@reader(SOURCE)
def parse(body: bytes, site: Site) -> Forecast:
    """A one-member forecast; raises WeatherError naming category, time and value."""
    items = bounded(items_of(body), SOURCE)
    try:
        issued = _time(items[0]["baseDate"], items[0]["baseTime"])
        table: dict[float, dict[str, str]] = {}
        for item in items:
            row = table.setdefault(_time(item["fcstDate"], item["fcstTime"]), {})
            row[item["category"]] = str(item["fcstValue"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeatherError(f"{type(error).__name__}: {error}", where=SOURCE, remedy="The format has changed") from error
    times = np.array(sorted(table))
    columns = _columns([table[t] for t in times], times)
    times, columns = trim(times, columns)
    keys = {"air_c": "TMP", HUMIDITY: "REH", "wind_m_s": "WSD", "cloud_fraction": "SKY", "precipitation_mm_h": "PCP"}
    series, tally = assemble(times, columns, place_in(SOURCE, keys, times), site)
    return Forecast(issued_utc_s=issued, members=(series,), source=SOURCE, treated=tally)


def _time(date: str, clock: str) -> float:
    return datetime.strptime(date + clock, "%Y%m%d%H%M").replace(tzinfo=KST).timestamp()


def _columns(rows: Iterable[dict[str, str]], times: Iterable[float]) -> Columns:
    lists: dict[str, list[float]] = {}
    for row, time in zip(rows, times, strict=True):
        place = f"{SOURCE}: {{}} at {datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%MZ}"

        def read(category: str, row: dict[str, str] = row, place: str = place) -> float:
            try:
                value = number(row.get(category))
            except ValueError as error:
                raise WeatherError(f"{row[category]!r} is not a number", where=place.format(category)) from error
            return math.nan if abs(value) >= MISSING_FROM else value

        def read_amount(category: str, row: dict[str, str] = row, place: str = place) -> float:
            try:
                return amount(row[category]) if category in row else math.nan
            except ValueError as error:
                raise WeatherError(str(error), where=place.format(category), remedy="The texts changed") from error

        water, snow_cm, kind = read_amount("PCP"), read_amount("SNO"), read("PTY")
        share = PTY_SNOW.get(int(kind), math.nan) if not math.isnan(kind) else math.nan
        if share == 1.0 and not math.isnan(snow_cm):
            water = max(water, snow_cm * WATER_MM_PER_SNOW_CM)  # light snow: the water text says nothing yet
        sky = read("SKY")
        for name, value in (
            ("air_c", read("TMP")),
            (HUMIDITY, read("REH")),
            ("wind_m_s", read("WSD")),
            ("cloud_fraction", SKY_CLOUD.get(int(sky), math.nan) if not math.isnan(sky) else math.nan),
            ("precipitation_mm_h", water),
            ("snow_fraction", share),
        ):
            lists.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in lists.items()}


def newest_base(now_utc_s: float) -> datetime:
    """Newest issue that is out, in Korean time."""
    now = datetime.fromtimestamp(now_utc_s - OUT_AFTER_S, KST)
    hours = [h for h in BASE_HOURS if h <= now.hour]
    day = now if hours else now - timedelta(days=1)
    return day.replace(hour=hours[-1] if hours else BASE_HOURS[-1], minute=0, second=0, microsecond=0)


class KmaVillageProvider:
    """Asks for the newest issue. Its past is a station's, where one is given."""

    def __init__(self, site: Site, fetcher: Fetcher, station: KmaAsosObservations | None = None) -> None:
        self._site = site
        self._fetcher = fetcher
        self._station = station
        self._newest: WeatherSeries | None = None

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
        nx, ny = grid_of(self._site.latitude, self._site.longitude)
        query = {
            "serviceKey": key,
            "pageNo": "1",
            "numOfRows": "1000",
            "dataType": "JSON",
            "base_date": f"{base:%Y%m%d}",
            "base_time": f"{base:%H%M}",
            "nx": str(nx),
            "ny": str(ny),
        }
        whole = await self._fetcher.read(URL, query, lambda answer: parse(answer.body, self._site))
        self._newest = whole.members[0]
        part = between(whole.members[0], now_utc_s, now_utc_s + horizon_s)
        return Forecast(whole.issued_utc_s, (part,), SOURCE, whole.treated)

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        """The station's hours of the last `back_s`, and the forecast for the minutes since its last one."""
        station = self._station.newest if self._station else None
        if station is None or self._newest is None or station.time_utc_s[-1] <= now_utc_s - back_s:
            return None
        return between(splice(station, self._newest), now_utc_s - back_s, now_utc_s)


class KmaSettings(WeatherSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of provider "kma"."""

    station: int = 0  # the ASOS station that observes, such as 108 for Seoul; 0 for none


def _variables(settings: KmaSettings) -> Iterator[tuple[str, str]]:
    yield "provider", KEY_ENV
    if settings.station:
        yield "station", ASOS_KEY_ENV


def _make(settings: KmaSettings, district: District, fetcher: Callable[[], Fetcher]) -> KmaVillageProvider:
    station = KmaAsosObservations(district.site, fetcher(), settings.station) if settings.station else None
    return KmaVillageProvider(district.site, fetcher(), station)


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
