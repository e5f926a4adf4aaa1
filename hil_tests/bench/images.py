"""What the tools put on a board, written to its flash image at once: a run of many boards begins in a second."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from hil_tests.vm.emulated_board import FLASH_BYTES, EmulatedBoard
from hil_tests.vm.flash_image import write_image
from tools.bytecode import build
from tools.flashing import FIRMWARE, PROVISIONED
from tools.sealing import sealed_file


@cache
def program() -> dict[str, bytes]:
    """The firmware as boards get it: bytecode, and boot.py and main.py as they are."""
    with tempfile.TemporaryDirectory() as name:
        stage = Path(name)
        build(FIRMWARE, ("rh", "drivers"), stage)
        found = {path.relative_to(stage).as_posix(): path.read_bytes() for path in stage.rglob("*") if path.is_file()}
    return found | {name: (FIRMWARE / name).read_bytes() for name in ("boot.py", "main.py")}


def write_board(board: EmulatedBoard, provisioned: Path) -> None:
    """Program and sealed files of the folder that `provision` made. The board has no power yet."""
    files = {name: sealed_file(provisioned / name) for name in PROVISIONED}
    write_image(board.image, {**program(), **files}, FLASH_BYTES)
