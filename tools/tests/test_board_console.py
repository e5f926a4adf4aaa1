"""A board in operation: nothing on the console stops the heat, until somebody with its key is let in."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hil_tests.bench.city import write_city
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard, Wiring
from hil_tests.vm.realtime import running
from supervisor.weather.design_storm import design_storm
from tools import console_line
from tools.board import board
from tools.flashing import BoardToolError, mpremote
from tools.get_vm import vm_path

pytestmark = pytest.mark.vm


@pytest.fixture
def city(tmp_path: Path) -> Path:
    path = write_city(tmp_path, design_storm(1_768_089_600.0, hours=30, seed=1))
    invoke("provision", "--host", "127.0.0.1", "--emulated", "--config", str(path), "b01")
    folder = tmp_path / "state" / "boards" / "b01"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "console_lock": 1}))  # as for a road
    return path


def invoke(*arguments: str, fails: bool = False) -> str:
    result = CliRunner().invoke(board, list(arguments), env={"COLUMNS": "200"})
    assert (result.exit_code != 0) == fails, result.output
    return result.output


@pytest.fixture
def flashed(city: Path, tmp_path: Path) -> Iterator[EmulatedBoard]:
    """A board with a locked console, running."""
    config: dict[str, Any] = json.loads((tmp_path / "state" / "boards" / "b01" / "config.json").read_text())
    wiring = Wiring()
    for zone in config["zones"]:
        wiring.sensors += [(4, zone["surface_rom"]), (4, zone["cable_rom"])]
        wiring.adc += [(zone["moist_pin"], -1), (zone["ct_pin"], zone["relay_pin"])]
    relay = ConsoleRelay()
    made = EmulatedBoard("b01", tmp_path, vm_path(), wiring, relay)
    made.power_on(0)
    with running([made], relay):
        invoke("flash", "--config", str(city), f"b01={made.console.path}")
        deadline = time.monotonic() + 20
        while console_line.now(made.console.path) is None:
            assert time.monotonic() < deadline, bytes(made.console.log[-2000:])
        yield made
    made.close()
    relay.close()


def restarts(made: EmulatedBoard) -> int:
    return len(made.resets)


def test_ctrl_c_and_noise_stop_nothing_and_the_key_lets_an_engineer_in(city: Path, flashed: EmulatedBoard) -> None:
    path, before = flashed.console.path, restarts(flashed)
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    for noise in (
        b"\x03",
        b"\r\x03\x03",
        b"\x01\x04\x02",
        b"rh unlock\r",
        b"rh unlock 5 00\r",
        bytes(range(256)) * 8,
        b"rh?" * 200 + b"\r",
    ):
        os.write(line, noise)
    os.close(line)
    time.sleep(1.0)
    found = console_line.now(path)
    assert found is not None
    assert (found["b"], found["open_s"]) == ("b01", 0)
    assert b"KeyboardInterrupt" not in flashed.console.log
    assert b"outputs off" not in flashed.console.log
    assert "console locked" in invoke("status", f"b01={path}")
    assert restarts(flashed) == before

    with pytest.raises(BoardToolError, match="refused the key"):
        console_line.unlock(path, "b01", bytes(32), 5)
    with pytest.raises(BoardToolError, match="this is b01, not b02"):
        console_line.unlock(path, "b02", bytes(32), 5)
    assert "unlocked for 5 min" in invoke("unlock", "--minutes", "5", "--config", str(city), f"b01={path}")
    later = console_line.now(path)
    assert later is not None
    assert later["up"] >= found["up"]  # the program goes on
    assert 0 < later["open_s"] <= 300
    assert mpremote(path, "exec", "print(6 * 7)") == "42\n"
    mpremote(path, "reset")
    deadline = time.monotonic() + 20
    while (again := console_line.now(path)) is None:
        assert time.monotonic() < deadline
    assert again["open_s"] == 0  # a start locks it


def test_logs_are_read_beside_the_heat(flashed: EmulatedBoard) -> None:
    path, before = flashed.console.path, restarts(flashed)
    with pytest.raises(BoardToolError):
        console_line.unlock(path, "b01", bytes(32), 5)
    said = invoke("logs", f"b01={path}")
    assert re.search(r"start \d+ \+ \d+ s: console: wrong key", said), said
    assert "last crash" not in said
    assert restarts(flashed) == before
    whole = console_line.log(path, 90_000)
    assert whole.endswith("\n")
    assert console_line.log(path, 60) in whole


def test_an_answer_cannot_be_used_twice_and_time_locks_again(city: Path, flashed: EmulatedBoard) -> None:
    import hmac
    from hashlib import sha256

    path = flashed.console.path
    key = (city.parent / "state" / "keys" / "b01.key").read_bytes()
    found = console_line.now(path)
    assert found is not None
    mac = hmac.new(key, b"console" + found["nonce"].encode() + b" 1", sha256).hexdigest()
    with console_line._port(path) as port:
        assert console_line._ask(port, f"rh unlock 2 {mac}") == "refused"  # other minutes
        assert console_line._ask(port, f"rh unlock 1 {mac}") == "refused"  # the nonce has gone
    for minutes in ("0", "121", "-5", "1e9", "x"):
        found = console_line.now(path)
        assert found is not None
        mac = hmac.new(key, b"console" + found["nonce"].encode() + f" {minutes}".encode(), sha256).hexdigest()
        with console_line._port(path) as port:
            assert console_line._ask(port, f"rh unlock {minutes} {mac}") == "refused"
