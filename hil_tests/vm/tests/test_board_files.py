"""What a board does with the files it finds at power-on, on active-low relays: a level of 0 closes them."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import FLASH_BYTES, EmulatedBoard, Wiring
from hil_tests.vm.flash_image import firmware_files, read_image, write_image
from hil_tests.vm.prompt import Prompt
from tools.flashing import FIRMWARE
from tools.get_vm import vm_path
from tools.provision import LIMITS, placeholder_rom
from tools.sealing import sealed

pytestmark = [pytest.mark.vm, pytest.mark.timeout(120)]
RELAYS = (25, 26)
STARTS_WITHIN_S = 400  # minimum off time and self-test
_CA = b"\x30\x03\x02\x01\x07"
_LIMITS = json.dumps({**LIMITS, "power_return_min_s": 0, "power_return_max_s": 0}).encode()


def _config(**changed: Any) -> bytes:
    zones = [
        {
            "id": zone,
            "relay_pin": RELAYS[i],
            "relay_active": 0,
            "surface_rom": placeholder_rom(zone, "surface"),
            "cable_rom": placeholder_rom(zone, "cable"),
            "moist_pin": (34, 35)[i],
            "ct_pin": (36, 39)[i],
            "ct_w_per_mv": 30,
            "power_w": 54_000,
        }
        for i, zone in enumerate(("z01", "z02"))
    ]
    settings = {
        "board": "b01",
        "key": "5a" * 32,
        "host": "127.0.0.1",
        "port": 1,
        "server_name": "roadheat",
        "ca": "ca.der",
        "ow_pin": 4,
        "zones": zones,
        "earth_pin": 13,
        "lock_pin": 14,
    }
    return json.dumps({**settings, **changed}).encode()


Start = Callable[[dict[str, bytes]], EmulatedBoard]


@pytest.fixture
def start(tmp_path: Path, relay: ConsoleRelay) -> Iterator[Start]:
    """Power a board with these files beside the firmware, on a cold wet road."""
    made: list[EmulatedBoard] = []
    firmware = firmware_files(FIRMWARE)

    def one(files: dict[str, bytes]) -> EmulatedBoard:
        name = f"b{len(made):02d}"
        write_image(tmp_path / f"{name}.img", {**firmware, **files}, FLASH_BYTES)
        roms = [placeholder_rom(zone, place) for zone in ("z01", "z02") for place in ("surface", "cable")]
        wiring = Wiring(sensors=[(4, rom) for rom in roms], adc=[(34, -1), (36, 25, 0), (35, -1), (39, 26, 0)])
        board = EmulatedBoard(name, tmp_path, vm_path(), wiring, relay)
        for i in range(2):
            board.set_temperature(2 * i, -1.5)
            board.set_temperature(2 * i + 1, 2.0)
            board.set_adc(2 * i, 1500.0)
            board.set_adc(2 * i + 1, 150.0, 1950.0)
        made.append(board)
        board.power_on(0)
        return board

    yield one
    for board in made:
        board.close()


def _live(board: EmulatedBoard, seconds: int) -> set[int]:
    """Relays that were closed at some time."""
    closed = {pin for pin in RELAYS if board.levels.get(pin) == 0}
    for _ in range(0, seconds, 5):
        board.grant(5000)
        board.collect()
        closed |= {edge.pin for edge in board.edges if edge.pin in RELAYS and edge.level == 0}
        board.edges.clear()
    return closed


def _says(board: EmulatedBoard, text: str) -> None:
    """Asserts that it stands on the console, which is read beside us."""
    deadline = time.monotonic() + 10
    while text not in bytes(board.console.log).decode(errors="replace"):
        assert time.monotonic() < deadline, (text, bytes(board.console.log))
        time.sleep(0.005)


def _plain() -> dict[str, bytes]:
    return {"config.json": _config(), "limits.json": _LIMITS, "ca.der": _CA}


def _sealed(**changed: Any) -> dict[str, bytes]:
    return {name: sealed(content) for name, content in {**_plain(), "config.json": _config(**changed)}.items()}


def test_active_low_relays_heat_and_are_measured(start: Start) -> None:
    board = start(_sealed())
    assert _live(board, STARTS_WITHIN_S) == set(RELAYS)
    board.power_off(0)
    assert board.levels == {}


def test_sensors_given_by_kind_and_a_zones_own_limits(start: Start) -> None:
    zones = json.loads(_config())["zones"]
    first = zones[0]
    first["surface"] = {"kind": "ds18b20", "rom": first.pop("surface_rom")}
    first["moisture"] = {"kind": "adc-moisture", "pin": first.pop("moist_pin")}
    first["power"] = {"kind": "adc-current", "pin": first.pop("ct_pin"), "w_per_mv": first.pop("ct_w_per_mv")}
    own = {**json.loads(_LIMITS), "zones": {"z02": {"lockout_mc": 3000, "cold_cutoff_mc": -3000}}}
    files = {**_plain(), "config.json": _config(zones=zones), "limits.json": json.dumps(own).encode()}
    board = start({name: sealed(content) for name, content in files.items()})
    for place in (0, 2):
        board.set_temperature(place, -5.0)  # too cold for the second zone alone
    assert _live(board, STARTS_WITHIN_S) == {RELAYS[0]}


@pytest.mark.parametrize("which", ["config.json", "limits.json"])
def test_a_torn_file_closes_no_contactor_and_is_said(start: Start, which: str) -> None:
    whole = len(_plain()[which])
    cases = [(_plain, n) for n in (0, 1, whole // 3, whole - 30, whole - 2, whole - 1)]
    cases += [(_sealed, n) for n in (whole // 2, whole - 1, whole + 5, whole + 40)]
    for files, n in cases:
        content = files()
        board = start({**content, which: content[which][:n]})
        assert _live(board, STARTS_WITHIN_S) == set(), f"{which} of {n} bytes"
        _says(board, f"stays off: {which}")
        assert set(RELAYS).isdisjoint(board.levels) or which == "limits.json"
        board.power_off(0)


def test_a_torn_file_with_a_last_good_copy_heats_with_all_its_inputs(start: Start) -> None:
    good = {f"{name}.old": content for name, content in _sealed().items()}
    for which in ("config.json", "limits.json", "ca.der"):
        content = _sealed()
        board = start({**content, **good, which: content[which][:-3]})
        assert _live(board, STARTS_WITHIN_S) == set(RELAYS)
        _says(board, f"{which} is damaged")
        board.set_input(13, 1)  # earth fault
        board.grant(2000)
        board.collect()
        assert [board.levels[pin] for pin in RELAYS] == [1, 1]
        board.power_off(0)


def test_a_file_torn_while_contactors_are_closed_releases_them_at_the_next_start(start: Start) -> None:
    board = start(_sealed())
    assert _live(board, STARTS_WITHIN_S) == set(RELAYS)
    prompt = Prompt(board)
    try:
        prompt.run(
            "import os\nfor n in ('config.json', 'config.json.old'):\n"
            " raw = open(n).read()\n f = open(n, 'w'); f.write(raw[:500]); f.close()\n"
            "from machine import Pin\nfor p in (25, 26): Pin(p, Pin.OUT, value=0)\n"
        )
        board.edges.clear()
        assert [board.levels[pin] for pin in RELAYS] == [0, 0]
        prompt.send(b"\x04")
        prompt.until(b"stays off: config.json")
    finally:
        prompt.close()
    assert set(RELAYS).isdisjoint(board.levels)
    assert _live(board, STARTS_WITHIN_S) == set()


def test_files_of_the_last_release_are_sealed_at_the_first_start(start: Start, tmp_path: Path) -> None:
    board = start(_plain())
    assert _live(board, STARTS_WITHIN_S) == set(RELAYS)
    board.power_off(0)
    found = read_image(board.image)
    for name, content in _plain().items():
        assert found[name] == found[f"{name}.old"] == sealed(content)


def test_a_file_changed_by_hand_waits_for_a_person(start: Start) -> None:
    good = {f"{name}.old": content for name, content in _sealed().items()}
    board = start({**_sealed(), **good, "config.json": _config(board="b77")})
    assert _live(board, STARTS_WITHIN_S) == set(RELAYS)
    _says(board, "config.json has no seal")
    prompt = Prompt(board)
    try:
        assert "sealed" in prompt.run("from rh import maintenance; maintenance.accept_files()")
        said = prompt.run("import rh.check; c, _ = rh.check.load(); print(c.board, c.stale)")
    finally:
        prompt.close()
    assert said == "b77 \n"


@pytest.mark.parametrize("pin", [34, 6, 45])
def test_a_pin_that_the_chip_cannot_drive_is_said_and_resets_nothing(start: Start, pin: int) -> None:
    config = json.loads(_config())
    config["zones"][1]["relay_pin"] = pin
    board = start({**_plain(), "config.json": json.dumps(config).encode()})
    assert _live(board, STARTS_WITHIN_S) == set()
    _says(board, "stays off: config.json: zones[1].relay_pin")
    assert len(board.resets) == 1


def test_a_refused_configuration_leaves_the_one_of_before_in_force(start: Start) -> None:
    config = json.loads(_config())
    config["zones"][1]["relay_pin"] = 34
    good = {f"{name}.old": content for name, content in _sealed().items()}
    board = start({**_sealed(), **good, "config.json": sealed(json.dumps(config).encode())})
    assert _live(board, STARTS_WITHIN_S) == set(RELAYS)
    _says(board, "files: config.json zones[1].relay_pin: this pin cannot drive a contactor")
    assert len(board.resets) == 1


def test_a_pin_that_only_the_chip_knows_it_cannot_drive_resets_nothing(start: Start) -> None:
    config = json.loads(_config())
    config["zones"][1]["relay_pin"] = 45
    permissive = b"def fault(*_): return ''\nnote = fault\ndef is_address(_): return True\n"
    board = start({**_plain(), "config.json": json.dumps(config).encode(), "rh/pins.py": permissive})
    assert _live(board, STARTS_WITHIN_S) == set()
    _says(board, "the chip refuses a pin")
    assert len(board.resets) == 1


def test_one_stray_interrupt_does_not_end_the_heat(start: Start) -> None:
    """A byte of noise on the console: it used to cost half an hour."""
    board = start(_sealed())
    assert _live(board, STARTS_WITHIN_S) == set(RELAYS)
    prompt = Prompt(board)
    try:
        prompt.send(b"\x03")
        prompt.until(b"starts again in 15 s")
        assert {board.levels.get(pin) for pin in RELAYS} == {1}
        assert _live(board, 20) == set()
        assert len(board.resets) == 2
        assert _live(board, 600) == set(RELAYS)
    finally:
        prompt.close()


@pytest.mark.parametrize("answer", [b"\x03", b"x", b"\x01"])
def test_an_engineer_who_answers_keeps_the_board_stopped(start: Start, answer: bytes) -> None:
    board = start(_sealed())
    assert _live(board, STARTS_WITHIN_S) == set(RELAYS)
    prompt = Prompt(board)
    try:
        prompt.send(b"\x03")
        prompt.until(b"starts again in 15 s")
        prompt.send(answer)
        prompt.until(b"machine.reset() starts it again")
    finally:
        prompt.close()
    assert _live(board, 900) == set()
    assert len(board.resets) == 1
    assert _live(board, 1800) == set(RELAYS)  # forgotten


def test_noise_on_a_locked_console_leaves_the_relays_closed(start: Start) -> None:
    board = start(_sealed(console_lock=1))
    assert _live(board, STARTS_WITHIN_S) == set(RELAYS)
    prompt = Prompt(board)
    try:
        for noise in (b"\x03", b"\r\x03\x03\x04", bytes(range(256)), b"rh unlock 9 0\r"):
            prompt.send(noise)
            board.grant(5000)
            board.collect()
            assert {pin for pin in RELAYS if board.levels.get(pin) == 0} == set(RELAYS)
        prompt.send(b"\rrh?\r")
        assert b'"open_s": 0' in prompt.until(b"}")
    finally:
        prompt.close()
    board.grant(60_000)
    board.collect()
    assert {pin for pin in RELAYS if board.levels.get(pin) == 0} == set(RELAYS)
    assert len(board.resets) == 1


def test_the_beat_of_the_safety_loop_feeds_the_relay_supply(start: Start) -> None:
    board = start(_sealed(beat_pin=23))
    board.grant(30_000)
    board.collect()
    beats = [edge.at_ms for edge in board.edges if edge.pin == 23]
    gaps = [later - earlier for earlier, later in itertools.pairwise(beats[-10:])]
    assert all(900 <= gap <= 1100 for gap in gaps), gaps
    prompt = Prompt(board)
    try:
        prompt.send(b"\x03")
        prompt.until(b"starts again in 15 s")
    finally:
        prompt.close()
    board.edges.clear()
    board.grant(10_000)
    board.collect()
    assert [
        edge for edge in board.edges if edge.pin == 23
    ] == []  # the program does not run, and the relays lose their supply
