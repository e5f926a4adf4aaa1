"""Stock mpremote finds nothing strange about an emulated board."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.rh import chips
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard
from hil_tests.vm.realtime import running

pytestmark = pytest.mark.vm
Tool = Callable[..., str]


@pytest.fixture
def tool(board: EmulatedBoard, relay: ConsoleRelay) -> Iterator[Tool]:
    """mpremote on the board in real time; output, or the error it ends with."""

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", board.console.path, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout if done.returncode == 0 else f"error {done.stdout} {done.stderr}"

    with running([board], relay):
        yield run


def test_exec_eval_run(tool: Tool, tmp_path: Path) -> None:
    script = tmp_path / "hello.py"
    script.write_text("import machine\nprint('hello', machine.reset_cause() == machine.SOFT_RESET)\n")
    assert tool("exec", "print(6 * 7)") == "42\n"
    assert tool("eval", "'a' + 'b'") == "ab\n"
    assert tool("run", str(script)) == "hello True\n"
    assert "ZeroDivisionError" in tool("exec", "1 / 0")


def test_files_both_ways_byte_for_byte(tool: Tool, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40
    folder = tmp_path / "sent"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "all.bin").write_bytes(data)
    (folder / "a.txt").write_text("one\n")
    tool("fs", "cp", "-r", str(folder), ":")
    assert "all.bin" in tool("fs", "ls", ":sent/deep")
    assert tool("fs", "cat", ":sent/a.txt") == "one\n"
    back = tmp_path / "back.bin"
    tool("fs", "cp", ":sent/deep/all.bin", str(back))
    assert back.read_bytes() == data
    tool("fs", "mkdir", ":empty")
    tool("fs", "rm", "-r", ":sent")
    assert tool("fs", "ls", ":").split() == ["ls", ":", "0", "empty/"]
    assert "No such file" in tool("fs", "cat", ":sent/a.txt")


def test_flash_image_is_littlefs(tool: Tool, board: EmulatedBoard, tmp_path: Path) -> None:
    littlefs = pytest.importorskip("littlefs")
    note = tmp_path / "note.txt"
    note.write_text("kept")
    tool("fs", "cp", str(note), ":note.txt")
    image = board.image.read_bytes()
    fs = littlefs.LittleFS(block_size=4096, block_count=len(image) // 4096, mount=False)
    fs.context.buffer[:] = image
    fs.mount()
    with fs.open("note.txt") as file:
        assert file.read() == "kept"


def test_main_runs_after_reset_and_ctrl_c_stops_it(tool: Tool, board: EmulatedBoard, tmp_path: Path) -> None:
    main = tmp_path / "main.py"
    main.write_text(
        "import asyncio\nasync def run():\n    while True:\n        await asyncio.sleep(1)\n        print('beat')\n"
        "asyncio.run(run())\n"
    )
    tool("fs", "cp", str(main), ":main.py", "+", "reset")
    assert tool("exec", "print('here')") == "here\n"
    assert b"KeyboardInterrupt" in board.console.log


def test_soft_reset_keeps_files_and_clears_memory(tool: Tool, board: EmulatedBoard) -> None:
    tool("exec", "x = 1; open('kept', 'w').write('1')")
    tool("soft-reset")
    assert tool("resume", "exec", "print('x' in globals())") == "False\n"
    assert "kept" in tool("fs", "ls")
    assert board.resets[-1][1] == 5


def test_mip_installs_a_manifest(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "thing.py").write_text("VALUE = 7\n")
    (tmp_path / "package.json").write_text(json.dumps({"version": "1", "urls": [["pkg/thing.py", "thing.py"]]}))
    tool("mip", "install", "--target", "/", str(tmp_path / "package.json"))
    assert tool("exec", "from pkg.thing import VALUE; print(VALUE)") == "7\n"


def test_rtc_can_be_set(tool: Tool) -> None:
    assert tool("exec", "import time; print(time.gmtime()[0])") == "2000\n"
    tool("rtc", "--set")
    assert int(tool("exec", "import time; print(time.gmtime()[0])")) >= 2025


def test_pins_refuse_what_the_chip_refuses(tool: Tool) -> None:
    """Emulated pins and the table by which configurations are checked agree."""
    script = """
def takes(make):
    try:
        make()
        return True
    except ValueError:
        return False
from machine import ADC, Pin
out = [pin for pin in range(64) if takes(lambda: Pin(pin, Pin.OUT, value=0))]
measure = [pin for pin in range(64) if takes(lambda: ADC(Pin(pin)))]
print([out, measure])
"""
    drive, adc1, adc2, _ = chips.PINS["ESP32"]
    out, measure = json.loads(tool("exec", script))
    assert set(out) == {*drive, 1, 3}, "all but the console, which the chip would give away"
    assert set(measure) == {*adc1, *adc2}
