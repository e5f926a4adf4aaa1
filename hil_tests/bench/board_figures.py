"""What a board needs: memory, garbage, time and flash, on the VM with 32-bit words and bytecode as on the chip."""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from firmware.rh import events, journal, life, telemetry
from firmware.rh.state import SPENT_AHEAD_S
from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from hil_tests.bench.wiring import Fit
from hil_tests.vm.prompt import Prompt
from supervisor.weather.design_storm import design_storm

START_UTC_S: Final = 1_703_948_400.0  # the design storm at its beginning
# What the port leaves a program on an ESP32 without PSRAM: the heap begins with 56 KB and grows; with WiFi up, one of
# this kind had 112 KB. TLS takes 16 + 4 KB of buffers and the peak of a handshake from the memory beside it; 8 KB less
# leave the handshake its peak in one piece.
CHIP_HEAP_KB: Final = 104
UPDATE_HEAP_KB: Final = 112  # what an update over the link needs: 8 KB more than the chip's heap, not met
GARBAGE_MAX: Final = 512  # bytes a turn
ERASES_A_SAVE: Final = 1.05  # of a block, measured: a record of a kilobyte, written beside and renamed
BLOCKS: Final = 512  # of 4 KB: the file system's partition of a 4 MB ESP32
EVENT_LINES_A_DAY: Final = 50
LINE: Final = 80  # bytes, of a usual event
CYCLES: Final = 100_000  # of a block, by the data sheets of the usual flash chips
YEARS: Final = 10
_TURNS = 60
_MEASURE = """
import gc, time
import rh.check
config, limits = rh.check.load()
from rh import hardware
from rh.board import Board
from rh.uptime import Uptime
chip = hardware.Hardware(config)
board = Board(config, limits, chip, Uptime(time.ticks_ms, time.ticks_diff), 0)
def garbage(call):
    used = []
    for _ in range({turns}):
        gc.collect(); before = gc.mem_alloc(); call(); used.append(gc.mem_alloc() - before)
        chip.feed(); time.sleep_ms(1000)
    return used
print(garbage(board.tick))
"""


@dataclass(frozen=True)
class Memory:
    """Bytes of the heap, on the VM with 32-bit words."""

    emulator: int  # the emulation's own modules, before the firmware is imported
    resident: int  # of the firmware with its link up, after a collection, without the emulator
    most: int  # before a collection, likewise
    turn: int  # garbage of a turn of the safety loop, median; what the emulated chip makes included
    turn_most: int
    second: int  # of all tasks, mean


def heap_used(edges_bytes: list[int]) -> tuple[int, int]:
    """(least after a collection, most before one), of the heap in use at each turn."""
    after = [now for before, now in pairwise(edges_bytes) if now < before]
    return min(after, default=edges_bytes[-1]), max(edges_bytes)


def city(folder: Path, hours: float) -> Path:
    return write_city(folder, design_storm(START_UTC_S, hours + 31, 1), boards=1)


def fake_service(config: Path) -> list[str]:
    """An honest service in small, on granted time."""
    return [sys.executable, "-m", "hil_tests.bench.impostor", "--config", str(config)]


def live(folder: Path, hours: float, heap_kb: int | None = None) -> tuple[int, list[int], int]:
    """Run a board with its link up: (emulator's bytes, bytes in use at each turn, resets). `heap_kb`: what the firmware
    has, default what the emulation gives.
    """
    path = city(folder, hours)
    emulator = 0
    if heap_kb is not None:
        emulator, _, _ = live(folder / "first", 0.2)
    heap = "" if heap_kb is None else f"{emulator // 1024 + 1 + heap_kb}k"
    fit = Fit(boards={"b01": ("beat",)}, word_bits=32, heap=heap)
    with Bench(path, start_utc_s=START_UTC_S, command=fake_service(path), fit=fit) as bench:
        bench.boards["b01"].measured = True
        bench.write_flash()
        bench.start_supervisor()
        bench.advance(hours * 3600)
        board = bench.boards["b01"]
        resets = len(board.resets) - 1
        if bench.violations:
            raise AssertionError(bench.violations[0])
        used = board.heap_in_use
    return used[0], used[1:], resets


def memory(folder: Path) -> Memory:
    """Half an hour with the link up, then single turns at the prompt."""
    emulator, used, _ = live(folder / "live", 0.5)
    resident, most = heap_used(used)
    path = city(folder / "turns", 1)
    with Bench(path, start_utc_s=START_UTC_S, fit=Fit(word_bits=32)) as bench:
        bench.write_flash()
        bench.advance(30)
        prompt = Prompt(bench.boards["b01"], step_ms=1_000)
        try:
            said = prompt.run(_MEASURE.replace("{turns}", str(_TURNS)))
        finally:
            prompt.close()
    turns = json.loads(said.splitlines()[-1])[1:]  # the first makes what stays
    rises = [after - before for before, after in pairwise(used) if after > before]
    second = int(statistics.mean(rises))
    return Memory(emulator, resident - emulator, most - emulator, int(statistics.median(turns)), max(turns), second)


@dataclass(frozen=True)
class Storage:
    """What flash keeps, and how much of its life ten years take."""

    ring_h: float
    ring_bytes: int
    event_lines: int  # kept at least
    switchings: int  # of a contactor, in ten years
    saves_a_year: int
    wear_share: float


def storage(zones: int = 3, heat_h_a_year: int = 1_500) -> Storage:
    """By the firmware's numbers: a plan a quarter of an hour and zone all winter, the link down for a tenth of it."""
    record = telemetry.HEAD_SIZE + zones * telemetry.ZONE_SIZE + 4
    records = journal.SEGMENT * (journal.SEGMENTS_MAX - 1)
    winter_h = 24 * 150
    commands = winter_h * (4 * zones + 1)
    heat = zones * heat_h_a_year * 3600 // SPENT_AHEAD_S
    appends = winter_h * 60 // 10 // journal.FLUSH
    lines = 365 * EVENT_LINES_A_DAY
    switchings = zones * heat_h_a_year * 4  # periods of 15 min
    counted = 2 * (switchings // life.AHEAD[0] + zones * heat_h_a_year * 3600 // life.AHEAD[1])  # and the copy
    saves = commands + heat + appends + lines + counted
    wear = saves * YEARS * ERASES_A_SAVE / (BLOCKS * CYCLES)
    return Storage(
        records * telemetry.JOURNAL_S / 3600,
        records * record,
        events.FILE_MAX // LINE,
        switchings * YEARS // zones,
        saves,
        wear,
    )


def jitter_ms(folder: Path, boards: int, seconds: float) -> tuple[float, float]:
    """(median, slowest) by which boards in real time are late for their second: the wall time of a stretch of 20 ms."""
    path = write_city(folder, design_storm(START_UTC_S, 40, 1), boards=boards, zones_per_board=1)
    late: list[float] = []
    with Bench(path, start_utc_s=START_UTC_S, fit=Fit(word_bits=32)) as bench:
        bench.write_flash()
        bench.advance(20)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            for board in bench.boards.values():
                board.grant(20)
            for board in bench.boards.values():
                board.collect()
            took = time.monotonic() - began
            late.append(took * 1000)
            time.sleep(max(0.0, 0.02 - took))
    return statistics.median(late), max(late)
