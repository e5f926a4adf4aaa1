"""Gets what tests talk to and no Python package brings: InfluxDB 1.6, VictoriaMetrics, PostgreSQL, nginx, NATS,
haproxy, Chromium, its driver's library, a Korean font.

As root on Debian they are installed as Debian's packages, and one line says so before. Elsewhere, without root, or
with ROADHEAT_NO_APT=1, nothing is changed: one line says for each what is missing, what is skipped for it and how to
get it. A second run finds them and ends. Never fails the caller: tests that need a server are skipped and say so, which
fails the run where ROADHEAT_NO_SKIPS is set.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from tools.postgres_server import find_postgres
from tools.servers import find_program

NO_APT = "ROADHEAT_NO_APT"  # set to 1: never install anything on the system
INSTALL_S = 900  # Chromium is 80 MB and may come over a slow line
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))


class Need(Struct, frozen=True):
    """A server or library that tests need."""

    name: str
    packages: tuple[str, ...]  # Debian's
    skipped: str  # tests that are skipped without it
    present: Callable[[], bool]


def _has_chromium() -> bool:
    return any(find_program(name) for name in ("chromium", "chromium-browser", "google-chrome"))


def _has_korean_font() -> bool:
    names = ("NotoSansCJK", "NotoSerifCJK", "Nanum", "NotoSansKR")
    return any(
        any(name in path.name for name in names)
        for folder in FONT_FOLDERS
        if folder.is_dir()
        for path in folder.rglob("*.tt[cf]")
    )


def driver_runs() -> bool:
    """Whether Playwright's own Node starts: it links libatomic, which a bare Debian lacks. True without Playwright."""
    driver = importlib.util.find_spec("playwright")
    if driver is None or driver.origin is None:
        return True
    node = Path(driver.origin).with_name("driver") / "node"
    try:
        return subprocess.run([node, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except OSError:
        return False


NEEDS = (
    Need("InfluxDB 1.6", ("influxdb",), "tests marked influx", lambda: find_program("influxd") is not None),
    Need(
        "VictoriaMetrics",
        ("victoria-metrics",),
        "tests marked victoria",
        lambda: find_program("victoria-metrics") is not None,
    ),
    Need("nginx", ("nginx-light",), "tests marked nginx", lambda: find_program("nginx") is not None),
    Need(
        "PostgreSQL",
        ("postgresql",),
        "tests marked postgres",
        lambda: find_postgres("postgres") is not None and find_postgres("initdb") is not None,
    ),
    Need("NATS", ("nats-server",), "tests marked nats", lambda: find_program("nats-server") is not None),
    Need("haproxy", ("haproxy",), "some tests marked nats", lambda: find_program("haproxy") is not None),
    Need("Chromium", ("chromium",), "tests marked browser", _has_chromium),
    Need("libatomic", ("libatomic1",), "tests marked browser", driver_runs),
    Need("a Korean font", ("fonts-nanum",), "legible Korean screenshots", _has_korean_font),
)


def missing(needs: Sequence[Need] = NEEDS) -> list[Need]:
    return [need for need in needs if not need.present()]


def can_install() -> bool:
    """Root on a system with apt, and not forbidden."""
    return (
        os.environ.get(NO_APT, "") in ("", "0")
        and hasattr(os, "geteuid")
        and os.geteuid() == 0
        and shutil.which("apt-get") is not None
    )


def announcement(needs: Sequence[Need]) -> str:
    """One line, before anything is installed: what, where from, and how to prevent it."""
    packages = " ".join(package for need in needs for package in need.packages)
    return f"Installing on this system, as root, with apt-get: {packages} (for tests; {NO_APT}=1 prevents it)"


def advice(need: Need) -> str:
    """One line: what is missing, what is skipped, how to get it."""
    return f"{need.name} is missing: {need.skipped} are skipped. Get it: sudo apt-get install {' '.join(need.packages)}"


def install(needs: Sequence[Need]) -> str:
    """Install Debian's packages for `needs`. Returns "" or the last line of apt's error."""
    packages = [package for need in needs for package in need.packages]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    complaint = _run(command, environment)
    if complaint:  # usually there are no package lists yet, or they are old
        behind = _run(["apt-get", "update", "-qq"], environment)
        complaint = _run(
            command, environment
        )  # a list that is incomplete, because the mirror is syncing, does not affect the others
        if complaint and behind:
            return behind
    return complaint


def _run(command: Sequence[str], environment: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=INSTALL_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return f"{command[1]} took more than {INSTALL_S} s"
    return "" if done.returncode == 0 else (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]


def main() -> int:
    wanted = missing()
    if wanted and can_install():
        print(announcement(wanted), flush=True)
        complaint = install(wanted)
        if complaint:
            for need in wanted:  # one that is not available does not block the others
                if not need.present():
                    install([need])
        wanted = missing()
        if wanted and complaint:
            print(f"apt-get: {complaint}")
    for need in wanted:
        print(advice(need))
    return 0


if __name__ == "__main__":
    sys.exit(main())
