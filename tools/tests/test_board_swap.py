"""`roadheat board backup`, `replace` and the label: on emulated boards with the real firmware."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil_tests.bench.city import write_city
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard
from hil_tests.vm.realtime import running
from hil_tests.vm.wired import wired
from supervisor.config import load
from supervisor.weather.design_storm import design_storm
from supervisor.wire.keys import load_keys, next_path
from tools.board import board
from tools.board_swap import new_key
from tools.flashing import BoardToolError, mpremote
from tools.get_vm import vm_path
from tools.label import label_svg, label_text


@pytest.fixture
def city(tmp_path: Path) -> Path:
    path = write_city(tmp_path, design_storm(1_768_089_600.0, hours=30, seed=1))
    call("provision", "--emulated", "--config", path, "b01")
    return path


def call(*arguments: object, fails: str = "") -> str:
    result = CliRunner().invoke(board, [str(one) for one in arguments], env={"COLUMNS": "300"})
    assert result.exit_code == (2 if fails else 0), result.output
    assert fails in result.output
    return result.output


@contextmanager
def emulated(folder: Path, name: str, settings: Path) -> Iterator[str]:
    """A new chip; its port."""
    relay = ConsoleRelay()
    made = EmulatedBoard(name, folder, vm_path(), wired(json.loads(settings.read_text()))[0], relay)
    made.power_on(0)
    try:
        with running([made], relay):
            yield made.console.path
    finally:
        made.close()
        relay.close()


@pytest.mark.vm
def test_a_dead_board_is_replaced_with_what_the_old_one_carried(city: Path, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "boards" / "b01"
    settings = folder / "config.json"
    key_path = load(city).board_key_path("b01")
    (before,) = load_keys(key_path)
    edited = json.loads(settings.read_text())
    edited["zones"][0]["power_w"] += 7
    with emulated(tmp_path, "old", settings) as port:
        call("flash", "--config", city, f"b01={port}")
        settings.write_text(json.dumps(edited))
        said = call("backup", "--config", city, f"b01={port}")
        assert "not as in the folder: config.json" in said
        copy = folder / "backup" / "config.json"
        assert copy.stat().st_mode & 0o077 == 0
        assert json.loads(copy.read_text())["key"] == before.hex()
        call("replace", "--config", city, f"b01={port}", fails="It needs no other")
    assert load_keys(key_path) == [before]
    with emulated(tmp_path, "new", settings) as port:
        call("replace", "--config", city, f"b01={port}")
        (now,) = load_keys(key_path)
        assert now != before
        code = "from rh.check import load; c, _ = load(); print(c.board, c.key.hex(), c.zones[0].power_w)"
        carried = mpremote(port, "exec", code).split()[-3:]
    assert carried == ["b01", now.hex(), str(edited["zones"][0]["power_w"])]
    assert json.loads(settings.read_text())["key"] == now.hex()


def test_a_replacement_that_fails_leaves_the_key_in_force(city: Path) -> None:
    path = load(city).board_key_path("b01")
    before = load_keys(path)
    call("replace", "--config", city, "b01=/nowhere", fails="/nowhere")
    assert load_keys(path) == before
    with new_key(load(city), "b01") as key:
        assert load_keys(path) == [*before, key], "the service takes both meanwhile"
    assert load_keys(path) == [key]
    next_path(path).write_text("5a" * 32)
    with pytest.raises(BoardToolError, match="over the link"), new_key(load(city), "b01"):
        pass
    assert len(load_keys(path)) == 2


def test_the_label_says_which_board_and_no_secret(city: Path, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "boards" / "b01"
    text = (folder / "label.svg").read_text()
    words = [one.text for one in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["b01", "bench", "z01 Road 1", "z02 Road 2"]
    assert json.loads((folder / "config.json").read_text())["key"] not in text
    assert label_text("b01", ["z01", "z 2"]) == "roadheat:board/b01?zones=z01,z%202"
    assert "<&" not in label_svg("a<&b", "b01", [])
