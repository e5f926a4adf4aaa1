"""Flash images of emulated boards, written and read on the host: what a board has on it before it first starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

BLOCK_BYTES = 4096
_READ_BYTES = 32  # as VfsLfs2 of the chip, whose small cache keeps no file of ours among the file system's own records


def write_image(path: Path, files: Mapping[str, bytes], size_bytes: int) -> None:
    """A littlefs image with `files` by their path on the board."""
    fs = _fs(size_bytes)
    fs.format()
    fs.mount()
    for name, content in files.items():
        if "/" in name:
            fs.makedirs(name.rpartition("/")[0], exist_ok=True)
        with fs.open(name, "wb") as file:
            file.write(content)
    fs.unmount()
    path.write_bytes(fs.context.buffer)


def read_image(path: Path) -> dict[str, bytes]:
    """Every file on an image of a board without power."""
    image = path.read_bytes()
    fs = _fs(len(image))
    fs.context.buffer[:] = image
    fs.mount()
    found = {}
    for folder, _, names in fs.walk("/"):
        for name in names:
            place = f"{folder.rstrip('/')}/{name}"
            with fs.open(place, "rb") as file:
                found[place.lstrip("/")] = file.read()
    return found


def firmware_files(firmware: Path) -> dict[str, bytes]:
    """boot.py, main.py, rh and drivers of the folder `firmware`."""
    paths = [firmware / "boot.py", firmware / "main.py", *firmware.glob("rh/*.*"), *firmware.glob("drivers/*.py")]
    return {path.relative_to(firmware).as_posix(): path.read_bytes() for path in paths}


def _fs(size_bytes: int) -> Any:
    from littlefs import LittleFS

    return LittleFS(
        block_size=BLOCK_BYTES, block_count=size_bytes // BLOCK_BYTES, mount=False,
        read_size=_READ_BYTES, prog_size=_READ_BYTES, cache_size=4 * _READ_BYTES,
    )  # fmt: skip
