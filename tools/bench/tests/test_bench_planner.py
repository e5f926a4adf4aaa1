from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from tools.bench.planner import planner
from tools.bench.planner_data import make_inputs


def test_a_cycle_is_timed_by_stage_and_certified(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    result = CliRunner().invoke(
        planner, ["--zones", "12", "--members", "4", "--json", str(out)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    (timing,) = json.loads(out.read_text())
    assert timing["zones"] == 12
    for cycle in (timing["cold"], timing["warm"]):
        assert 0 <= cycle["gap"] <= 0.005
        assert cycle["worst_gap"] <= 0.01
        assert all(cycle[name] > 0 for name in ("physics_ms", "solve_ms", "pack_ms", "end_to_end_ms", "wall_s"))
    assert timing["worker_mb"] > 0


def test_sizes_that_are_not_numbers_are_refused_at_once() -> None:
    for zones in ("x", "", "1,,2", "0", "-1"):
        result = CliRunner().invoke(planner, ["--zones", zones])
        assert (result.exit_code, "not a list of whole numbers" in result.output) == (2, True)


def test_the_city_is_the_same_for_the_same_seed() -> None:
    assert make_inputs(3, 2).zones == make_inputs(3, 2).zones
    assert make_inputs(3, 2, seed=2).zones != make_inputs(3, 2).zones
