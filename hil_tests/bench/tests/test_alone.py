"""A board whose link cannot even be imported, or resets the chip, heats a cold wet road all the same."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from hil_tests.bench.hostile import HostileServer
from supervisor.weather.design_storm import design_storm
from tools.board import mpremote

pytestmark = [pytest.mark.vm, pytest.mark.timeout(240)]
START = 1_768_089_600.0
SNOW = START + 9 * 3600


def _replace(bench: Bench, name: str, text: str, folder: Path) -> None:
    """Put a file on the board as an engineer does, and start it."""
    (folder / "new.py").write_text(text)
    port = bench.boards["b01"].console.path

    def engineer() -> None:
        mpremote(port, "fs", "cp", str(folder / "new.py"), f":{name}")
        mpremote(port, "reset")

    thread = threading.Thread(target=engineer)
    thread.start()
    while thread.is_alive():
        bench.advance(1, speed=20)  # mpremote takes real time
    bench.advance(2, speed=20)  # and a reset comes a moment after it has ended


@pytest.mark.parametrize(
    ("text", "resets"),
    [
        ("this is no program", 0),
        ("raise MemoryError", 0),
        ("import machine\nmachine.reset()\n", 3),  # two more bad starts, then safe mode; and once more when it ends
    ],
)
def test_a_link_that_cannot_start(tmp_path: Path, text: str, resets: int) -> None:
    config = write_city(tmp_path, design_storm(START, hours=48, seed=1))
    with Bench(config, start_utc_s=SNOW) as bench:
        bench.flash()
        _replace(bench, "rh/net.py", text, tmp_path)
        before = len(bench.boards["b01"].resets)
        heated = {name: zone.truth.energy_wh for name, zone in bench.zones.items()}
        bench.advance(1800)
        assert len(bench.boards["b01"].resets) - before <= resets
        for name, zone in bench.zones.items():
            assert zone.truth.energy_wh - heated[name] > zone.zone.power_w * 300 / 3600
        assert bench.violations == []


def test_no_socket_is_left_behind_by_sessions_that_fail(tmp_path: Path) -> None:
    """A handshake that failed used to leave its socket open: the chip has ten."""
    config = write_city(tmp_path, design_storm(START, hours=48, seed=1))
    with Bench(config, start_utc_s=SNOW) as bench:
        bench.flash()
        board = bench.boards["b01"]
        bench.advance(300)
        before = len(os.listdir(f"/proc/{board.pid}/fd"))
        bench.advance(1800)  # nobody listens
        assert len(os.listdir(f"/proc/{board.pid}/fd")) <= before + 1
        with HostileServer(bench.config, "untrusted") as server:
            bench.advance(1800)
            assert server.calls > 10
        assert len(os.listdir(f"/proc/{board.pid}/fd")) <= before + 1


@pytest.mark.parametrize("kind", ["flood", "junk"])
def test_a_peer_that_floods_a_session_stops_neither_clock_nor_heat(tmp_path: Path, kind: str) -> None:
    config = write_city(tmp_path, design_storm(START, hours=48, seed=1))
    with Bench(config, start_utc_s=SNOW) as bench, HostileServer(bench.config, kind) as server:
        bench.flash()
        resets = len(bench.boards["b01"].resets)
        bench.advance(2400)
        assert server.hellos > 10
        assert len(bench.boards["b01"].resets) == resets
        for zone in bench.zones.values():
            assert zone.truth.energy_wh > zone.zone.power_w * 300 / 3600
        assert bench.violations == []
