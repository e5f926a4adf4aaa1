from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.errors import TariffError
from supervisor.tariff.bands import Band, BandTariff
from supervisor.tariff.demand import Demand
from supervisor.tariff.flat import FlatTariff
from supervisor.tariff.registry import choose, read_tariff

WINTER, REST = (11, 12, 1, 2), (3, 4, 5, 6, 7, 8, 9, 10)
WEEK = ("mon", "tue", "wed", "thu", "fri")
KEPCO = (
    Band("off", 94.3, ("22-08",), WINTER, (*WEEK, "sat")),
    Band("mid", 140.4, ("08-09", "12-16", "19-22"), WINTER, WEEK),
    Band("peak", 197.9, ("09-12", "16-19"), WINTER, WEEK),
    Band("saturday", 140.4, ("08-22",), WINTER, ("sat",)),
    Band("sunday", 94.3, months=WINTER, days=("sun",)),
    Band("rest", 100.0, months=REST),
)


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_time_of_use_follows_local_hours_weekdays_and_seasons() -> None:
    tariff = BandTariff(KEPCO, "Asia/Seoul")
    # Friday 29 December 2023, 08:00 KST = 23:00 UTC the day before.
    prices = tariff.prices(utc("2023-12-28T23:00"), 16)
    assert prices[:4].tolist() == [140.4] * 4
    assert prices[4:].tolist() == [197.9] * 12
    assert tariff.prices(utc("2023-12-31T03:00"), 1)[0] == 94.3  # Sunday noon
    assert tariff.prices(utc("2023-12-30T03:00"), 1)[0] == 140.4  # Saturday noon
    assert tariff.prices(utc("2023-07-05T03:00"), 1)[0] == 100.0


def test_holidays_count_as_sundays_unless_a_band_names_them() -> None:
    christmas = frozenset({date(2023, 12, 25)})  # a Monday
    noon = utc("2023-12-25T01:00")
    assert BandTariff(KEPCO, "Asia/Seoul", holidays=christmas).prices(noon, 1)[0] == 94.3
    assert BandTariff(KEPCO, "Asia/Seoul").prices(noon, 1)[0] == 197.9
    named = (*KEPCO, Band("holiday", 50.0, months=WINTER, days=("holiday",)), Band("h2", 50.0, (), REST, ("holiday",)))
    with pytest.raises(TariffError, match=r"overlaps band 'rest'"):
        BandTariff(named, "Asia/Seoul", holidays=christmas)


def test_daylight_saving_repeats_and_skips_an_hour_with_the_clock_on_the_wall() -> None:
    tariff = BandTariff((Band("night", 1.0, ("00-03",)), Band("day", 2.0, ("03-24",))), "Europe/Tallinn")
    autumn = tariff.prices(utc("2022-10-29T21:00"), 24)  # 00:00 EEST; 03:00–04:00 happens twice
    spring = tariff.prices(utc("2023-03-25T22:00"), 16)  # 00:00 EET; 03:00 becomes 04:00
    assert (autumn == 1.0).sum() == 12
    assert (spring == 1.0).sum() == 12


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ((Band("a", 1.0, ("00-12",)),), "no band covers month 1, mon, 12:00"),
        ((Band("a", 1.0), Band("b", 2.0, ("07-08",), (2,))), r"band\[1\] 'b'.*overlaps band 'a' month 2, mon, 07:00"),
        ((Band("a", 1.0, ("8 till 9",)),), "cannot be read"),
        ((Band("a", 1.0, ("00:07-12",)),), "cannot be read"),
        ((Band("a", 1.0, months=(13,)),), "month 13"),
        ((Band("a", 1.0, days=("funday",)),), "funday"),
        ((Band("a", float("nan")),), "not a number"),
    ],
)
def test_a_tariff_that_is_not_one_price_per_moment_is_refused_with_the_place(
    bands: tuple[Band, ...], message: str
) -> None:
    with pytest.raises(TariffError, match=message):
        BandTariff(bands, "UTC")


@given(cuts=st.lists(st.integers(1, 95), min_size=1, max_size=5, unique=True))
def test_bands_that_tile_the_day_give_each_quarter_its_own_price(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), 96]
    text = [f"{q // 4:02d}:{q % 4 * 15:02d}" for q in edges]
    bands = tuple(Band(str(i), float(i), (f"{a}-{b}",)) for i, (a, b) in enumerate(itertools.pairwise(text)))
    prices = BandTariff(bands, "UTC").prices(utc("2024-01-03T00:00"), 96)
    assert prices.tolist() == [float(np.searchsorted(edges, q, side="right") - 1) for q in range(96)]


def test_exactly_one_source_of_prices() -> None:
    assert choose({"flat": 0.0, "band": [], "file": ""}).name == "flat"
    assert FlatTariff(120.0).prices(0, 2).tolist() == [120.0, 120.0]
    for wrong in ({}, {"flat": 1.0, "band": [{"name": "a", "price_per_kwh": 1.0}]}):
        with pytest.raises(TariffError, match="exactly one of flat, band, utility, source and file"):
            choose(wrong)
    with pytest.raises(TariffError):
        FlatTariff(float("inf"))


def write_prices(path: Path, rows: list[str]) -> Path:
    path.write_text("time_utc_start,price_eur_per_mwh,filled\n" + "\n".join(rows) + "\n")
    return path


def test_day_ahead_prices_are_read_held_for_their_hour_and_repeated_for_a_day(tmp_path: Path) -> None:
    rows = [f"2022-10-01T{h:02d}:00:00Z,{100 + h},0" for h in range(24)]
    tariff = read_tariff(write_prices(tmp_path / "p.csv", rows), "UTC")
    assert tariff.currency == "EUR"
    prices = tariff.prices(utc("2022-10-01T00:30"), 4 * 30)
    assert prices[:3].tolist() == pytest.approx([0.100, 0.100, 0.101])
    assert prices[4 * 24] == pytest.approx(0.100)  # the day after: same hour
    with pytest.raises(TariffError, match="no price for 2022-09-30"):
        tariff.prices(utc("2022-09-30T23:00"), 8)
    with pytest.raises(TariffError, match="no price for"):
        tariff.prices(utc("2022-10-05T00:00"), 8)


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        (["2022-10-01T00:00:00Z,1,0", "2022-10-01T01:00:00Z,2,0", "2022-10-01T03:00:00Z,3,0"], r"csv:4: gap before"),
        (["2022-10-01T00:00:00Z,1,0", "2022-10-01T01:00:00Z,2,0", "2022-10-01T01:00:00Z,3,0"], r"csv:4: overlap at"),
        (["2022-10-01T00:00:00Z,1,0", "2022-10-01T01:00:00Z,cheap,0"], r"csv:3: could not convert"),
        (["2022-10-01T00:00:00Z,1,0", "2022-10-01T01:00:00Z,nan,0"], r"csv:3: price is not a number"),
    ],
)
def test_price_files_with_faults_are_refused_by_line(tmp_path: Path, rows: list[str], place: str) -> None:
    with pytest.raises(TariffError, match=place):
        read_tariff(write_prices(tmp_path / "p.csv", rows), "UTC")


def test_a_json_tariff_names_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"currency":"KRW","bands":[{"name":"a","price_per_kwh":100.0}],"holidays":["2024-01-01"]}')
    assert read_tariff(path, "Asia/Seoul").prices(0, 1)[0] == 100.0
    path.write_text('{"currency":"KRW","bands":[{"name":"a","price":100.0}]}')
    with pytest.raises(TariffError, match=r"t\.json"):
        read_tariff(path, "Asia/Seoul")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("prices.csv", b"\xff\xfe\x00"),
        ("prices.csv", b"time_utc_start,price_\xff"),
        ("prices.csv", b"x" * 200_000),
        ("prices.csv", b"\x00"),
        ("bands.json", b"\xff"),
        ("bands.json", b'{"currency":"KRW","bands":[{"name":"x","price_per_kwh":1}],"timezone":"[/x]"}'),
    ],
)
def test_a_file_that_holds_no_tariff_is_refused_with_its_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TariffError, match=name) as refused:
        read_tariff(tmp_path / name, "Asia/Seoul")
    assert refused.value.remedy


def test_a_ratchet_makes_last_winters_peak_the_floor() -> None:
    demand = Demand(price_per_kw=7470, ratchet=1.0, window_months=12)
    peaks = {(2026, 1): 900.0, (2026, 12): 50.0, (2027, 1): 50.0}
    assert demand.billed_kw((2026, 12), peaks) == 900.0
    assert demand.billed_kw((2027, 1), peaks) == 50.0
    assert Demand(7470).billed_kw((2026, 12), peaks) == 50.0


def test_holidays_of_the_configuration_count_beside_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    bands = '[{"name":"w","price_per_kwh":2,"days":["mon","tue","wed","thu","fri","sat"]},'
    path.write_text(f'{{"currency":"KRW","bands":{bands}{{"name":"s","price_per_kwh":1,"days":["sun"]}}]}}')
    holiday = date(2026, 2, 17)  # a Tuesday
    assert read_tariff(path, "UTC").prices(utc("2026-02-17T03:00"), 1)[0] == 2.0
    assert read_tariff(path, "UTC", [holiday]).prices(utc("2026-02-17T03:00"), 1)[0] == 1.0
