"""The real service as a child process on granted time, to be started, killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from supervisor.domain.errors import RoadheatError
from supervisor.runtime.lockstep import GRANT, HOLD, MESSAGE, SETTLE, SETTLED, START

_START_S = 60  # wall: importing scipy on a busy machine
_SETTLE_S = 120  # wall: the longest plan of a busy machine
_LAST_WORDS_S = 5  # wall: it is about to log why it ends
_REPO = Path(__file__).resolve().parents[2]


def _environment() -> dict[str, str]:
    """One BLAS thread (matrices are small, cores are the boards'), log at once, compiled modules kept for next time."""
    own = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own


class SupervisorError(RoadheatError):
    code = "supervisor-process"


def serve_command(config: Path) -> list[str]:
    """How the service is started for an operator; the bench adds `--lockstep SOCKET`."""
    return [sys.executable, "-m", "supervisor.cli", "serve", "--config", str(config)]


class SupervisorProcess:
    """One service process and its grants."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command = list(command)
        self._folder = folder
        self.log = folder / "supervisor.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._asked = False
        self._ran_ms = 0  # granted since its start

    @property
    def running(self) -> bool:
        return self._link is not None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self, utc_s: float) -> None:
        """Start the service at `utc_s` and wait until it listens. Raises SupervisorError with the end of its log."""
        path = self._folder / "lockstep.sock"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, self.log.open("ab") as log:
            listener.bind(str(path))
            listener.listen(1)
            listener.settimeout(0.2)
            self._process = subprocess.Popen(
                [*self._command, "--lockstep", str(path)],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the bench only, which ends the service
                stdout=log,
                stderr=log,
                cwd=_REPO,
                env=_environment(),
            )
            deadline = time.monotonic() + _START_S
            while True:
                try:
                    self._link, _ = listener.accept()
                    break
                except TimeoutError:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        self._fail("did not start")
        self._link.settimeout(_SETTLE_S)
        self._link.sendall(MESSAGE.pack(START, round(utc_s * 1000)))
        self._ran_ms = 0
        self.grant(1)
        self.settled()

    def set_clock(self, utc_s: float) -> None:
        """Let its time of day jump; how long it has run stays as it is."""
        if self._link is not None:
            self._send(MESSAGE.pack(START, round(utc_s * 1000) - self._ran_ms))

    def hold(self) -> None:
        """Let it wait for the next `grant`, without serving boards and people meanwhile."""
        if self._link is not None:
            self._send(MESSAGE.pack(HOLD, 0))

    def grant(self, ms: int) -> None:
        """Grant `ms` (0: to answer what has arrived) and ask for a message when all is done in that time."""
        if self._link is not None:
            self._asked = True
            self._ran_ms += ms
            self._send(MESSAGE.pack(GRANT, ms) + MESSAGE.pack(SETTLE, 0))

    def settled(self) -> None:
        """Wait for the answer."""
        if self._link is None or not self._asked:
            return
        self._asked = False
        try:
            answer = self._link.recv(1)
        except TimeoutError:
            self._fail(f"did not settle within {_SETTLE_S} s")
        if answer != SETTLED:
            self._fail("ended")

    def kill(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """End the process: SIGKILL as a power cut does, SIGTERM as an operator does."""
        if self._process is None:
            return
        if sig == signal.SIGTERM and self._link is not None:
            self._link.close()  # timers run freely, so that it can close its connections
            self._link = None
        self._process.send_signal(sig)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._drop()

    def _send(self, message: bytes) -> None:
        assert self._link is not None
        try:
            self._link.sendall(message)
        except OSError:
            self._fail("ended")

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None
        self._process = None
        self._asked = False

    def _fail(self, what: str) -> None:
        if self._process is not None:
            try:
                self._process.wait(timeout=_LAST_WORDS_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        code = self._process.returncode if self._process else None
        self._drop()
        tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
        raise SupervisorError(f"the service {what} (status {code}): {tail}", where=str(self.log))
