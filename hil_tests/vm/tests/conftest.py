"""One emulated board per test, and the firmware as boards get it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil_tests.bench import images
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard, Wiring
from hil_tests.vm.prompt import Prompt
from tools.get_vm import vm_path
from tools.provision import placeholder_rom

ROMS = [placeholder_rom("z01", "surface"), placeholder_rom("z01", "cable")]


@pytest.fixture
def board(tmp_path: Path, relay: ConsoleRelay) -> Iterator[EmulatedBoard]:
    wiring = Wiring(sensors=[(4, rom) for rom in ROMS], adc=[(34, -1), (36, 25)])
    made = EmulatedBoard("b01", tmp_path, vm_path(), wiring, relay)
    made.power_on(0)
    yield made
    made.close()


@pytest.fixture
def prompt(board: EmulatedBoard) -> Iterator[Prompt]:
    made = Prompt(board)
    yield made
    made.close()


@pytest.fixture(scope="session")
def program() -> dict[str, bytes]:
    """The firmware as bytecode, as boards get it: what a board needs must fit its memory."""
    return images.program()
