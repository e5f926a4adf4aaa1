"""The board's unittest files once more, in the MicroPython VM: 64 bit, and 32 bit as on the chip."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.get_vm import vm_path

TESTS = Path(__file__).parent
MODULES = sorted(p.stem for p in TESTS.glob("test_rh_*.py"))


@pytest.mark.vm
@pytest.mark.parametrize("word_bits", [64, 32])
@pytest.mark.parametrize("module", MODULES)
def test_in_vm(module: str, word_bits: int, tmp_path: Path) -> None:
    run = subprocess.run(
        [vm_path(word_bits), "-X", "heapsize=4m", TESTS / "vm" / "run.py", TESTS.parent, module],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
