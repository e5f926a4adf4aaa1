"""A board with register meters on RS-485, byte by byte: the real firmware measures, counts and heats on."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from firmware.rh import telemetry
from firmware.rh.codes import CONTACTOR_WELDED, LATCHED, METER_SILENT, NO_POWER
from hil_tests.bench.images import program
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import FLASH_BYTES, EmulatedBoard, Wiring
from hil_tests.vm.flash_image import read_image, write_image
from hil_tests.vm.meters import FAULTS, Rs485
from hil_tests.vm.prompt import Prompt
from tools.get_vm import vm_path
from tools.provision import LIMITS, placeholder_rom
from tools.sealing import sealed

pytestmark = [pytest.mark.vm, pytest.mark.timeout(120)]
ZONES = ("z01", "z02")
RELAYS = (25, 26)
POWER_W = 54_000
STARTS_WITHIN_S = 400  # minimum off time and self-test
TX, RX, DE, BEAT = 17, 16, 5, 18
FINE, REFUSED = 0, 3  # drivers.modbus
POWER, WH, FLAGS = 4, 5, 8  # fields of a sample
ASK = """
import asyncio, json, drivers
from rh.check import load
from rh.hardware import Buses
config, _ = load()
buses = Buses(config)
sensors = [zone.sensors["power"] for zone in config.zones]
ask = [drivers.reader(sensor, buses) for sensor in sensors]
asyncio.run(buses.rs485.round(asyncio.sleep_ms))
print(json.dumps([[read(), drivers.module(s["kind"]).fault(s, buses)] for read, s in zip(ask, sensors)]))
"""
Start = Callable[..., EmulatedBoard]


def _files(models: tuple[str, ...], **line: Any) -> dict[str, bytes]:
    zones = [
        {
            "id": zone,
            "relay_pin": RELAYS[i],
            "relay_active": 1,
            "surface_rom": placeholder_rom(zone, "surface"),
            "cable_rom": placeholder_rom(zone, "cable"),
            "moist_pin": (34, 35)[i],
            "power": {"kind": "modbus-meter", "model": models[i], "address": i + 1},
            "power_w": POWER_W,
        }
        for i, zone in enumerate(ZONES)
    ]
    config = {
        "board": "b01",
        "key": "5a" * 32,
        "host": "127.0.0.1",
        "port": 1,
        "server_name": "roadheat",
        "ca": "ca.der",
        "ow_pin": 4,
        "beat_pin": BEAT,
        "rs485": {"tx_pin": TX, "rx_pin": RX, "de_pin": DE, **line},
        "zones": zones,
    }
    limits = {**LIMITS, "power_return_min_s": 0, "power_return_max_s": 0}
    return {"config.json": sealed(json.dumps(config).encode()), "limits.json": sealed(json.dumps(limits).encode())}


@pytest.fixture
def start(tmp_path: Path, relay: ConsoleRelay) -> Iterator[Start]:
    """Power a board on a cold wet road, with two meters that show 1,000 kWh. As bytecode, as boards get it: what a
    board with meters needs must fit its memory.
    """
    made: list[EmulatedBoard] = []

    def one(word_bits: int = 64, wired: Rs485 | None = None, **line: Any) -> EmulatedBoard:
        models = ("sdm630", "sdm120")
        write_image(tmp_path / "b01.img", {**program(), **_files(models, **line)}, FLASH_BYTES)
        wired = wired or Rs485(TX, DE)
        wired.meters = [(i + 1, models[i], RELAYS[i], 1) for i in range(2)]
        roms = [placeholder_rom(zone, place) for zone in ZONES for place in ("surface", "cable")]
        wiring = Wiring([(4, rom) for rom in roms], [(34, -1), (35, -1)], wired)
        board = EmulatedBoard("b01", tmp_path, vm_path(word_bits), wiring, relay, word_bits=word_bits)
        made.append(board)
        for i in range(2):
            board.set_temperature(2 * i, -1.5)
            board.set_temperature(2 * i + 1, 2.0)
            board.set_adc(i, 1500.0)
            board.meters.set_power(i, 0, POWER_W)
            board.meters.set_register(i, 1_000_000)
        board.power_on(0)
        return board

    yield one
    for board in made:
        board.close()


def _live(board: EmulatedBoard, seconds: int, step_s: int = 5) -> None:
    for _ in range(0, seconds, step_s):
        board.grant(1000 * step_s)
        board.collect()


def _closed(board: EmulatedBoard) -> list[bool]:
    return [board.levels.get(pin) == 1 for pin in RELAYS]


def _records(board: EmulatedBoard) -> list[list[tuple[int, ...]]]:
    """Samples by zone of the records in the board's journal, one a minute: nobody answers its calls. Cuts its power."""
    board.power_off(0)
    files = read_image(board.image)
    journal = b"".join(files[name] for name in sorted(files) if name.startswith("journal/"))
    size = telemetry.HEAD_SIZE + len(ZONES) * telemetry.ZONE_SIZE + 4
    found = []
    for at in range(0, len(journal), size):
        starts = range(at + telemetry.HEAD_SIZE, at + size - 4, telemetry.ZONE_SIZE)
        found.append([struct.unpack_from(telemetry._ZONE, journal, start) for start in starts])
    return found


def _energy(board: EmulatedBoard) -> list[int]:
    return [sample[WH] for sample in _records(board)[-1]]


@pytest.mark.parametrize("word_bits", [64, 32])
def test_measures_and_counts_what_the_meters_count(start: Start, word_bits: int) -> None:
    board = start(word_bits)
    _live(board, 1805)
    assert _closed(board) == [True, True]
    records = _records(board)
    assert len(records) >= 25, bytes(board.console.log).decode()
    for zone in range(2):
        assert {record[zone][POWER] for record in records} <= {*range(POWER_W + 1)}
        assert records[-1][zone][POWER] == POWER_W
        assert not records[-1][zone][FLAGS] & METER_SILENT
    counted = [board.meters.register_wh(i) - 1_000_000 for i in range(2)]
    since_wh = POWER_W * 300 // 3600  # the journal's last minutes may be in memory still
    for now, before in zip(counted, [sample[WH] for sample in records[-1]], strict=True):
        assert 0 <= now - before <= since_wh + 20
    steps = [after[0][WH] - before[0][WH] for before, after in pairwise(records)]
    assert max(steps) <= POWER_W // 60 * 1.25 + 1


@pytest.mark.parametrize(
    ("wired", "line"),
    [
        (Rs485(TX, -1, echo=True), {"de_pin": None}),
        (Rs485(TX, DE, baud=2400, parity=0), {"baud": 2400, "parity": "even"}),
        (Rs485(TX, DE, baud=38400, parity=1, stop_bits=2), {"baud": 38400, "parity": "odd", "stop_bits": 2}),
    ],
    ids=["echo", "slow", "fast"],
)
def test_lines_of_other_formats(start: Start, wired: Rs485, line: dict[str, Any]) -> None:
    board = start(wired=wired, **line)
    _live(board, 910)
    records = _records(board)
    assert [sample[POWER] for sample in records[-1]] == [POWER_W] * 2
    assert not records[-1][0][FLAGS] & METER_SILENT


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "fine"])
def test_a_line_at_fault_costs_no_heat_and_no_energy(start: Start, fault: str) -> None:
    """Five minutes of it; then the registers say what flowed."""
    board = start()
    _live(board, 400)
    board.meters.set_fault(0, fault)
    _live(board, 300)
    assert _closed(board) == [True, True]
    board.meters.set_fault(0, "fine")
    _live(board, 605)
    assert _closed(board) == [True, True]
    counted = [board.meters.register_wh(i) - 1_000_000 for i in range(2)]
    records = _records(board)
    silent = [bool(record[0][FLAGS] & METER_SILENT) for record in records]
    assert 4 <= sum(silent) <= 6
    assert not silent[-1]
    assert any(record[1][FLAGS] & METER_SILENT for record in records) == (fault == "stuck")
    late_wh = POWER_W * 300 // 3600 + 20
    assert all(0 <= counted[i] - records[-1][i][WH] <= late_wh for i in range(2)), (counted, records[-1])


def test_meters_of_another_speed_are_silent_and_the_road_is_heated(start: Start) -> None:
    board = start(wired=Rs485(TX, DE, baud=19200))
    _live(board, 910)
    assert _closed(board) == [True, True]
    last = _records(board)[-1][0]
    assert last[FLAGS] & METER_SILENT
    assert last[POWER] == POWER_W  # rated


def test_a_register_that_is_reset_takes_nothing_from_the_record(start: Start) -> None:
    board = start()
    _live(board, 500)
    flowed = board.meters.register_wh(0) - 1_000_000
    board.meters.set_register(0, 0)
    _live(board, 505)
    flowed += board.meters.register_wh(0)
    assert 0 <= flowed - _energy(board)[0] <= POWER_W * 300 // 3600 + 20


def test_a_weld_is_seen_by_the_meter(start: Start) -> None:
    board = start()
    _live(board, STARTS_WITHIN_S + 300)
    for step in range(8):  # too warm in a few steps, as roads are
        board.set_temperature(0, -1.5 + 2 * step)
        _live(board, 2, 1)
    assert _closed(board) == [False, True]
    board.meters.set_power(0, POWER_W, POWER_W)
    _live(board, 600)
    flags = _records(board)[-1][0][FLAGS]
    assert flags & CONTACTOR_WELDED
    assert flags & LATCHED


@pytest.mark.parametrize("fault", ["fine", "stuck", "mute"])
def test_no_meter_delays_the_safety_loop(start: Start, fault: str) -> None:
    """The beat pin changes with every turn of the loop; the slowest line that is allowed."""
    board = start(wired=Rs485(TX, DE, baud=2400, parity=0), baud=2400, parity="even")
    board.meters.set_fault(0, fault)
    board.meters.set_fault(1, fault)
    _live(board, 300)
    beats = [edge.at_ms for edge in board.edges if edge.pin == BEAT and edge.level >= 0][5:]
    assert len(beats) > 250
    assert max(after - before for before, after in pairwise(beats)) <= 1250


def test_the_transceiver_is_let_go_after_each_request(start: Start) -> None:
    board = start()
    _live(board, 30)
    edges = [edge for edge in board.edges if edge.pin == DE][1:]
    assert len(edges) > 100
    held_ms = [off.at_ms - on.at_ms for on, off in pairwise(edges) if on.level == 1]
    assert 8 <= min(held_ms) <= max(held_ms) <= 12  # 8 bytes at 9600 baud: 8.3 ms


def test_an_engineer_asks_a_meter(start: Start) -> None:
    """As `roadheat board selftest` does, with the application stopped."""
    board = start()
    board.meters.set_fault(1, "exception")
    _live(board, 30)
    prompt = Prompt(board)
    try:
        said = prompt.run(ASK)
    finally:
        prompt.close()
    assert json.loads(said.splitlines()[-1]) == [[0, FINE], [NO_POWER, REFUSED]]
