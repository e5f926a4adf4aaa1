"""A program that came over the link runs from its slot, and one that does not work is left, without a service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from hil_tests.bench.programs import changed_firmware, record, slot_files
from hil_tests.vm.emulated_board import FLASH_BYTES
from hil_tests.vm.flash_image import firmware_files, read_image, write_image
from supervisor.weather.design_storm import design_storm
from tools.flashing import FIRMWARE, PROVISIONED
from tools.sealing import sealed_file

pytestmark = [pytest.mark.vm, pytest.mark.timeout(240)]
START = 1_768_089_600.0
SNOW_S = 10 * 3600
NEW = "0.9.1"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    city = write_city(tmp_path, design_storm(START, hours=48, seed=1), boards=1, zones_per_board=1)
    with Bench(city, start_utc_s=START + SNOW_S) as made:
        yield made


@pytest.fixture
def start(bench: Bench, tmp_path: Path) -> Callable[..., None]:
    """Power on with program 0.9.0 proved in slot a and another one, new, in slot b."""

    def on(*, damage: str = "", new: int = 1, **edits: tuple[str, str]) -> None:
        place = bench.config.state_dir / "boards" / "b01"
        files = {**firmware_files(FIRMWARE), **{kind: sealed_file(place / kind) for kind in PROVISIONED}}
        made, before = slot_files("a", changed_firmware(tmp_path, "0.9.0"), "0.9.0")
        files |= made
        made, identity = slot_files("b", changed_firmware(tmp_path, NEW, **edits), NEW)
        files |= made
        if damage:
            files[damage] = b"(" if damage.endswith(".py") else files[damage][:-1] + b"\0"
        files["slot.rec"] = record(run="b", id=identity, was="a", wid=before, new=new, n=0, bad="", why="")
        write_image(bench.boards["b01"].image, files, FLASH_BYTES)
        bench.power_on()

    return on


def said(bench: Bench) -> dict[str, object]:
    found: dict[str, object] = json.loads(read_image(bench.boards["b01"].image)["slot.rec"][32:])
    return found


def heats(bench: Bench) -> bool:
    return bench.advance(1_800, until=lambda _: bench.zone("z01").closed)


def test_a_proved_program_runs_from_its_slot(bench: Bench, start: Callable[..., None]) -> None:
    start(new=0)
    assert heats(bench)
    bench.advance(120)
    assert (said(bench)["run"], said(bench)["n"]) == ("b", 0)
    assert bench.violations == []


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ({"program": ("import asyncio", "raise ValueError\nimport asyncio")}, "starts not proved"),
        (
            {"program": ("import asyncio", "while True:\n    __import__('time').sleep(1)\nimport asyncio")},
            "starts not proved",
        ),
        ({"program": ("import asyncio", "__import__('machine').reset()\nimport asyncio")}, "starts not proved"),
        ({"program": ("def main() -> bool:", "def main() -> bool:\n    return True")}, "starts not proved"),
        ({"board": ("def tick(self)", "def tock(self)")}, "starts not proved"),
        ({"check": ("def load(", "def loaded(")}, "starts not proved"),
        ({"config": ("class Config", "class Other")}, "starts not proved"),
        ({}, None),
    ],
    ids=[
        "fails at import",
        "hangs at import",
        "resets at import",
        "ends at once",
        "fails in the loop",
        "lacks a function",
        "lacks a class",
        "well",
    ],
)
def test_a_new_program_that_fails_is_left_within_minutes(
    bench: Bench, start: Callable[..., None], edits: dict[str, tuple[str, str]], why: str | None
) -> None:
    start(**edits)
    assert heats(bench)
    found = said(bench)
    if why is None:
        assert (found["run"], found["new"]) == ("b", 1)
    else:
        assert (found["run"], found["bad"], found["was"]) == ("a", NEW, "")
        assert why in str(found["why"])
    assert bench.violations == []


def test_a_program_that_refuses_the_boards_files_is_left_at_once(bench: Bench, start: Callable[..., None]) -> None:
    start(check=("made = Limits()\n    fill", 'raise ConfigError(path, "", 0, "never")\n    fill'))
    assert heats(bench)
    assert (said(bench)["run"], said(bench)["why"]) == ("a", "it does not take this board's files")


def test_a_program_without_a_session_goes_on_while_a_road_needs_heat(bench: Bench, start: Callable[..., None]) -> None:
    start()
    assert heats(bench)
    bench.advance(1_800)
    assert said(bench)["run"] == "b"
    assert bench.zone("z01").closed
    assert len(bench.boards["b01"].resets) == 1


def test_a_program_without_a_session_is_left_on_a_dry_road(bench: Bench, start: Callable[..., None]) -> None:
    bench.zone("z01").set_sensor_fault("stuck", "moisture")
    bench.zone("z01").stuck_c["moisture"] = 0.0
    start()
    bench.advance(60)
    bench.set_earth_fault("b01")
    bench.advance(5)
    bench.set_earth_fault("b01", False)
    bench.advance(1_000)
    assert (said(bench)["run"], said(bench)["why"]) == ("a", "no session with the supervisor")
    assert len(bench.boards["b01"].resets) == 2
    bench.zone("z01").set_sensor_fault(None, "moisture")
    bench.advance(1_800)
    assert not bench.zone("z01").closed, "the latch outlives the program that set it"
    assert bench.violations == []


@pytest.mark.parametrize("damage", ["b/rh/zone.mpy", "b/list"])
def test_damaged_files_lead_back_at_once(bench: Bench, start: Callable[..., None], damage: str) -> None:
    start(new=0, damage=damage)
    assert heats(bench)
    assert (said(bench)["run"], said(bench)["why"]) == ("a", "files are damaged")
    assert len(bench.boards["b01"].resets) == 1


@pytest.mark.parametrize("damage", ["rh/slot.py", "rh/store.py", "rh/seal.py", "rh/__init__.py", "rh/outputs.py"])
@pytest.mark.parametrize("new", [0, 1])
def test_damage_to_what_chooses_leads_to_a_proved_program(
    bench: Bench, start: Callable[..., None], damage: str, new: int
) -> None:
    """Nothing stood in for the flashed copy: the board started for ever or waited at its prompt; the road was cold."""
    start(new=new, damage=damage)
    assert heats(bench)
    bench.advance(300)
    assert bench.zone("z01").closed
    assert len(bench.boards["b01"].resets) == 1
    assert bench.violations == []
