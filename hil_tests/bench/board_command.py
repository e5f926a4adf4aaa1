"""`roadheat bench board`: what a board needs of memory, time and flash, against the bars."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from hil_tests.bench.board_figures import CHIP_HEAP_KB, GARBAGE_MAX, YEARS, heap_used, jitter_ms, live, memory, storage
from hil_tests.bench.city import working_folder
from supervisor import terminal

RING_H = 24
EVENTS = 1_000
WEAR_SHARE = 0.5
JITTER_MS = 20


@click.command("board")
@click.option("--hours", type=click.FloatRange(0.1, 100), default=48.0, show_default=True, help="At the chip's heap.")
@click.option("--boards", type=click.IntRange(1, 100), default=32, show_default=True, help="In real time together.")
def board(hours: float, boards: int) -> None:
    """Memory, garbage, jitter and flash of a board, with bytecode and 32-bit words; ends with status 1 above a bar."""
    table = Table("of a board", "measured", "bar")
    failed = []

    def row(what: str, said: str, bar: str, held: bool) -> None:
        table.add_row(what, said, bar)
        if not held:
            failed.append(what)

    with working_folder() as folder:
        place = Path(folder)
        heap = memory(place / "memory")
        row("emulation's own modules [bytes]", f"{heap.emulator:,}", "", True)
        row("firmware with its link up, resident [bytes]", f"{heap.resident:,}", "", True)
        row("the same before a collection [bytes]", f"{heap.most:,}", f"{CHIP_HEAP_KB * 1024:,}", True)
        row("garbage of a turn of the safety loop [bytes]", f"{heap.turn}", f"{GARBAGE_MAX}", heap.turn <= GARBAGE_MAX)
        row("garbage of all tasks a second, mean [bytes]", f"{heap.second}", "", True)
        emulator, used, resets = live(place / "long", hours, CHIP_HEAP_KB)
        least, most = heap_used(used[-len(used) // 4 :])
        said = f"{least - emulator:,} to {most - emulator:,}, {resets} resets"
        row(f"{hours:g} h with {CHIP_HEAP_KB} KB: in use in the last quarter [bytes]", said, "0 resets", resets == 0)
        median_ms, slowest_ms = jitter_ms(place / "jitter", boards, 10.0)
        said = f"{median_ms:.1f}, {slowest_ms:.1f}"
        held = median_ms <= JITTER_MS
        row(f"{boards} boards in real time, late by: median, slowest [ms]", said, f"{JITTER_MS}", held)
    flash = storage()
    row("telemetry ring [h]", f"{flash.ring_h:.1f}", f"{RING_H}", flash.ring_h >= RING_H)
    row("the ring with three zones [bytes]", f"{flash.ring_bytes:,}", "", True)
    row("lines of the event log", f"{flash.event_lines:,}", f"{EVENTS:,}", flash.event_lines >= EVENTS)
    row(f"switchings of a contactor in {YEARS} years", f"{flash.switchings:,}", "", True)
    row("writes to flash a year", f"{flash.saves_a_year:,}", "", True)
    row(
        f"wear of the flash in {YEARS} years [share of its cycles]", f"{flash.wear_share:.1%}", f"{WEAR_SHARE:.0%}",
        flash.wear_share <= WEAR_SHARE,
    )  # fmt: skip
    console = terminal.console()
    console.print(table)
    for what in failed:
        console.print(f"above its bar: {what}", markup=False)
    if failed:
        raise SystemExit(1)
