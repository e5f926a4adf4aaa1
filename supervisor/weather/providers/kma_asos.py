"""KMA ASOS hourly observations (apihub kma_sfctm3.php): KST, −9 or −99 for missing, totals that run through the day.

Known irregularities, each handled and counted: the winter column RN is a 3-hour total, so hours are differences of the
running day total RN_DAY; −9.0 is also a temperature; copies exist that lost the minus of values ≤ −10 °C.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.assemble import assemble
from supervisor.weather.estimate import dew_point_of_humidity_c
from supervisor.weather.gate import HUMIDITY
from supervisor.weather.hours import HOUR
from supervisor.weather.longwave import clear_sky_means_w_m2
from supervisor.weather.providers.answers import bounded, load_json, number_or_nan, place_in, reader, refuse_message
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.files import TRACE_MM_H

SOURCE = "kma-asos"
URL = "https://apihub.kma.go.kr/api/typ01/url/kma_sfctm3.php"
KEY_ENV = "KMA_APIHUB_KEY"
KST = timezone(timedelta(hours=9))
HEADER = (
    "TM STN WD WS GST_WD GST_WS GST_TM PA PS PT PR TA TD HM PV RN RN_DAY RN_JUN RN_INT SD_HR3 SD_DAY SD_TOT WC WP WW "
    "CA_TOT CA_MID CH_MIN CT CT_TOP CT_MID CT_LOW VS SS SI ST_GD TS TE_005 TE_01 TE_02 TE_03 ST_SEA WH BF IR IX"
)
WW_SNOW = {"05": 1.0, "06": 0.5, "01": 0.0, "02": 0.0, "04": 0.0}  # domestic present weather; others: wet bulb
SI_MJ_PER_W_M2 = 0.0036  # MJ/m² in an hour
ROWS_MAX = 9_000  # a year by the hour; a day is asked for
NO_RAIN_RECORD = "4"  # IR: precipitation data missing
DEW_MATCH_K = 1.0  # T, Td and humidity agree within their rounding
COLUMNS = {
    "air_c": "TA",
    "dew_point_c": "TD",
    HUMIDITY: "HM",
    "wind_m_s": "WS",
    "pressure_pa": "PA",
    "shortwave_w_m2": "SI",
    "cloud_fraction": "CA_TOT",
    "precipitation_mm_h": "RN_DAY",
    "snow_fraction": "WW",
}


@reader(SOURCE)
def parse(body: bytes, site: Site) -> tuple[WeatherSeries, Tally]:
    """Hourly observations of one station, from the service's fixed columns or a CSV with its names.

    Raises WeatherError naming column and time.
    """
    tally = Tally()
    times, records = _in_order(bounded(_records(body, tally), SOURCE, ROWS_MAX), tally)

    def numbers(key: str, name: str) -> Array:
        return np.array([_number(record[key], name, tally) for record in records])

    try:
        air, dew, humidity = (numbers(COLUMNS[name], name) for name in ("air_c", "dew_point_c", HUMIDITY))
        wind, pressure, cloud, sun = (
            _known(numbers(COLUMNS[name], name))
            for name in ("wind_m_s", "pressure_pa", "cloud_fraction", "shortwave_w_m2")
        )
        water = _hourly_precipitation(records, tally)
        share = np.array([_share(record["WW"]) for record in records])
    except KeyError as error:
        raise WeatherError(f"column {error} is missing", where=SOURCE, remedy="The format has changed") from error
    humidity = np.where(humidity < 0.0, np.nan, humidity)
    _restore_temperatures(air, dew, humidity, tally)
    trace = (share > 0.0) & (water == 0.0)
    water[trace] = TRACE_MM_H
    tally.add(Treatment.REPAIRED, "trace of snow", int(trace.sum()))
    cloud = np.where((water > 0.0) & (cloud < 5.0), 10.0, cloud)  # the automatic sensor misses the cloud it snows from
    columns = {
        "air_c": air,
        "dew_point_c": dew,
        HUMIDITY: humidity,
        "wind_m_s": wind,
        "pressure_pa": pressure * 100.0,
        "shortwave_w_m2": _night_is_dark(times, sun / SI_MJ_PER_W_M2, site),
        "cloud_fraction": cloud / 10.0,
        "precipitation_mm_h": water,
        "snow_fraction": share,
    }
    if np.isnan(dew).any() and not np.isnan(humidity).all():
        columns["dew_point_c"] = np.where(np.isnan(dew), dew_point_of_humidity_c(air, humidity), dew)
    series, more = assemble(times, columns, place_in(SOURCE, COLUMNS, times), site)
    tally.update(more)
    return series, tally


def _in_order(records: Sequence[dict[str, str]], tally: Tally) -> tuple[Array, list[dict[str, str]]]:
    """Times, and the records that have one, in their order: the day's running total needs it."""
    timed = []
    for record in records:
        try:
            timed.append((_time(record.get("TM", "")), record))
        except ValueError:
            tally.add(Treatment.DROPPED, HOUR)
    if not timed:
        raise WeatherError("no row has a time", where=SOURCE, remedy="The format has changed")
    timed.sort(key=lambda pair: pair[0])
    return np.array([time for time, _ in timed]), [record for _, record in timed]


def _records(body: bytes, tally: Tally) -> list[dict[str, str]]:
    """Rows by field name. Comment lines are EUC-KR; the data are ASCII. Errors come as JSON, or as a page."""
    if body.lstrip()[:1] == b"{":
        refuse_message(load_json(body, SOURCE), SOURCE, KEY_ENV)
    lines = [line.strip() for line in body.decode("euc-kr", "replace").splitlines()]
    data = [line for line in lines if line and not line.startswith("#")]
    names = HEADER.split()
    if data and data[0].startswith("TM"):
        names, data = data[0].split(","), data[1:]
    records, short = [], ""
    for line in data:
        cells = line.split(",") if "," in line else line.split()
        if len(cells) < len(names):
            short = short or f"{len(cells)} fields, want {len(names)}: {line[:40]!r}"
            tally.add(Treatment.DROPPED, HOUR)
            continue
        records.append(dict(zip(names, (c.strip() for c in cells), strict=False)))
    if not records:
        remedy = f"Check station, times and the key in {KEY_ENV}"
        raise WeatherError(short or "no rows", where=SOURCE, remedy=remedy)
    return records


def _time(text: str) -> float:
    return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=KST).timestamp()


def _number(text: str, name: str, tally: Tally) -> float:
    """A number; −99 and beyond is missing, −9 is left to the caller."""
    value = number_or_nan(text, name, tally)
    return math.nan if value <= -99.0 else value


def _known(values: Array) -> Array:
    return np.where(values == -9.0, np.nan, values)


def _share(codes: str) -> float:
    """Snow fraction from present-weather codes (two digits each); the last one that names precipitation counts."""
    pairs = [codes[i : i + 2] for i in range(0, len(codes) - 1, 2)]
    known = [WW_SNOW[p] for p in pairs if p in WW_SNOW]
    return known[-1] if known else float("nan")


def _hourly_precipitation(records: Sequence[Mapping[str, str]], tally: Tally) -> Array:
    """Differences of the running day total, which starts again after midnight (Korean time) [mm/h]."""
    result = np.full(len(records), np.nan)
    before = float("nan")
    for i, record in enumerate(records):
        total = number_or_nan(record["RN_DAY"], "precipitation_mm_h", tally)
        if math.isnan(total) or (total < 0.0 and record["IR"] == NO_RAIN_RECORD):
            continue  # what fell meanwhile comes with the next known total
        total = max(total, 0.0)  # −9 with another IR: none so far today
        if record["TM"][8:10] == "01":
            before = 0.0
        if i == 0 and total == 0.0:
            before = 0.0
        result[i] = max(total - before, 0.0)
        before = total
    if records and np.isnan(result[0]):
        result[0] = 0.0  # the total before the first row is not known: nothing is better than a day's sum in an hour
    return result


def _restore_temperatures(air: Array, dew: Array, humidity: Array, tally: Tally) -> None:
    """In place: lost minus signs put back, −9.0 told from "missing", each by what the humidity says."""

    def miss(t: float, d: float, h: float) -> float:
        return abs(float(dew_point_of_humidity_c(np.array(t), np.array(h))) - d)

    for i, (t, d, h) in enumerate(zip(air, dew, humidity, strict=True)):
        if np.isnan([t, d, h]).any() or h <= 0.0:
            air[i] = np.nan if t == -9.0 and np.isnan(h) else t
            dew[i] = np.nan if d == -9.0 and np.isnan(h) else d
            continue
        if miss(t, d, h) <= DEW_MATCH_K:
            continue
        signs = product((t, -t) if t >= 10.0 else (t,), (d, -d) if d >= 10.0 else (d,))
        best = min(((miss(a, b, h), a, b) for a, b in signs), default=(np.inf, t, d))
        if best[0] <= DEW_MATCH_K:
            air[i], dew[i] = best[1], best[2]
            tally.add(Treatment.REPAIRED, "minus sign")
        elif t == -9.0:
            air[i] = np.nan
        elif d == -9.0:
            dew[i] = np.nan


def _night_is_dark(times: Array, sun: Array, site: Site) -> Array:
    """Blank at night means zero."""
    dark = clear_sky_means_w_m2(times, 3600.0, site) < 5.0
    return np.where(np.isnan(sun) & dark, 0.0, sun)


class KmaAsosObservations:
    """Fetches the last day of one station; `newest` is what is known."""

    def __init__(self, site: Site, fetcher: Fetcher, station: int) -> None:
        self._site = site
        self._fetcher = fetcher
        self._fetcher.key_env = KEY_ENV
        self._station = station
        self.newest: WeatherSeries | None = None

    async def refresh(self, now_utc_s: float) -> WeatherSeries:
        """Newest observations; raises WeatherError and keeps what it had."""
        key = os.environ.get(KEY_ENV, "")
        if not key:
            raise WeatherError("no key", where=KEY_ENV, remedy=f"Set {KEY_ENV} to the key from apihub.kma.go.kr")
        end = datetime.fromtimestamp(now_utc_s, UTC).astimezone(KST).replace(minute=0)
        query = {
            "tm1": f"{end - timedelta(hours=24):%Y%m%d%H%M}",
            "tm2": f"{end:%Y%m%d%H%M}",
            "stn": str(self._station),
            "help": "0",
            "authKey": key,
        }
        newest, _ = await self._fetcher.read(URL, query, lambda answer: parse(answer.body, self._site))
        self.newest = newest
        return newest
