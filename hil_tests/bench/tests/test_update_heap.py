"""An update over the link within the heap of a chip without PSRAM: 32-bit words and bytecode, as there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil_tests.bench.board_figures import UPDATE_HEAP_KB, live
from hil_tests.bench.images import program
from hil_tests.bench.programs import changed_firmware
from hil_tests.bench.tests.test_update import District
from hil_tests.bench.wiring import Fit

pytestmark = [pytest.mark.vm, pytest.mark.timeout(240)]


@pytest.mark.parametrize("heap_kb", [UPDATE_HEAP_KB, 2 * UPDATE_HEAP_KB])
def test_a_program_comes_over_the_link(tmp_path: Path, heap_kb: int) -> None:
    """With little memory its list is verified by a start of its own; with much the board goes on as it is."""
    emulator, _, _ = live(tmp_path / "first", 0.2)
    fit = Fit(word_bits=32, heap=f"{emulator // 1024 + 1 + heap_kb}k")
    district = District(tmp_path / "city", 1, zones=2, fit=fit, firmware=program())
    with district.bench as bench:
        bench.advance(300)
        district.order(changed_firmware(tmp_path, "0.9.1"))
        assert bench.advance(7_200, until=lambda _: district.progress.finished or bool(district.progress.halted))
        assert district.progress.done.keys() == {"b01"}
        assert district.record("b01")["run"] == "a"
        starts = len(bench.boards["b01"].resets)
        assert starts == (3 if heap_kb == UPDATE_HEAP_KB else 2)
        assert bench.violations == []
