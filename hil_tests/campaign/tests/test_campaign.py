"""The campaign's parts; a sample of it is played in every test run, all of it by `roadheat bench faults --pairs`."""

from __future__ import annotations

import itertools
import os

import pytest

from hil_tests.campaign.campaign import BOARDS, FIRST_S, HOURS, Run, faults, runs, scenario
from hil_tests.campaign.cli import play_run, replay
from hil_tests.inject import ACTIONS

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"  # as `make soak` sets it
# Runs of eight boards with pairs that are hard together: in every test run while the service restarts, and the second
# in `make soak`.
SAMPLE = Run(
    seed=1,
    service="service-restarts",
    cases=(
        ("power-flickers", "link-flaps"), ("earth-fault", "power-cut"), ("surface-noise", "moisture-stuck"),
        ("contactor-welded", "power-cut"), ("metered-cable-broken", "person-on"), ("maintenance-lock", "config-torn"),
        ("surface-stuck", "long-power-cut"), ("person-off", "moisture-open"),
    ),
)  # fmt: skip
SECOND = Run(
    seed=1,
    hours=1.5,
    cases=(
        ("power-cut-in-write", "memory-exhausted"), ("call-hangs", "link-flaps"), ("soft-reset", "surface-reads-hot"),
        ("stray-bytes", "limits-bit-flips"), ("metered-contactor-welded", "power-flickers"),
        ("pin-impossible", "meter-line-stuck"), ("board-replaced", "key-misused"), ("meter-mute", "limits-torn"),
    ),
)  # fmt: skip


def test_every_pair_is_played_once_a_seed() -> None:
    known = faults()
    played = [frozenset((*case, run.service) if run.service else case) for run in runs(True, 1) for case in run.cases]
    pairs = [pair for pair in played if len(pair) == 2]
    wanted = [
        frozenset(pair) for pair in itertools.combinations(known, 2) if not all(known[name].service for name in pair)
    ]
    assert sorted(map(sorted, pairs)) == sorted(map(sorted, wanted))
    assert {name for case in played if len(case) == 1 for name in case} == set(known)
    assert len({run.key for run in runs(True, 3)}) == 3 * len(runs(True, 1))


def test_every_step_is_known_and_in_time() -> None:
    for run in runs(True, 2):
        found = scenario(run)
        assert len(run.cases) <= BOARDS
        for event in found.events:
            assert event.do in ACTIONS
            assert FIRST_S <= event.at_s < HOURS * 3600


def test_a_case_has_the_same_events_alone() -> None:
    alone = Run(seed=3, cases=(SAMPLE.cases[2],))
    among = Run(seed=3, cases=SAMPLE.cases)
    events = [event for event in scenario(among).events if event.board == "b03"]
    assert [(event.at_s, event.do, event.value) for event in events] == [
        (event.at_s, event.do, event.value) for event in scenario(alone).events
    ]


def test_a_violation_names_the_command_that_plays_its_case() -> None:
    said = replay(SAMPLE, "Violation(invariant='I16', at_s=1.0, place='z06', what='')")
    assert said == "roadheat bench faults --only 'surface-noise+moisture-stuck' --service service-restarts --seed 1"


@pytest.mark.vm
@pytest.mark.timeout(240)
@pytest.mark.parametrize("run", [SAMPLE, SECOND] if SOAK else [SAMPLE])
def test_a_sample_violates_nothing(run: Run) -> None:
    assert play_run(run) == []
