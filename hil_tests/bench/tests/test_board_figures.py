"""A board fits its chip: garbage, heap, ring and wear. The whole table is printed by `roadheat bench board`."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil_tests.bench.board_command import RING_H, WEAR_SHARE
from hil_tests.bench.board_figures import CHIP_HEAP_KB, GARBAGE_MAX, heap_used, live, memory, storage


def test_the_heap_is_read_from_what_boards_tell() -> None:
    assert heap_used([50, 60, 70, 52, 61, 71, 53]) == (52, 71)
    assert heap_used([50, 60]) == (60, 60)


def test_the_ring_holds_a_day_and_the_flash_lasts() -> None:
    found = storage()
    assert found.ring_h >= RING_H
    assert found.wear_share <= WEAR_SHARE
    assert found.ring_bytes < 256 * 1024


@pytest.mark.vm
@pytest.mark.timeout(120)
def test_garbage_and_memory(tmp_path: Path) -> None:
    found = memory(tmp_path / "m")
    assert 0 < found.turn <= GARBAGE_MAX
    assert found.most < CHIP_HEAP_KB * 1024


@pytest.mark.vm
@pytest.mark.timeout(120)
def test_an_hour_with_the_heap_of_the_chip(tmp_path: Path) -> None:
    _, used, resets = live(tmp_path / "h", 1.0, CHIP_HEAP_KB)
    assert resets == 0
    assert len(used) > 3_500
