"""Worked bills from outside, to the won, where they lie beside the measured data; and public tables cell by cell."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from supervisor.tariff.billing.bill import Row, add_up
from supervisor.tariff.billing.rounding import cut
from supervisor.tariff.holidays import Country, calendar
from supervisor.tariff.kepco import charges
from supervisor.tariff.kepco.bill import Meter, Terms, make_bill
from supervisor.tariff.kepco.catalogue import catalogue
from supervisor.tariff.kepco.hours import REFORM_2026, SINCE_2023, Hours, day_band
from supervisor.tariff.kepco.kind import TEMPORARY_HOLIDAYS, KepcoTariff

pytestmark = pytest.mark.data
D = Decimal
SEOUL = ZoneInfo("Asia/Seoul")
VAT = D("0.1")
KOREA = calendar(Country("KR"))


@pytest.fixture
def bills(data_dir: Path) -> Path:
    folder = data_dir.parent / "cases" / "bills"
    if not folder.is_dir():
        pytest.skip("the worked bills are not beside the measured data")
    return folder


def case(bills: Path, number: str) -> tuple[dict[str, Any], dict[str, Any]]:
    [path] = bills.glob(f"{number}-*.json")
    found = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return found["inputs"], found["expected"]


def test_every_cell_of_the_tables(bills: Path) -> None:
    tables = json.loads((bills / "TARIFFS.json").read_text(encoding="utf-8"), parse_float=Decimal)
    ours, checked = catalogue(), 0
    for version in tables["versions"]:
        day = version["valid_from"] if version["valid_from"][:2] == "20" else "2026-12-01"
        option = ours.option(version["option"])
        assert option.base_won_per_kw == version["base_won_per_kw_month"]
        for band, rates in version["energy_won_per_kwh"].items():
            wanted = (rates["summer"], rates["spring_autumn"], rates["winter"])
            assert option.rates(date.fromisoformat(day))[band] == wanted, (version["option"], day, band)
            checked += 3
    assert checked > 400
    for name, steps in (("climate", "climate_won_per_kwh"), ("fuel", "fuel_won_per_kwh")):
        wanted_steps = tuple((date.fromisoformat(day), value) for day, value in tables[steps])
        assert getattr(ours, name) == wanted_steps


def test_a_bill_of_two_seasons(bills: Path) -> None:
    given, expected = case(bills, "01")
    agreed = Terms(
        catalogue().option("general_A1_low"), D(given["contract_kw"]), billing_day=11, lagging=given["pf_lagging"],
        leading=given["pf_leading"],
    )  # fmt: skip
    bill = make_bill("f1", (2022, 9), agreed, catalogue(), Meter({"all": given["kwh"]}))
    rows = {row.code: row.amount for row in bill.rows}
    found = {"base": rows["base"], "pf": rows["power-factor"], **{k: rows[k] for k in ("energy", "climate", "fuel")}}
    found |= {"charges": bill.charges, "vat": bill.vat, "fund": bill.levies, "total": bill.total}
    assert found == expected


@pytest.mark.parametrize("number", ["02", "03", "04", "05"])
def test_totals_of_printed_rows(bills: Path, number: str) -> None:
    given, expected = case(bills, number)
    rows = dict(given.get("printed_rows") or given.get("rows") or {"base": given["base"]})
    if "tiers" in given:
        rows["energy"] = cut(sum((D(kwh) * price for kwh, price in given["tiers"]), D(0)))
        assert rows["energy"] == expected["energy"]
    if "family_discount" in given:
        rows["family"] = -cut(D(sum(rows.values())) * given["family_discount"])
        assert rows["family"] == expected["family"]
    totals = add_up(tuple(Row(code=code, amount=D(amount)) for code, amount in rows.items()), VAT, D(given["fund"]))
    found = {"charges": totals.charges, "vat": totals.vat, "fund": totals.levies, "total": totals.total}
    assert found == {name: expected[name] for name in found}
    assert totals.total_cut == expected.get("unit_cut", totals.total_cut)


def kwh_by_band(year: int, month: int, hours: Hours, temporary: bool) -> dict[str, int]:
    """400 kW all month."""
    known = calendar(Country("KR"))
    found = dict.fromkeys(("light", "mid", "peak"), 0)
    first, past = charges.period((year, month), 1)
    for day in range((past - first).days):
        for hour in range(24):
            local = datetime(year, month, day + 1, hour, tzinfo=SEOUL)
            free = {local.date()} if local.date() in known else set()
            if not temporary:
                free -= TEMPORARY_HOLIDAYS
            found[day_band(hours, local, free)] += 400
    return found


@pytest.mark.parametrize(("number", "month", "hours"), [("06", 7, REFORM_2026), ("08", 12, SINCE_2023)])
def test_a_flat_load_by_bands(bills: Path, number: str, month: int, hours: Hours) -> None:
    given, expected = case(bills, number)
    kwh = kwh_by_band(2023, month, hours, temporary=True)
    assert kwh == expected["kwh"]
    assert sum(kwh[band] * given["rates"][band] for band in kwh) == expected["energy"]
    if "base" in expected:
        assert charges.base(D(400), D(given["base_rate"]), 31, 31) == expected["base"]


def test_a_temporary_holiday_is_the_site_s_choice(bills: Path) -> None:
    given, expected = case(bills, "09")
    for hours in (SINCE_2023, REFORM_2026):
        sums = {
            temporary: sum(kwh * given["rates"][band] for band, kwh in kwh_by_band(2023, 10, hours, temporary).items())
            for temporary in (True, False)
        }
        if sums[False] == expected["energy_excluded"]:
            break
    assert sums == {True: expected["energy_included"], False: expected["energy_excluded"]}


def test_the_ratchet(bills: Path) -> None:
    given, expected = case(bills, "12")
    peaks = {(int(month[:4]), int(month[5:])): D(kw) for month, kw in given["peaks_kw"].items()}
    for month, kw in expected["billed_kw"].items():
        assert charges.billed((int(month[:4]), int(month[5:])), peaks, D(given["contract_kw"]))[0] == kw
    assert charges.base(D(132), D(given["rate"]), 31, 31) == expected["base_2026-08"]


def test_power_factors(bills: Path) -> None:
    given, expected = case(bills, "16")
    rule = charges.power_factor_rule(date(2026, 1, 31))
    base = D(given["base_charge"])
    assert [charges.power_factor(base, rule, one, None) for one in given["lagging"]] == expected["lagging_won"]
    assert [charges.power_factor(base, rule, None, one) for one in given["leading_night"]] == expected["leading_won"]


def test_contract_change(bills: Path) -> None:
    given, expected = case(bills, "17")
    kw = charges.equivalent_kw((D(kw), days) for kw, days in zip(given["kw"], given["days"], strict=True))
    assert kw == expected["equivalent_kw"]
    assert charges.base(kw, D(given["rate"]), 30, 30) == expected["base"]


def test_price_change_and_one_reading(bills: Path) -> None:
    given, expected = case(bills, "18")
    agreed = Terms(catalogue().option("industrial_A1_HA_II"), D(100))
    bill = make_bill("f1", (2024, 10), agreed, catalogue(), Meter({"all": given["kwh"]}))
    assert next(row.amount for row in bill.rows if row.code == "energy") == expected["energy"]


def test_the_fund_by_day(bills: Path) -> None:
    given, expected = case(bills, "20")
    days = [date.fromisoformat(day) for day in given["days"]]
    parts = [charges.fund_part(catalogue().fund, day, date.fromordinal(day.toordinal() + 1)) for day in days]
    assert [cut(D(given["charges_won"]) * part, 10) for part in parts] == expected["fund"]


def test_no_base_charge_out_of_season(bills: Path) -> None:
    given, expected = case(bills, "75")
    floor, _ = charges.billed((2026, 1), {}, D(given["contract_kw"]))
    monthly = charges.base(floor, D(given["rate"]), 30, 30)
    assert monthly * expected["connected_months"] == expected["base_won_season_floor"]
    assert monthly * 12 == expected["base_won_if_never_cut_floor"]


def test_a_peak_at_night_sets_no_base_charge(bills: Path) -> None:
    given, expected = case(bills, "15")
    option = catalogue().option("general_B_HA_I")
    july = datetime(2024, 7, 1, tzinfo=SEOUL).timestamp()
    kw = np.full((31, 96), 400)
    kw[:, 11] = expected["observed_peak_kw"]  # 02:45 to 03:00
    load = kw.reshape(-1)
    counted = KepcoTariff(option, KOREA, "Asia/Seoul", light_counts=False).counts_peak(july, load.size)
    peak = D(int(load[counted].max()))
    billed, _ = charges.billed((2024, 7), {(2024, 7): peak}, D(1200))
    assert (int(load.max()), billed) == (expected["observed_peak_kw"], expected["billed_kw"])
    assert charges.base(billed, D(given["rate"]), 31, 31) == expected["base"]
