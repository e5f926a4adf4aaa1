"""`roadheat bench reactions`: how soon a board acts, against the bars."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from hil_tests.bench.city import working_folder
from hil_tests.bench.reactions import CASES, HANDSHAKE_MS, PHASES, QUANTUM_MS, reaction_ms
from supervisor import terminal


@click.command("reactions")
@click.option("--phases", type=click.IntRange(1, 20), default=PHASES, show_default=True, help="Of the loop's second.")
def reactions(phases: int) -> None:
    """How soon an emulated board opens its contactor, in virtual time; ends with status 1 above a bar."""
    table = Table("event → contactor open, or the one upstream", "slowest [ms]", "bar [ms]")
    late = 0
    with working_folder() as folder:
        for number, case in enumerate(CASES):
            measured_ms = reaction_ms(case, Path(folder) / f"{number}", phases)
            late += measured_ms > case.most_ms
            table.add_row(case.name, f"{measured_ms:,}", f"{case.most_ms:,}")
    console = terminal.console()
    console.print(table)
    console.print(f"{phases} phases of the loop's second, quanta of {QUANTUM_MS} ms, a handshake of {HANDSHAKE_MS} ms")
    if late:
        raise SystemExit(1)
