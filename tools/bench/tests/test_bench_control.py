from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from supervisor.tariff.flat import FlatTariff
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.providers.files import write_weather_csv
from tools.bench.control import control
from tools.bench.control_boards import LOOK_S, Circuit, rule_named
from tools.bench.control_planners import Strategy
from tools.bench.control_plant import Fault, Plant, draw_faults, make_feeders, make_zones, true_pavements
from tools.bench.control_report import Row, compare, regrets, rows_of, worst_storms
from tools.bench.control_run import Season
from tools.bench.control_setting import Fleet, Stretch, perfect

START = 1_703_829_600.0


@pytest.fixture(scope="module")
def season() -> Season:
    """The design storm on two zones, with the reactive rule, the board alone, and the plan."""
    weather = design_storm(START, hours=72.0)
    zones = make_zones(2)
    run = Season(
        Stretch(weather, START + 3 * 3600, START + 27 * 3600, SEOUL),
        Fleet(zones, make_feeders(zones, 1.0, 0.0), FlatTariff(120.0)),
        [Strategy("reactive", "reactive"), Strategy("local"), Strategy("plan", plan=True)],
        {"perfect": perfect(weather)},
    )
    run.run()
    return run


def test_the_plan_leaves_less_ice_than_the_rules_on_a_road_it_does_not_know(season: Season) -> None:
    reactive, local, plan = (score.ice_minutes.mean() for score in season.scores)
    assert reactive > 60
    assert plan <= 0.6 * min(reactive, local)
    assert season.scores[2].late_minutes.mean() < season.scores[0].late_minutes.mean()


def test_no_limit_is_passed_and_the_books_balance(season: Season) -> None:
    rows = rows_of(season, 1000.0, 4000.0)
    for row in rows:
        assert row.contract_violations == 0
        assert row.breaker_violations == 0
        assert row.energy_cost == pytest.approx(120.0 * row.kwh_m2 * sum(z.area_m2 for z in season.zones))
        assert row.base_charge == pytest.approx(1000.0 * row.peak_kw)
    load = np.array(season.trace.load_kw)
    assert load.max() <= sum(zone.power_w for zone in season.zones) / 1000 + 1e-9


def test_a_plan_is_not_replaced_every_half_hour(season: Season) -> None:
    row = rows_of(season, 0.0, 4000.0)[2]
    assert row.plans > 20
    assert row.duty_changed_h_per_plan < 1.0


def test_rules_do_what_their_makers_say() -> None:
    dry_cold = {"surface_mc": 1_000, "wet": False, "air_mc": -1_000, "snow_ahead": False}
    assert rule_named("thermostat").decide(0, **dry_cold) == 1000
    assert rule_named("idle").decide(0, **dry_cold) == 1000
    assert rule_named("idle").decide(0, **(dry_cold | {"air_mc": 6_000})) == 0
    assert rule_named("reactive").decide(0, **dry_cold) == 0
    assert rule_named("reactive").decide(0, **(dry_cold | {"wet": True})) == 1000
    timer = rule_named("storm-timer")
    assert timer.decide(0, **(dry_cold | {"snow_ahead": True})) == 1000
    assert timer.decide(5 * 3600 + 1, **(dry_cold | {"snow_ahead": True})) == 0  # no snow came
    after = rule_named("reactive-afterrun")
    assert after.decide(0, 1_000, True, 0, False) == 1000
    assert after.decide(2 * 3600, 1_000, False, 0, False) == 1000
    assert after.decide(4 * 3600, 1_000, False, 0, False) == 0


def test_boards_keep_the_cold_cutoff_of_their_limits_file() -> None:
    deep = {"surface_mc": -15_000, "wet": True, "air_mc": -16_000, "snow_ahead": False}
    assert rule_named("local").decide(0, **deep) == 0
    assert rule_named("local", cold_cutoff_c=-25.0).decide(0, **deep) == 1000
    assert rule_named("reactive").decide(0, **deep) == 1000  # has none


@pytest.mark.parametrize("duty", [340, 483, 650])
def test_a_window_lasts_as_long_as_the_board_would_keep_it(duty: int) -> None:
    """Whole minutes would draw a twentieth more than asked, and exceed a contract that the guard expected to keep."""
    rule = SimpleNamespace(decide=lambda *_: duty)
    circuit = Circuit(rule)
    closed_s = sum(60 * circuit.tick(t, 0, 500.0, 0, False) for t in range(0, 1800, 60))
    assert closed_s == pytest.approx(1800 * duty / 1000, abs=2 * LOOK_S)


def test_contactors_keep_their_minimum_times() -> None:
    circuit = Circuit(rule_named("reactive"))
    wet = [circuit.tick(t, 1_000 if t < 120 else 9_000, 500.0, 0, False) for t in range(0, 900, 60)]
    assert wet[:5] == [True] * 5
    assert not any(wet[6:])
    assert circuit.starts == 1


def row(name: str, cost: float, ice: float) -> Row:
    return Row(name, 0, cost, 0, 0, ice, 0, 0, 0, 0, 1, 0, 0, 0, 0)


def test_comparison_interpolates_the_frontier() -> None:
    line = [row("a", 100.0, 400.0), row("b", 200.0, 0.0)]
    found = compare(row("reactive", 200.0, 200.0), line)
    assert found.cost_saved_at_equal_ice == pytest.approx(0.25)
    assert found.ice_left_at_equal_cost == pytest.approx(0.0)
    cheap = compare(row("reactive", 50.0, 200.0), line)
    assert cheap.ice_left_at_equal_cost is None
    assert cheap.cost_saved_at_equal_ice == pytest.approx(-2.0)


def test_regret_is_against_foresight_at_the_same_price() -> None:
    rows = [row("foresight", 100.0, 0.0), row("plan", 103.0, 0.0), row("foresight×0.3", 80.0, 0.0)]
    rows += [row("plan×0.3", 88.0, 0.0), row("plan×0.05", 70.0, 0.0)]
    found = regrets(rows)
    assert found["plan"] == pytest.approx(0.03)
    assert found["plan×0.3"] == pytest.approx(0.1)
    assert "plan×0.05" not in found


def test_worst_storms_are_days_apart() -> None:
    time = START + 900.0 * np.arange(96 * 6)
    frozen = np.where((time % 86_400) < 7_200, 1.0, 0.0)
    found = worst_storms(time, frozen)
    assert len(found) == 3
    assert min(abs(a - b) for a in found for b in found if a != b) >= 2 * 86_400


def test_the_command_writes_its_figures(tmp_path: Path) -> None:
    csv = tmp_path / "storm.csv"
    write_weather_csv(csv, design_storm(START, hours=60.0))
    out = tmp_path / "out.json"
    arguments = ["--weather", str(csv), "--from", "2023-12-29T12:00", "--to", "2023-12-30T06:00", "--zones", "1"]
    arguments += ["--strategies", "reactive,plan", "--no-frontier", "--forecast", "perfect", "--json", str(out)]
    result = CliRunner().invoke(control, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    report = json.loads(out.read_text())
    assert [r["name"] for r in report["strategies"]] == ["reactive", "plan"]
    assert report["strategies"][1]["ice_minutes"] <= report["strategies"][0]["ice_minutes"]
    wrong = CliRunner().invoke(control, [*arguments[:4], "--strategies", "magic"])
    assert wrong.exit_code == 2
    assert "known: thermostat" in wrong.output
    over = CliRunner().invoke(control, [*arguments[:2], "--from", "2024-02-01"])
    assert over.exit_code == 1
    assert "it covers 2023-12-29" in over.output


def test_faults_last_for_their_time_only_and_for_all_copies_alike() -> None:
    zones = make_zones(2)
    rng = np.random.default_rng(3)
    plant = Plant(true_pavements(zones, rng), zones, copies=3, start_c=2.0, seed=1)
    plant.faults = (Fault(1, 100.0, 200.0, moisture_permille=1000.0), Fault(0, 100.0, 200.0, surface_off_k=50.0))
    during, after = plant.read(150.0), plant.read(250.0)
    assert during.moisture_permille[1::2].tolist() == [1000.0] * 3
    assert during.surface_c[0::2].min() > 50
    assert after.moisture_permille.max() < 200
    assert after.surface_c.max() < 4
    drawn = draw_faults(2, 90 * 86_400.0, 2.0, rng)
    assert 2 <= len(drawn) <= 30
    assert all(6 * 3600 <= fault.end_s - fault.start_s <= 48 * 3600 for fault in drawn)
