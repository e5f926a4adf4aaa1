"""Provisioning of other chips than the ESP32, and of platinum thermometers: checked as the board checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from firmware.rh import chips
from hil_tests.bench.city import write_city
from supervisor.weather.design_storm import design_storm
from tools.board import board
from tools.chip_slots import CHIPS
from tools.provision_options import CHIP_NAMES


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path, design_storm(1_768_089_600.0, hours=30, seed=1))


def provision(city: Path, *options: str, fails: str = "") -> str:
    arguments = ["provision", "--config", str(city), "--host", "10.20.0.5", *options, "b01"]
    result = CliRunner().invoke(board, arguments, env={"COLUMNS": "300"})
    assert (result.exit_code == 2) == bool(fails), result.output
    assert fails in result.output
    return result.output


def made(city: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((city.parent / "state" / "boards" / "b01" / "config.json").read_text())
    return found


def test_every_chip_that_the_firmware_knows_has_pins_that_it_takes() -> None:
    assert set(CHIPS) == set(chips.PINS) == set(CHIP_NAMES)
    for name, pins in CHIPS.items():
        drive, adc1, _, strapping = chips.PINS[name]
        relays = [slot.relay_pin for slot in pins.slots]
        measures = [pin for slot in pins.slots for pin in (slot.moist_pin, slot.ct_pin)]
        assert {pins.ow_pin, *relays} <= set(drive) - set(strapping), name
        assert set(measures) <= set(adc1), name
        assert len({pins.ow_pin, *relays, *measures}) == 1 + len(relays) + len(measures), name


@pytest.mark.parametrize("name", CHIP_NAMES)
def test_a_board_is_provisioned_for_its_chip_and_stays_so(city: Path, name: str) -> None:
    for options in (("--chip", name.lower()), ()):
        provision(city, *options)
        found = made(city)
        assert found["ow_pin"] == CHIPS[name].ow_pin
        assert [zone["relay_pin"] for zone in found["zones"]] == [slot.relay_pin for slot in CHIPS[name].slots[:2]]


def test_what_the_chip_has_not_is_refused_before_anything_is_written(city: Path) -> None:
    provision(city, "--chip", "esp32c3", "--lan", fails="has no Ethernet")
    provision(city, "--chip", "esp32c3", "--earth", "18", fails="earth_pin = 18 on an ESP32C3")
    provision(city, "--earth", "34", fails="this pin cannot be an input with pull-up")
    provision(city, "--lock", "25", fails="already used by lock_pin")
    assert not (city.parent / "state" / "boards").exists()
    assert "its level at reset" in provision(city, "--trip", "z01=12")


def test_a_third_zone_finds_no_inputs_on_a_c3(tmp_path: Path) -> None:
    storm = design_storm(1_768_089_600.0, hours=30, seed=1)
    city = write_city(tmp_path, storm, zones_per_board=3)
    provision(city, "--chip", "esp32c3", fails="a board has relays 0 to 1")
    provision(city, "--chip", "esp32c6")


def test_platinum_thermometers_are_written_kept_and_taken_back(city: Path) -> None:
    bus = ("--spi", "18", "23", "19")
    provision(
        city, *bus, "--platinum", "z01.surface=pt100@5", "--platinum", "z01.cable=pt1000@21/3", "--platinum",
        "z02.surface=pt100@22/2/400",
    )  # fmt: skip
    provision(city)
    one, two = made(city)["zones"]
    assert made(city)["spi"] == {"sck_pin": 18, "mosi_pin": 23, "miso_pin": 19}
    assert one["surface"] == {"kind": "max31865", "r0_ohm": 100, "cs_pin": 5, "wires": 4, "ref_ohm": 430}
    assert one["cable"] == {"kind": "max31865", "r0_ohm": 1000, "cs_pin": 21, "wires": 3, "ref_ohm": 4300}
    assert two["surface"] == {"kind": "max31865", "r0_ohm": 100, "cs_pin": 22, "wires": 2, "ref_ohm": 400}
    assert "surface_rom" not in one
    assert "cable_rom" in two
    provision(city, "--platinum", "z01.surface=none")
    assert "surface_rom" in made(city)["zones"][0]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--platinum", "z01.surface=pt100@5"), "Give --spi SCK MOSI MISO"),
        (("--spi", "18", "23", "19", "--platinum", "z01.air=pt100@5"), "no such place"),
        (("--spi", "18", "23", "19", "--platinum", "z01.surface=pt500@5"), "pt100@5/4/400"),
        (("--spi", "18", "23", "19", "--platinum", "z01.surface=pt100@18"), "already used by spi.sck_pin"),
        (("--spi", "18", "23", "34", "--platinum", "z01.surface=pt100@5"), "cannot serve the SPI bus"),
    ],
)
def test_elements_that_no_board_could_read_are_refused(city: Path, options: tuple[str, ...], why: str) -> None:
    provision(city, *options, fails=why)


def test_protection_is_written_kept_and_checked(city: Path) -> None:
    provision(city, "--thermal", "z01=23", "--leakage", "z01=33@13", "--leakage", "z02=32@20/400")
    provision(city)
    one, two = made(city)["zones"]
    assert one["thermal_pin"] == 23
    assert one["leakage"] == {"kind": "adc-leakage", "pin": 33, "ua_per_mv": 13, "zero_mv": 600}
    assert two["leakage"]["zero_mv"] == 400
    assert "thermal_pin" not in two
    provision(city, "--leakage", "z02=none")
    assert "leakage" not in made(city)["zones"][1]
    provision(city, "--thermal", "z02=34", fails="cannot be an input with pull-up")
    provision(city, "--leakage", "z02=13", fails="give --leakage as")


def test_pulse_meters_are_written_kept_and_checked(city: Path) -> None:
    provision(city, "--pulses", "z01=22@1000")
    provision(city)
    assert made(city)["zones"][0]["power"] == {"kind": "s0-pulse", "pulse_pin": 22, "imp_per_kwh": 1000}
    assert "ct_pin" in made(city)["zones"][1]
    provision(city, "--pulses", "z01=22@10", fails="it must be 60 to 1000 ms")
    provision(city, "--pulses", "z01=22", fails="give --pulses as")
    provision(city, "--pulses", "z01=none")
    assert "ct_pin" in made(city)["zones"][0]
