"""Drawing more than the contract: announced in the first month, charged from the second on, and said in the bill."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.energy.tests.billing import add_hours, bills, make_city, run
from supervisor.tariff.kepco import charges
from supervisor.tariff.kepco.excess import TIERS, ExcessUse, Over, surcharge, times

D = Decimal
CONTRACT = 211  # f1 of the example


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return make_city(tmp_path)


def excess(bill: dict[str, object]) -> int:
    [found] = [int(row["amount"]) for row in bill["rows"] if row["code"] == "excess"] or [0]  # type: ignore[attr-defined]
    return found


def test_the_second_month_is_charged_by_its_peak_at_night_too(city: Path) -> None:
    add_hours(city, "z01", [("2023-12-05T11:00", CONTRACT + 20), ("2024-01-10T03:00", CONTRACT + 60)])
    december = bills(city, "2023-12")["f1"]
    assert excess(december) == 0
    assert any("drew 231 kW, 20 kW above the contract; the first month" in note for note in december["notes"])
    january = bills(city, "2024-01")["f1"]
    assert excess(january) == 60 * 8320 * 2  # 28 % above: 200 % of the base rate of general (B) II
    assert january["peak"]["own_kw"] == "0"  # at night, which sets no base charge
    assert "announced with the bill of 2023-12 or before" in " ".join(january["notes"])
    amounts = {row["code"]: int(row["amount"]) for row in january["rows"]}
    assert int(january["charges"]) == sum(amounts.values())
    assert "excess" in run("--config", str(city), "--month", "2024-01", "--feeder", "f1")


def test_an_announcement_holds_three_years(city: Path) -> None:
    add_hours(city, "z01", [("2021-01-05T11:00", CONTRACT + 20), ("2024-01-09T11:00", CONTRACT + 20)])
    assert excess(bills(city, "2024-01")["f1"]) == 20 * 8320 * D("1.5")
    add_hours(city, "z01", [("2024-02-08T11:00", 10), ("2027-02-09T11:00", CONTRACT + 20)])
    assert excess(bills(city, "2027-02")["f1"]) == 0


def test_the_contract_of_the_day_is_what_counts(city: Path) -> None:
    text = city.read_text()
    earlier = 'earlier_contracts = { f1 = [{ kw = 300, until = 2024-01-16 }] }\nexcess = { charge = "always" }'
    city.write_text(text.replace('utility = "kepco"', f'utility = "kepco"\n{earlier}'))
    add_hours(city, "z01", [("2024-01-09T11:00", 290)])
    assert excess(bills(city, "2024-01")["f1"]) == 0
    add_hours(city, "z01", [("2024-01-17T11:00", 221)])
    assert excess(bills(city, "2024-01")["f1"]) == 10 * 8320 * D("1.5")


def test_a_site_can_give_its_own_rule(city: Path) -> None:
    add_hours(city, "z01", [("2024-01-09T11:00", CONTRACT + 20)])
    text = city.read_text()
    city.write_text(
        text.replace('utility = "kepco"', 'utility = "kepco"\nexcess = { charge = "always", tiers = [[0, 2.5]] }')
    )
    assert excess(bills(city, "2024-01")["f1"]) == 20 * 8320 * D("2.5")
    city.write_text(text.replace('utility = "kepco"', 'utility = "kepco"\nexcess = { charge = "never" }'))
    january = bills(city, "2024-01")["f1"]
    assert (excess(january), "no surcharge by tariff.excess" in " ".join(january["notes"])) == (0, True)


def test_a_supply_billed_by_contract_is_told_that_its_rule_is_another() -> None:
    rows, said = surcharge(Over((2024, 1), D(25), D(20)), None, ExcessUse(charge="always"), False, D(6160))
    assert rows == ()
    assert "not in the bill" in said
    rows, _ = surcharge(Over((2024, 1), D(25), D(20)), None, ExcessUse("always", ((0.0, 2.5),)), False, D(6160))
    assert rows[0].amount == 5 * 6160 * D("2.5")


@pytest.mark.parametrize(
    ("peak", "expected"),
    [("101", "1.5"), ("119", "1.5"), ("120", "2"), ("130", "2.5"), ("140", "3"), ("150", "3.5"), ("160", "4")],
)
def test_the_tiers(peak: str, expected: str) -> None:
    assert times(Over((2024, 1), D(peak), D(100)), TIERS) == D(expected)
    assert times(Over((2024, 1), D("123.6"), D(103)), TIERS) == 2  # exactly 20 %


@pytest.mark.parametrize("tiers", ["[]", "[[0.1, 2]]", "[[0, 2], [0, 3]]", "[[0, -1]]", "[[0, 1e9]]", "[[0, nan]]"])
def test_impossible_rules_are_refused(city: Path, tiers: str) -> None:
    city.write_text(city.read_text().replace('utility = "kepco"', f'utility = "kepco"\nexcess = {{ tiers = {tiers} }}'))
    result = CliRunner().invoke(main, ["check-config", str(city)], env={"COLUMNS": "200"})
    assert result.exit_code != 0
    assert "tariff.excess" in result.output + str(result.exception)


def test_a_meter_that_is_read_on_the_last_day() -> None:
    assert charges.period((2024, 3), 31) == (date(2024, 2, 29), date(2024, 3, 31))
    assert charges.period((2024, 2), 30) == (date(2024, 1, 30), date(2024, 2, 29))
    for day in range(1, 32):
        for year in (2023, 2024):
            for month in range(1, 13):
                following = (year, month + 1) if month < 12 else (year + 1, 1)
                assert charges.period((year, month), day)[1] == charges.period(following, day)[0]
