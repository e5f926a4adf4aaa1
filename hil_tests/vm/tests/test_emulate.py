"""`roadheat board emulate` gives a board that stock mpremote and `board list` know."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil_tests.vm.winter import Road, Winter
from tools import emulated_ports
from tools.board import board

pytestmark = pytest.mark.vm
ROADHEAT = [sys.executable, "-m", "supervisor.cli"]


@pytest.fixture
def emulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a process, and the path that it prints."""
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    process = subprocess.Popen(
        [*ROADHEAT, "board", "emulate", "--folder", str(tmp_path), "b07"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"board b07 at (\S+);", line)
    assert found, line
    process.stdout.readline()
    yield process, found[1]
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stdout.close()


def test_mpremote_and_list_know_it_until_it_ends(emulated: tuple[subprocess.Popen[str], str]) -> None:
    process, path = emulated
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", path, "exec", "import os; print(os.uname().sysname, 6 * 7)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split()[-1:] == ["42"], done
    assert "esp32" in done.stdout
    shown = CliRunner().invoke(board, ["list"]).output
    assert path in shown
    assert "emulated board b07" in shown
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert "b07" not in CliRunner().invoke(board, ["list"]).output


def test_a_name_that_is_none_and_a_board_that_is_not_provisioned(tmp_path: Path) -> None:
    result = CliRunner().invoke(board, ["emulate", "--folder", str(tmp_path), "../b01"])
    assert result.exit_code == 2
    assert "letters, digits" in result.output


def test_the_list_forgets_what_has_ended_and_reads_no_folder_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with emulated_ports.announced("b01", "/dev/pts/1"):
        assert emulated_ports.running() == [("b01", "/dev/pts/1")]
        (tmp_path / "roadheat" / "999999999-b02.json").write_text('{"board": "b02", "path": "/dev/pts/2"}')
        (tmp_path / "roadheat" / f"{os.getpid()}-b03.json").write_text("[")
        assert emulated_ports.running() == [("b01", "/dev/pts/1")]
        (tmp_path / "roadheat").chmod(0o777)
        assert emulated_ports.running() == []
        (tmp_path / "roadheat").chmod(0o700)
    assert emulated_ports.running() == []


def test_the_winter_road_cools_whitens_and_is_cleared_by_heat() -> None:
    road = Road(Winter(air_c=-5.0, snow_mm_h=2.0))
    road.advance(4 * 3600, 0.0)
    assert road.surface_c < -2.0
    assert road.frozen_mm > 1.0
    assert road.moisture > 0.8
    road.advance(1800, 1.0)
    assert road.cable_c > road.surface_c
    road.advance(5.5 * 3600, 1.0)
    assert road.frozen_mm < 0.5
    assert 0.0 < road.surface_c < 30.0
