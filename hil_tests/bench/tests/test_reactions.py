"""Boards act within the bars of the fault model, also while a handshake computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil_tests.bench.reactions import CASES, HANDSHAKE_MS, QUANTUM_MS, Case, reaction_ms


def test_quanta_are_small_enough() -> None:
    assert QUANTUM_MS <= 250


@pytest.mark.vm
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_reaction(case: Case, tmp_path: Path) -> None:
    assert reaction_ms(case, tmp_path / "rig", phases=2) <= case.most_ms


@pytest.mark.vm
def test_a_handshake_holds_interrupts_back(tmp_path: Path) -> None:
    """As on the chip; otherwise the case of a handshake would prove nothing."""
    case = next(case for case in CASES if "handshake" in case.name)
    assert reaction_ms(case, tmp_path / "rig", phases=1) >= HANDSHAKE_MS - 2 * QUANTUM_MS
