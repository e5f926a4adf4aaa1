"""Provisioning: what is named is written, what is not named stays, and what no board could use is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from hil_tests.bench.city import write_city
from supervisor.weather.design_storm import design_storm
from tools.board import board
from tools.chip_slots import LAN_SLOTS
from tools.on_boards import measured
from tools.provision import placeholder_rom
from tools.wiring import MODELS, check_rom, crc8

PROBE = placeholder_rom("a real one", "surface")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path, design_storm(1_768_089_600.0, hours=30, seed=1))


def provision(city: Path, *options: str, fails: bool = False) -> str:
    result = CliRunner().invoke(board, ["provision", "--config", str(city), *options], env={"COLUMNS": "200"})
    assert (result.exit_code != 0) == fails, result.output
    return result.output


def made(city: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((city.parent / "state" / "boards" / "b01" / "config.json").read_text())
    return found


def test_a_board_is_not_told_to_call_itself(city: Path) -> None:
    said = provision(city, "b01", fails=True)
    assert "127.0.0.1 is this machine" in said
    assert "--host" in said
    assert not (city.parent / "state" / "boards").exists()
    provision(city, "--host", "10.20.0.5", "b01")
    assert made(city)["host"] == "10.20.0.5"
    provision(city, "b01")  # named before


@pytest.mark.parametrize("host", ["server.example", "10.20.0", "0.0.0.0", "224.0.0.1", "10.20.0.5:8443", ""])
def test_an_address_that_no_board_can_call_is_refused(city: Path, host: str) -> None:
    said = provision(city, "--host", host, "b01", fails=True)
    assert "--host" in said


def test_what_is_not_named_stays(city: Path) -> None:
    provision(
        city, "--host", "10.20.0.5", "--wifi", "net", "secret", "--probe", f"z01.surface={PROBE.upper()}",
        "--earth", "23", "--lock", "22", "--trip", "z01=16", "--active-low", "b01",
    )  # fmt: skip
    before = made(city)
    zone = before["zones"][0]
    assert (zone["surface_rom"], zone["trip_pin"], zone["relay_active"]) == (PROBE, 16, 0)
    assert (before["earth_pin"], before["lock_pin"], before["wifi"]["ssid"]) == (23, 22, "net")
    provision(city, "b01")
    assert made(city) == before
    other = placeholder_rom("another", "cable")
    said = provision(city, "--probe", f"z01.cable={other}", "--active-high", "b01")
    after = made(city)
    assert after["zones"][0] == {**zone, "cable_rom": other, "relay_active": 1}
    assert after["wifi"] == before["wifi"]
    assert "calls 10.20.0.5 port" in said
    assert "by WiFi" in said


def test_ethernet_has_relay_pins_that_the_board_takes(city: Path) -> None:
    provision(city, "--host", "10.20.0.5", "--wifi", "net", "secret", "b01")
    provision(city, "--lan", "--lan-clock", "17-out", "--lan-address", "1", "--lan-power", "12", "b01")
    config = made(city)
    assert config["wifi"] is None
    assert config["lan"] == {"mdc": 23, "mdio": 18, "phy_addr": 1, "power": 12, "ref_clk": 17, "ref_clk_out": 1}
    relays = [zone["relay_pin"] for zone in config["zones"]]
    assert relays == [slot.relay_pin for slot in LAN_SLOTS][: len(relays)]
    third = {**config["zones"][0], "id": "z99", **msgspec.structs.asdict(LAN_SLOTS[2])}
    third |= {"surface_rom": PROBE, "cable_rom": placeholder_rom("z99", "cable")}
    for zones in (config["zones"], [*config["zones"][:2], third]):
        assert board_takes({**config, "zones": zones}) == ""


def board_takes(config: dict[str, Any]) -> str:
    """What the board's own check says of it, in a process of its own."""
    code = "import json, sys; from rh import check; check.config(json.load(sys.stdin))"
    firmware = Path(__file__).parents[2] / "firmware"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(config),
        capture_output=True,
        text=True,
        cwd=firmware,
        check=False,
    )
    return done.stderr


@pytest.mark.parametrize(
    ("rom", "message"),
    [
        ("28aa", "16 hex digits"),
        ("zz" * 8, "16 hex digits"),
        ("10" + PROBE[2:], "family 10"),
        (PROBE[:-2] + f"{int(PROBE[-2:], 16) ^ 1:02x}", "a digit is wrong"),
        (PROBE[:6] + ("0" if PROBE[6] != "0" else "1") + PROBE[7:], "a digit is wrong"),
    ],
)
def test_a_rom_that_was_copied_wrongly_is_refused(city: Path, rom: str, message: str) -> None:
    said = provision(city, "--host", "10.20.0.5", "--probe", f"z01.surface={rom}", "b01", fails=True)
    assert message in said.replace("\n", " ")


def test_one_probe_cannot_be_at_two_places(city: Path) -> None:
    probes = ("--probe", f"z01.surface={PROBE}", "--probe", f"z01.cable={PROBE}")
    assert "two places" in provision(city, "--host", "10.20.0.5", *probes, "b01", fails=True)


def test_the_crc_is_the_one_of_the_1_wire_bus() -> None:
    check_rom("z01.surface", "28ff641e0f1c2a" + f"{crc8(bytes.fromhex('28ff641e0f1c2a')):02x}")
    assert crc8(bytes.fromhex("02 1c b8 01 00 00 00")) == 0xA2  # the example of Maxim's application note 27


def test_a_folder_that_cannot_be_read_is_told(city: Path) -> None:
    provision(city, "--host", "10.20.0.5", "b01")
    path = city.parent / "state" / "boards" / "b01" / "config.json"
    path.write_text("{}")
    assert "not a board's config.json" in provision(city, "--host", "10.20.0.5", "b01", fails=True).replace("\n", " ")


LINE = ("--rs485", "17", "16", "--meter", "z02=sdm120@7")
METERS = (*LINE, "--meter", "z01=sdm630@1")


def test_meters_take_the_place_of_current_transformers(city: Path) -> None:
    provision(city, "--host", "10.20.0.5", *METERS, "--rs485-enable", "5", "--rs485-format", "2400-e-1", "b01")
    config = made(city)
    line = {"tx_pin": 17, "rx_pin": 16, "de_pin": 5, "baud": 2400, "parity": "even", "stop_bits": 1}
    assert config["rs485"] == line
    assert [zone.get("power") for zone in config["zones"][:2]] == [
        {"kind": "modbus-meter", "model": "sdm630", "address": 1},
        {"kind": "modbus-meter", "model": "sdm120", "address": 7},
    ]
    assert not {"ct_pin", "ct_w_per_mv"} & {*config["zones"][0]}
    assert board_takes(config) == ""
    provision(city, "b01")
    assert made(city) == config
    provision(city, "--meter", "z02=none", "b01")
    after = made(city)
    assert (after["rs485"], after["zones"][0]) == (line, config["zones"][0])
    assert "power" not in after["zones"][1]
    assert after["zones"][1]["ct_pin"] == 39
    assert board_takes(after) == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--meter", "z01=sdm630@1"), "no line"),
        ((*LINE, "--meter", "z01=sdm72@3"), "unknown model"),
        ((*LINE, "--meter", "z01=sdm630@248"), "1 to 247"),
        ((*LINE, "--meter", "z01=sdm630@7"), "the meter of z02 has this address"),
        ((*LINE, "--meter", "z01=sdm630"), "--meter as"),
        (("--rs485-enable", "5"), "no pins"),
        ((*METERS, "--rs485-format", "9600"), "9600"),
    ],
)
def test_a_meter_that_cannot_be_asked_is_refused(city: Path, options: tuple[str, ...], message: str) -> None:
    assert message in " ".join(provision(city, "--host", "10.20.0.5", *options, "b01", fails=True).split())
    assert not (city.parent / "state" / "boards" / "b01" / "config.json").exists()


def test_the_tool_knows_the_firmwares_models() -> None:
    code = "from drivers.modbus import FIELDS; print(*FIELDS['power']['model'][1])"
    firmware = Path(__file__).parents[2] / "firmware"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=firmware, check=True)
    assert tuple(done.stdout.split()) == MODELS


def test_what_a_meter_says_at_the_selftest() -> None:
    assert measured("150 mV") == "current 150 mV"
    assert measured([0, 54321, 1234567]) == "meter 54321 W, 1234.6 kWh"
    assert "baud" in measured([1, -1, None])
    assert "another model" in measured([3, -1, None])
