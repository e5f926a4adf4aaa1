"""A PostgreSQL of one's own for tests and benches: in a temporary folder, on a Unix socket in it, as no system service.

PostgreSQL refuses to run as root, so it then runs as the user that Debian's package makes. Durability is as in service:
fsync stays on.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.process import Process
from tools.servers import START_S, ServerError, find_program

USER = "postgres"  # Debian's
VERSIONS = Path("/usr/lib/postgresql")  # its programs are not on the path
SETTINGS = ("listen_addresses=", "max_connections=60", "shared_buffers=16MB")
PROBE_S = 0.05


def find_postgres(name: str) -> Path | None:
    """A program of the newest PostgreSQL that is installed; None where there is none."""
    found = sorted(VERSIONS.glob(f"[0-9]*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return found[-1] if found else find_program(name)


class PostgresServer(Process):
    """An empty database `roadheat`, at `address`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "log")
        self._folder = folder
        self._owner = USER if os.geteuid() == 0 else None  # None: whoever runs this
        self.address = f"postgresql://{USER}@/roadheat?host={folder}"

    def make(self) -> None:
        """Make the data folder. Raises ServerError."""
        if self._owner:
            shutil.chown(self._folder, USER)
        self._folder.chmod(0o700)
        self._run("initdb", "-D", str(self._data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()
        self.create_database("roadheat")

    def create_database(self, name: str) -> None:
        """Another empty database. Raises ServerError."""
        self._run("createdb", "-h", str(self._folder), "-U", USER, name)

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServerError with the end of its log."""
        settings = [part for setting in SETTINGS for part in ("-c", setting)]
        command = self._command("postgres", "-D", str(self._data), "-k", str(self._folder), *settings)
        process = self._begin(command, cwd=self._folder, user=self._owner, group=self._owner)
        deadline = time.monotonic() + START_S
        ready = self._command("pg_isready", "-h", str(self._folder), "-q")
        while time.monotonic() < deadline and process.poll() is None:
            if subprocess.run(ready, check=False, cwd=self._folder).returncode == 0:
                return
            time.sleep(PROBE_S)
        self.kill()
        raise ServerError(f"does not start: {self._told()}", where="PostgreSQL")

    def kill(self) -> None:
        """SIGQUIT: ends at once, as a crash does, and takes its own children along; the next start recovers."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """SIGINT: connections end, the rest is written."""
        self._end(signal.SIGINT)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _command(self, name: str, *arguments: str) -> list[str]:
        program = find_postgres(name)
        if program is None:
            raise ServerError(f"{name} is not installed", where="PostgreSQL", remedy="apt-get install postgresql")
        return [str(program), *arguments]

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            self._command(name, *arguments), capture_output=True, text=True, check=False, cwd=self._folder,
            user=self._owner, group=self._owner,
        )  # fmt: skip
        if done.returncode != 0:
            raise ServerError(f"{name}: {done.stderr.strip()[-500:]}", where="PostgreSQL")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that runs until exit; nothing of it stays. The folder is short: a socket's path has 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="rh-pg-") as folder:
        server = PostgresServer(Path(folder))
        try:
            server.make()
            yield server
        finally:
            server.stop()
