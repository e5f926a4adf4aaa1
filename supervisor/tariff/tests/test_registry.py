"""One registry for every user of a tariff: configuration, service, reports, demo and benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config import load
from supervisor.tariff.configured import configured_tariff, tariff_file, usable_tariff
from supervisor.tariff.registry import KINDS, choose

DOCS = Path(__file__).parents[3] / "docs"
CITY = (DOCS / "examples" / "city.toml").read_text()
PRICES = "time_utc_start,price_eur_per_mwh\n2026-01-01T00:00Z,100\n2026-01-01T01:00Z,120\n"
BANDS = '{"currency": "EUR", "bands": [{"name": "all", "price_per_kwh": 0.2}]}'


@pytest.mark.parametrize(
    ("table", "name", "price", "file"),
    [
        ("flat = 120.0", "flat", 120.0, None),
        ('[[tariff.band]]\nname = "all"\nprice_per_kwh = 90', "bands", 90.0, None),
        ('file = "prices.csv"', "day-ahead", 0.1, "prices.csv"),
        ('file = "bands.json"', "bands-file", 0.2, "bands.json"),
        ('file = "bands.kepco"', "bands-file", 0.2, "bands.kepco"),
    ],
)
def test_the_keys_of_the_table_choose_the_kind(
    tmp_path: Path, table: str, name: str, price: float, file: str | None
) -> None:
    (tmp_path / "prices.csv").write_text(PRICES)
    for bands in ("bands.json", "bands.kepco"):
        (tmp_path / bands).write_text(BANDS)
    (tmp_path / "weather.csv").write_text("time_utc\n")
    begin, end = CITY.index("[tariff]"), CITY.index("[planner]")
    path = tmp_path / "city.toml"
    currency = 'currency = "EUR"\n' if file else ""
    path.write_text(f"{CITY[:begin]}[tariff]\n{currency}{table}\n{CITY[end:]}")
    config = load(path)
    kind = next(kind for kind in KINDS if kind.settings is type(config.tariff))
    assert kind.name == name
    start_utc_s = 1_767_225_600.0  # 2026-01-01T00:00Z
    for tariff in (configured_tariff(config), usable_tariff(config)[0]):
        assert tariff.prices(start_utc_s, 2).tolist() == [price, price]
    assert tariff_file(config) == (tmp_path / file if file else None)


def test_names_and_settings_are_each_used_once() -> None:
    assert len({kind.name for kind in KINDS}) == len({kind.settings for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        for suffix in kind.suffixes or ("",):
            assert choose({kind.key: f"x{suffix}"}) is kind
