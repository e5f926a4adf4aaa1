"""Core and gateways as processes of their own, for benches and for tests that kill them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from supervisor.config import Config
from tools.servers import Nats

DISTRICT = "gwanak"


class Role:
    """A process of the district, to be killed and started again."""

    def __init__(self, nats: Nats, log: Path, *arguments: str) -> None:
        self._command = [
            sys.executable, "-m", "supervisor.cli", "serve", "--nats", nats.address, "--district", DISTRICT, *arguments,
        ]  # fmt: skip
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """0 before its start."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it; its output goes to the log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


def wait_for_keys(config: Config) -> None:
    """Until the core has made them."""
    files = [config.pki_dir / "server.pem", *(config.board_key_path(board.id) for board in config.board)]
    while not all(path.exists() for path in files):
        time.sleep(0.1)
