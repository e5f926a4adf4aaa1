"""The service, and who stands in its place or beside it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from hil_tests.bench.bench import Bench
from hil_tests.bench.hostile import HostileServer
from hil_tests.bench.rogue import rogue
from hil_tests.bench.thief import misuse
from hil_tests.bench.zone import BenchError
from hil_tests.inject.action import Action, Place
from supervisor.config.listen import split_listen

SILENT = 64  # connections that say nothing, as many as one address may have
_PLACE, _BESIDE = "in the service's place", "beside the service"


def _hostile(at: Place) -> None:
    """`value`: a kind of bench.hostile."""
    at.bench.kill_supervisor()
    at.bench.guests.enter(_PLACE, HostileServer(at.bench.config, at.value))


def _rogue(at: Place) -> None:
    """`value`: a kind of bench.rogue."""
    bench = at.bench

    def tell(invariant: str, board: str, what: str) -> None:
        bench.invariants.tell(invariant, bench.now_ms, board, what)

    bench.kill_supervisor()
    bench.guests.enter(_PLACE, rogue(bench.config, at.value, tell))


def _return(at: Place) -> None:
    """Whoever stood in the service's place goes, and it comes back."""
    at.bench.guests.leave(_PLACE)
    if not at.bench.supervisor.running:
        at.bench.start_supervisor()


@contextmanager
def _silent(bench: Bench) -> Iterator[None]:
    """Connections that never say a word."""
    address = split_listen(bench.config.boards.listen)
    with ExitStack() as opened:
        for _ in range(SILENT):
            with contextlib.suppress(OSError):  # refused: what is wanted
                opened.enter_context(socket.create_connection(address, timeout=1.0))
        yield


def _misuse_key(at: Place) -> None:
    if at.bench.supervisor.running:
        misuse(at.bench.config, at.board_id, at.bench.utc_s + at.bench.service_ahead_s)


def _set_clock(at: Place) -> None:
    """The service's time of day jumps. `value`: seconds ahead of the true one."""
    bench, ahead_s = at.bench, float(at.value)
    bench.service_ahead_s = ahead_s
    bench.invariants.liveness.service_clock(bench.now_ms, ahead_s)
    bench.supervisor.set_clock(bench.utc_s + ahead_s)


def _rotate(at: Place) -> None:
    """As an engineer begins it. `value`: "authority" or "keys"."""
    command = [sys.executable, "-m", "supervisor.cli", "pki", "rotate", "--config", str(at.bench.config.path)]
    done = subprocess.run(
        command + ["--keys"] * (at.value == "keys"),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise BenchError(done.stderr.strip() or done.stdout.strip(), where="pki rotate")


ACTIONS: dict[str, Action] = {
    "kill_supervisor": lambda at: at.bench.kill_supervisor(),
    "start_supervisor": lambda at: at.bench.start_supervisor(),
    "lose_weather": lambda at: (at.bench.config.path.parent / "weather.csv").unlink(),
    "hostile": _hostile,
    "rogue": _rogue,
    "service_returns": _return,
    "silent_connections": lambda at: at.bench.guests.enter(_BESIDE, _silent(at.bench)),
    "end_connections": lambda at: at.bench.guests.leave(_BESIDE),
    "service_clock": _set_clock,
    "misuse_key": _misuse_key,
    "rotate": _rotate,
}
