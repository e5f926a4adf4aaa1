"""Every file of the firmware reaches a board, whichever way it is flashed; every driver is in table and docs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hil_tests.vm.flash_image import firmware_files
from tools import flashing
from tools.firmware_package import package_text
from tools.flashing import FIRMWARE, PROVISIONED, flash

PROGRAM = {"boot.py", "main.py"} | {
    path.relative_to(FIRMWARE).as_posix()
    for folder in ("rh", "drivers")
    for path in (FIRMWARE / folder).rglob("*")
    if path.is_file() and path.suffix != ".pyc"
}
DRIVERS = {path.stem for path in (FIRMWARE / "drivers").glob("*.py")} - {"__init__"}
HARDWARE = FIRMWARE.parent / "docs" / "hardware.md"


def test_the_mip_package_carries_every_file() -> None:
    package = json.loads((FIRMWARE / "package.json").read_text())
    assert [target for target, _ in package["urls"]] == [source for _, source in package["urls"]]
    assert {target for target, _ in package["urls"]} == PROGRAM, "run `make fix`"
    assert (FIRMWARE / "package.json").read_text() == package_text()


def test_the_flash_tool_carries_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROVISIONED:
        (tmp_path / name).write_text("{}")
    copied: set[str] = set()

    def note(port: str, *arguments: str) -> str:
        entries = [Path(argument) for argument in arguments if Path(argument).is_absolute()]
        files = [file for entry in entries for file in (entry, *entry.rglob("*")) if file.is_file()]
        copied.update(file.relative_to(entries[0].parent).as_posix() for file in files)
        return ""

    monkeypatch.setattr(flashing, "mpremote", note)
    flash("port", tmp_path)
    assert copied == PROGRAM | {f"{name}.new" for name in PROVISIONED}


def test_emulated_boards_carry_every_file() -> None:
    assert firmware_files(FIRMWARE).keys() == PROGRAM


def test_every_driver_is_in_the_table_and_every_kind_in_the_docs() -> None:
    from firmware.drivers import KINDS

    assert {module for module, _ in KINDS.values()} == DRIVERS
    assert {*re.findall(r"(?m)^\| `([\w-]+)` \| `(?:surface|moisture|power)`", HARDWARE.read_text())} == {*KINDS}
