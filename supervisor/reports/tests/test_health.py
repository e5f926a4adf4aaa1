"""Life left of simulated fleets that age otherwise than the model assumes; report and inspection of a record."""

from __future__ import annotations

import csv
import json
import math
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config import Config, InvalidConfig, load
from supervisor.config.schema import HealthConfig
from supervisor.config.tests.examples import EXAMPLE
from supervisor.domain.panel import PanelReading
from supervisor.reports.health import page
from supervisor.reports.health.collect import Health, Part, collect
from supervisor.reports.health.inspection import collect as inspect
from supervisor.reports.health.life import (
    CABLE,
    INSULATION,
    LONG_YEARS,
    NOISE_MIN,
    scale_of_b10,
    trend,
    weibull,
)
from supervisor.reports.tests.season_record import local
from supervisor.store import DATABASE_NAME, database, health
from supervisor.store.health import LifeDay

FLEETS, ROADS = 100, 12


def held(rng: np.random.Generator) -> dict[str, list[bool]]:
    """Of one fleet, by part: whether the interval of each road holds what then comes."""
    winters = int(rng.integers(2, 7))
    ages = np.array([winter + month / 12 for winter in range(winters) for month in range(5)])
    own = {"cable": math.exp(rng.normal(0, 0.3)), "insulation": math.exp(rng.normal(0, 0.3))}  # of the fleet's make
    found: dict[str, list[bool]] = {"cable": [], "insulation": [], "contactor": [], "sensor": []}
    for _ in range(ROADS):
        slope = CABLE.median * own["cable"] * math.exp(rng.normal(0, 0.8))
        first = rng.uniform(3, 8)  # ohms: only the ratio counts
        resistance = first * (1 + slope * ages) * (1 + rng.normal(0, 0.008, ages.size))
        life = trend(ages, resistance / resistance.mean(), 1.1, CABLE, NOISE_MIN["cable"], relative=True)
        assert life is not None
        found["cable"].append(life.holds(max((0.1 - slope * ages[-1]) / slope, 0.0)))

        growth = INSULATION.median * own["insulation"] * math.exp(rng.normal(0, 0.7))
        leakage = math.log(rng.uniform(0.5, 3)) + growth * ages
        measured = leakage + rng.normal(0, 0.25, ages.size)  # damp months
        life = trend(ages, measured, math.log(30), INSULATION, NOISE_MIN["insulation"])
        assert life is not None
        found["insulation"].append(life.holds(max((math.log(30) - leakage[-1]) / growth, 0.0)))

        scale, rate = scale_of_b10(200_000, 2.0), rng.uniform(4_000, 15_000)
        used, lasts = rate * rng.uniform(1, 12), 0.0
        while lasts <= used:  # it still works
            lasts = scale * rng.weibull(2.0)
        truth = (lasts - used) / (rate * math.exp(rng.normal(0, 0.2)))
        found["contactor"].append(weibull(used, scale, 2.0, rate, 0.2).holds(truth))

        age, lasts = rng.uniform(0, 12), 0.0
        while lasts <= age:
            lasts = 11.3 * rng.weibull(2.5)
        found["sensor"].append(weibull(age, 11.3, 2.5, 1.0, 0.0).holds(lasts - age))
    return found


def test_on_100_fleets_the_interval_holds_the_truth_four_times_out_of_five() -> None:
    rng = np.random.default_rng(8)
    fleets = [held(rng) for _ in range(FLEETS)]
    for part in fleets[0]:
        share = float(np.mean([one for fleet in fleets for one in fleet[part]]))
        assert 0.70 <= share <= 0.90, f"{part}: {share:.2f}"


def test_more_winters_say_more_and_a_worse_part_has_less_left() -> None:
    def of(winters: int, slope: float) -> float:
        ages = np.arange(5 * winters) / 5
        life = trend(ages, 1 + slope * ages, 1.1, CABLE, 0.01, relative=True)
        assert life is not None
        assert life.low_a <= life.median_a <= life.high_a
        return life.high_a / max(life.low_a, 0.1) if slope == 0.01 else life.median_a

    assert of(6, 0.01) < of(2, 0.01)
    assert of(4, 0.03) < of(4, 0.005)
    assert trend(np.array([0.0, 1.0]), np.array([1.0, 1.1]), 1.1, CABLE, 0.01) is None
    flat = trend(np.zeros(3), np.ones(3), 1.1, CABLE, 0.01, relative=True)  # one month thrice: only the prior speaks
    assert flat is not None
    assert flat.high_a - flat.low_a > 20
    worn = weibull(500_000, scale_of_b10(200_000, 2.0), 2.0, 10_000, 0.2)
    fresh = weibull(5_000, scale_of_b10(200_000, 2.0), 2.0, 10_000, 0.2)
    assert worn.median_a < fresh.median_a
    assert weibull(1, 1, 2, 0.0, 0.2).low_a == LONG_YEARS  # nothing wears it


TODAY = local("2026-10-15T09:00")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("health")
    (folder / "weather.csv").touch()
    text = EXAMPLE.read_text().replace('id = "z01"', 'id = "z01"\ninventory = { installed = "2014-10" }', 1)
    (folder / "city.toml").write_text(text)
    config = load(folder / "city.toml", without_data=True)
    config.state_dir.mkdir(exist_ok=True)
    rng = np.random.default_rng(4)
    feeders: dict[str, list[str]] = {}
    for zone in config.zone:
        feeders.setdefault(zone.feeder, []).append(zone.id)
    ageing = feeders[config.zone[0].feeder][2]  # a road beside others on its supply: 4 % a year
    with closing(database.connect(config.state_dir / DATABASE_NAME)) as db:
        database.migrate(db)
        for winter in range(3):
            for number in range(150):
                day = date(2023 + winter, 11, 15) + timedelta(days=number)
                voltage = 1 + rng.normal(0, 0.03)  # of the whole supply
                found = {}
                for zone in config.zone:
                    rise = 1 + 0.04 * (winter + number / 365) * (zone.id == ageing)
                    watts = zone.power_w * voltage**2 / rise * (1 + rng.normal(0, 0.003))
                    found[zone.id] = (40 if zone.id == "z01" else 8, 9_000, 7_200, int(watts * 7_200))
                health.add_wear(db, day.isoformat(), found)
                leakage = 1.5 * math.exp(0.9 * (winter + number / 365))
                at = local(f"{day.isoformat()}T12:00")
                health.add_reading(db, PanelReading(
                    utc_s=at, zone="z02", source="panel", voltage_v=380 * voltage, current_a=40.0, leakage_ma=leakage,
                    panel_c=31.0,
                ))  # fmt: skip
        december = local("2025-12-03T10:00")
        bad = [{"leakage_ma": 31.0}, {"panel_c": 71.0}, {"voltage_v": 380.0}, {"voltage_v": 460.0}]
        for n, values in enumerate(bad):
            zone = "z03" if n < 2 else "z04"
            health.add_reading(db, PanelReading(utc_s=december + n, zone=zone, source="panel", **values))
        db.execute(
            "INSERT INTO alarm (code, subject, detail, raised_utc_s) VALUES ('earth-fault', 'z05', '', ?)", (december,)
        )
    return msgspec.structs.replace(config, health=HealthConfig(contactor_cycles=20_000))


def _made(config: Config) -> Health:
    with closing(database.connect_read_only(config.state_dir / DATABASE_NAME)) as db:
        return collect(config, db, TODAY)


def parts(config: Config) -> dict[tuple[str, str], Part]:
    return {(one.zone, one.part): one for one in _made(config).parts}


def test_the_supplys_voltage_is_taken_out_and_the_ageing_road_found(config: Config) -> None:
    found = parts(config)
    rises = {zone: one.measured for (zone, part), one in found.items() if part == "cable" and zone != "z02"}
    ageing = max(rises, key=lambda zone: rises[zone] or 0.0)
    assert rises[ageing] == pytest.approx(9.6, abs=1.5)  # 4 % a year over 2.4 years
    assert all(abs(rise or 0.0) < 1.0 for zone, rise in rises.items() if zone != ageing)
    life = found[ageing, "cable"].life
    assert life is not None
    assert life.high_a < 5.0


def test_leakage_closings_and_age(config: Config) -> None:
    found = parts(config)
    leakage = found["z02", "insulation"]
    assert leakage.measured == pytest.approx(1.5 * math.exp(0.9 * 2.35), rel=0.1)
    assert leakage.life is not None
    assert 0.3 < leakage.life.median_a < 2.0  # to 30 mA
    assert leakage.replace
    assert found["z01", "insulation"].why == "leakage"
    rows = {row[0]: row for row in page.health_rows(_made(config), "ko") if row[2] == "절연"}
    assert rows["z01"][6] == "누설전류 측정이 석 달에 못 미침"
    contactor = found["z01", "contactor"]
    years = (date(2026, 10, 15) - date(2023, 11, 15)).days / 365.25
    before = (date(2023, 11, 15) - date(2014, 10, 1)).days / 365.25
    assert contactor.measured == pytest.approx(18_000 * (1 + before / years))  # and as many a year since it was built
    assert contactor.replace
    assert not found["z02", "contactor"].replace
    assert found["z01", "sensor"].measured == pytest.approx(12.04, abs=0.01)


def test_what_boards_counted_goes_before_what_telemetry_showed(config: Config) -> None:
    """The board of z01 was there before the record and was replaced once; that of z02 has counted for a month only."""
    with closing(sqlite3.connect(config.state_dir / DATABASE_NAME)) as db, db:
        for day, switchings in (
            ("2024-11-01", 40_000),
            ("2025-11-01", 45_000),
            ("2025-12-01", 300),
            ("2026-10-14", 4_300),
        ):
            health.keep_life(db, LifeDay("z01", day, switchings, 100))
        for day, switchings in (("2026-09-20", 90_000), ("2026-09-20", 90_001), ("2026-10-14", 90_100)):
            health.keep_life(db, LifeDay("z02", day, switchings, 100))
    found = parts(config)
    first = date(2024, 11, 1)
    rate = (5_000 + 4_300) / ((date(2026, 10, 15) - first).days / 365.25)
    before = (first - date(2014, 10, 1)).days / 365.25
    assert found["z01", "contactor"].measured == pytest.approx(9_300 + rate * before)
    assert found["z02", "contactor"].measured == 90_100  # of the board; telemetry explains fewer


def test_what_city_toml_rates_changes_what_is_left(config: Config) -> None:
    before = parts(config)
    for changed, part in (
        (HealthConfig(contactor_cycles=500_000), "contactor"),
        (HealthConfig(contactor_cycles=20_000, sensor_years=40.0), "sensor"),
        (HealthConfig(contactor_cycles=20_000, cable_rise_percent=30.0), "cable"),
    ):  # fmt: skip
        after = parts(msgspec.structs.replace(config, health=changed))
        old, new = before["z01", part].life, after["z01", part].life
        assert old is not None
        assert new is not None
        assert new.low_a > old.low_a, part


def test_the_inspection_judges_what_was_measured_and_nothing_else(config: Config) -> None:
    with closing(database.connect_read_only(config.state_dir / DATABASE_NAME)) as db:
        made = inspect(config, db, "2025-12")
    rows = {row.zone: row for row in made.rows}
    assert (rows["z03"].passed, rows["z03"].reasons) == (False, ("leakage", "temperature"))
    assert (rows["z04"].passed, rows["z04"].reasons) == (False, ("voltage",))
    assert (rows["z05"].passed, rows["z05"].reasons) == (False, ("alarm",))
    assert (rows["z02"].passed, rows["z02"].readings, rows["z02"].reasons) == (True, 31, ())
    assert (rows["z06"].passed, rows["z06"].readings) == (None, 0)
    assert rows["z06"].closings == 31 * 8


@pytest.mark.parametrize("language", ["ko", "en"])
def test_both_reports_in_every_form(config: Config, tmp_path: Path, language: str) -> None:
    for name in ("health", "inspection"):
        for kind in ("html", "json", "csv"):
            output = tmp_path / f"{name}.{kind}"
            month = ["--month", "2025-12"] if name == "inspection" else []
            asked = ["report", name, "--config", str(config.path), "--language", language, *month]
            done = CliRunner().invoke(main, [*asked, "--output", str(output)])
            assert done.exit_code == 0, done.output
        with (tmp_path / f"{name}.csv").open(encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
        count = len(config.zone) * (4 if name == "health" else 1)
        assert (len(rows), {len(row) for row in rows}) == (count + 1, {8 if name == "health" else 11})
        assert (tmp_path / f"{name}.html").read_text().count("<tr>") == count + 1
        assert json.loads((tmp_path / f"{name}.json").read_text())["site"] == config.site.name
    assert set(page.words("ko")) == set(page.words("en"))
    assert page.to_csv([["=1+1", "a"]]) == "'=1+1,a\r\n"


@pytest.mark.parametrize("key", ["contactor_cycles = 10", "sensor_years = 0", "cable_rise_percent = 0.5"])
def test_a_rating_that_cannot_be_is_refused(tmp_path: Path, key: str) -> None:
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text() + f"\n[health]\n{key}\n")
    with pytest.raises(InvalidConfig) as refused:
        load(tmp_path / "city.toml", without_data=True)
    assert f"health.{key.split(' ')[0]}" in refused.value.where
