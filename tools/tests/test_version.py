"""One version number: `VERSION` of the firmware, which the package, the boards' manifest and `--version` follow."""

from __future__ import annotations

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

from click.testing import CliRunner

from firmware.rh import VERSION
from supervisor.cli import main

ROOT = Path(__file__).resolve().parents[2]


def test_every_place_that_tells_a_version_tells_the_firmware_s() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)  # semantic versioning; a release is tagged v{VERSION}
    assert json.loads((ROOT / "firmware" / "package.json").read_text())["version"] == VERSION
    assert importlib.metadata.version("roadheat") == VERSION
    assert VERSION in CliRunner().invoke(main, ["--version"]).output


def test_no_other_place_states_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project
    assert project["dynamic"] == ["version"]
    stated = [
        path.relative_to(ROOT).as_posix()
        for folder in ("supervisor", "tools", "hil_tests", "firmware")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".json", ".js") and "tests" not in path.parts
        if f'"{VERSION}"' in path.read_text(encoding="utf-8")
    ]
    assert sorted(stated) == ["firmware/package.json", "firmware/rh/__init__.py"]
