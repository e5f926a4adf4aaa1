"""A small sample of `roadheat bench fuzz`; the whole of it is 200,000 frames."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tools.bench.fuzz import run
from tools.bench.fuzz_frames import FrameFuzz

FRAMES = int(os.environ.get("ROADHEAT_FUZZ_FRAMES", "3000"))


async def test_a_hostile_board_ends_nothing_and_touches_nobody(tmp_path: Path) -> None:
    figures = await run(tmp_path, FRAMES, rate=1e6, quiet_s=2.0, seed=7)
    assert [(figure.name, figure.value) for figure in figures if figure.holds is False] == []
    by_name = {figure.name: figure.value for figure in figures}
    assert by_name["telemetry to acknowledgement, p99 under attack"] < 2000
    assert by_name["override to its board, p99 under attack"] < 2000


def test_frames_replay_from_their_seed_and_are_free() -> None:
    one, same, other = (FrameFuzz(seed, ("z01",), ("z03",)) for seed in (1, 1, 2))
    frames = [one.payload(10 * n, 1_700_000_000, 3) for n in range(2000)]
    assert frames == [same.payload(10 * n, 1_700_000_000, 3) for n in range(2000)]
    assert frames != [other.payload(10 * n, 1_700_000_000, 3) for n in range(2000)]
    decoded = [json.loads(frame) for frame in frames if frame.startswith(b'{"t":"tel"') and frame.endswith(b"}")]
    ups = {str(frame.get("up")) for frame in decoded if isinstance(frame, dict)}
    assert len(ups) > 1000
    assert str(10**13) in ups
    assert max(map(len, frames)) <= 950
