"""Core and gateways as processes of their own, for benches and for tests that kill them."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from supervisor.config import Config
from tools.process import Process
from tools.servers import Nats

DISTRICT = "gwanak"


class Role(Process):
    """A process of the district, to be killed and started again."""

    def __init__(self, nats: Nats, log: Path, *arguments: str) -> None:
        super().__init__(log)
        self._command = [
            sys.executable, "-m", "supervisor.cli", "serve", "--nats", nats.address, "--district", DISTRICT, *arguments,
        ]  # fmt: skip

    def start(self) -> None:
        self._begin(self._command)


def wait_for_keys(config: Config) -> None:
    """Until the core has made them."""
    files = [config.pki_dir / "server.pem", *(config.board_key_path(board.id) for board in config.board)]
    while not all(path.exists() for path in files):
        time.sleep(0.1)
