"""Ctrl-C in the demo, on real boards: whatever has been lived through is told."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from hil_tests.bench.bench import Bench
from hil_tests.demo.run import built_in_storm, live_through, write_demo_city

pytestmark = [pytest.mark.vm, pytest.mark.timeout(240)]


def test_a_stopped_storm_keeps_its_minutes(tmp_path: Path) -> None:
    minutes: list[float] = []

    def progress(bench: Bench) -> None:
        minutes.append(bench.utc_s)
        if len(minutes) == 3:
            signal.raise_signal(signal.SIGINT)

    lines: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    storm = built_in_storm(1, hours=1.0)
    path = write_demo_city(tmp_path, storm)
    outcome = live_through(path, storm, 1, speed=None, say=lines.append, progress=progress)
    assert not outcome.finished
    assert outcome.run.minutes == len(minutes) == 3
    assert outcome.violations == []
    assert any("/login?token=" in line for line in lines)
    assert signal.getsignal(signal.SIGINT) is before
