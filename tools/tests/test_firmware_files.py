"""Every file of the firmware reaches a board, whichever way it is flashed; every driver is in table and docs."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from hil_tests.vm.flash_image import firmware_files
from tools import flashing
from tools.firmware_package import package_text
from tools.flashing import FIRMWARE, PROVISIONED, BoardToolError, flash

PROGRAM = {"boot.py", "main.py"} | {
    path.relative_to(FIRMWARE).as_posix()
    for folder in ("rh", "drivers")
    for path in (FIRMWARE / folder).rglob("*")
    if path.is_file() and path.suffix != ".pyc"
}
DRIVERS = {path.stem for path in (FIRMWARE / "drivers").glob("*.py")} - {"__init__"}
RUNS = ["linux", 1, 26]
HARDWARE = FIRMWARE.parent / "docs" / "hardware.md"


def test_the_mip_package_carries_every_file() -> None:
    package = json.loads((FIRMWARE / "package.json").read_text())
    assert [target for target, _ in package["urls"]] == [source for _, source in package["urls"]]
    assert {target for target, _ in package["urls"]} == PROGRAM, "run `make fix`"
    assert (FIRMWARE / "package.json").read_text() == package_text()


def test_the_flash_tool_carries_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROVISIONED:
        (tmp_path / name).write_text("{}")
    board: dict[str, str] = {"rh/gone.py": "0"}  # path → SHA-256
    copies: list[str] = []

    def answer(port: str, *arguments: str) -> str:
        if "have:" in arguments[-1]:
            files = {name: found for name, found in board.items() if not name.endswith(".new")}
            return "have:" + json.dumps([RUNS, files])
        if arguments[:2] == ("fs", "cp"):
            files = [Path(argument) for argument in arguments if Path(argument).is_absolute()]
            target = next(argument for argument in arguments if argument.startswith(":"))[1:]
            board.update({target + file.name: sha256(file.read_bytes()).hexdigest() for file in files})
            copies.extend(target + file.name for file in files)
        if "os.remove" in arguments[-1]:
            assert "slot.rec" in arguments[-1], "the flashed program is to run"
            board.pop("rh/gone.py", None)
        return ""

    monkeypatch.setattr(flashing, "mpremote", answer)
    flash("port", tmp_path)
    compiled = {name.replace(".py", ".mpy") if "/" in name else name for name in PROGRAM}
    assert board.keys() == compiled | {f"{name}.new" for name in PROVISIONED}
    assert copies[-3:] == [f"{name}.new" for name in PROVISIONED]
    assert {*copies[-5:-3]} == {"boot.py", "main.py"}  # after what they start
    copies.clear()
    flash("port", tmp_path)
    assert copies == [f"{name}.new" for name in PROVISIONED]  # the same source gives the same bytes

    board["rh/safety.mpy"] = "0"
    monkeypatch.setattr(flashing, "mpremote", lambda port, *arguments: "have:" + json.dumps([RUNS, board]))
    with pytest.raises(BoardToolError, match=r"rh/safety\.mpy did not arrive as sent"):
        flash("port", tmp_path)


def test_emulated_boards_carry_every_file() -> None:
    assert firmware_files(FIRMWARE).keys() == PROGRAM


def test_every_driver_is_in_the_table_and_every_kind_in_the_docs() -> None:
    from firmware.drivers import KINDS

    assert {module for module, _ in KINDS.values()} == DRIVERS
    assert {*re.findall(r"(?m)^\| `([\w-]+)` \| `(?:surface|moisture|power|leakage)`", HARDWARE.read_text())} == {
        *KINDS
    }
