"""Days of real exchanges with known means, where they lie beside the measured data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from supervisor.domain.errors import TariffError
from supervisor.tariff.day_ahead import Reading, read_prices
from supervisor.tariff.kepco.tests.test_bill_cases import bills, case  # noqa: F401
from supervisor.tariff.price_series import Charges

pytestmark = pytest.mark.data


def write(path: Path, heading: str, start: datetime, minutes: int, prices: list[float]) -> Path:
    """Prices in steps from `start` on, in UTC."""
    rows = [f"{start + timedelta(minutes=minutes * n):%Y-%m-%dT%H:%MZ},{price}" for n, price in enumerate(prices)]
    path.write_text("\n".join([f"time_utc_start,{heading}", *rows]) + "\n")
    return path


def test_an_hour_that_comes_twice_has_two_means(bills: Path, tmp_path: Path) -> None:  # noqa: F811
    given, expected = case(bills, "31")
    first = datetime.strptime(expected["utc_start_first"], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    file = write(tmp_path / "be.csv", "price_eur_per_mwh", first, 15, [float(price) for price in given["true"]])
    means = 1000 * read_prices(file).prices(first.timestamp(), 8).reshape(2, 4).mean(axis=1)
    assert means.tolist() == pytest.approx([float(expected["mean_first_hour"]), float(expected["mean_second_hour"])])


def test_a_value_added_tax_is_added_once(bills: Path, tmp_path: Path) -> None:  # noqa: F811
    given, expected = case(bills, "34")
    start = datetime(2023, 2, 17, 23, tzinfo=UTC)
    site = [float(price) for price in given["site_eur_or_dkk_per_mwh"]]
    file = write(tmp_path / "dk2.csv", "price_dkk_per_mwh", start, 60, site)
    tariff = read_prices(file, Reading("DKK", charges=Charges(0.0, 1 + float(given["vat"]))))
    found = tariff.prices(start.timestamp(), 12)[::4]
    assert found.tolist() == pytest.approx([float(price) for price in expected["per_kwh_with_vat"]], abs=5e-4)


def test_a_day_with_negative_hours_and_a_spike_is_kept_as_it_is(bills: Path, tmp_path: Path) -> None:  # noqa: F811
    given, expected = case(bills, "35")
    start = datetime(2023, 9, 25, 22, tzinfo=UTC)
    file = write(tmp_path / "se3.csv", "price_sek_per_kwh", start, 60, [float(price) for price in given["sek_per_kwh"]])
    hours = read_prices(file, Reading("SEK")).prices(start.timestamp(), 96)[::4]
    assert hours.mean() == pytest.approx(float(expected["mean"]), abs=5e-5)
    assert hours[:8].mean() == pytest.approx(float(expected["off_peak_1_mean"]))
    assert int(np.count_nonzero(hours < 0)) == expected["negative_hours"]
    assert hours.max() == pytest.approx(float(expected["max"]))


def test_a_flat_kilowatt_pays_all_25_hours_of_the_day_on_which_summer_time_ends(
    bills: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    given, expected = case(bills, "32")
    start = datetime.strptime(given["from"], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    file = write(tmp_path / "ee.csv", "price_eur_per_mwh", start, 60, [float(price) for price in given["eur_per_mwh"]])
    midnights = [datetime(2022, 10, day, tzinfo=ZoneInfo("Europe/Tallinn")).timestamp() for day in (30, 31)]
    assert midnights[0] == start.timestamp()
    quarters = round((midnights[1] - midnights[0]) / 900)
    prices = read_prices(file).prices(midnights[0], quarters)
    assert quarters == 4 * expected["n"]
    assert 1000 * prices.mean() == pytest.approx(float(expected["mean"]))
    assert (prices * 0.25).sum() == pytest.approx(float(expected["cost_of_1kw_flat_eur"]))


def test_a_year_of_prices_that_lacks_an_hour_is_refused(bills: Path, tmp_path: Path) -> None:  # noqa: F811
    """A client returned one hour too few of a leap year: sums over the year must not pass for whole."""
    given, expected = case(bills, "38")
    start, end = (
        datetime.strptime(given[name], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC) for name in ("from", "to_exclusive")
    )
    hours = round((end - start).total_seconds() / 3600)
    assert hours == expected["hours"] == given["client_returned"] + 1
    whole = write(tmp_path / "whole.csv", "price_eur_per_mwh", start, 60, [50.0] * hours)
    assert read_prices(whole).prices(start.timestamp(), 4 * hours).sum() * 0.25 == pytest.approx(0.05 * hours)
    rows = whole.read_text().splitlines()
    lacking = tmp_path / "lacking.csv"
    lacking.write_text("\n".join([*rows[:5000], *rows[5001:]]) + "\n")
    with pytest.raises(TariffError, match="gap before"):
        read_prices(lacking)
