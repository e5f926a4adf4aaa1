"""`roadheat demo`: options only, so that `--help` does not import NumPy; `play` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from supervisor.commands import OutputPath, fail
from supervisor.domain.errors import RoadheatError


@click.command()
@click.option("--weather", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="CSV of real weather.")
@click.option("--from", "begin", metavar="TIME", help="Date or time, local to the weather, such as 2023-12-29.")
@click.option("--to", "end", metavar="TIME", help="End (exclusive).")
@click.option("--speed", type=click.FloatRange(min=0.1), help="Maximum speed, as a multiple of real time.")
@click.option("--seed", default=1, show_default=True, help="Seed of the storm, the roads and the probes' noise.")
@click.option("--influx", metavar="URL", help="InfluxDB that gets the record, in database or bucket roadheat_demo.")
@click.option("--json", "json_path", type=OutputPath(), help="Write the figures to this file.")
@click.option(
    "--report",
    "folder",
    type=OutputPath(folder=True),
    default=Path("demo-report"),
    show_default=True,
    help="Folder for the report, the configuration and the service's record.",
)
@click.option("--pictures/--no-pictures", default=True, help="Pictures in the report; they need roadheat[report].")
def demo(**options: Any) -> None:
    """A storm on twelve roads, six emulated boards and three feeders, with the real firmware and service."""
    from hil_tests.demo.play import Request, play

    try:
        held = play(Request(**options))
    except RoadheatError as error:
        fail(error)
    if not held:
        raise SystemExit(1)
