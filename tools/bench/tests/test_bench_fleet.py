"""A small fleet; the whole of `roadheat bench fleet` is 2,000 or 10,000 boards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bench.fleet import lag_quantile, measure

BOARDS = 30


async def test_a_small_fleet_is_served_commanded_and_comes_back(tmp_path: Path) -> None:
    """Times are not asserted here but those with room: other processes share the machine."""
    figures = {figure.name: figure for figure in await measure(tmp_path, BOARDS, 4.0, 0.5, storm=True)}
    for name in (
        "boards served", "failures until then", "failures while connected", "service ended badly", "errors in its log",
        "stop with all boards connected",
    ):  # fmt: skip
        assert figures[name].holds, figures[name]
    assert figures["commands"].value >= 4
    assert 0 < figures["command round trip, p99"].value < 5000
    assert figures["telemetry acknowledged"].value > 0
    assert figures["loop lag, p50"].value > 0
    assert figures["storm without jitter: all connected after"].value < 60


def test_quantiles_of_a_histogram_count_only_what_came_between() -> None:
    before = {0.1: 100.0, 0.2: 100.0, float("inf"): 100.0}
    after = {0.1: 150.0, 0.2: 200.0, float("inf"): 200.0}
    assert lag_quantile(before, after, 0.5) == pytest.approx(0.1)
    assert lag_quantile(before, after, 0.75) == pytest.approx(0.15)
    assert lag_quantile({}, {0.1: 0.0, float("inf"): 4.0}, 0.99) == pytest.approx(0.1)
