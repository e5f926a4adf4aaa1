"""`python -m tools.firmware_package` writes the list of files in firmware/package.json; `make fix` runs it."""

from __future__ import annotations

import json
from pathlib import Path

from tools.flashing import CARRIED, FIRMWARE


def program_files(firmware: Path = FIRMWARE) -> list[str]:
    """Files that a board carries, by their path on it: boot.py and main.py, then each folder's in order."""
    found: list[str] = []
    for name in CARRIED:
        place = firmware / name
        paths = [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else [place]
        found += sorted(path.relative_to(firmware).as_posix() for path in paths if path.suffix != ".pyc")
    return found


def package_text(firmware: Path = FIRMWARE) -> str:
    """package.json for `mpremote mip`, one file a line."""
    package = json.loads((firmware / "package.json").read_text())
    urls = ",\n".join(f'    ["{name}", "{name}"]' for name in program_files(firmware))
    return (
        f'{{\n  "name": "{package["name"]}",\n  "version": "{package["version"]}",\n'
        f'  "urls": [\n{urls}\n  ],\n  "deps": []\n}}\n'
    )


if __name__ == "__main__":
    (FIRMWARE / "package.json").write_text(package_text())
