"""New probes are put where a person says, and the report of a self-test is signed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil_tests.bench.city import write_city
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard, Wiring
from hil_tests.vm.realtime import running
from supervisor.weather.design_storm import design_storm
from tools.board import board
from tools.board_selftest import NONE, assigned, signed_report, with_probes
from tools.get_vm import vm_path
from tools.signing import generate, modulus

NEW, OTHER = "28aa00000000008d", "28bb000000000011"


def test_each_new_probe_is_given_once_and_only_where_one_is_missing() -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    def ask(place: str, left: Mapping[str, int | None]) -> str:
        asked.append((place, tuple(left)))
        return NONE if place == "z01.cable" else next(iter(left))

    lost = [["z01", "surface"], ["z01", "cable"], ["z02", "surface"], ["z02", "cable"]]
    made = assigned(lost, {NEW: 21_000, OTHER: None}, ask)
    assert made == {("z01", "surface"): NEW, ("z02", "surface"): OTHER}
    assert asked == [("z01.surface", (NEW, OTHER)), ("z01.cable", (OTHER,)), ("z02.surface", (OTHER,))]


def test_it_goes_where_the_configuration_has_its_probe() -> None:
    before = {"zones": [{"id": "z01", "surface_rom": "28", "cable": {"kind": "ds18b20", "rom": "28"}}, {"id": "z02"}]}
    made = with_probes(before, {("z01", "surface"): NEW, ("z01", "cable"): OTHER})
    assert made["zones"][0] == {"id": "z01", "surface_rom": NEW, "cable": {"kind": "ds18b20", "rom": OTHER}}
    assert made["zones"][1] == {"id": "z02"}
    assert before["zones"][0]["surface_rom"] == "28"


def invoke(*arguments: str, answers: str = "") -> str:
    result = CliRunner().invoke(board, list(arguments), input=answers)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def city(tmp_path: Path) -> Path:
    made = write_city(tmp_path, design_storm(1_768_089_600.0, hours=30, seed=1))
    invoke("provision", "--emulated", "--config", str(made))
    return made


@pytest.fixture
def emulated(city: Path, tmp_path: Path) -> Iterator[EmulatedBoard]:
    """z01's surface has a probe whose number nobody knows yet."""
    config = json.loads((city.parent / "state" / "boards" / "b01" / "config.json").read_text())
    wiring = Wiring()
    for zone in config["zones"]:
        wiring.sensors += [(4, zone["surface_rom"]), (4, zone["cable_rom"])]
        wiring.adc += [(zone["moist_pin"], -1), (zone["ct_pin"], zone["relay_pin"])]
    wiring.sensors[0] = (4, NEW)
    relay = ConsoleRelay()
    made = EmulatedBoard("b01", tmp_path, vm_path(), wiring, relay)
    made.power_on(0)
    made.set_temperature(0, 30.5)
    with running([made], relay):
        yield made
    made.close()
    relay.close()


@pytest.mark.vm
def test_a_new_probe_is_asked_for_written_and_reported(city: Path, emulated: EmulatedBoard, tmp_path: Path) -> None:
    port = f"b01={emulated.console.path}"
    key = generate(tmp_path / "key.pem")
    invoke("flash", "--config", str(city), port)
    report = tmp_path / "report"
    options = ["--config", str(city), "--write", "--report", str(report), "--key", str(tmp_path / "key.pem")]
    text = invoke("selftest", *options, port, answers=f"{NEW}\n")
    assert "no probe of its number: z01.surface" in text
    assert f"new probe {NEW}: 30.5 °C" in text
    assert f"z01.surface is {NEW}" in text
    config = json.loads((city.parent / "state" / "boards" / "b01" / "config.json").read_text())
    assert config["zones"][0]["surface_rom"] == NEW
    content = report.read_bytes()
    found = signed_report(content, modulus(key.public_key()))
    assert found is not None
    assert found["boards"]["b01"]["new"] == {NEW: 30_500}
    assert signed_report(content.replace(b"30500", b"30501"), modulus(key.public_key())) is None
    text = invoke("selftest", "--config", str(city), "--write", port)
    assert "z01: surface 30.5 °C" in text
    assert "b01: nothing to write" in text


def test_a_report_needs_a_key(city: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(board, ["selftest", "--config", str(city), "--report", str(tmp_path / "r"), "b01=/x"])
    assert result.exit_code == 2
    assert "a report is signed" in result.output
