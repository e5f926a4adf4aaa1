"""Programs of emulated boards: other versions of the firmware, and slots as an update leaves them."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from binascii import hexlify
from hashlib import sha256
from pathlib import Path

from tools.bytecode import build
from tools.flashing import FIRMWARE, FOLDERS
from tools.program_file import listed


def changed_firmware(folder: Path, version: str, **edits: tuple[str, str]) -> Path:
    """A copy of the firmware under another version. `edits`: module of rh → (text, what takes its place)."""
    made = folder / f"firmware-{version}"
    shutil.copytree(FIRMWARE, made, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    start = made / "rh" / "__init__.py"
    start.write_text(re.sub(r'VERSION = "[0-9.]+"', f'VERSION = "{version}"', start.read_text()))
    for module, (text, instead) in edits.items():
        path = made / "rh" / f"{module}.py"
        source = path.read_text()
        assert text in source, (module, text)
        path.write_text(source.replace(text, instead))
    return made


def slot_files(slot: str, firmware: Path, version: str) -> tuple[dict[str, bytes], str]:
    """Files of a slot by their path on the board, and the identity of their list."""
    with tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch)
        build(firmware, FOLDERS, stage)
        files = {path.relative_to(stage).as_posix(): path.read_bytes() for path in stage.rglob("*") if path.is_file()}
    listing = listed(files, version)
    made = {f"{slot}/{name}": content for name, content in files.items()} | {f"{slot}/list": listing}
    return made, sha256(listing).hexdigest()


def record(**fields: object) -> bytes:
    """slot.rec, as firmware/rh/store.py writes it."""
    body = json.dumps(fields).encode()
    return hexlify(sha256(body).digest()[:16]) + body
