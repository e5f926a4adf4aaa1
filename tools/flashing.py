"""Copies firmware and provisioned files to a board, with stock mpremote."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from supervisor.domain.errors import RoadheatError
from tools.bytecode import build
from tools.sealing import SIGNERS, sealed, sealed_file

if TYPE_CHECKING:
    from supervisor.config import Config

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
STARTS = ("boot.py", "main.py")
FOLDERS = ("rh", "drivers")
CARRIED = (*STARTS, *FOLDERS)  # of firmware/; not its tests
# In the order in which they take the place of those in force: whenever power is cut in between, limits that the board
# refuses leave the old ones in force, and public keys (SIGNERS, last) come when there is something signed with them.
PROVISIONED = ("limits.json", "config.json", "ca.der")
# Before, the WiFi of the port raised RuntimeError for its internal errors.
OLDEST_ON_CHIP = (1, 26)
_MPREMOTE_S = 180  # a full flash over a slow serial line
# mpremote lets the board reset 0.1 s after it has ended itself: who connects before is cut off, and waits for ever.
RESET_S = 0.3
_WHO_S = 30  # a question takes two or three seconds

# SHA-256 of each file of the firmware; a new board gets its folders.
_HASHES = """
import json, os, sys
from binascii import hexlify
from hashlib import sha256
def digest(name):
    made = sha256()
    with open(name, "rb") as f:
        while True:
            part = f.read(512)
            if not part: return hexlify(made.digest()).decode()
            made.update(part)
def have(folders, files):
    found = {}
    top = os.listdir()
    for name in files:
        if name in top: found[name] = digest(name)
    for folder in folders:
        if folder not in top: os.mkdir(folder)
        for name in os.listdir(folder): found[folder + "/" + name] = digest(folder + "/" + name)
    return found
"""

# Check the new provisioned files beside those in force, then replace these.
_TAKE = """
import json, os
from rh import check, seal
try:
    from rh.limitsfile import examine
except ImportError:
    def examine(files):
        if "signers.bin" in files: raise ValueError("this firmware knows no signatures: flash it")
        return files["limits.json"]
def take(names):
    files = {}
    for n in names:
        files[n], why = seal.load(n + ".new")
        if why: raise OSError(n + " " + why)
    try:
        check.config(json.loads(files["config.json"]))
        check.limits(json.loads(examine(files)))
    except check.ConfigError as e:
        raise ValueError(str(e))
    for n in names: os.rename(n + ".new", n)
take("""


# Who a board is, by the files that it carries; nothing where it has none.
_WHO = """
import json
def who():
    for name in ("config.json", "config.json.old"):
        try:
            with open(name) as f:
                text = f.read()
            return json.loads(text[: text.rindex("}") + 1])["board"]
        except (OSError, ValueError, KeyError):
            pass
    return ""
print("board:" + who())
"""

FORGET_SLOTS = """
import os
for name in ("slot.rec", "slot.rec.1"):
    if name in os.listdir(): os.remove(name)
"""


class BoardToolError(RoadheatError):
    code = "board-tool"


def whoever(port: str) -> str:
    """Id of the board at `port`, by the files that it carries; "" where it has none."""
    try:
        answer = mpremote(port, "exec", _WHO, wait_s=_WHO_S)
    except BoardToolError:  # a board in the middle of a reset hears nothing: once more
        answer = mpremote(port, "exec", _WHO, wait_s=_WHO_S)
    return answer.strip().rpartition("board:")[2]


def require(port: str, board: str) -> None:
    """Raise BoardToolError where another board is at `port`; one without files may become any."""
    said = whoever(port)
    if said not in ("", board):
        mpremote(port, "reset")
        raise BoardToolError(
            f"this is {said}, not {board}", where=port, remedy="Check the port, or replace its identity with --replace"
        )


def mpremote(port: str, *arguments: str, wait_s: float = _MPREMOTE_S) -> str:
    """Output of stock mpremote on the board at `port`; raises BoardToolError with its last line."""
    program = [sys.executable, "-m", "mpremote", "connect", port, *arguments]
    try:
        run = subprocess.run(program, capture_output=True, text=True, timeout=wait_s, check=False)
    except subprocess.TimeoutExpired:
        raise BoardToolError("no answer", where=port, remedy="Press reset on the board and try again") from None
    if run.returncode:
        said = (run.stderr.strip() or run.stdout.strip()).splitlines()
        raise BoardToolError(
            said[-1] if said else "mpremote failed",
            where=port,
            remedy="Check the cable, that no other program uses the port, and unlock it with `roadheat board unlock`",
        )
    if arguments[-1] == "reset":
        time.sleep(RESET_S)
    return run.stdout


def flash(port: str, folder: Path, firmware: Path | None = FIRMWARE) -> None:
    """Bring the firmware (None: leave what is there) and a board's provisioned files (`folder`) to it and start it.

    The modules go as bytecode, only those that differ; every file is read back by its hash, and modules of an earlier
    firmware are removed. Provisioned files come last, sealed, beside those in force, and take their place whole: a torn
    copy does not count, and the firmware that is to read them is there before them.
    """
    from tools.limits_files import limits_to_bring  # of use only here, and heavy

    with tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch)
        names = [*PROVISIONED, SIGNERS] if (folder / SIGNERS).exists() else [*PROVISIONED]
        fresh = [f"{name}.new" for name in names]
        for name in names:
            whole = sealed_file(folder / name)
            (stage / f"{name}.new").write_bytes(sealed(limits_to_bring(folder)) if name == "limits.json" else whole)
        try:
            if firmware is not None:
                _bring(port, stage / "firmware", firmware)
            entries = [str(stage / name) for name in fresh]
            mpremote(port, "fs", "cp", *entries, ":", "+", "exec", _TAKE + repr(names) + ")", "+", "reset")
        except BoardToolError:
            with suppress(BoardToolError):  # the files in force are unchanged: start with them
                mpremote(port, "reset")
            raise


def _bring(port: str, stage: Path, firmware: Path) -> None:
    """Copy what differs, verify all of it, then remove what is not of this firmware."""
    build(firmware, FOLDERS, stage)
    for name in STARTS:
        shutil.copyfile(firmware / name, stage / name)
    wanted = {
        path.relative_to(stage).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(stage.rglob("*"))
        if path.is_file()
    }
    have = _have(port)
    changed = [name for name, digest in wanted.items() if have.get(name) != digest]
    for place in (*FOLDERS, ""):  # boot.py and main.py after what they start
        names = [name for name in changed if name.rpartition("/")[0] == place]
        if names:
            mpremote(port, "fs", "cp", *(str(stage / name) for name in names), f":{place}/" if place else ":")
    have = _have(port)
    wrong = [name for name, digest in wanted.items() if have.get(name) != digest]
    if wrong:
        raise BoardToolError(
            f"{', '.join(wrong[:3])} did not arrive as sent",
            where=port,
            remedy="Try again; if it recurs, replace the board",
        )
    stale = [name for name in have if name not in wanted]
    # The flashed program counts from now on, not one that came over the link (firmware/rh/slot.py).
    mpremote(port, "exec", FORGET_SLOTS + f"for name in {stale!r}: os.remove(name)")


def _have(port: str) -> dict[str, str]:
    """Files of the firmware on the board, by path, with their SHA-256; makes the folders."""
    runs = "[sys.platform] + list(sys.implementation.version[:2])"
    said = mpremote(port, "exec", _HASHES + f"print('have:' + json.dumps([{runs}, have({FOLDERS!r}, {STARTS!r})]))")
    (platform, *version), found = json.loads(said.rpartition("have:")[2])
    require_interpreter(port, platform, tuple(version))
    files: dict[str, str] = found
    return files


def require_interpreter(port: str, platform: str, version: tuple[int, ...]) -> None:
    """Raise BoardToolError where a chip's MicroPython is too old; an emulated board has another platform."""
    if platform == "esp32" and version < OLDEST_ON_CHIP:
        have, need = (".".join(map(str, one)) for one in (version, OLDEST_ON_CHIP))
        raise BoardToolError(
            f"MicroPython {have} on the chip, {need} or newer is needed",
            where=port,
            remedy="Flash a newer MicroPython with esptool, then the board again (docs/engineer)",
        )


def provisioned(config: Config, name: str) -> Path:
    """Folder of a board's files; raises BoardToolError where there are none yet."""
    folder = config.state_dir / "boards" / name
    if not (folder / "config.json").exists():
        raise BoardToolError("not provisioned", where=name, remedy=f"Run `roadheat board provision {name}`")
    return folder
