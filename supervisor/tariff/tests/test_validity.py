"""Tariffs that change, calendars of holidays, and the base charge, at figures of real bills."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from supervisor.config import load
from supervisor.config.tests.examples import banded
from supervisor.domain.errors import TariffError
from supervisor.domain.zone import Site
from supervisor.tariff.advice import advice
from supervisor.tariff.bands import Band, BandTariff
from supervisor.tariff.configured import configured_demand, configured_tariff, usable_tariff
from supervisor.tariff.demand import Demand
from supervisor.tariff.flat import FlatTariff
from supervisor.tariff.holidays import Country, calendar
from supervisor.tariff.registry import read_tariff
from supervisor.tariff.worth import KWH_PER_ICE_FREE_HOUR, worth_of

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
WEEK = ("mon", "tue", "wed", "thu", "fri")
KEPCO_ARTICLE_68 = Demand(7470.0, 1.0, 12, (12, 1, 2, 7, 8, 9), 0.3)


def kst(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() - 9 * 3600


def general_b(light: float, mid: float, peak: float, months: tuple[int, ...], holidays: object) -> BandTariff:
    """KEPCO general (B): Saturday's peak hours cost mid, Sundays and holidays light."""
    mid_h, peak_h = ("08-09", "12-16", "19-22"), ("09-12", "16-19")
    if months == (10,):
        mid_h, peak_h = ("08-11", "12-13", "18-22"), ("11-12", "13-18")
    bands = (
        Band("night", light, ("22-08",), days=(*WEEK, "sat")),
        Band("mid", mid, mid_h, days=WEEK),
        Band("peak", peak, peak_h, days=WEEK),
        Band("saturday", mid, ("08-22",), days=("sat",)),
        Band("sunday", light, days=("sun",)),
    )
    return BandTariff(bands, "Asia/Seoul", holidays=calendar(holidays))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("month", "rates", "holidays", "won"),
    [
        ("2023-12", (99.8, 145.9, 203.4), Country("KR"), 38_914_480),
        ("2023-10", (92.8, 115.3, 146.0), Country("KR"), 31_915_200),
        ("2023-10", (92.8, 115.3, 146.0), Country("KR", excepted=(date(2023, 10, 2),)), 32_114_880),
    ],
    ids=["Christmas", "temporary holiday counts", "temporary holiday left out"],
)
def test_a_flat_400_kw_for_a_month_costs_what_a_bill_says(
    month: str, rates: tuple[float, float, float], holidays: Country, won: int
) -> None:
    tariff = general_b(*rates, (int(month[-2:]),), holidays)
    price = tariff.prices(kst(f"{month}-01T00:00"), 31 * 96)
    assert 400 / 4 * float(price.sum()) == pytest.approx(won, abs=1)


def test_the_built_in_calendar_has_substitute_and_temporary_holidays_and_takes_corrections() -> None:
    korea = calendar(Country("KR", extra=(date(2027, 4, 1),), excepted=(date(2025, 6, 3),)))
    for day in ("2025-01-27", "2025-03-03", "2025-05-06", "2025-10-08", "2026-02-17", "2026-03-02", "2027-04-01"):
        assert date.fromisoformat(day) in korea
    for day in ("2025-06-03", "2026-02-19", "2025-01-31"):
        assert date.fromisoformat(day) not in korea
    assert date(2026, 1, 6) in calendar(Country("DE", subdivision="BY"))
    assert date(2026, 1, 6) not in calendar(Country("DE"))
    union = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
    for code in union.split(" "):
        assert date(2026, 12, 25) in calendar(Country(code)), code


CHANGES = """{"currency": "KRW", "bands": [
  {"name": "old", "price_per_kwh": 109.7, "until": "2024-10-24"},
  {"name": "new", "price_per_kwh": 118.2, "from": "2024-10-24"}]}"""


def test_each_kwh_has_the_price_of_its_day(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(CHANGES)
    tariff = read_tariff(path, "Asia/Seoul")
    price = tariff.prices(kst("2024-10-01T00:00"), 61 * 96)
    assert price[:2208].tolist() == [109.7] * 2208
    assert price[2208:].tolist() == [118.2] * (61 * 96 - 2208)
    # 10 kWh a day: 23 days at the old price, 38 at the new one
    assert float(price.sum()) * 10 / 96 == pytest.approx(230 * 109.7 + 380 * 118.2)


def test_a_tariff_of_dates_is_held_for_plans_and_refused_for_bills_outside_them(tmp_path: Path) -> None:
    text = banded()
    begin, end = text.index("[[tariff.band]]"), text.index("[planner]")
    band = "[[tariff.band]]\nname = '{}'\nprice_per_kwh = {}\nfrom = {}\nuntil = {}\n"
    bands = band.format("a", 100, "2024-01-01", "2024-06-01") + band.format("b", 110, "2024-06-01", "2025-01-01")
    (tmp_path / "weather.csv").touch()
    (tmp_path / "city.toml").write_text(text[:begin] + bands + text[end:])
    config = load(tmp_path / "city.toml")
    billed, (planned, _) = configured_tariff(config), usable_tariff(config)
    for day, price in (("2023-12-31", 100), ("2024-05-31", 100), ("2024-06-01", 110), ("2025-01-01", 110)):
        at = kst(f"{day}T12:00")
        assert planned.prices(at, 1)[0] == price
        if day.startswith("2024"):
            assert billed.prices(at, 1)[0] == price
        else:
            with pytest.raises(TariffError, match=f"no price for {day}"):
                billed.prices(at, 1)


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ((Band("a", 1.0, until=date(2024, 1, 1)), Band("b", 1.0, since=date(2024, 2, 1))), "from 2024-01-01 until"),
        ((Band("a", 1.0, until=date(2024, 2, 1)), Band("b", 1.0, since=date(2024, 1, 1))), "overlaps.*from 2024-01"),
        ((Band("a", 1.0, since=date(2024, 2, 1), until=date(2024, 2, 1)),), "until is not after from"),
        ((Band("a", 1.0), Band("b", 1.0, ("00-01",), since=date(2024, 2, 1))), "overlaps band 'a'.*from 2024-02-01"),
    ],
)  # fmt: skip
def test_a_change_that_leaves_a_gap_or_an_overlap_is_refused_with_its_dates(
    bands: tuple[Band, ...], message: str
) -> None:
    with pytest.raises(TariffError, match=message):
        BandTariff(bands, "UTC")


def test_a_ratchet_bills_the_months_that_count_and_a_part_of_the_contract() -> None:
    peaks = {
        (2025, 9): 112.0, (2025, 10): 300.0, (2025, 11): 102.0, (2025, 12): 120.0, (2026, 1): 132.0, (2026, 2): 113.0,
        (2026, 3): 87.0, (2026, 4): 68.0, (2026, 5): 80.0, (2026, 6): 90.0, (2026, 7): 113.0, (2026, 8): 118.0,
    }  # fmt: skip
    billed = {month: KEPCO_ARTICLE_68.billed_kw(month, peaks, 290.0) for month in peaks}
    assert [billed[month] for month in ((2025, 10), (2025, 11), (2026, 3), (2026, 8))] == [300.0, 112.0, 132.0, 132.0]
    assert 7470 * KEPCO_ARTICLE_68.billed_kw((2026, 11), {(2026, 1): 315.0, (2026, 11): 60.0}, 400.0) == 2_353_050
    assert 7470 * KEPCO_ARTICLE_68.billed_kw((2026, 11), {(2026, 11): 60.0}, 400.0) == 896_400
    assert KEPCO_ARTICLE_68.billed_kw((2027, 1), {(2026, 1): 315.0}, 0.0) == 0.0


def test_the_example_of_kepco_is_a_tariff_whose_every_key_counts(tmp_path: Path) -> None:
    text = (EXAMPLES / "city.toml").read_text()
    begin, end = text.index("[tariff]"), text.index("[planner]")
    (tmp_path / "weather.csv").touch()
    (tmp_path / "city.toml").write_text(text[:begin] + (EXAMPLES / "kepco.toml").read_text() + "\n" + text[end:])
    assert tomllib.loads((tmp_path / "city.toml").read_text())
    config = load(tmp_path / "city.toml")
    tariff = configured_tariff(config)
    assert isinstance(tariff, BandTariff)
    assert configured_demand(config) == KEPCO_ARTICLE_68
    assert tariff.prices(kst("2024-10-23T12:00"), 1)[0] == 140.4
    assert tariff.prices(kst("2024-10-24T12:00"), 1)[0] == 148.9
    assert tariff.prices(kst("2025-01-27T12:00"), 1)[0] == 102.8  # a temporary holiday, a Monday
    assert tariff.counts_peak(kst("2025-01-07T07:30"), 4).tolist() == [False, False, True, True]
    assert list(advice(tariff, config.site, kst("2025-01-07T07:30"), None)) == []


SEOUL = Site("seoul", "Asia/Seoul", 37.6, 127.0)
NOW = kst("2026-01-07T12:00")
SUNDAYS = (Band("w", 140.0, days=(*WEEK, "sat")), Band("s", 94.0, days=("sun",)))


@pytest.mark.parametrize(
    ("tariff", "worth", "said"),
    [
        (BandTariff(SUNDAYS, "Asia/Seoul"), None, 'holidays is missing.*country = "KR"'),
        (BandTariff(SUNDAYS, "Asia/Seoul", holidays=calendar(Country("KR"))), None, ""),
        (BandTariff((Band("a", 120.0),), "Asia/Seoul", holidays=calendar(Country("KR"))), None, "changes no price"),
        (FlatTariff(0.25, "EUR"), 8000.0, "is worth 3.2e.04 kWh; 64 are usual"),
        (FlatTariff(0.25, "EUR"), None, ""),
        (FlatTariff(120.0), 8000.0, ""),
        (FlatTariff(95.0, "EUR"), None, "check its unit"),
    ],
)
def test_a_probable_mistake_is_said(tariff: BandTariff | FlatTariff, worth: float | None, said: str) -> None:
    found = list(advice(tariff, SEOUL, NOW, worth))
    assert len(found) == (1 if said else 0)
    if said:
        assert re.search(said, found[0])


def test_dates_that_are_all_past_and_a_base_charge_of_another_currency_are_said() -> None:
    old = BandTariff(SUNDAYS, "Asia/Seoul", holidays=calendar([date(2025, 12, 25)]))
    assert "no day of the coming half year" in next(advice(old, SEOUL, NOW, None))
    [said] = advice(FlatTariff(0.25, "EUR"), SEOUL, NOW, None, {"f1": 5550.0, "f2": 17.0})
    assert "feeder f1: a base charge of 5550 EUR per kW is worth 22,200 kWh; plans count 150" in said
    worth = worth_of(FlatTariff(0.25, "EUR"), NOW, "EUR", None)
    assert [worth.demand(price) for price in (5550.0, 17.0)] == [37.5, 17.0]
    assert worth_of(FlatTariff(0.001), NOW, "KRW", 8000.0).demand(8230.0) == 8230.0  # a fortnight of wind


def test_without_a_price_of_its_own_an_ice_free_hour_follows_the_tariff() -> None:
    assert worth_of(FlatTariff(0.25, "EUR"), NOW, "EUR", None).per_ice_free_hour == pytest.approx(16.0)
    assert worth_of(FlatTariff(125.0), NOW, "KRW", None).per_ice_free_hour == 8000.0
    winter = general_b(94.3, 140.4, 197.9, (12,), Country("KR"))  # KEPCO industrial (B) of 2023
    assert worth_of(winter, NOW, "KRW", None).per_ice_free_hour == pytest.approx(8000.0, rel=0.03)
    assert worth_of(FlatTariff(0.25, "EUR"), NOW, "EUR", 20.0).per_ice_free_hour == 20.0


@pytest.mark.parametrize("price", [0.0, -0.3, 0.25, 1e-9])
@pytest.mark.parametrize("configured", [None, 8000.0])
def test_no_price_and_no_foreign_money_makes_heat_worthless(price: float, configured: float | None) -> None:
    worth = worth_of(FlatTariff(price, "EUR"), NOW, "KRW", configured)
    assert not worth.demand_counts  # won of the base charge against euro of energy
    assert worth.per_ice_free_hour == pytest.approx(KWH_PER_ICE_FREE_HOUR * worth.per_kwh)
    assert worth.per_kwh > 0.0


def test_a_week_of_negative_prices_counts_as_free() -> None:
    class Wind:
        currency = "EUR"

        def prices(self, start_utc_s: float, n_slots: int, slot_s: int = 900) -> np.ndarray:
            return np.where(np.arange(n_slots) % 4 == 0, 0.2, -0.5)

    assert worth_of(Wind(), NOW, "EUR", None).per_kwh == pytest.approx(0.05)


def test_every_day_of_two_years_has_a_price_at_the_change_of_clocks_too() -> None:
    bands = (Band("n", 1.0, ("22-06",), until=date(2025, 10, 26)), Band("d", 2.0, ("06-22",), until=date(2025, 10, 26)),
             Band("new", 3.0, since=date(2025, 10, 26)))  # fmt: skip
    tariff = BandTariff(bands, "Europe/Tallinn")
    midnight = datetime(2025, 10, 25, 21, tzinfo=UTC)
    assert tariff.prices(midnight.timestamp() - 900, 2).tolist() == [1.0, 3.0]
    assert np.isfinite(tariff.prices((midnight - timedelta(days=365)).timestamp(), 730 * 96)).all()
