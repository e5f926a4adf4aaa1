"""A board with PT100 and PT1000 behind MAX31865 converters, byte by byte: the real firmware and driver heat by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.converters import FAULTS
from hil_tests.vm.emulated_board import FLASH_BYTES, EmulatedBoard
from hil_tests.vm.flash_image import write_image
from hil_tests.vm.prompt import Prompt
from hil_tests.vm.tests.test_board_protection import STARTS_WITHIN_S, live
from hil_tests.vm.wired import ZoneWires, wired
from tools.get_vm import vm_path
from tools.provision import LIMITS
from tools.sealing import sealed

pytestmark = [pytest.mark.vm, pytest.mark.timeout(120)]
OFF_WITHIN_S = 3  # two samples without an answer, and the second in which they are taken
CONFIG: dict[str, Any] = {
    "board": "b01",
    "key": "5a" * 32,
    "host": "127.0.0.1",
    "port": 1,
    "server_name": "roadheat",
    "ca": "ca.der",
    "ow_pin": 4,
    "spi": {"sck_pin": 18, "mosi_pin": 23, "miso_pin": 19},
    "zones": [
        {
            "id": "z01",
            "relay_pin": 25,
            "relay_active": 1,
            "surface": {"kind": "max31865", "cs_pin": 5, "ref_ohm": 430},
            "cable": {"kind": "max31865", "cs_pin": 21, "ref_ohm": 4300, "r0_ohm": 1000, "wires": 3, "mains_hz": 50},
            "moist_pin": 34,
            "ct_pin": 36,
            "ct_w_per_mv": 30,
            "power_w": 54_000,
        }
    ],
}
READ = """
import json, time, drivers
from rh.check import load
from rh.hardware import Buses
config, _ = load()
buses = Buses(config)
read = [drivers.reader(config.zones[0].sensors[place], buses) for place in ("surface", "cable")]
for _ in range(3):
    said = [one() for one in read]
    time.sleep(1)
print(json.dumps(said))
"""


@pytest.fixture
def platinum(
    tmp_path: Path, relay: ConsoleRelay, program: dict[str, bytes]
) -> Iterator[tuple[EmulatedBoard, ZoneWires]]:
    """A board on a cold wet road."""
    limits = {**LIMITS, "power_return_min_s": 0, "power_return_max_s": 0}
    files = {"config.json": sealed(json.dumps(CONFIG).encode()), "limits.json": sealed(json.dumps(limits).encode())}
    write_image(tmp_path / "b01.img", {**program, **files}, FLASH_BYTES)
    wiring, (zone,) = wired(CONFIG)
    board = EmulatedBoard("b01", tmp_path, vm_path(32), wiring, relay, word_bits=32)
    zone.show(board, -1.5, 2.0, 0.8)
    board.power_on(0)
    yield board, zone
    board.close()


def test_readings_are_those_of_the_elements(platinum: tuple[EmulatedBoard, ZoneWires]) -> None:
    board, zone = platinum
    live(board, 5)
    prompt = Prompt(board, step_ms=500)
    prompt.send(b"\x03")
    live(board, 5)
    for surface_c, cable_c in ((-1.5, 2.0), (-40.0, 79.9), (25.0, 110.0)):
        zone.show(board, surface_c, cable_c, 0.8)
        said = json.loads(prompt.run(READ).splitlines()[-1])
        assert said == pytest.approx([1000 * surface_c, 1000 * cable_c], abs=45), (surface_c, cable_c)
    prompt.close()


@pytest.mark.parametrize("place", ["surface", "cable"])
def test_each_fault_opens_the_contactor_and_heat_returns(platinum: tuple[EmulatedBoard, ZoneWires], place: str) -> None:
    board, zone = platinum
    live(board, STARTS_WITHIN_S)
    assert zone.closed(board), bytes(board.console.log).decode()
    for fault in FAULTS:
        board.converters.set_fault(zone.elements[place], fault)
        live(board, OFF_WITHIN_S)
        assert not zone.closed(board), fault
        live(board, 30)
        assert not zone.closed(board), fault
        zone.show(board, -1.5, 2.0, 0.8)
        live(board, STARTS_WITHIN_S)
        assert zone.closed(board), fault


def test_over_temperature_of_a_platinum_element_is_off_within_a_second(
    platinum: tuple[EmulatedBoard, ZoneWires],
) -> None:
    board, zone = platinum
    live(board, STARTS_WITHIN_S)
    assert zone.closed(board)
    zone.show(board, -1.5, 81.0, 0.8)
    live(board, 2)
    assert not zone.closed(board)
