"""`roadheat board calibrate`: two points of a moisture probe and the offset of a PT100, on an emulated board."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from firmware.drivers import analog
from hil_tests.bench.city import write_city
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard
from hil_tests.vm.realtime import running
from hil_tests.vm.wired import wired
from supervisor.weather.design_storm import design_storm
from tools.board import board
from tools.board_calibrate import DEFAULTS, apply
from tools.flashing import BoardToolError, mpremote
from tools.get_vm import vm_path

READ = """
import json, time, drivers
from rh.check import load
from rh.hardware import Buses
z = load()[0].zones[0]
buses = Buses(load()[0])
read = drivers.reader(z.sensors["surface"], buses)
said = [read() for _ in range(5) if not time.sleep(1)][-1]
print("said:" + json.dumps([said, drivers.reader(z.sensors["moisture"], buses)()]))
"""


def call(*arguments: object, fails: str = "") -> str:
    result = CliRunner().invoke(board, [str(one) for one in arguments], env={"COLUMNS": "300"})
    assert result.exit_code == (2 if fails else 0), result.output
    assert fails in result.output
    return result.output


@pytest.fixture
def city(tmp_path: Path) -> Path:
    path = write_city(tmp_path, design_storm(1_768_089_600.0, hours=30, seed=1))
    bus = ("--spi", 18, 23, 19, "--platinum", "z01.surface=pt100@5")
    call("provision", "--emulated", "--config", path, *bus, "b01")
    return path


@pytest.fixture
def flashed(city: Path, tmp_path: Path) -> Iterator[EmulatedBoard]:
    settings = json.loads((tmp_path / "state" / "boards" / "b01" / "config.json").read_text())
    relay = ConsoleRelay()
    made = EmulatedBoard("b01", tmp_path, vm_path(), wired(settings)[0], relay)
    made.power_on(0)
    with running([made], relay):
        call("flash", "--config", city, f"b01={made.console.path}")
        yield made
    made.close()
    relay.close()


@pytest.mark.vm
def test_what_the_probes_said_becomes_what_they_should_have(city: Path, flashed: EmulatedBoard) -> None:
    port = f"b01={flashed.console.path}"
    flashed.set_adc(0, 350.0)
    flashed.converters.set_celsius(0, 1.2)
    call("calibrate", "--config", city, port, "z01.moisture=dry", "z01.surface=0.0")
    flashed.set_adc(0, 1850.0)
    call("calibrate", "--config", city, port, "z01.moisture=wet")
    flashed.set_adc(0, 1100.0)  # half way
    said = json.loads(mpremote(flashed.console.path, "exec", READ).rpartition("said:")[2])
    assert said == [pytest.approx(0, abs=40), 500]
    call("calibrate", "--config", city, port, "z01.surface=9.0", fails="are a tolerance")
    flashed.set_adc(0, 0.0)
    call("calibrate", "--config", city, port, "z01.moisture=dry", fails="no steady reading")
    call("provision", "--emulated", "--config", city, "b01")
    zone = json.loads((city.parent / "state" / "boards" / "b01" / "config.json").read_text())["zones"][0]
    assert zone["moisture"] == {"kind": "adc-moisture", "pin": 34, "dry_mv": 350, "wet_mv": 1850}
    assert zone["surface"]["offset_mk"] == pytest.approx(-1200, abs=40), "provisioning again keeps it"


@pytest.mark.parametrize(
    ("probe", "value", "why"),
    [
        ("z09.moisture", "dry", "no such probe"),
        ("z01.air", "1", "no such probe"),
        ("z01.moisture", "damp", "not a point"),
        ("z01.cable", "1.0", "not a platinum thermometer"),
        ("z01.surface", "1e3", "not a temperature"),
        ("z01.surface", "0.0", "no reading"),
    ],
)
def test_what_cannot_be_calibrated_is_said(probe: str, value: str, why: str) -> None:
    config: dict[str, Any] = {
        "zones": [{"id": "z01", "moist_pin": 34, "surface": {"kind": "max31865", "cs_pin": 5, "ref_ohm": 430}}]
    }
    with pytest.raises(BoardToolError, match=why):
        apply(config, probe, value, [])


def test_defaults_are_the_firmware_s() -> None:
    assert {"dry_mv": analog.DRY_MV, "wet_mv": analog.WET_MV} == DEFAULTS
