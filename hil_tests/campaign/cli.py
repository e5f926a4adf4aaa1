"""`roadheat bench faults`: plays the fault campaign, goes on where it stopped, and replays one case alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

import click

from hil_tests.campaign.campaign import HOURS, Run, faults, runs, scenario
from supervisor import terminal


@click.command("faults")
@click.option("--pairs", is_flag=True, help="Every two faults together, too.")
@click.option("--seeds", type=click.IntRange(1, 100), default=1, show_default=True)
@click.option(
    "--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Results; read to go on later."
)
@click.option("--only", metavar="FAULT+FAULT", help="One case alone, as a violation names it.")
@click.option("--service", default="", help="With --only: the service's fault beside it.")
@click.option("--seed", type=int, default=1, help="With --only.")
def campaign(pairs: bool, seeds: int, json_path: Path | None, only: str | None, service: str, seed: int) -> None:
    """Faults of boards and of the service in steady snow; no invariant may be violated."""
    known = faults()
    if only is not None:
        names = tuple(filter(None, only.split("+")))
        if unknown := [name for name in (*names, *filter(None, [service])) if name not in known]:
            raise click.UsageError(f"unknown fault {unknown[0]}: one of {', '.join(known)}")
        todo = [Run(seed=seed, cases=(names,), service=service)]
    else:
        todo = runs(pairs, seeds)
    done = _read(json_path)
    violations = _play(todo, done, json_path)
    console = terminal.console()
    played = [run for run in todo if run.key in done]
    cases = sum(len(run.cases) for run in played)
    hours = sum(len(run.cases) for run in played) * HOURS
    console.print(f"{len(played)} runs, {cases} cases, {hours:,.0f} virtual board hours, {violations} violations")
    if violations:
        raise SystemExit(1)


def _play(todo: Iterable[Run], done: dict[str, list[str]], json_path: Path | None) -> int:
    """Play what is not done yet; the number of violations of all."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = terminal.console()
    todo = list(todo)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("faults", total=len(todo))
        for run in todo:
            if run.key not in done:
                begun = time.monotonic()
                done[run.key] = play_run(run)
                for line in done[run.key]:
                    console.print(line, style="red", soft_wrap=True, markup=False)
                if json_path is not None:
                    json_path.write_text(json.dumps(done, indent=1))
                progress.console.print(f"{time.monotonic() - begun:5.0f} s  {scenario(run).title}", style="dim")
            progress.advance(bar)
    return sum(len(done[run.key]) for run in todo)


def play_run(run: Run) -> list[str]:
    """Its violations, each with the command that plays its case alone."""
    from hil_tests.bench.city import working_folder
    from hil_tests.scenarios.play import play

    with working_folder() as folder:
        played = play(scenario(run), folder, folder)
    return [f"{line}: {replay(run, line)}" for line in _first(played.violations)]


def _first(violations: Iterable[str]) -> list[str]:
    """The first of each invariant and place: what goes on for an hour is told once a minute."""
    found: dict[str, str] = {}
    for line in violations:
        invariant, place = line.split("invariant=")[1].split(",")[0], line.split("place=")[1].split(",")[0]
        found.setdefault(f"{invariant} {place}", line)
    return list(found.values())


def replay(run: Run, violation: str) -> str:
    """The command for the case of the board or zone that a violation names."""
    for number, case in enumerate(run.cases):
        places = (f"b{number + 1:02d}", f"z{2 * number + 1:02d}", f"z{2 * number + 2:02d}")
        if any(place in violation for place in places):
            beside = f" --service {run.service}" if run.service else ""
            return f"roadheat bench faults --only '{'+'.join(case)}'{beside} --seed {run.seed}"
    return f"run {run.key}"


def _read(path: Path | None) -> dict[str, list[str]]:
    if path is None or not path.exists():
        return {}
    found: dict[str, list[str]] = json.loads(path.read_text())
    return found
