"""A board whose energy meter gives pulses: the real firmware heats by them and sees a weld and a broken cable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import FLASH_BYTES, EmulatedBoard
from hil_tests.vm.flash_image import read_image, write_image
from hil_tests.vm.tests.test_board_protection import CONFIG, STARTS_WITHIN_S, live
from hil_tests.vm.wired import ZoneWires, wired
from tools.get_vm import vm_path
from tools.provision import LIMITS
from tools.sealing import sealed

pytestmark = [pytest.mark.vm, pytest.mark.timeout(120)]
IMP_PER_KWH = 1_000


@pytest.fixture
def metered(
    tmp_path: Path, relay: ConsoleRelay, program: dict[str, bytes]
) -> Iterator[tuple[EmulatedBoard, ZoneWires]]:
    """A board that heats a cold wet road."""
    zone = {name: value for name, value in CONFIG["zones"][0].items() if name not in ("ct_pin", "ct_w_per_mv")}
    zone["power"] = {"kind": "s0-pulse", "pulse_pin": 22, "imp_per_kwh": IMP_PER_KWH}
    config = {**CONFIG, "zones": [zone]}
    limits = {**LIMITS, "power_return_min_s": 0, "power_return_max_s": 0}
    files = {"config.json": sealed(json.dumps(config).encode()), "limits.json": sealed(json.dumps(limits).encode())}
    write_image(tmp_path / "b01.img", {**program, **files}, FLASH_BYTES)
    wiring, (wires,) = wired(config)
    board = EmulatedBoard("b01", tmp_path, vm_path(32), wiring, relay, word_bits=32)
    wires.show(board, -1.5, 2.0, 0.8)
    board.power_on(0)
    live(board, STARTS_WITHIN_S)
    assert wires.closed(board), bytes(board.console.log).decode()
    yield board, wires
    board.close()


def test_heats_on_and_keeps_its_count(metered: tuple[EmulatedBoard, ZoneWires]) -> None:
    board, wires = metered
    since_s = next(edge.at_ms for edge in board.edges if edge.pin == wires.relay_pin and edge.level == 0) / 1000
    live(board, 1_000)
    assert wires.closed(board), "no cable is taken for broken"
    board.power_off(0)
    (name,) = [file for file in read_image(board.image) if file.startswith("pulses")]
    counted = json.loads(read_image(board.image)[name][32:])["n"]
    expected = wires.power_w / 3_600_000 * IMP_PER_KWH * (900 - since_s)
    assert counted == pytest.approx(expected, rel=0.03)


def test_no_pulses_with_the_contactor_closed_is_a_broken_cable(metered: tuple[EmulatedBoard, ZoneWires]) -> None:
    board, wires = metered
    board.set_adc(wires.pulses, 0, 0)  # or its wire is broken
    live(board, 14)
    assert not wires.closed(board)


def test_pulses_with_the_contactor_open_are_a_weld(metered: tuple[EmulatedBoard, ZoneWires]) -> None:
    board, wires = metered
    wires.show(board, 8.0, 9.0, 0.8)  # warm: off
    live(board, 600)
    assert not wires.closed(board)
    board.set_adc(wires.pulses, wires.power_w, wires.power_w)
    live(board, 8)
    wires.show(board, -1.5, 2.0, 0.8)
    live(board, STARTS_WITHIN_S)
    assert not wires.closed(board), "latched"
