"""`roadheat energy bill`: a supply's bill from the record, beside the utility's, and what bad input gets."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from supervisor import config as configuration
from supervisor.cli import main
from supervisor.config.tests.examples import EXAMPLE
from supervisor.domain.errors import RoadheatError
from supervisor.domain.zone import Feeder
from supervisor.energy.base_charge import Load
from supervisor.energy.shown import base_charge_of
from supervisor.energy.tests.billing import SEOUL, add_hours, bills, make_city, run
from supervisor.tariff.billing.generic import make_bill
from supervisor.tariff.kind import Taxes


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return make_city(tmp_path)


def test_the_bill_of_a_winter_month(city: Path) -> None:
    add_hours(city, "z01", [("2023-12-05T11:00", 60), ("2023-12-06T03:00", 60)])
    add_hours(city, "z02", [("2023-12-05T11:00", 45), ("2023-12-06T03:00", 62)])
    december = bills(city, "2023-12")["f1"]
    rows = {row["code"]: float(row["amount"]) for row in december["rows"]}
    assert rows == {
        "base": 105 * 8320,
        "energy-light": int(122 * 94.3),
        "energy-peak": int(105 * 197.9),
        "climate": 227 * 9,
        "fuel": 227 * 5,
    }
    peak = december["peak"]
    assert isinstance(peak, dict)
    assert (float(peak["own_kw"]), float(peak["observed_kw"]), peak["of_month"]) == (105.0, 122.0, "2023-12")
    assert {zone: float(kw) for zone, kw in peak["zones_kw"].items()} == {"z01": 60.0, "z02": 45.0}
    add_hours(city, "z01", [("2024-02-03T11:00", 10)])
    february = bills(city, "2024-02")["f1"]
    assert february["rows"][0]["quantity"] == "105"
    assert february["peak"]["of_month"] == "2023-12"
    said = run("--config", str(city), "--month", "2024-02", "--feeder", "f1")
    assert "billed 105 kW of 2023-12" in said
    assert "light hours do not set the base charge" in said
    assert "no record of 2023-03" not in said  # a month that counts in no later one


def test_what_a_site_chooses_is_billed_and_said(city: Path) -> None:
    add_hours(city, "z01", [("2023-10-02T11:00", 60)])  # a temporary holiday
    free = bills(city, "2023-10")["f1"]
    assert free["rows"][1]["code"] == "energy-light"
    text = city.read_text()
    city.write_text(text.replace('utility = "kepco"', 'utility = "kepco"\ntemporary_holidays = "working-day"'))
    working = bills(city, "2023-10")["f1"]
    assert working["rows"][1]["code"] == "energy-peak"
    assert any("temporary holidays count as working-days" in note for note in working["notes"])


def test_the_utility_s_bill_beside_it(city: Path) -> None:
    add_hours(city, "z01", [("2023-12-05T11:00", 60)])
    ours = bills(city, "2023-12")["f1"]
    same = city.parent / "kepco.csv"
    rows = [f"f1,{row['code']},{row['amount']}" for row in ours["rows"]]
    same.write_text("supply,item,amount\n" + "\n".join(rows) + f"\nf1,total,{ours['total']}\nf1,kwh,60.3\n")
    said = run("--config", str(city), "--month", "2023-12", "--utility", str(same))
    assert "f1 total: agrees" in said
    same.write_text(f"supply,item,amount\nf1,billed-kw,75\nf1,total,{ours['total']}\n")
    said = run("--config", str(city), "--month", "2023-12", "--utility", str(same), status=1)
    least = "Ours is the least that the contract allows: compare the contract's kW on the bill."
    assert f"f1 billed-kw: differs, ours 63, utility 75. {least}" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--month", "2023-13"), "not a month"),
        (("--month", "December"), "Write it like 2024-02"),
        (("--month", "2099-01"), "no record of this month"),
        (("--month", "2023-12", "--feeder", "f9"), "Write one of f1, f2, f3"),
        (("--month", "2023-12", "--utility", "none.csv"), "cannot be read"),
    ],
)
def test_bad_input_gets_a_sentence(city: Path, arguments: tuple[str, ...], message: str) -> None:
    add_hours(city, "z01", [("2023-12-05T11:00", 60)])
    result = CliRunner().invoke(main, ["energy", "bill", "--config", str(city), *arguments], env={"COLUMNS": "200"})
    assert result.exit_code != 0
    assert message in result.output or message in str(result.exception)
    assert result.exception is None or isinstance(result.exception, (SystemExit, RoadheatError))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns none"),
        ("a,b\n1,2\n", "Write supply,item,amount"),
        ("supply,item,amount\nf1,total,x\n", ":2: 'x' is not an amount"),
        ("supply,item,amount\nf1,total,NaN\n", "is not an amount"),
        ("supply,item,amount\nf1,total,1\nf1,total,2\n", "stands twice"),
    ],
)
def test_a_utility_file_that_cannot_be_used_names_its_line(city: Path, text: str, message: str) -> None:
    add_hours(city, "z01", [("2023-12-05T11:00", 60)])
    path = city.parent / "theirs.csv"
    path.write_text(text)
    arguments = ["energy", "bill", "--config", str(city), "--month", "2023-12", "--utility", str(path)]
    result = CliRunner().invoke(main, arguments, env={"COLUMNS": "200"})
    assert result.exit_code != 0
    assert message in result.output or message in str(result.exception)


def test_before_the_rates_are_known_nothing_is_billed(city: Path) -> None:
    add_hours(city, "z01", [("2019-12-05T11:00", 60)])
    arguments = ["energy", "bill", "--config", str(city), "--month", "2019-12"]
    result = CliRunner().invoke(main, arguments, env={"COLUMNS": "200"})
    assert result.exit_code != 0
    assert "no rates of general_B_HA_II before 2021-01-01" in result.output + str(result.exception)


def day(text: str) -> tuple[str, date, date]:
    first = date.fromisoformat(text)
    return text[:7], first, date.fromordinal(first.toordinal() + 1)


def test_a_day_of_25_hours_is_billed_hour_by_hour() -> None:
    price = np.repeat(np.linspace(0.011, 0.165, 25), 4)
    bill = make_bill("f1", day("2022-10-30"), "EUR", np.full(100, 250), price, None, 0.0, Taxes())
    assert bill.kwh == 25
    assert float(bill.total) == pytest.approx(round(float(price[::4].sum()), 2))


def test_negative_hours_lower_the_bill_and_tax_follows() -> None:
    price = np.array([-0.06, -0.06, 0.02, 1.6])
    wh = np.array([1000, 1000, 1000, 500])
    bill = make_bill("f1", day("2023-09-26"), "SEK", wh, price, None, 0.0, Taxes(vat_percent=25))
    assert [float(row.amount) for row in bill.rows] == [0.7]
    assert (float(bill.charges), float(bill.vat), float(bill.total)) == (0.7, 0.18, 0.88)


def test_prices_with_tax_are_not_taxed_again() -> None:
    net = np.array([0.20447, 0.18563, 0.17111])
    wh = np.full(3, 10_000)
    plain = make_bill("f1", day("2023-02-18"), "EUR", wh, net, None, 0.0, Taxes(vat_percent=25))
    taxed = make_bill("f1", day("2023-02-18"), "EUR", wh, net * 1.25, None, 0.0, Taxes(), (), 0.25)
    assert plain.total == taxed.total
    assert float(plain.charges) == 5.61


@pytest.mark.data
def test_reports_bill_no_base_charge_for_months_without_supply(tmp_path: Path, data_dir: Path) -> None:
    case = json.loads((data_dir.parent / "cases" / "bills" / "75-no-base-charge-out-of-season.json").read_text())
    asked, expected = case["inputs"], case["expected"]

    def cost(cut: str) -> float:
        path = tmp_path / "city.toml"
        path.write_text(EXAMPLE.read_text().replace("[planner]", f"{cut}\n[planner]", 1))
        (tmp_path / "weather.csv").write_text("time_utc\n")
        rule = base_charge_of(configuration.load(path), SEOUL)
        feeder = Feeder("f1", asked["contract_kw"], 2.0 * asked["contract_kw"], asked["rate"])
        begin, end = (int(datetime(year, 4, 1, tzinfo=SEOUL).timestamp()) for year in (2023, 2024))
        load = Load(begin, np.zeros((end - begin) // 900, dtype=np.int64))
        return rule.of(feeder, load, begin) or 0.0

    assert cost("") == pytest.approx(expected["base_won_if_never_cut_floor"])
    cut = "cut = [{ from = 2023-04-01, until = 2023-12-01 }]"
    assert cost(cut) == pytest.approx(expected["base_won_season_floor"])
