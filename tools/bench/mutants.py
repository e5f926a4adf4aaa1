"""`roadheat bench mutants`: whether the board's tests notice every small change of its safety code."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor

import click

from supervisor import terminal
from tools import mutation

BAR = 0.95  # of the mutants that change anything


@click.command()
@click.option("--random", "count", type=click.IntRange(1), help="So many, chosen by --seed; default: all.")
@click.option("--seed", type=int, default=1, show_default=True)
def mutants(count: int | None, seed: int) -> None:
    """Change one thing at a time in safety, control, relay and plausible, and run the board's tests each time."""
    from rich.progress import Progress

    console = terminal.console()
    if mutation.noticed(None):
        raise click.ClickException("the tests fail without a mutant: run `pytest firmware/tests`")
    found = [one for module in mutation.MODULES for one in mutation.mutants(module)]
    todo = [one for one in found if not one.equivalent]
    if count is not None:
        todo = random.Random(seed).sample(todo, min(count, len(todo)))
        console.print(f"seed {seed}")
    with Progress(console=console, transient=True) as progress, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        bar = progress.add_task("mutants", total=len(todo))

        def run(one: mutation.Mutant) -> bool:
            dead = mutation.noticed(one)
            progress.advance(bar)
            return dead

        alive = [one for one, dead in zip(todo, pool.map(run, todo), strict=True) if not dead]
    for one in alive:
        console.print(
            f"not noticed: rh/{one.module}.py:{one.line}: {one.change}: {one.text}", markup=False, soft_wrap=True
        )
    killed = 1 - len(alive) / len(todo)
    same = len(found) - len([one for one in found if not one.equivalent])
    console.print(
        f"{len(todo)} mutants, {len(todo) - len(alive)} noticed: {killed:.1%} ({same} more change no behaviour)"
    )
    if killed < BAR:
        raise click.ClickException(f"below {BAR:.0%}")
