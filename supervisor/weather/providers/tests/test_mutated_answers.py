"""Recorded and made answers with parts deleted, nulled, reordered, cut and of other types and units: each reader gives
weather that passes the gate, or a WeatherError that names its source, after a bounded amount of work.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.errors import WeatherError
from supervisor.domain.weather import WeatherSeries
from supervisor.weather.design_storm import SEOUL
from supervisor.weather.providers import kma_asos, kma_village, met_norway, openmeteo
from supervisor.weather.providers.tests.answers import met, open_meteo, village
from supervisor.weather.providers.tests.test_fetch import asos_day
from supervisor.weather.providers.tests.test_readers_fuzz import passes

Read = Callable[[bytes], tuple[WeatherSeries, ...]]
EXAMPLES = settings.default.max_examples * 4 // 5
CALLS_PER_VALUE, CALLS_LEAST = 60, 60_000  # a reader makes 5 to 25 calls for a value, whatever it is

READ: dict[str, Read] = {
    "open-meteo": lambda body: openmeteo.parse(body, 0.0, SEOUL).members,
    "met-norway": lambda body: met_norway.parse(body, SEOUL).members,
    "kma-village": lambda body: kma_village.parse(body, SEOUL).members,
    "kma-asos": lambda body: (kma_asos.parse(body, SEOUL)[0],),
}
MADE: dict[str, tuple[str, bytes]] = {
    "open-meteo, single": ("open-meteo", json.dumps(open_meteo()).encode()),
    "open-meteo, ensemble": ("open-meteo", json.dumps(open_meteo(members=6)).encode()),
    "met-norway": ("met-norway", met()),
    "kma-village": ("kma-village", village()),
}
RECORDED = {
    "open_meteo/ny_combined_forecast.json": "open-meteo",
    "open_meteo/linecast_forecast.json": "open-meteo",
    "open_meteo/mixed_precip_hourly_synthetic.json": "open-meteo",
    "open_meteo/response_melbourne_2025-05-09_real.json": "open-meteo",
    "met_norway/locationforecast_compact_newyork.json": "met-norway",
    "met_norway/locationforecast_complete_london_2020-07-20.json": "met-norway",
    "kma/getVilageFcst_seoul_20250111T1100_nx60_ny127.json": "kma-village",
}
UNITS = ["°C", "celsius", "°F", "K", "m/s", "km/h", "mm", "inch", "cm", "hPa", "Pa", "%", "undefined", "", None, 3]
VALUES: list[Any] = [
    None, 0, -1, 1, 5.5, 21, 99.9, 273.15, 500, 999, -999, 9999, -9999, 1e9, "1", "x", "NaN", "-998.9", True, [], {},
]  # fmt: skip


def containers(value: Any, kind: type) -> list[Any]:
    """Every list or every object of an answer that has something in it, the outermost first."""
    found, stack = [], [value]
    while stack:
        here = stack.pop()
        if isinstance(here, kind) and here:
            found.append(here)
        stack.extend(here.values() if isinstance(here, dict) else here if isinstance(here, list) else ())
    return found


def mutate(answer: Any, data: st.DataObject) -> None:
    """One mutation of an answer, in place: of a cell, a stretch of a list, a whole list, a key or a unit."""
    lists, objects = containers(answer, list), containers(answer, dict)
    kind = data.draw(st.sampled_from(("cell", "stretch", "list", "reorder", "cut", "key", "unit", "everywhere")))
    if not lists or not objects:
        return
    of = lists[data.draw(st.integers(0, len(lists) - 1))]
    at, end = sorted(data.draw(st.tuples(*[st.integers(0, len(of))] * 2)))
    value = data.draw(st.sampled_from(VALUES))
    if kind == "cell":
        of[min(at, len(of) - 1)] = value
    elif kind == "stretch":
        of[at:end] = [copy.deepcopy(value) for _ in range(end - at)]
    elif kind == "list":
        of[:] = [copy.deepcopy(value) for _ in of]
    elif kind == "reorder":
        of[at:end] = of[at:end][::-1]
    elif kind == "cut":
        del of[at:end]
    elif kind == "unit":
        for units in objects:
            for key in [
                key for key, unit in units.items() if unit in ("°C", "celsius", "m/s", "km/h", "mm", "%", "cm")
            ]:
                if data.draw(st.booleans()):
                    units[key] = data.draw(st.sampled_from(UNITS))
    else:
        one = objects[data.draw(st.integers(0, len(objects) - 1))]
        key = data.draw(st.sampled_from(sorted(one)))
        for here in objects if kind == "everywhere" else [one]:
            if key in here and data.draw(st.booleans()):
                del here[key]
            elif key in here:
                here[key] = copy.deepcopy(value)


def check(name: str, body: bytes, values: int) -> None:
    """The outcome is one of the two, and its work is bounded by the number of values in the answer."""
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    members: tuple[WeatherSeries, ...] = ()
    refused = ""
    sys.setprofile(count)
    try:
        members = READ[name](body)
    except WeatherError as error:
        refused = str(error)
    finally:
        sys.setprofile(None)
    assert bool(members) != bool(refused)
    assert not refused or (name in refused and len(refused) < 2000)
    assert all(map(passes, members))
    assert all(np.array_equal(member.time_utc_s, members[0].time_utc_s) for member in members)
    assert calls <= CALLS_LEAST + CALLS_PER_VALUE * values


def size(answer: Any) -> int:
    """Values of an answer."""
    if isinstance(answer, (dict, list)):
        return 1 + sum(map(size, answer.values() if isinstance(answer, dict) else answer))
    return 1


@pytest.mark.parametrize("name", MADE)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_made_answers(name: str, data: st.DataObject) -> None:
    source, body = MADE[name]
    answer = json.loads(body)
    for _ in range(data.draw(st.integers(1, 4))):
        mutate(answer, data)
    check(source, json.dumps(answer).encode(), size(answer))


@pytest.mark.data
@pytest.mark.parametrize("name", RECORDED)
@settings(max_examples=EXAMPLES // 3)
@given(data=st.data())
def test_recorded_answers(data_dir: Path, name: str, data: st.DataObject) -> None:
    answer = json.loads((data_dir / "api_samples" / name).read_text())
    if RECORDED[name] == "met-norway":
        answer = answer.get("data", answer)
    for _ in range(data.draw(st.integers(1, 4))):
        mutate(answer, data)
    check(RECORDED[name], json.dumps(answer).encode(), size(answer))


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_station_rows(data: st.DataObject) -> None:
    rows = [line.split(" ") for line in asos_day().decode().split("\n")]
    for _ in range(data.draw(st.integers(1, 4))):
        mutate({"rows": rows}, data)
    text = "\n".join(" ".join(map(str, row)) if isinstance(row, list) else str(row) for row in rows)
    check("kma-asos", text.encode("euc-kr", "replace"), 24 * 46)


@pytest.mark.parametrize("source", ["open-meteo", "met-norway", "kma-village", "kma-asos"])
def test_the_work_grows_with_the_answer_only(source: str) -> None:
    """Ten times the hours are at most ten times the calls."""
    make: dict[str, Callable[[int], bytes]] = {
        "open-meteo": lambda n: json.dumps(open_meteo(48 * n)).encode(),
        "met-norway": lambda n: met(24 * n),
        "kma-village": lambda n: village(24 * n),
        "kma-asos": lambda n: b"\n".join([asos_day()] * n),
    }
    for n in (1, 10):
        body = make[source](n)
        check(source, body, n * 24 * 46 if source == "kma-asos" else size(json.loads(body)))
