"""What a finance office has in hand: the utility's bill and its meter's quarters, as they come, beside ours."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.energy.tests.billing import add_hours, bills, make_city, run


@pytest.fixture
def city(tmp_path: Path) -> Path:
    path = make_city(tmp_path)
    add_hours(path, "z01", [("2023-12-05T11:00", 60)])
    return path


def billed(city: Path, *arguments: str, status: int = 0) -> str:
    return run("--config", str(city), "--month", "2023-12", "--feeder", "f1", *arguments, status=status)


def quarters(path: Path, *, without: tuple[str, ...] = (), stamp_min: int = 0, encoding: str = "utf-8") -> Path:
    """December as the meter of f1 has it: 60 kW from 11 to 12 on the 5th."""
    rows, at = ["time,kwh"], datetime(2023, 12, 1)  # noqa: DTZ001 (local, as in such a file)
    while at < datetime(2024, 1, 1):  # noqa: DTZ001
        kwh = 15 if (at.day, at.hour) == (5, 11) else 0
        if f"{at:%Y-%m-%d}" not in without:
            rows.append(f"{at + timedelta(minutes=stamp_min):%Y-%m-%d %H:%M},{kwh}")
        at += timedelta(minutes=15)
    path.write_text("\n".join(rows), encoding=encoding)
    return path


def test_the_bill_as_korean_excel_writes_it(city: Path) -> None:
    ours = bills(city, "2023-12")["f1"]
    rows = {row["code"]: row["amount"] for row in ours["rows"]}
    named = {
        "기본요금": rows["base"], "전력량요금": rows["energy-peak"], "기후환경요금": rows["climate"],
        "연료비 조정액": rows["fuel"], "부가가치세": ours["vat"], "전력산업기반기금": ours["levies"],
        "청구금액": f'"{int(ours["total"]):,}"',
    }  # fmt: skip
    text = "supply,item,amount\n" + "\n".join(f"f1,{item},{amount}" for item, amount in named.items())
    for encoding in ("cp949", "utf-8-sig", "utf-8"):
        path = city.parent / "bill.csv"
        path.write_text(text, encoding=encoding)
        said = billed(city, "--utility", str(path))
        assert said.count("agrees") == len(named), said


def test_a_row_that_ours_has_not_is_a_difference(city: Path) -> None:
    path = city.parent / "bill.csv"
    path.write_text("supply,item,amount\nf1,totl,1\nf1,자동이체할인,-500\nf1,kwh,60\n")
    said = billed(city, "--utility", str(path), status=1)
    assert "f1 totl: differs, ours 0, utility 1. Ours has no such row. It has: base, " in said
    assert "자동이체할인: differs, ours 0, utility -500" in said


def refused(city: Path, *arguments: str) -> str:
    given = ["energy", "bill", "--config", str(city), "--month", "2023-12", *arguments]
    result = CliRunner().invoke(main, given, env={"COLUMNS": "200"})
    assert result.exit_code == 2, result.output + repr(result.exception)
    return result.output


def test_a_bill_of_other_supplies_agrees_with_nothing(city: Path) -> None:
    path = city.parent / "bill.csv"
    path.write_text("supply,item,amount\nF-1,total,1\n")
    assert "Its supplies are: F-1" in refused(city, "--feeder", "f1", "--utility", str(path))
    path.write_bytes(b"\xff\xfe\x00\x01\x81")
    assert "neither UTF-8 nor EUC-KR" in refused(city, "--feeder", "f1", "--utility", str(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_the_meter_s_quarters(city: Path, encoding: str) -> None:
    said = billed(city, "--meter", str(quarters(city.parent / "meter.csv", encoding=encoding)))
    assert "f1 meter: agrees, ours 60.0 kWh, meter 60.0 kWh; highest quarter ours 60.0 kW, meter 60.0 kW on " in said
    assert "2023-12-05 11:00" in said
    assert "lacks" not in said


def test_a_meter_that_stamps_the_end(city: Path) -> None:
    path = quarters(city.parent / "meter.csv", stamp_min=15)
    assert "meter: agrees" in billed(city, "--meter", str(path), "--meter-stamp", "end")


def test_gaps_of_the_meter_are_in_neither_sum(city: Path) -> None:
    path = quarters(city.parent / "meter.csv", without=("2023-12-05", "2023-12-20"))
    said = billed(city, "--meter", str(path))
    assert "meter: agrees, ours 0.0 kWh, meter 0.0 kWh" in said
    assert "lacks 192 quarters of an hour, the first at 2023-12-05 00:00" in said


def test_a_meter_that_counts_more_names_the_day_and_the_reason(city: Path) -> None:
    path = quarters(city.parent / "meter.csv")
    path.write_text(path.read_text().replace("2023-12-07 03:00,0", "2023-12-07 03:00,20"))
    said = billed(city, "--meter", str(path), status=1)
    assert "f1 meter: differs, ours 60.0 kWh, meter 80.0 kWh" in said
    assert "2023-12-07: ours 0.0 kWh, meter 20.0 kWh" in said
    assert "also counts what else is connected to the supply" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column"),
        ("time,kwh\n2023-12-05 11:07,1\n", "line 2"),
        ("time,kwh\n2023-12-05 11:00,1\n2023-12-05 11:00,2\n", "is in line 2 too"),
        ("time,kwh\n2023-12-05 11:00,abc\n", "is not a number"),
        ("time,kwh\n2023-12-05 11:00,15000\n", "outside 0 to"),
        ("time,kwh\n2024-03-01 00:00,1\n", "no row of this month"),
        ("time,kwh\n2099-03-01 00:00,1\n", "in the future"),
        ("time,kwh,supply\n2023-12-05 11:00,1,f9\n", "'f9' is not in city.toml"),
    ],
)
def test_a_meter_file_that_cannot_be_used(city: Path, text: str, message: str) -> None:
    path = city.parent / "meter.csv"
    path.write_text(text)
    assert message in refused(city, "--feeder", "f1", "--meter", str(path))


def test_several_supplies_need_their_names(city: Path) -> None:
    path = city.parent / "meter.csv"
    path.write_text("time,kwh\n2023-12-05 11:00,1\n")
    assert "no column 'supply'" in refused(city, "--meter", str(path))
