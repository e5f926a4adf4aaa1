"""Copies firmware and provisioned files to a board, with stock mpremote."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from supervisor.domain.errors import RoadheatError
from tools.sealing import sealed_file

if TYPE_CHECKING:
    from supervisor.config import Config

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
CARRIED = ("boot.py", "main.py", "rh", "drivers")  # of firmware/; not its tests
PROVISIONED = ("config.json", "limits.json", "ca.der")
_MPREMOTE_S = 180  # a full flash over a slow serial line

# Check the new provisioned files beside those in force, then replace these.
_TAKE = """
import json, os
from rh import check, seal
def take(names):
    files = []
    for n in names:
        content, why = seal.load(n + ".new")
        if why: raise OSError(n + " " + why)
        files.append(content)
    try:
        check.config(json.loads(files[0]))
        check.limits(json.loads(files[1]))
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


class BoardToolError(RoadheatError):
    code = "board-tool"


def require(port: str, board: str) -> None:
    """Raise BoardToolError where another board is at `port`; one without files may become any."""
    said = mpremote(port, "exec", _WHO).strip().rpartition("board:")[2]
    if said not in ("", board):
        mpremote(port, "reset")
        raise BoardToolError(
            f"this is {said}, not {board}", where=port, remedy="Check the port, or replace its identity with --replace"
        )


def mpremote(port: str, *arguments: str) -> str:
    """Output of stock mpremote on the board at `port`; raises BoardToolError with its last line."""
    program = [sys.executable, "-m", "mpremote", "connect", port, *arguments]
    try:
        run = subprocess.run(program, capture_output=True, text=True, timeout=_MPREMOTE_S, check=False)
    except subprocess.TimeoutExpired:
        raise BoardToolError("no answer", where=port, remedy="Press reset on the board and try again") from None
    if run.returncode:
        said = (run.stderr.strip() or run.stdout.strip()).splitlines()
        raise BoardToolError(
            said[-1] if said else "mpremote failed",
            where=port,
            remedy="Check the cable, that no other program uses the port, and unlock it with `roadheat board unlock`",
        )
    return run.stdout


def flash(port: str, folder: Path, firmware: Path | None = FIRMWARE) -> None:
    """Copy the firmware (None: leave what is there) and a board's provisioned files (`folder`) to it and start it. What
    is there already stays. Provisioned files come last, sealed, beside those in force, and take their place whole: a
    torn copy does not count, and the firmware that is to read them is there before them.
    """
    with tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch)
        fresh = [f"{name}.new" for name in PROVISIONED]
        for name in PROVISIONED:
            (stage / f"{name}.new").write_bytes(sealed_file(folder / name))
        carried = CARRIED if firmware is not None else ()
        for name in carried:
            assert firmware is not None
            if (firmware / name).is_dir():
                shutil.copytree(firmware / name, stage / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
            else:
                shutil.copyfile(firmware / name, stage / name)
        entries = [str(stage / name) for name in (*reversed(carried), *fresh)]  # boot.py after what it starts
        try:
            mpremote(port, "fs", "cp", "-r", *entries, ":", "+", "exec", _TAKE + repr(PROVISIONED) + ")", "+", "reset")
        except BoardToolError:
            with suppress(BoardToolError):  # the files in force are unchanged: start with them
                mpremote(port, "reset")
            raise


def provisioned(config: Config, name: str) -> Path:
    """Folder of a board's files; raises BoardToolError where there are none yet."""
    folder = config.state_dir / "boards" / name
    if not (folder / "config.json").exists():
        raise BoardToolError("not provisioned", where=name, remedy=f"Run `roadheat board provision {name}`")
    return folder
