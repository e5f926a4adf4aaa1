"""A few boards both ways; `roadheat bench cluster` has 300."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bench import cluster
from tools.bench.cluster import measure
from tools.servers import find_program

pytestmark = [pytest.mark.nats, pytest.mark.timeout(200)]

BOARDS = 3
HOLD_S = 11.0  # a frame of each board at least


async def test_boards_are_served_both_ways_and_every_process_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_program("nats-server") is None or find_program("haproxy") is None:
        pytest.skip("nats-server or haproxy is not installed: make servers")
    monkeypatch.setattr(cluster, "SETTLE_S", 0.0)
    figures = {figure.name: figure.value for figure in await measure(tmp_path, BOARDS, HOLD_S, 2)}
    for way in ("one process", "roles"):
        assert figures[f"{way}: telemetry acknowledged"] >= BOARDS
        assert 0 < figures[f"{way}: round trip, p50"] <= figures[f"{way}: round trip, p99"]
        assert figures[f"{way}: CPU for a board-hour"] > 0
    assert {"roles: core", "roles: gateway 1", "roles: gateway 2", "roles: NATS", "roles: haproxy"} <= set(figures)
    assert figures["CPU of the roles over that of one process"] > 0
