"""What the board, the service and the tool say of a program is the same: a program that one makes the others take."""

from __future__ import annotations

import msgspec

from firmware.rh import approval, pieces, signed, slot, update, verify
from supervisor.wire import messages, program
from tools import program_file
from tools.program_file import listed


def test_limits_are_the_boards() -> None:
    assert program.LIST_MAX_BYTES == update.LIST_MAX
    assert program.FILES_MAX == verify.FILES_MAX
    assert program.FILE_MAX_BYTES == verify.FILE_MAX
    assert program.SIGNATURE_BYTES == update.SIGNATURE == signed.SIZE
    assert program.LIST == slot.LIST
    assert messages.PIECE_MAX_BYTES >= pieces.PIECE


def test_names_are_the_boards() -> None:
    assert program_file.PURPOSE == approval.PURPOSE
    assert program_file.MODEL == verify.MODEL


def test_what_a_board_says_is_taken() -> None:
    """A board's reason or version that the service refused would end each of its sessions."""
    longest = messages.ProgramState(1, "9" * slot.VERSION_MAX, "x" * slot.WHY_MAX)
    assert msgspec.json.decode(msgspec.json.encode(longest), type=messages.ProgramState) == longest


def test_versions_and_paths_are_judged_alike() -> None:
    for version in ("0.2.0", "9999.0.1", "10000.0.0", "1.0", "1.0.0.0", " 1.0.0", "1.0.x", "-1.0.0", "1_0.0.0"):
        text = listed({"rh/x.mpy": b""}, version).decode()
        assert (program.VERSION.search(text) is not None) == update.later(version, "0.0.0"), version
    for path in (
        "rh/x.mpy",
        "drivers/a_1.json",
        "rh/x.py",
        "rh/../x.mpy",
        "a/rh/x.mpy",
        "rh/X.mpy",
        "rh/.mpy",
        "main.py",
    ):
        text = listed({path: b""}, "0.2.0").decode()
        assert (program.FILE.search(text) is None) == verify.path_fault(path), path
