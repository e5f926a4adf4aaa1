"""Emulated boards with the real firmware, in real time, at two gateways: each gateway and NATS are killed, and every
record that the boards made is there once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hil_tests.bench.city import free_port, write_city
from hil_tests.bench.images import write_board
from hil_tests.bench.wiring import Fit, wire
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard, Wiring
from hil_tests.vm.realtime import running
from supervisor.config import Config, load
from supervisor.store import DATABASE_NAME
from supervisor.weather.design_storm import design_storm
from tools.bench.role_process import Role, wait_for_keys
from tools.flashing import provisioned
from tools.servers import find_program, running_haproxy, running_nats

pytestmark = [pytest.mark.vm, pytest.mark.nats, pytest.mark.timeout(400)]

AT_ONCE = {"power_return_min_s": 0, "power_return_max_s": 0}
JOINED_S = 90.0  # a telemetry frame every 10 s, and the first dial within a few seconds
BACK_S = 120.0  # a pause of up to 8 s, or a minute of silence first


@pytest.fixture
def config(tmp_path: Path) -> Config:
    now = time.time() // 3600 * 3600
    weather = design_storm(now - 24 * 3600, hours=96, snow_start_h=30)
    return load(write_city(tmp_path, weather, boards=2, zones_per_board=1))


@pytest.fixture
def boards(config: Config, relay: ConsoleRelay) -> Iterator[list[EmulatedBoard]]:
    folder = config.state_dir / "bench"
    folder.mkdir(parents=True)

    def make(name: str, wiring: Wiring) -> EmulatedBoard:
        return Fit().board(name, folder, wiring, relay, 0)

    made = wire(config, make, AT_ONCE, Fit())
    for name, board in made.boards.items():
        write_board(board, provisioned(config, name))
    for zone in made.zones.values():
        zone.show(0.8, 0.0)
    yield list(made.boards.values())
    for board in made.boards.values():
        board.close()


def records(config: Config) -> dict[str, list[int]]:
    """Sequences of the record by board."""
    found: dict[str, list[int]] = {board.id: [] for board in config.board}
    with sqlite3.connect(f"file:{config.state_dir / DATABASE_NAME}?mode=ro", uri=True) as db:
        for board, q in db.execute("SELECT board, q FROM tick ORDER BY board, q"):
            found[board].append(q)
    return found


def wait_for(condition: Callable[[], bool], within_s: float, log: Path) -> float:
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < within_s, log.read_text()[-3000:]
        time.sleep(0.2)
    return time.monotonic() - began_s


def test_boards_of_a_gateway_that_dies_come_back_without_loss(
    config: Config, boards: list[EmulatedBoard], relay: ConsoleRelay, tmp_path: Path
) -> None:
    if find_program("nats-server") is None or find_program("haproxy") is None:
        pytest.skip("nats-server or haproxy is not installed: make servers")
    log = tmp_path / "log"
    ports = [(free_port(), free_port()) for _ in range(2)]
    dialled = int(config.boards.listen.rpartition(":")[2])
    with ExitStack() as stack:
        nats = stack.enter_context(running_nats(tmp_path))
        gateways = [
            Role(nats, log, "--role", "gateway", "--listen", f"127.0.0.1:{own}", "--metrics", f"127.0.0.1:{health}")
            for own, health in ports
        ]
        for role in (Role(nats, log, "--role", "core", "--config", str(config.path)), *gateways):
            stack.callback(role.kill)
            role.start()
        stack.enter_context(running_haproxy(tmp_path, ports, dialled))
        wait_for_keys(config)
        for board in boards:
            board.power_on(0)
        stack.enter_context(running(boards, relay))

        def more_of_each() -> Callable[[], bool]:
            known = {name: len(rows) for name, rows in records(config).items()}
            return lambda: all(len(rows) >= known[name] + 2 for name, rows in records(config).items())

        wait_for(lambda: (config.state_dir / DATABASE_NAME).exists(), JOINED_S, log)
        wait_for(more_of_each(), JOINED_S, log)
        for gateway in gateways:
            gateway.kill()
            wait_for(more_of_each(), BACK_S, log)
            gateway.start()
            time.sleep(5)
        nats.kill()
        time.sleep(2)
        nats.start()
        wait_for(more_of_each(), BACK_S, log)
        for name, rows in records(config).items():
            assert rows == list(range(rows[0], rows[0] + len(rows))), name
