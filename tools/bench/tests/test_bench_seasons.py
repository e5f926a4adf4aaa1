from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from supervisor.tariff.flat import FlatTariff
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.providers.files import write_weather_csv
from tools.bench.control_planners import Strategy
from tools.bench.control_plant import make_feeders, make_zones
from tools.bench.control_run import Season
from tools.bench.control_setting import Fleet, Stretch, perfect
from tools.bench.season_sets import WINTERS, Winter, storms_of
from tools.bench.season_table import Result, summary
from tools.bench.seasons import seasons

START = 1_703_829_600.0


def season_of(strategies: list[Strategy], forecasts: list[str]) -> Season:
    weather, zones = design_storm(START, hours=72.0), make_zones(1)
    run = Season(
        Stretch(weather, START + 3 * 3600, START + 21 * 3600, SEOUL),
        Fleet(zones, make_feeders(zones, 1.0, 0.0), FlatTariff(120.0)),
        strategies,
        dict.fromkeys(forecasts, perfect(weather)),
    )
    run.run()
    return run


def test_plans_that_foresee_in_one_batch_are_those_that_each_makes_alone() -> None:
    alone = season_of([Strategy("plan", plan=True, forecast="a")], ["a"])
    both = season_of([Strategy(f"plan/{name}", plan=True, forecast=name) for name in "ab"], ["a", "b"])
    for score in both.scores:
        assert score.plans == alone.scores[0].plans
        assert score.kwh.tolist() == pytest.approx(alone.scores[0].kwh.tolist(), rel=1e-3)
        assert score.ice_minutes.tolist() == pytest.approx(alone.scores[0].ice_minutes.tolist(), abs=2.0)


def test_a_winter_is_cut_into_the_storms_that_it_has() -> None:
    weather = design_storm(START, hours=72.0)
    storms = storms_of(Winter("w", "seoul", "kr_w.csv"), weather)
    assert len(storms) == 1
    assert storms[0].frozen_mm > 1.0
    assert weather.time_utc_s[0] <= storms[0].start_utc_s < storms[0].end_utc_s <= weather.time_utc_s[-1]
    assert storms_of(Winter("w", "seoul", "kr_w.csv", end="2023-12-01"), weather) == []


def result(winter: str, scored: bool, rows: dict[str, tuple[float, float]]) -> Result:
    full = [
        {
            "name": name, "cost": cost, "ice_minutes": ice, "priced": 10.0 * ice,
            "contract_violations": 0, "breaker_violations": 0,
        }
        for name, (cost, ice) in rows.items()
    ]  # fmt: skip
    return Result(winter, "seoul", scored, 0.0, 48.0, "KRW", 1.0, full)


def test_the_best_rule_is_chosen_by_the_other_winters_alone() -> None:
    rules = {"reactive": (100.0, 200.0), "local": (110.0, 200.0)}
    other = result("a", False, rules | {"rule@0.5/0/0": (80.0, 200.0), "rule@0/0/0": (60.0, 500.0)})
    plans = {"plan×0.1/1": (75.0, 200.0), "plan×1/1": (99.0, 20.0), "foresight×1": (88.0, 0.0)}
    here = result("b", True, rules | {"rule@0.5/0/0": (90.0, 240.0), "rule@0/0/0": (50.0, 100.0)} | plans)
    [figures] = summary([other, here])
    assert figures.rule == "rule@0.5/0/0"  # though another was better here, which nobody could know
    assert figures.best.ice == 240.0
    assert figures.saved[0] == pytest.approx(1 - 75 / 90)
    assert figures.ice_at[1.1] == pytest.approx([20 / 240])
    assert figures.foresight_at[1.25] == pytest.approx(0.0)
    assert figures.worse == 0


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def run(data: Path, out: Path, storm: object, settings: object) -> str:
        del data, settings
        calls.append(storm)
        rows = {"reactive": (100.0, 200.0), "local": (1.0, 1.0), "plan×1/1": (1.0, 1.0), "foresight×1": (1.0, 1.0)}
        name = f"{storm.name}-{round((storm.end_utc_s - storm.start_utc_s) / 3600)}h.json"  # type: ignore[attr-defined]
        result("seoul-2023", True, rows).save(out / name)
        return "ran"

    monkeypatch.setattr("tools.bench.seasons.run_storm", run)
    winter = next(w for w in WINTERS if w.name == "seoul-2023")
    write_weather_csv(tmp_path / winter.file, design_storm(START, hours=72.0))
    wanted = ["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--winters", "seoul-2023"]
    first, again = (CliRunner().invoke(seasons, wanted) for _ in range(2))
    assert first.exit_code == again.exit_code == 0
    assert len(calls) == 1
    assert "0 to run" in again.output
    other = CliRunner().invoke(seasons, [*wanted, "--members", "7"])
    assert other.exit_code != 0
    assert "other settings" in str(other.exception)
    missing = CliRunner().invoke(seasons, [*wanted[:-1], "seoul-2019"])
    assert "no such file" in str(missing.exception)
    assert CliRunner().invoke(seasons, [*wanted[:-1], "atlantis"]).exit_code == 2
    assert CliRunner().invoke(seasons, [*wanted, "--factors", "a"]).exit_code == 2
