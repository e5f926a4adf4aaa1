"""A board with the contact of a thermal cut-out and a residual-current monitor on its pins: off in time, latched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import FLASH_BYTES, EmulatedBoard
from hil_tests.vm.flash_image import write_image
from hil_tests.vm.wired import ZoneWires, wired
from tools.get_vm import vm_path
from tools.provision import LIMITS, placeholder_rom
from tools.sealing import sealed

pytestmark = [pytest.mark.vm, pytest.mark.timeout(120)]
STARTS_WITHIN_S = 400  # minimum off time and self-test
CONFIG: dict[str, Any] = {
    "board": "b01",
    "key": "5a" * 32,
    "host": "127.0.0.1",
    "port": 1,
    "server_name": "roadheat",
    "ca": "ca.der",
    "ow_pin": 4,
    "zones": [
        {
            "id": "z01",
            "relay_pin": 25,
            "relay_active": 0,
            "surface_rom": placeholder_rom("z01", "surface"),
            "cable_rom": placeholder_rom("z01", "cable"),
            "moist_pin": 34,
            "ct_pin": 36,
            "ct_w_per_mv": 30,
            "power_w": 54_000,
            "thermal_pin": 23,
            "leakage": {"kind": "adc-leakage", "pin": 33, "ua_per_mv": 13},
        }
    ],
}


@pytest.fixture
def heating(
    tmp_path: Path, relay: ConsoleRelay, program: dict[str, bytes]
) -> Iterator[tuple[EmulatedBoard, ZoneWires]]:
    """A board that heats a cold wet road, with relays that close on a low level."""
    limits = {**LIMITS, "power_return_min_s": 0, "power_return_max_s": 0}
    files = {"config.json": sealed(json.dumps(CONFIG).encode()), "limits.json": sealed(json.dumps(limits).encode())}
    write_image(tmp_path / "b01.img", {**program, **files}, FLASH_BYTES)
    wiring, (zone,) = wired(CONFIG)
    board = EmulatedBoard("b01", tmp_path, vm_path(), wiring, relay)
    zone.show(board, -1.5, 2.0, 0.8)
    board.power_on(0)
    live(board, STARTS_WITHIN_S)
    assert zone.closed(board), bytes(board.console.log).decode()
    yield board, zone
    board.close()


def live(board: EmulatedBoard, seconds: int) -> None:
    for _ in range(seconds):
        board.grant(1000)
        board.collect()


def test_the_cut_out_opens_the_contactor_by_interrupt_and_latches(heating: tuple[EmulatedBoard, ZoneWires]) -> None:
    board, zone = heating
    zone.set_cut_out(board, True)
    board.grant(10)  # far less than a turn of the safety loop: the interrupt alone
    board.collect()
    assert not zone.closed(board)
    zone.set_cut_out(board, False)
    live(board, STARTS_WITHIN_S)
    assert not zone.closed(board), "latched"
    now_ms = board.resets[0][0]
    board.power_off(now_ms)
    board.power_on(now_ms)
    live(board, STARTS_WITHIN_S)
    assert not zone.closed(board), "across a power cut"


@pytest.mark.parametrize("ma", [31.0, None])
def test_leakage_above_the_limit_or_a_broken_wire_opens_within_two_samples(
    heating: tuple[EmulatedBoard, ZoneWires], ma: float | None
) -> None:
    board, zone = heating
    zone.set_leakage(board, 20.0)
    live(board, 120)
    assert zone.closed(board), "a warning heats on"
    zone.set_leakage(board, ma)
    live(board, 3)
    assert not zone.closed(board)
