"""`roadheat bench frames`: the first part of `roadheat bench fuzz`, by so many boards that 200,000 frames take minutes.

Each frame has a valid MAC and free counters, times, names and structure, except for some that are spoilt: a bit
flipped, cut, doubled, noise. No loop may end, no answer to people fail, and no other board's record be touched.
"""

from __future__ import annotations

import asyncio

import click

from hil_tests.bench.city import working_folder
from supervisor import terminal
from tools.bench.energy import print_figures
from tools.bench.fuzz import correct

BOARDS = 64  # each is read at 25 frames a second
AT_ONCE = 1e6  # frames a second of a board: it waits for the service, never for the time


@click.command()
@click.option("--count", default=200_000, show_default=True, type=click.IntRange(1), help="Frames of all boards.")
@click.option("--seed", default=1, show_default=True, help="The frames replay from it.")
def frames(count: int, seed: int) -> None:
    """The frames of `fuzz`, free and spoilt, by many boards at once, and the record.

    Valid MACs around free contents, and frames spoilt after they were made, in one run against the real service.
    """
    with working_folder() as folder:
        figures = asyncio.run(correct(folder, count, AT_ONCE, seed, BOARDS))
    print_figures(terminal.console(), figures, f"{count} frames of {BOARDS} hostile boards")
    if any(figure.holds is False for figure in figures):
        raise SystemExit(1)
