"""`roadheat board limits`: keys, signatures, and a board that takes nothing else, with the real firmware on a VM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hil_tests.bench.city import write_city
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard
from hil_tests.vm.realtime import running
from hil_tests.vm.wired import wired
from supervisor.weather.design_storm import design_storm
from tools.board import board
from tools.flashing import mpremote
from tools.get_vm import vm_path


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path, design_storm(1_768_089_600.0, hours=30, seed=1))


def call(*arguments: object, fails: str = "") -> str:
    result = CliRunner().invoke(board, [str(one) for one in arguments], env={"COLUMNS": "300"})
    assert result.exit_code == (2 if fails else 0), result.output
    assert fails in result.output
    return result.output


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Private keys, their public ones beside them."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("one", "two"):
        call("limits", "keygen", folder / f"{name}.pem")
    return folder / "one.pem", folder / "two.pem"


@pytest.fixture
def folder(city: Path, keys: tuple[Path, Path]) -> Path:
    """Of the board's provisioned files, with the public keys."""
    signers = [part for key in keys for part in ("--signer", key.with_suffix(".pub"))]
    call("provision", "--emulated", "--config", city, *signers, "b01")
    return city.parent / "state" / "boards" / "b01"


def sign(folder: Path, key: Path, version: int, name: str = "b01", fails: str = "") -> None:
    call("limits", "sign", "--board", name, "--version", version, "--key", key, folder / "limits.json", fails=fails)


def edit(folder: Path, **changed: Any) -> None:
    file = folder / "limits.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))


def test_a_board_takes_signed_limits_only(
    tmp_path: Path, city: Path, folder: Path, keys: tuple[Path, Path], relay: ConsoleRelay
) -> None:
    one, two = keys
    made = EmulatedBoard("b01", tmp_path, vm_path(), wired(json.loads((folder / "config.json").read_text()))[0], relay)
    made.power_on(0)
    port = f"b01={made.console.path}"

    def in_force() -> list[object]:
        code = "import json; from rh.check import load; c, l = load(); print(json.dumps([bool(c.stale), l.t_max_mc]))"
        found: list[object] = json.loads(mpremote(made.console.path, "exec", code).splitlines()[-1])
        return found

    try:
        with running([made], relay):
            call("flash", "--config", city, port, fails="signed limits only")
            sign(folder, one, 1)
            call("flash", "--config", city, port)
            assert in_force() == [False, 15_000]
            edit(folder, t_max_mc=14_000)
            call("limits", "install", "--config", city, port, fails="other limits were signed")
            sign(folder, two, 2)
            call("limits", "install", "--config", city, port)
            assert in_force() == [False, 14_000]
            sign(folder, one, 1)
            call("limits", "install", "--config", city, port, fails="has version 1, and 2 is in force")
            sign(folder, one, 3, "b02")
            call("limits", "install", "--config", city, port, fails="is signed for board b02")
            assert in_force() == [False, 14_000]
    finally:
        made.close()


def test_what_a_board_would_refuse_is_not_signed(folder: Path, keys: tuple[Path, Path]) -> None:
    edit(folder, t_max_mc=90_000)
    sign(folder, keys[0], 1, fails="t_max_mc = 90000")
    (folder / "limits.json").write_text('{"v": 1, "v": 1}')
    sign(folder, keys[0], 1, fails="twice")
    assert not (folder / "limits.signed").exists()


def test_a_key_of_somebody_else(tmp_path: Path, city: Path, folder: Path) -> None:
    call("limits", "keygen", tmp_path / "stranger.pem")
    sign(folder, tmp_path / "stranger.pem", 1)
    call("flash", "--config", city, "b01=/nowhere", "--replace", fails="no key of the board has signed it")


def test_provisioning_again_keeps_the_keys_and_takes_two_at_most(
    city: Path, folder: Path, keys: tuple[Path, Path]
) -> None:
    before = (folder / "signers.bin").read_bytes()
    assert len(before) == 768
    call("provision", "--emulated", "--config", city, "b01")
    assert (folder / "signers.bin").read_bytes() == before
    public = keys[0].with_suffix(".pub")
    call("provision", "--emulated", "--config", city, *["--signer", public] * 3, "b01", fails="one or two")
    call("provision", "--emulated", "--config", city, "--signer", keys[0], "b01", fails="no public key")
