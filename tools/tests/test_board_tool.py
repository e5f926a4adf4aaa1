"""`roadheat board`: provisioning, flashing and self-test, on an emulated board with the real firmware."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil_tests.bench.city import write_city
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard, Wiring
from hil_tests.vm.realtime import running
from supervisor.weather.design_storm import design_storm
from tools.board import board
from tools.flashing import FIRMWARE, BoardToolError, mpremote, require_interpreter
from tools.get_vm import vm_path
from tools.provision import placeholder_rom


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path, design_storm(1_768_089_600.0, hours=30, seed=1))


def _invoke(*arguments: str) -> str:
    result = CliRunner().invoke(board, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def provisioned(city: Path) -> Path:
    _invoke(
        "provision",
        "--emulated",
        "--config",
        str(city),
        "--wifi",
        "net",
        "secret",
        "--probe",
        "z01.surface=28aa00000000008d",
    )
    return city.parent / "state" / "boards" / "b01"


def test_provision_makes_a_key_once_and_keeps_it_private(city: Path, provisioned: Path) -> None:
    config = json.loads((provisioned / "config.json").read_text())
    assert len(config["key"]) == 64
    assert config["wifi"] == {"ssid": "net", "password": "secret"}
    assert config["zones"][0]["surface_rom"] == "28aa00000000008d"
    assert config["zones"][1]["surface_rom"] == placeholder_rom("z02", "surface")
    assert stat.S_IMODE((provisioned / "config.json").stat().st_mode) == 0o600
    _invoke("provision", "--emulated", "--config", str(city))
    assert json.loads((provisioned / "config.json").read_text())["key"] == config["key"]


def test_unknown_board_is_told(city: Path) -> None:
    result = CliRunner().invoke(board, ["provision", "--emulated", "--config", str(city), "b99"])
    assert result.exit_code == 2
    assert "unknown board `b99`" in result.output
    assert "b01" in result.output


def test_flash_needs_provisioned_files(city: Path) -> None:
    result = CliRunner().invoke(board, ["flash", "--config", str(city), "b01=/nowhere"])
    assert result.exit_code == 2
    assert "roadheat board provision b01" in result.output


def test_a_port_with_nothing_behind_is_told() -> None:
    with pytest.raises(BoardToolError) as caught:
        mpremote("/nowhere", "eval", "1")
    assert "/nowhere" in str(caught.value)


@pytest.fixture
def emulated(provisioned: Path, tmp_path: Path) -> Iterator[EmulatedBoard]:
    config = json.loads((provisioned / "config.json").read_text())
    wiring = Wiring()
    for zone in config["zones"]:
        wiring.sensors += [(4, zone["surface_rom"]), (4, zone["cable_rom"])]
        wiring.adc += [(zone["moist_pin"], -1), (zone["ct_pin"], zone["relay_pin"])]
    relay = ConsoleRelay()
    made = EmulatedBoard("b01", tmp_path, vm_path(), wiring, relay)
    made.power_on(0)
    made.set_temperature(0, 1.5)
    made.set_adc(0, 900.0)
    with running([made], relay):
        yield made
    made.close()
    relay.close()


@pytest.mark.vm
def test_flash_selftest_status_reset(city: Path, emulated: EmulatedBoard) -> None:
    port = f"b01={emulated.console.path}"
    assert "flashed" in _invoke("flash", "--config", str(city), port)
    text = _invoke("selftest", port)
    assert "z01: surface 1.5 °C" in text
    assert "moisture 900 mV" in text
    assert "b01 " in _invoke("status", port)
    assert "reset" in _invoke("reset", port)


@pytest.mark.vm
def test_configure_writes_sealed_files_and_refuses_what_the_board_would(
    city: Path, provisioned: Path, emulated: EmulatedBoard
) -> None:
    port = f"b01={emulated.console.path}"
    _invoke("flash", "--config", str(city), port)
    config = json.loads((provisioned / "config.json").read_text())
    (provisioned / "config.json").write_text(json.dumps({**config, "connect_spread_s": 7}))
    assert "configured" in _invoke("configure", "--config", str(city), port)
    read = "from rh.seal import load; t, why = load('config.json'); print(b': 7' in t, why)"
    assert mpremote(emulated.console.path, "exec", read) == "True \n"
    for text, said in (
        (json.dumps({**config, "port": 0}), "an integer from 1 to 65535"),
        (json.dumps(config)[:-1], "not JSON"),
        ('{"board": "b01", "board": "b02"}', "stands twice"),
        ("[]", "not a JSON object"),
    ):
        (provisioned / "config.json").write_text(text)
        result = CliRunner().invoke(board, ["configure", "--config", str(city), port])
        assert result.exit_code == 2
        assert said in result.output.replace("\n", " "), result.output
    assert mpremote(emulated.console.path, "exec", read) == "True \n"  # what was in force still is


def test_relays_that_close_on_a_low_level(city: Path) -> None:
    _invoke("provision", "--emulated", "--config", str(city), "--active-low")
    config = json.loads((city.parent / "state" / "boards" / "b01" / "config.json").read_text())
    assert {zone["relay_active"] for zone in config["zones"]} == {0}


@pytest.mark.vm
def test_mip_installs_every_file_of_the_firmware(city: Path, emulated: EmulatedBoard) -> None:
    _invoke("mip", f"b01={emulated.console.path}")
    listed = mpremote(emulated.console.path, "fs", "ls", ":rh").split()
    assert {path.name for path in (FIRMWARE / "rh").glob("*.py")} <= set(listed)


@pytest.mark.vm
def test_flash_brings_bytecode_only_what_differs_and_removes_old_modules(city: Path, emulated: EmulatedBoard) -> None:
    port, path = f"b01={emulated.console.path}", emulated.console.path
    mpremote(
        path, "exec", "import os\nos.mkdir('rh')\nfor n in ('old.mpy', 'relay.py'): open('rh/' + n, 'w').write('x = 1')"
    )
    _invoke("flash", "--config", str(city), port)
    listed = mpremote(path, "exec", "import os; print(sorted(os.listdir('rh')))")
    assert "relay.mpy" in listed
    assert "profile.json" in listed
    assert ".py'" not in listed
    assert "old.mpy" not in listed
    sizes = mpremote(path, "exec", "import os; print(sum(os.stat('rh/' + n)[6] for n in os.listdir('rh')))")
    sources = sum(file.stat().st_size for file in (FIRMWARE / "rh").glob("*") if file.is_file())
    assert int(sizes) < 0.45 * sources
    mpremote(path, "exec", "f = open('rh/relay.mpy', 'r+b'); f.seek(40); f.write(b'?'); f.close()")
    before = emulated.console.typed
    _invoke("flash", "--config", str(city), port)
    assert emulated.console.typed - before < 40_000  # one module, not all
    assert mpremote(path, "exec", "from rh.relay import Relay; print(Relay.__name__)") == "Relay\n"


def test_a_chip_with_an_old_interpreter_is_refused_and_an_emulated_board_is_not() -> None:
    require_interpreter("p", "esp32", (1, 26))
    require_interpreter("p", "linux", (1, 25))
    with pytest.raises(BoardToolError, match=r"MicroPython 1\.25 on the chip, 1\.26 or newer is needed"):
        require_interpreter("p", "esp32", (1, 25))
