from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from supervisor.config import LISTS, TABLES, InvalidConfig, load, read
from supervisor.config.city import CityConfig
from supervisor.config.tests.examples import EXAMPLE, banded
from supervisor.domain.zone import Cable, Layer, Sprayer
from supervisor.tariff.bands import Band
from supervisor.tariff.demand import Demand
from supervisor.tariff.holidays import Country
from supervisor.tariff.registry import KINDS
from supervisor.weather.providers.registry import PROVIDERS


@pytest.fixture
def city(tmp_path: Path) -> Path:
    (tmp_path / "weather.csv").write_text("time_utc\n")
    path = tmp_path / "city.toml"
    path.write_text(banded())
    return path


def test_example_is_a_city_that_can_be_run(city: Path) -> None:
    config = load(Path(shutil.copy(EXAMPLE, city)))
    assert (len(config.zone), len(config.board), len(config.feeder)) == (12, 6, 3)
    for feeder in config.feeder:
        installed_kw = sum(z.power_w for z in config.zone if z.feeder == feeder.id) / 1000
        assert feeder.contract_kw == pytest.approx(0.9 * installed_kw, rel=0.01)
        assert feeder.breaker_kw >= installed_kw
    assert {z.heat_w_m2 for z in config.zone} == {300.0}
    assert [z.id for z in config.zones_of("b02")] == ["z03", "z04"]
    assert config.board_key_path("b01") == city.parent / "state" / "keys" / "b01.key"


WRONG = tomllib.loads(Path(__file__).with_name("wrong.toml").read_text())


@pytest.mark.parametrize("case", WRONG)
def test_each_error_says_file_key_value_and_remedy(city: Path, case: str) -> None:
    expected, text = WRONG[case], city.read_text()
    assert expected["instead_of"] in text
    city.write_text(text.replace(expected["instead_of"], expected["write"], 1))
    _, problems = read(city)
    found = [(p.where, p.message, p.remedy) for p in problems]
    assert any(
        expected["where"] in where and expected["message"] in message and expected["remedy"] in remedy
        for where, message, remedy in found
    ), found
    assert all(w.startswith("city.toml") and r for w, _, r in found)
    with pytest.raises(InvalidConfig):
        load(city)


def test_every_problem_is_told_at_once(city: Path) -> None:
    text = city.read_text()
    for right, wrong in (
        ("37.59", "137.59"),
        ("priority = 3", "priority = 7"),
        ("contract_kw = 211", "contract_kw = 5"),
    ):
        text = text.replace(right, wrong, 1)
    city.write_text(text)
    _, problems = read(city)
    assert len(problems) == 3
    with pytest.raises(InvalidConfig, match="and 2 more"):
        load(city)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"[site\n", "toml:1: .*broken TOML"), (b"\xff\xfe", "not UTF-8"), (None, "missing"), (b"", "table is missing")],
)
def test_file_that_cannot_be_read_says_so(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "city.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidConfig, match=message) as error:
        load(path)
    assert error.value.remedy
    assert "city.toml" in error.value.where


@pytest.mark.parametrize(
    "struct",
    [
        *TABLES.values(),
        *LISTS.values(),
        *(k.settings for k in (*KINDS, *PROVIDERS.values())),
        Band,
        Demand,
        Country,
        Layer,
        Cable,
        Sprayer,
        *(
            part
            for one in msgspec.structs.fields(CityConfig)
            for part in get_args(one.type)
            if isinstance(part, type) and issubclass(part, msgspec.Struct)
        ),
    ],
    ids=lambda s: s.__name__,
)
def test_every_key_is_documented(struct: type[msgspec.Struct]) -> None:
    text = (EXAMPLE.parents[1] / "configuration.md").read_text()
    for field in msgspec.structs.fields(struct):
        assert f"`{field.encode_name}`" in text or f"{field.encode_name} =" in text, field.encode_name
