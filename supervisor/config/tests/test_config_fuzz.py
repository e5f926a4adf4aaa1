"""`check-config` on files that no reasonable person writes: never a traceback; every error has file, key and remedy."""

from __future__ import annotations

import copy
import json
import math
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from datetime import time as day_time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from supervisor.check import explain
from supervisor.cli import main
from supervisor.config import read
from supervisor.config.tests.examples import banded
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.files import write_weather_csv

TEXT = banded()
DATA = tomllib.loads(TEXT)
DATA["influx"] = {"api": "v1", "url": "http://127.0.0.1:8086", "database": "roadheat"}
DATA["zone"][0]["horizon"] = [{"azimuth_deg": 90, "elevation_deg": 5}, {"azimuth_deg": 180, "elevation_deg": 30}]
DATA["zone"][0]["cable"] = {"depth_m": 0.07}
DATA["calibration"] = {"days": 28}
DATA["web"] |= {"public_url": "https://x", "metrics_token_env": "", "cert": "", "key": ""}
DATA["tariff"]["holidays"] = {"country": "KR", "extra": [date(2024, 1, 1)], "except": [date(2024, 1, 2)]}
DATA["tariff"]["demand"] = {"price_per_kw": 7470, "ratchet": 1.0, "months": [12, 1], "least_of_contract": 0.3}
DATA["tariff"]["band"][0] |= {"from": date(2020, 1, 1), "until": date(2030, 1, 1), "counts_peak": False}
DATA["tariff"]["band"][1] |= {"from": date(2020, 1, 1), "until": date(2030, 1, 1)}
DATA["tariff"]["band"][2] |= {"from": date(2020, 1, 1), "until": date(2030, 1, 1)}
NASTY_TEXT = (
    "", " ", "[/Seoul]", "[bold red]x[/]", "[]", "[[zone]]", ":fire:", "\x00", "\x1b[2J", "a\nb", "\u202e", "${HOME}",
    "`x`", "`unknown field `x``", "../../../etc/passwd", "/", ".", "Asia", "~", "x" * 5000, "x" * 300, "/dev/zero",
    "http://[", "http://x:99999999", "127.0.0.1:", ":1", "[::1]:8443", "1:²", "25-26", "-", "9" * 5000 + "-2", "%s{}",
)  # fmt: skip
NASTY = (
    *NASTY_TEXT, 0, -1, 1, 2**63, -(2**70), 16**6000, 10**300, 0.0, -0.5, 1e308, -1e308, 5e-324, math.inf, -math.inf,
    math.nan, True, False, date(2024, 2, 29),
    datetime.fromisoformat("2024-01-01T12:00"), datetime(2024, 1, 1, 12, tzinfo=UTC),
    day_time(7, 30), [], {}, [[]], [{}], [1, "a"], {"a": 1}, {"a": {"b": [{"c": 1}]}}, ["", ""],
)  # fmt: skip
KEYS = ("x", "", "a b", "a.b", "[/x]", "`x`", "\x1b", "성북", "zone", "name", 'q"q')


def to_toml(value: Any) -> str:
    """A value of tomllib's types as inline TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return hex(value) if value >= 2**63 else str(value)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else ("-" if value < 0 else "") + "inf" if math.isinf(value) else repr(value)
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {to_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_toml, value)) + "]"
    return str(value.isoformat())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every key and item."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


PLACES = tuple(places(DATA))
ANY_NASTY = st.integers(0, len(NASTY) - 1).map(lambda number: NASTY[number])  # Hypothesis prints no 7,000 digits
SCALAR = ANY_NASTY | st.text(max_size=20) | st.integers() | st.floats()
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
MUTATION = st.tuples(st.sampled_from(PLACES), st.sampled_from(["delete", "put", "put", "put", "add", "double"]), VALUE)


def mutate(data: Any, path: tuple[Any, ...], how: str, value: Any) -> None:
    """Change what stands at `path`; an earlier change may have taken it away."""
    holder = data
    try:
        for key in path[:-1]:
            holder = holder[key]
        if how == "delete":
            del holder[path[-1]]
        elif how == "put":
            holder[path[-1]] = value
        elif how == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[path[-1]]))
        elif how == "add" and isinstance(holder, dict):
            holder[KEYS[len(str(path)) % len(KEYS)]] = value
    except (KeyError, IndexError, TypeError):
        return


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("city")
    write_weather_csv(made / "weather.csv", design_storm(1_703_808_000.0))
    return made


def check(folder: Path, content: bytes) -> None:
    """The command's way and the objects behind it."""
    path = folder / "city.toml"
    path.write_bytes(content)
    config, found = read(path)
    problems: tuple[Any, ...] = found
    if config is not None and not found:
        problems, warnings = explain(config)
        assert all(warnings)
    for problem in problems:
        assert "city.toml" in problem.where or "weather.csv" in problem.where, problem.where
        assert problem.message
        assert problem.remedy
        assert len(str(problem)) < 2000
        if ": " in problem.where:
            assert problem.where.split(": ", 1)[1]
    result = CliRunner().invoke(main, ["check-config", str(path)], env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), content
    assert result.exit_code == (1 if problems else 0), content
    assert f"{len(problems)} error" in result.output or not problems


@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_no_change_of_the_example_ends_in_a_traceback(folder: Path, changes: list[Any]) -> None:
    data = copy.deepcopy(DATA)
    for path, how, value in changes:
        mutate(data, path, how, value)
    text = "\n".join(f"{json.dumps(key)} = {to_toml(value)}" for key, value in data.items())
    check(folder, text.encode("utf-8", "surrogatepass"))


@given(st.sampled_from(PLACES), ANY_NASTY)
def test_no_value_of_any_key_ends_in_a_traceback(folder: Path, path: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(DATA)
    mutate(data, path, "put", value)
    check(folder, "\n".join(f"{json.dumps(key)} = {to_toml(inner)}" for key, inner in data.items()).encode())


@given(st.data())
def test_no_damage_to_the_text_ends_in_a_traceback(folder: Path, data: st.DataObject) -> None:
    raw = bytearray(TEXT.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw) - 1))
        to = at + data.draw(st.integers(0, 40))
        raw[at:to] = data.draw(st.binary(max_size=8) | st.sampled_from([b"[", b"]", b"=", b'"', b"\n", b"[[", b"'''"]))
    check(folder, bytes(raw))


@pytest.mark.parametrize(
    "content",
    [
        b"x = " + b"9" * 5000,
        b"x = 0x" + b"F" * 5000,
        b"x = " + b"[" * 3000 + b"]" * 3000,
        b"site = " + b"{a=" * 2000 + b"1" + b"}" * 2000,
        b"[[zone]]\n" * 500,
        b"\x00",
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("utf-16"),
    ],
    ids=["decimal", "hex", "lists", "tables", "zones", "nul", "bom", "utf-16"],
)
def test_no_file_ends_in_a_traceback(folder: Path, content: bytes) -> None:
    check(folder, content)
