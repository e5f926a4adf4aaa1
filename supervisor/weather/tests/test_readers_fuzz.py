"""Answers with anything in them: each reader gives weather that passes the gate, or a WeatherError, within a second."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.errors import WeatherError
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.weather import kma_asos, kma_village, met_norway, openmeteo
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.files import read_weather_csv, write_weather_csv
from supervisor.weather.gate import LIMITS
from supervisor.weather.tests.test_fetch import asos_day, hourly_answer, village_answer

LONGEST_S = 1.0
EXAMPLES = 60

Reader = Callable[[bytes], tuple[WeatherSeries, ...]]


def met_answer() -> bytes:
    def row(hour: int) -> dict[str, Any]:
        details = {
            "air_temperature": -1.0, "dew_point_temperature": -3.0, "relative_humidity": 86.0, "wind_speed": 2.0,
            "air_pressure_at_sea_level": 1012.0, "cloud_area_fraction": 90.0,
        }  # fmt: skip
        ahead = {"summary": {"symbol_code": "snow"}, "details": {"precipitation_amount": 0.4}}
        return {
            "time": f"2023-12-30T{hour:02d}:00:00Z",
            "data": {"instant": {"details": details}, "next_1_hours": ahead},
        }

    units = dict(met_norway.UNITS)
    properties = {
        "meta": {"updated_at": "2023-12-30T00:10:00Z", "units": units}, "timeseries": [row(hour) for hour in range(20)],
    }  # fmt: skip
    answer = {"type": "Feature", "geometry": {"coordinates": [127.0, 37.6, 60]}, "properties": properties}
    return json.dumps(answer).encode()


READERS: dict[str, tuple[Reader, bytes]] = {
    "open-meteo": (lambda body: openmeteo.parse(body).members, hourly_answer(1_703_900_000 // 3600 * 3600, 30)),
    "met-norway": (lambda body: met_norway.parse(body).members, met_answer()),
    "kma-village": (lambda body: kma_village.parse(body, SEOUL).members, village_answer()),
    "kma-asos": (lambda body: (kma_asos.parse(body, SEOUL)[0],), asos_day()),
}
JSON_READERS = [name for name in READERS if name != "kma-asos"]

JUNK: list[Any] = [
    None, True, False, "", "x", "²", "NaN", -1, 0, 1e308, -1e308, 10**18, -(10**400), 10**400, [], {}, [[]], ["1"],
    {"a": 1}, -9999, 999.9, "1e999", "9" * 400, "\u0000", "٣", "2023-13-45T99:99:99Z", "0001-01-01T00:00:00+14:00",
]  # fmt: skip


def passes(series: WeatherSeries) -> bool:
    """The gate's own limits, on finite columns of one length and rising times."""
    times = series.time_utc_s
    for field in fields(series):
        values = getattr(series, field.name)
        if values.shape != times.shape or not np.isfinite(values).all():
            return False
        limit = LIMITS.get(field.name)
        if limit is not None and ((values < limit.low) | (values > limit.high)).any():
            return False
    return bool((np.diff(times) > 0).all())


def check(name: str, body: bytes) -> None:
    began = time.process_time()
    members: tuple[WeatherSeries, ...]
    refused, members = None, ()
    try:
        members = READERS[name][0](body)
    except WeatherError as error:
        refused = str(error)
    assert (refused is None) == bool(members)
    assert refused is None or (name in refused and len(refused) < 2000)
    assert all(map(passes, members))
    assert time.process_time() - began < LONGEST_S


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys."""
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        here = stack.pop()
        keys = list(here) if isinstance(here, dict) else list(range(len(here))) if isinstance(here, list) else []
        for key in keys:
            found.append((here, key))
            stack.append(here[key])
    return found


@pytest.mark.parametrize("name", READERS)
def test_the_samples_are_good(name: str) -> None:
    read, body = READERS[name]
    assert all(map(passes, read(body)))


@pytest.mark.parametrize("name", JSON_READERS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_json_with_parts_replaced_removed_or_doubled(name: str, data: st.DataObject) -> None:
    answer = json.loads(READERS[name][1])
    for _ in range(data.draw(st.integers(1, 3))):
        if not (where := places(answer)):
            break
        container, key = where[data.draw(st.integers(0, len(where) - 1))]
        kind = data.draw(st.sampled_from(("replace", "remove", "double")))
        if kind == "replace":
            container[key] = data.draw(st.sampled_from(JUNK))
        elif kind == "remove" or not isinstance(container, list):
            del container[key]
        else:
            container.insert(key, container[key])
    check(name, json.dumps(answer).encode())


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_bytes_cut_flipped_or_put_in(name: str, data: st.DataObject) -> None:
    body = READERS[name][1]
    at = data.draw(st.integers(0, len(body)))
    piece = data.draw(st.one_of(st.binary(max_size=40), st.sampled_from([b"[" * 20_000, b"9" * 400, b"\xb2", b"NaN"])))
    kind = data.draw(st.sampled_from(("cut", "put", "over")))
    changed = {
        "cut": body[:at],
        "put": body[:at] + piece + body[at:],
        "over": body[:at] + piece + body[at + len(piece) :],
    }
    check(name, changed[kind])


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b"<html><body>Sign in to the hotel's network</body></html>", b"[" * 100_000,
        b'{"a":' * 50_000, b"1" * 400, b"\xff\xfe" * 100, b"\0" * 1000, b"{" + b" " * 1_000_000, b"TM," * 1000,
        b'{"hourly":{"time":[' + b"0," * 1_000_000 + b'0]},"hourly_units":{}}',
        b'{"hourly":{"time":[' + b"0," * 19_000 + b'10000]},"hourly_units":{}}',
        b'{"response":{"header":{"resultCode":"00"},"body":{"items":{"item":[' + b"{}," * 500_000 + b"{}]}}}}",
    ],
    ids=range(15),
)  # fmt: skip
def test_what_is_no_answer_at_all(name: str, body: bytes) -> None:
    with pytest.raises(WeatherError):
        READERS[name][0](body)
    check(name, body)


def test_seconds_between_rows_with_hours_of_holes_do_not_fill_the_memory() -> None:
    times = [0]
    for i in range(4000):
        times.append(times[-1] + (1 if i % 3 else 10_800))
    columns = {
        "temperature_2m": 1.0,
        "dew_point_2m": 0.0,
        "wind_speed_10m": 1.0,
        "precipitation": 0.0,
        "cloud_cover": 50,
    }
    units = dict(zip(columns, ("°C", "°C", "m/s", "mm", "cm"), strict=True))
    hourly = {"time": times, **{key: [value] * len(times) for key, value in columns.items()}}
    body = json.dumps({"latitude": 37.6, "longitude": 127.0, "hourly": hourly, "hourly_units": units}).encode()
    check("open-meteo", body)
    with pytest.raises(WeatherError, match="rows"):
        READERS["open-meteo"][0](body)


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_weather_files_with_anything_in_them(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("files") / "weather.csv"
    write_weather_csv(path, design_storm(1_703_900_000 // 3600 * 3600, hours=30))
    body = path.read_bytes()
    at = data.draw(st.integers(0, len(body)))
    piece = data.draw(st.one_of(st.binary(max_size=40), st.sampled_from([b"9" * 400, b'"', b"\0", b"\n\n", b",,,,"])))
    path.write_bytes(body[:at] + piece + body[at + data.draw(st.sampled_from((0, len(piece)))) :])
    refused = ""
    try:
        series, _ = read_weather_csv(path, SEOUL)
    except WeatherError as error:
        refused = str(error)
    assert "weather.csv" in refused if refused else passes(series)


SAMPLES = {
    "open-meteo": "open_meteo/response_melbourne_2025-05-09_real.json",
    "met-norway": "met_norway/locationforecast_complete_london_2020-07-20.json",
    "kma-asos": "kma/kma_sfctm3_seoul_20210106_snow_excerpt.csv",
    "kma-village": "kma/getVilageFcst_seoul_20250111T1100_nx60_ny127.json",
}


@pytest.mark.data
@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=EXAMPLES // 2)
@given(at=st.floats(0, 1), piece=st.one_of(st.binary(max_size=8), st.sampled_from([b"[", b"}", b"-9999", b"null"])))
def test_recorded_answers_with_a_piece_replaced(data_dir: Path, name: str, at: float, piece: bytes) -> None:
    body = (data_dir / "api_samples" / SAMPLES[name]).read_bytes()
    cut = int(at * len(body))
    check(name, body[:cut] + piece + body[cut + len(piece) :])


def test_a_forecast_is_what_readers_promise() -> None:
    assert isinstance(openmeteo.parse(READERS["open-meteo"][1]), Forecast)
