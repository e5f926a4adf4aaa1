"""I5, I7, I9, I11, I13 and I15: each is broken once on purpose; what is right passes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hil_tests.bench import board_watch, flash_check
from hil_tests.bench.board_watch import BoardWatch
from hil_tests.bench.zone import BenchZone
from hil_tests.vm.flash_image import write_image
from supervisor.domain.zone import Layer, Zone
from tools.sealing import sealed

POWER_CAME, WATCHDOG = 1, 3
IMAGE_BYTES = 256 * 1024


class Record:
    """What the service has stored."""

    def __init__(self) -> None:
        self.stored = 1
        self.wh = {"z01": 0}

    def newest(self, _board: str) -> int:
        return self.stored

    def energy_wh(self) -> dict[str, int]:
        return self.wh


class Watched:
    """One board with one zone."""

    def __init__(self, folder: Path) -> None:
        self.board = SimpleNamespace(
            name="b01", image=folder / "b01.img", trouble="none", application=True, linked=True,
            set_temperature=lambda *_: None, set_adc=lambda *_: None, shorted=set(),
        )  # fmt: skip
        zone = Zone(
            id="z01", name="", board="b01", relay=0, feeder="f1", power_w=36_000, area_m2=160,
            layers=(Layer("asphalt", 0.2),),
        )  # fmt: skip
        wiring = {"relay_active": 1, "ct_w_per_mv": 25, "trip_pin": 19}
        self.zone = BenchZone(zone, wiring, cast(Any, self.board), 0)
        self.record = Record()
        self.told: list[tuple[str, int]] = []
        self.watch = BoardWatch(
            {"b01": cast(Any, self.board)}, {"z01": self.zone}, self.record,
            lambda invariant, at_ms, *_: self.told.append((invariant, at_ms)),
        )  # fmt: skip

    @property
    def names(self) -> set[str]:
        return {invariant for invariant, _ in self.told}

    def flash(self, files: dict[str, bytes], cause: int = WATCHDOG) -> None:
        write_image(self.board.image, files, IMAGE_BYTES)
        self.watch.reset("b01", 0, cause)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def _files(life: str = "a" * 16, epoch: int = 3, sequence: int = 7) -> dict[str, bytes]:
    body = json.dumps({"life": life, "n": [epoch, sequence, 1, 0]}).encode()
    files = {name: sealed(b"{}") for name in flash_check.SEALED}
    return files | {"state.json": sha256(body).hexdigest()[:32].encode() + body}


def test_the_safety_loop_is_in_time(watched: Watched) -> None:
    for at_ms in (1_000, 2_000, 3_990, 5_000):
        watched.watch.beat("b01", at_ms)
    assert watched.told == []
    watched.watch.beat("b01", 7_100)
    assert watched.told == [("I9", 7_100)]


def test_a_call_that_hangs_is_ended_by_the_watchdog(watched: Watched) -> None:
    watched.board.trouble = "hang"
    watched.watch.beat("b01", 1_000)
    watched.watch.beat("b01", 9_900)
    assert watched.told == []
    watched.watch.beat("b01", 19_000)
    assert watched.names == {"I9"}


def test_a_loop_that_stands_still_may_not_heat(watched: Watched) -> None:
    watched.watch.beat("b01", 1_000)
    watched.watch.tick(10_000, True)
    assert watched.told == []
    watched.zone.closed = True
    watched.watch.tick(10_000, True)
    assert watched.names == {"I9"}


def test_a_reset_begins_anew(watched: Watched) -> None:
    watched.watch.beat("b01", 1_000)
    watched.flash(_files())
    watched.watch.beat("b01", 30_000)
    assert watched.told == []


def test_a_weld_opens_the_contactor_upstream(watched: Watched) -> None:
    watched.zone.weld_contactor()
    for at_ms in range(0, 9_000, 1_000):
        watched.watch.tick(at_ms, True)
    assert watched.told == []
    watched.zone.trip(True)
    watched.watch.tick(20_000, True)
    assert watched.told == []
    watched.zone.trip(False)
    for at_ms in range(30_000, 40_000, 1_000):
        watched.watch.tick(at_ms, True)
    assert watched.names == {"I7"}


@pytest.mark.parametrize("name", [*flash_check.SEALED, "state.json"])
def test_a_damaged_file_without_a_good_copy(watched: Watched, name: str) -> None:
    files = _files()
    watched.flash(files)
    assert watched.told == []
    torn = files | {name: files[name][:-3]}
    if name != "state.json":
        watched.flash(torn | {f"{name}.old": files[name]})
        assert watched.told == []
        torn |= {f"{name}.old": files[name][:-3]}
    watched.flash(torn)
    assert watched.names == {"I13"}


def test_a_file_system_that_cannot_be_mounted(watched: Watched) -> None:
    watched.board.image.write_bytes(bytes(IMAGE_BYTES))
    watched.watch.reset("b01", 0, POWER_CAME)
    assert watched.names == {"I13"}


def test_accepted_commands_never_fall_within_a_life(watched: Watched) -> None:
    watched.flash(_files())
    watched.flash(_files(epoch=4, sequence=1))
    watched.flash(_files(life="b" * 16, epoch=0, sequence=0))
    assert watched.told == []
    watched.flash(_files(life="b" * 16, epoch=0, sequence=5))
    watched.flash(_files(life="b" * 16, epoch=0, sequence=4))
    assert watched.names == {"I5"}


def test_a_connected_board_is_heard(watched: Watched) -> None:
    end_ms = board_watch.CONNECTED_MS + 10 * 60_000
    for at_ms in range(0, end_ms, 60_000):
        watched.record.stored += 1
        watched.watch.tick(at_ms, True)
        watched.watch.minute(at_ms)
    assert watched.told == []
    for at_ms in range(end_ms, end_ms + 5 * 60_000, 60_000):
        watched.watch.minute(at_ms)
    assert watched.names == {"I15"}


def test_a_board_in_safe_mode_is_heard_later(watched: Watched) -> None:
    files = _files()
    for _ in range(4):  # starts in a row: the third is alone for 15 min, the fourth for 30
        watched.flash(files)
    watched.watch.minute(0)
    limit_ms = board_watch.CONNECTED_MS + 30 * 60_000
    watched.watch.minute(limit_ms - 60_000)
    assert watched.told == []
    watched.watch.minute(limit_ms)
    assert watched.names == {"I15"}


def test_a_start_that_has_lasted_ends_the_row(watched: Watched) -> None:
    for at_ms in (0, 20_000, 110_000, 130_000):  # the second ran for 80 s
        watched.watch.reset("b01", at_ms, POWER_CAME)
        if at_ms == 20_000:
            watched.watch.tick(100_000, True)
    watched.watch.minute(0)
    watched.watch.minute(130_000 + board_watch.CONNECTED_MS)
    assert "I15" in watched.names


def test_energy_that_no_cable_drew_is_stored_twice(watched: Watched) -> None:
    watched.zone.truth.energy_wh = 10_000.0
    watched.record.wh = {"z01": 10_050}
    watched.watch.end(0)
    assert watched.told == []
    watched.record.wh = {"z01": 20_000}
    watched.watch.end(0)
    assert watched.names == {"I11"}
