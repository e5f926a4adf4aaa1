"""One Chromium for all tests of a run: each test has a context of its own in it, as private as a new profile."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_S = 60.0  # on a loaded machine


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Chromium with its profile in `folder`; gives the address at which Playwright reaches it."""
    command = [CHROMIUM, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
    log = folder / "log"  # a pipe that nobody reads would fill and stop the browser
    with log.open("wb") as out, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=out) as process:
        try:
            yield _address(log)
        finally:
            process.terminate()


def _address(log: Path) -> str:
    until_s = time.monotonic() + START_S
    while not (found := re.search(r"ws://\S+", log.read_text(encoding="utf-8", errors="replace"))):
        assert time.monotonic() < until_s, f"Chromium did not start: {log.read_text(errors='replace')[-500:]}"
        time.sleep(0.05)
    return found[0]
