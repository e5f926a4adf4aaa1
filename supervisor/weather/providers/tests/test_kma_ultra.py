"""KMA's very short-range forecast over the village forecast: read at the edge, blended, and left out where it errs."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import datetime

import numpy as np
import pytest

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Treatment
from supervisor.domain.weather import NOWCAST, Forecast, WeatherSeries
from supervisor.weather.blend import Nowcast, blend, contradicts
from supervisor.weather.chain import lack_h
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.providers import kma_ultra
from supervisor.weather.providers.kma_items import KST
from supervisor.weather.providers.tests.test_providers import sample

ISSUED = datetime(2025, 1, 11, 11, 30, tzinfo=KST).timestamp()
NOW = ISSUED + 20 * 60
CALM = {"T1H": "-3", "REH": "50", "WSD": "1.4", "SKY": "1", "PTY": "0", "RN1": "강수없음", "LGT": "0"}
SNOW = {**CALM, "SKY": "4", "PTY": "3", "RN1": "1mm 미만"}


def answer(rows: list[dict[str, str]]) -> bytes:
    items = [
        {"baseDate": "20250111", "baseTime": "1130", "fcstDate": "20250111", "fcstTime": f"{12 + i}00",
         "category": name, "fcstValue": value, "nx": 60, "ny": 127}
        for i, row in enumerate(rows) for name, value in row.items()
    ]  # fmt: skip
    return json.dumps({"response": {"header": {"resultCode": "00"}, "body": {"items": {"item": items}}}}).encode()


def hours(*warmer: float) -> list[dict[str, str]]:
    return [{**CALM, "T1H": f"{-3 + k:g}", "WSD": f"{1.4 + 0.1 * i:g}"} for i, k in enumerate(warmer)]


def forecast_of(air_c: float = -3.0) -> Forecast:
    storm = design_storm(ISSUED - 1800.0, hours=30.0)
    rows = np.arange(1, 30) * 3600.0 + ISSUED - 1800.0
    pick = np.searchsorted(storm.time_utc_s, rows)
    hourly = WeatherSeries(**{f.name: getattr(storm, f.name)[pick] for f in fields(WeatherSeries)})
    n = rows.size
    hourly = replace(
        hourly, air_c=np.full(n, air_c), dew_point_c=np.full(n, air_c - 4.0), precipitation_mm_h=np.zeros(n)
    )
    return Forecast(ISSUED - 1800.0, (hourly,), "kma-village")


def test_six_hours_are_read_with_korean_amounts() -> None:
    found = kma_ultra.parse_forecast(answer([CALM, SNOW, {**SNOW, "RN1": "3.0mm"}, {**SNOW, "RN1": "강수없음"}]), SEOUL)
    assert found.issued_utc_s == ISSUED
    assert found.series.time_utc_s[0] == ISSUED + 1800
    assert found.series.precipitation_mm_h.tolist() == [0.0, 0.5, 3.0, kma_ultra.TRACE_MM_H]
    assert found.series.snow_fraction[1:].tolist() == [1.0, 1.0, 1.0]
    assert found.treated[Treatment.ESTIMATED, "precipitation_mm_h"] == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<OpenAPI_ServiceResponse><returnAuthMsg>LIMITED</returnAuthMsg></OpenAPI_ServiceResponse>",
        b"[]",
        answer([CALM]),
        answer([{**CALM, "T1H": "-999"}] * 3),
        answer([{"PTY": "3"}, {"PTY": "3"}]),
        answer([{**CALM, "T1H": "warm"}, {**CALM, "T1H": "cold"}]),
    ],
)
def test_what_is_no_nowcast_is_refused_as_weather(body: bytes) -> None:
    with pytest.raises(WeatherError) as error:
        kma_ultra.parse_forecast(body, SEOUL)
    assert kma_ultra.FORECAST in error.value.where


@pytest.mark.data
def test_the_stored_observation_is_understood() -> None:
    items = json.loads(sample("kma/getUltraSrtNcst_items_20221227T1100_nx58_ny125.json"))
    body = json.dumps({"response": {"header": {"resultCode": "00"}, "body": {"items": {"item": items}}}}).encode()
    when, values = kma_ultra.parse_observation(body)
    assert when == datetime(2022, 12, 27, 11, 0, tzinfo=KST).timestamp()
    assert values["air_c"] == 0.8
    assert values["precipitation_mm_h"] == 0.0


def test_the_next_hours_are_the_nowcasts_and_fade_into_the_forecast() -> None:
    nowcast = kma_ultra.parse_forecast(answer([SNOW, *hours(1, 1.2, 1.4, 1.6, 1.8)]), SEOUL)
    was = forecast_of()
    mixed = blend(was, nowcast, (ISSUED - 1800.0, -3.2), NOW)
    member = mixed.members[0]
    assert member.precipitation_mm_h[0] == pytest.approx(0.5)
    assert member.snow_fraction[0] == 1.0
    off = member.air_c - was.members[0].air_c
    assert off[1] == pytest.approx(1.0)
    assert 0.0 < off[5] < 1.8
    assert (off[6:] == 0.0).all()
    assert (member.dew_point_c <= member.air_c).all()
    assert mixed.nowcast_until_utc_s == ISSUED + 1800 + 5 * 3600
    assert not mixed.treated


@pytest.mark.parametrize(
    ("nowcast", "seen_c", "why"),
    [
        (None, -3.0, ""),
        (kma_ultra.parse_forecast(answer(hours(9, 9, 9, 9)), SEOUL), None, "from the forecast"),
        (kma_ultra.parse_forecast(answer(hours(0, 1, 1, 1)), SEOUL), 4.0, "from what is observed"),
        (kma_ultra.parse_forecast(answer([CALM] * 6), SEOUL), -3.0, "every hour is the same"),
        (replace(kma_ultra.parse_forecast(answer(hours(0, 1, 1)), SEOUL), issued_utc_s=NOW - 9e3), -3.0, "issued 2.5"),
        (replace(kma_ultra.parse_forecast(answer(hours(0, 1, 1)), SEOUL), issued_utc_s=NOW + 60.0), -3.0, "issued -0"),
    ],
)
def test_without_a_nowcast_or_with_a_contradictory_one_the_forecast_stays_and_says_so(
    nowcast: Nowcast | None, seen_c: float | None, why: str
) -> None:
    was = forecast_of()
    seen = None if seen_c is None else (ISSUED - 1800.0, seen_c)
    if nowcast is not None:
        now = NOW + 1.0 if "2.5" in why else NOW
        assert why in contradicts(was, nowcast, seen, now)
    kept = blend(was, nowcast, seen, NOW + 1.0)
    assert kept.members == was.members
    assert kept.nowcast_until_utc_s == 0.0
    assert kept.treated[Treatment.DROPPED, NOWCAST] == 1
    assert lack_h(kept, NOW, 24 * 3600.0) == lack_h(was, NOW, 24 * 3600.0)  # no reason to change the provider


class Source:
    """A nowcast and an observation, or what they raise."""

    def __init__(self, nowcast: Nowcast | WeatherError, seen: tuple[float, dict[str, float]] | WeatherError) -> None:
        self._nowcast, self._seen = nowcast, seen

    async def newest(self, now_utc_s: float, key: str) -> Nowcast:
        if isinstance(self._nowcast, WeatherError):
            raise self._nowcast
        return self._nowcast

    async def observed(self, now_utc_s: float, key: str) -> tuple[float, dict[str, float]]:
        if isinstance(self._seen, WeatherError):
            raise self._seen
        return self._seen


async def test_a_service_that_fails_leaves_todays_plan() -> None:
    gone = WeatherError("HTTP 500")
    nowcast = kma_ultra.parse_forecast(answer([SNOW, *hours(1, 1.2)]), SEOUL)
    was = forecast_of()
    kept = await kma_ultra.blended(was, Source(gone, gone), NOW, "k")
    assert kept.treated[Treatment.DROPPED, NOWCAST] == 1
    assert kept.members == was.members
    used = await kma_ultra.blended(was, Source(nowcast, gone), NOW, "k")  # without an observation it is used
    assert used.members[0].precipitation_mm_h[0] > 0.0
    late = await kma_ultra.blended(was, Source(nowcast, (ISSUED, {"air_c": 12.0})), NOW, "k")
    assert late.members == was.members
