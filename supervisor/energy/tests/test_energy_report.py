"""Reports from the embedded store agree with a sum by hand, in local days, with no InfluxDB."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from supervisor.cli import main
from supervisor.config.tests.examples import EXAMPLE, banded
from supervisor.domain.errors import CommandError
from supervisor.energy import tables
from supervisor.energy.base_charge import BaseCharge
from supervisor.energy.baselines import BASELINES, Memory, Seen, decide
from supervisor.energy.period import local_time
from supervisor.energy.tests.gathering import gather
from supervisor.store import DATABASE_NAME, database, telemetry
from supervisor.store.tests.hours import HourEnergy
from supervisor.tariff.bands import Band, BandTariff
from supervisor.tariff.configured import configured_demand, configured_tariff
from supervisor.tariff.flat import FlatTariff
from supervisor.wire.messages import Telemetry, ZoneSample

SEOUL = ZoneInfo("Asia/Seoul")
FROM = "2023-12-30T00:00:00+09:00"


def hour(start_utc_s: int, zone: str, *quarters: int) -> HourEnergy:
    a, b, c, d = quarters
    return HourEnergy(start_utc_s, zone, (a, b, c, d), 1800, 3600)


def test_local_days_are_not_utc_days() -> None:
    """By UTC days 240/240 kWh came out as 90/240/150."""
    start = local_time(FROM, SEOUL)
    hours = [hour(start + n * 3600, "z01", 2500, 2500, 2500, 2500) for n in range(48)]
    record = gather(hours, start, start + 48 * 3600)
    rows = tables.report(record, "day", SEOUL)
    assert [(row.what, row.kwh) for row in rows] == [("2023-12-30", 240.0), ("2023-12-31", 240.0), ("all", 480.0)]
    assert {row.peak_kw for row in rows} == {10.0}


def test_hours_that_have_not_come_yet_are_not_missing() -> None:
    """On the second of two days all of the first and an hour of the second were heard: nothing is missing."""
    start = local_time(FROM, SEOUL)
    record = gather([hour(start + n * 3600, "z01", 0, 0, 0, 0) for n in range(25)], start, start + 48 * 3600)
    assert tables.report(record, "zone", SEOUL)[-1].covered == pytest.approx(25 / 48)
    now = replace(record, now_utc_s=start + 25 * 3600.0)
    assert [row.covered for row in tables.report(now, "zone", SEOUL)] == [1.0, 1.0]
    assert replace(record, now_utc_s=start - 9.0).hours == 0.25  # a period that has not begun: no division by nothing


def test_a_day_of_23_and_one_of_25_hours() -> None:
    zone = ZoneInfo("Europe/Tallinn")
    for text, length in (("2023-03-26", 23), ("2023-10-29", 25)):
        start = local_time(text, zone)
        hours = [hour(start + n * 3600, "z01", 250, 250, 250, 250) for n in range(48)]
        rows = tables.report(gather(hours, start, start + 48 * 3600), "day", zone)
        assert rows[0] == tables.Row(text, float(length), 1.0)


@pytest.mark.parametrize(
    ("text", "says", "remedy"),
    [
        ("2026-03-29T03:30", "does not exist in Europe/Tallinn", "2026-03-29T04:30+03:00 or 2026-03-29T02:30+02:00"),
        ("2026-10-25T03:30", "exists twice in Europe/Tallinn", "2026-10-25T03:30+03:00 for the first"),
    ],
)
def test_times_that_summer_time_skips_or_doubles_are_refused(text: str, says: str, remedy: str) -> None:
    with pytest.raises(CommandError) as refused:
        local_time(text, ZoneInfo("Europe/Tallinn"))
    assert says in str(refused.value)
    assert remedy in str(refused.value)
    assert local_time(text + "+03:00", ZoneInfo("Europe/Tallinn")) % 900 == 0


@pytest.mark.parametrize(
    ("timezone", "date", "utc"),
    [
        ("America/Santiago", "2025-09-07", "2025-09-07T04:00:00+00:00"),  # 00:00 is skipped: the day begins at 01:00
        ("Atlantic/Azores", "2025-10-26", "2025-10-26T00:00:00+00:00"),  # 00:00 comes twice: with the first
        ("Asia/Kathmandu", "2026-01-10", "2026-01-09T18:15:00+00:00"),
    ],
)
def test_a_date_is_the_beginning_of_that_day(timezone: str, date: str, utc: str) -> None:
    assert local_time(date, ZoneInfo(timezone)) == int(datetime.fromisoformat(utc).timestamp())


@pytest.mark.parametrize(("date", "kwh"), [("2026-03-29", 92), ("2026-10-25", 100)])
def test_a_day_of_summer_time_has_all_its_quarters(date: str, kwh: int) -> None:
    """1 kWh each quarter."""
    tallinn = ZoneInfo("Europe/Tallinn")
    start = local_time(date, tallinn) - 2 * 86_400
    hours = [hour(start + 3600 * n, "z01", 1000, 1000, 1000, 1000) for n in range(24 * 5)]
    record = gather(hours, start, start + 5 * 86_400)
    by_day = {row.what: row.kwh for row in tables.report(record, "day", tallinn)}
    assert by_day[date] == kwh


def test_cost_follows_the_tariff_quarter_by_quarter() -> None:
    bands = (Band("night", 50.0, ("22-08",)), Band("day", 150.0, ("08-22",)))
    tariff = BandTariff(bands, "Asia/Seoul")
    start = local_time("2023-12-30T07:45", SEOUL)
    record = gather(
        [hour(start - 2700, "z01", 7, 7, 7, 2000), hour(start + 900, "z01", 4000, 0, 0, 9)], start, start + 1800
    )
    (row, total) = tables.report(record, "zone", SEOUL, tables.prices(record, tariff))
    assert row.kwh == 6.0
    assert row.cost == total.cost == pytest.approx(2 * 50 + 4 * 150)


def test_the_same_kwh_whichever_way_it_is_cut(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    start = local_time(FROM, SEOUL)
    hours = [
        hour(start + n * 3600, zone, *map(int, rng.integers(0, 5000, 4)))
        for n in range(72)
        for zone in ("z01", "z02", "z03", "gone")
    ]
    from supervisor.config import load

    shutil.copy(EXAMPLE, tmp_path / "city.toml")
    (tmp_path / "weather.csv").write_text("time_utc\n")
    config = load(tmp_path / "city.toml")
    record = gather(hours, start, start + 72 * 3600)
    price = tables.prices(record, FlatTariff(120.0))
    kwh = sum(found.energy_wh for found in hours) / 1000
    for by in ("zone", "day", "feeder"):
        *rows, total = tables.report(record, by, SEOUL, price, tables.Places(config.zone, config.feeder))  # type: ignore[arg-type]
        assert sum(row.kwh for row in rows) == pytest.approx(kwh) == pytest.approx(total.kwh)
        assert total.cost == pytest.approx(kwh * 120)
        assert max(row.peak_kw for row in rows) <= total.peak_kw + 1e-9


@pytest.mark.parametrize(
    ("text", "message"), [("yesterday", "not a date"), ("2023-12-30T06:07", "not a quarter of an hour")]
)
def test_a_time_that_cannot_be_read_says_so(text: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        local_time(text, SEOUL)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A city whose zones z01 and z02 heated from 23:00 to 01:00 local time."""
    path = tmp_path / "city.toml"
    path.write_text(banded())
    (tmp_path / "weather.csv").write_text("time_utc\n")
    (tmp_path / "state").mkdir()
    db = database.connect(tmp_path / "state" / DATABASE_NAME)
    database.migrate(db)
    start = local_time("2023-12-30T23:00", SEOUL)
    for n in range(120):
        zones = tuple(
            ZoneSample(zone, 1000, 5000, 300, 60, 60_000, 1000 * (n + 1), 1000, 4, 0) for zone in ("z01", "z02")
        )
        tel = Telemetry(boot=1, q=n, utc=0, up=60 * (n + 1), dt=60, bad=0, z=zones)
        telemetry.commit(db, None, "b01", tel, start + 60 * n + 60, start + 60 * n, None)
    db.close()
    return path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["energy", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_by_day_and_into_a_csv(city: Path, tmp_path: Path) -> None:
    out = tmp_path / "energy.csv"
    said = run("--config", str(city), "--from", "2023-12-30", "--to", "2024-01-01", "--by", "day", "--csv", str(out))
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["day"], row["kwh"]) for row in rows] == [("2023-12-30", "120.000"), ("2023-12-31", "120.000")]
    assert float(rows[0]["energy_cost_krw"]) > 0
    assert "2023-12-31" in said
    assert "240.00" in said


def test_the_command_by_zone_and_feeder(city: Path) -> None:
    by_zone = run("--config", str(city), "--from", "2023-12-30T23:00", "--to", "2023-12-31T01:00")
    assert by_zone.count("120.00") == 2
    assert "100.0%" in by_zone
    assert "240.00" in run("--config", str(city), "--from", "2023-12-30", "--to", "2024-01-01", "--by", "feeder")


def test_the_command_with_a_state_folder_alone(city: Path) -> None:
    said = run("--state", str(city.parent / "state"), "--from", "2023-12-30", "--to", "2023-12-31", "--by", "day")
    assert "240.00" in said  # 23:00 to 01:00 in Seoul is one UTC day
    assert "KRW" not in said


def test_a_period_without_a_record_says_where_it_is(city: Path) -> None:
    said = run("--config", str(city), "--from", "2022-12-30", "--to", "2022-12-31")
    assert "reaches from 2023-12-30 23:00+09:00 to 2023-12-31 01:00+09:00" in said


def test_files_that_the_report_does_not_need_may_be_missing(city: Path) -> None:
    """The energy is reported without a weather file, and without a cost where prices are missing."""
    period = ("--config", str(city), "--from", "2023-12-30", "--to", "2024-01-01")
    (city.parent / "weather.csv").unlink()
    assert "240.00" in run(*period)
    text = city.read_text()
    bands = text[text.index("[[tariff.band]]") : text.index("[planner]")]
    city.write_text(text.replace(bands, 'file = "prices.csv"\n\n'))
    said = run(*period)
    assert "240.00" in said
    assert "no cost" in said
    assert "prices.csv" in said


def test_what_is_in_quarantine_is_said_and_not_counted(city: Path) -> None:
    db = database.connect(city.parent / "state" / DATABASE_NAME)
    end = local_time("2023-12-31T01:00", SEOUL) + 60
    zones = (ZoneSample("z01", 1000, 5000, 300, 60, 60_000, 1_000_000, 1000, 4, 0),)
    tel = Telemetry(boot=1, q=500, utc=0, up=60 * 121, dt=60, bad=0, z=zones)
    booking = telemetry.Booking({"z01": 60_000}, "", 1)
    telemetry.commit(db, None, "b01", tel, end, end - 60, None, booking)
    db.close()
    period = ("--config", str(city), "--from", "2023-12-30", "--to", "2024-01-01")
    said = run(*period)
    assert f"1 case, z01 {(880_000 - 1100) / 1000:,.2f} kWh" in said
    assert "241.10" in said
    assert "2023-12-31 01:00:00" in said  # when,
    assert "b01" in said  # where
    assert "the counter rose" in said  # and why
    assert "quarantine" not in run("--config", str(city), "--from", "2023-12-30", "--to", "2023-12-31")


def test_what_cannot_be_reported_is_said(city: Path, tmp_path: Path) -> None:
    for arguments, words in (
        (["--state", str(tmp_path), "--from", "2023-12-30", "--to", "2023-12-31"], "no database"),
        (["--config", str(city), "--from", "2023-12-31", "--to", "2023-12-30"], "empty"),
        (
            ["--state", str(city.parent / "state"), "--from", "2023-12-30", "--to", "2023-12-31", "--timezone", "[/x]"],
            "--timezone '[/x]': unknown time zone",
        ),
        (
            ["--state", str(city.parent / "state"), "--from", "2023-12-30", "--to", "2023-12-31", "--by", "feeder"],
            "feeders",
        ),
    ):
        result = CliRunner().invoke(main, ["energy", *arguments])
        assert result.exit_code == 2
        assert words in result.stderr


@given(
    surface_c=st.lists(st.floats(-10, 10), min_size=1, max_size=50),
    wet=st.lists(st.booleans(), min_size=50, max_size=50),
)
def test_baselines_do_what_their_names_say(surface_c: list[float], wet: list[bool]) -> None:
    memories = dict.fromkeys(BASELINES, Memory())
    duty = {}
    for n, surface in enumerate(surface_c):
        seen = Seen(600.0 * n, surface, wet[n], air_c=surface + 1)
        for name, baseline in BASELINES.items():
            memories[name], duty[name] = decide(baseline, memories[name], seen)
        assert duty["reactive"] <= duty["reactive-afterrun"]  # an after-run only adds
        assert duty["reactive"] <= duty["thermostat"]  # so does not asking for moisture, and a higher threshold
        assert not (duty["reactive"] and not wet[n])
        assert all(value == 1.0 for name, value in duty.items() if surface <= 2 and wet[n] and name != "idle")
        assert not any(value for name, value in duty.items() if surface >= 4)
        assert not (duty["idle"] and surface + 1 >= 5)


def with_tariff(city: Path, tariff: str) -> None:
    text = city.read_text()
    begin, end = text.index("[tariff]"), text.index("[planner]")
    city.write_text(text[:begin] + tariff + "\n" + text[end:])


def test_each_kwh_at_its_days_tariff_and_the_holidays_that_counted_are_said(city: Path, tmp_path: Path) -> None:
    band = "[[tariff.band]]\nname = '{}'\nprice_per_kwh = {}\ndays = {}\n"
    week, sun = ["mon", "tue", "wed", "thu", "fri", "sat"], ["sun"]
    with_tariff(
        city,
        "[tariff]\nholidays = {country = 'KR', extra = [2023-12-30]}\n"
        + band.format("old", 100, week) + "until = 2023-12-31\n" + band.format("old sunday", 50, sun)
        + "until = 2023-12-31\n" + band.format("new", 118.2, week) + "from = 2023-12-31\n"
        + band.format("new sunday", 109.7, sun) + "from = 2023-12-31\n",
    )  # fmt: skip
    out = tmp_path / "energy.csv"
    said = run("--config", str(city), "--from", "2023-12-30", "--to", "2024-01-01", "--by", "day", "--csv", str(out))
    with out.open() as file:
        rows = list(csv.DictReader(file))
    # 30 December is the extra holiday at the old Sunday's price, 31 December a Sunday of the new tariff.
    assert [float(row["energy_cost_krw"]) for row in rows] == pytest.approx([120 * 50.0, 120 * 109.7])
    assert "Counted as holidays: Sat 2023-12-30" in said


def test_the_base_charge_by_article_68(city: Path) -> None:
    from supervisor.config import load

    with_tariff(
        city,
        "[tariff]\ndemand = {price_per_kw = 7470, ratchet = 1, months = [12, 1, 2, 7, 8, 9], least_of_contract = 0.3}\n"
        "[[tariff.band]]\nname = 'night'\nprice_per_kwh = 94.3\nhours = ['22-08']\ncounts_peak = false\n"
        "[[tariff.band]]\nname = 'day'\nprice_per_kwh = 140.4\nhours = ['08-22']\n",
    )
    text = city.read_text()
    for old, new in (("demand_price_per_kw = 5550.0", ""), ("_kw = 211", "_kw = 400"), ("_kw = 244", "_kw = 400")):
        text = text.replace(old, new)
    city.write_text(text)
    config = load(city)

    def billed(hours: list[HourEnergy], start: str, end: str) -> float:
        first, past = local_time(start, SEOUL), local_time(end, SEOUL)
        rule = BaseCharge(configured_demand(config), configured_tariff(config), SEOUL)
        since = gather(hours, rule.first_needed_utc_s(first), past)
        places = tables.Places(config.zone, config.feeder, rule, since)
        rows = tables.report(gather(hours, first, past), "feeder", SEOUL, None, places)
        [cost] = [row.base_cost for row in rows if row.what == "f1"]
        assert cost is not None
        return cost

    def at(text: str, kw: int) -> HourEnergy:
        return hour(local_time(text, SEOUL), "z01", kw * 250, 0, 0, 0)

    january, october = at("2026-01-20T10:00", 315), at("2026-10-20T10:00", 399)
    november = at("2026-11-03T10:00", 60)
    night = at("2026-11-04T02:00", 390)
    assert billed([january, october, november, night], "2026-11-01", "2026-12-01") == 7470 * 315
    assert billed([november, night], "2026-11-01", "2026-12-01") == 7470 * 0.3 * 400
    assert billed([january, october], "2026-10-01", "2026-11-01") == 7470 * 399
    assert billed([january], "2026-12-01", "2027-01-01") == 7470 * 315
    assert billed([january], "2027-01-01", "2027-02-01") == 7470 * 0.3 * 400  # a year later


def test_a_gap_in_the_price_file_matters_only_where_the_report_needs_it(city: Path) -> None:
    with_tariff(city, '[tariff]\ncurrency = "EUR"\nfile = "prices.csv"\n')
    rows = [f"2023-12-{day:02d}T{h:02d}:00Z,100" for day in range(20, 32) for h in range(24) if (day, h) != (22, 5)]
    (city.parent / "prices.csv").write_text("time_utc_start,price_eur_per_mwh\n" + "\n".join(rows))
    assert "energy EUR" in run("--config", str(city), "--from", "2023-12-30", "--to", "2024-01-01")
    said = run("--config", str(city), "--from", "2023-12-22", "--to", "2024-01-01")
    assert "no cost" in said
    assert "2023-12-22T05:00Z" in said
    city.write_text(city.read_text().replace('currency = "EUR"', 'currency = "KRW"'))
    assert "prices in EUR" in run("--config", str(city), "--from", "2023-12-30", "--to", "2024-01-01")


def test_the_command_bills_a_month_without_heat_by_the_month_before(city: Path, tmp_path: Path) -> None:
    with_tariff(city, "[tariff]\nflat = 100.0\ndemand = {price_per_kw = 7470, ratchet = 1}\n")
    city.write_text(city.read_text().replace("demand_price_per_kw = 5550.0", ""))
    out = tmp_path / "energy.csv"
    run("--config", str(city), "--from", "2023-12-31", "--to", "2024-02-01", "--by", "feeder", "--csv", str(out))
    with out.open() as file:
        rows = {row["feeder"]: row for row in csv.DictReader(file)}
    assert float(rows["f1"]["base_cost_krw"]) == pytest.approx(2 * 120 * 7470)
    assert float(rows["f1"]["kwh"]) == pytest.approx(120.0)
