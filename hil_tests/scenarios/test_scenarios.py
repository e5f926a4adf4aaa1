"""Storms and faults on emulated boards with the real firmware and service, invariants checked each tick."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hil_tests.bench.city import working_folder
from hil_tests.scenarios.play import play
from hil_tests.scenarios.scenario import ScenarioError, read_scenario

HERE = Path(__file__).parent
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"  # as `make soak` sets it


def _cases() -> list[object]:
    cases: list[object] = []
    for path in sorted(HERE.glob("*.json")):
        marks: list[pytest.MarkDecorator] = [pytest.mark.vm]
        scenario = read_scenario(path)
        if scenario.soak and not SOAK:
            continue
        if scenario.weather.kind == "file":
            marks.append(pytest.mark.data)
        cases.append(pytest.param(path, id=path.stem, marks=marks))
    return cases


@pytest.mark.parametrize("path", _cases())
def test_scenario(path: Path, data_dir: Path) -> None:
    scenario = read_scenario(path)
    with working_folder() as folder:
        played = play(scenario, folder, data_dir)
    print(f"{scenario.title}; seed {scenario.seed}; {played}")
    assert played.violations == []
    assert played.failed == []


def test_an_unknown_word_in_a_scenario_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "typo.json"
    path.write_text('{"title": "t", "weather": {"kind": "design"}, "hours": 1, "boardz": 2}')
    with pytest.raises(ScenarioError, match="boardz"):
        read_scenario(path)
