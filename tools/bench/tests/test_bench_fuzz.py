"""A small sample of `roadheat bench fuzz` and `frames`; `make soak` sends the whole 200,000."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tools.bench.fuzz import correct
from tools.bench.fuzz_frames import FrameFuzz
from tools.bench.fuzz_hostile import KINDS
from tools.bench.fuzz_noise import WAITS, undisturbed

FRAMES = int(os.environ.get("ROADHEAT_FUZZ_FRAMES", "1500"))


async def test_a_hostile_board_ends_nothing_and_touches_nobody(tmp_path: Path) -> None:
    figures = await correct(tmp_path, FRAMES, rate=1e6, seed=7, hostile_boards=64 if FRAMES > 10_000 else 16)
    assert [(figure.name, figure.value) for figure in figures if figure.holds is False] == []


async def test_others_hardly_notice_a_hostile_board(tmp_path: Path) -> None:
    """A few seconds say nothing of a p99, but what an attack costs the service does not depend on other processes."""
    figures = await undisturbed(tmp_path, rounds=1, phase_s=2.0, seed=7)
    by_name = {figure.name: figure for figure in figures}
    for kind in KINDS:
        assert by_name[f"{kind}: sent"].value > 0
        assert by_name[f"{kind}: cost to the service"].value < 30
        for _, name in WAITS:
            assert by_name[f"{kind}: {name}, p99"].value < 2000
    assert by_name["service ended"].holds
    assert by_name["honest boards or crew cut off"].holds


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
    assert [one.spoilt(frame) for frame in frames] == [same.spoilt(frame) for frame in frames]
    assert any(other.spoilt(frame) for frame in frames * 3)
