"""`roadheat demo`: options only, so that `--help` does not import NumPy; `play` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from supervisor.commands import OutputPath, fail
from supervisor.domain.errors import RoadheatError

LESSONS = ("missed-forecast", "welded-contactor", "contract-limit")
PERSON_MAX = 40


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
@click.option("--lesson", type=click.Choice(LESSONS), help="A lesson for staff in the storm's place, with a score.")
@click.option("--language", type=click.Choice(["ko", "en"]), default="ko", show_default=True, help="Of the lesson.")
@click.option("--answers", metavar="N,N,…", help="Answers to the lesson's questions; without them you are asked.")
@click.option(
    "--record", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="city.toml of the service whose record counts the lesson, for certification.",
)  # fmt: skip
@click.option("--person", default="", help="Who was trained, as the record names it.")
def demo(**options: Any) -> None:
    """A storm on twelve roads, six emulated boards and three feeders, with the real firmware and service."""
    lesson = {name: options.pop(name) for name in ("lesson", "language", "answers", "record", "person")}
    try:
        held = _teach(lesson) if lesson["lesson"] else _play(options)
    except RoadheatError as error:
        fail(error)
    if not held:
        raise SystemExit(1)


def _play(options: dict[str, Any]) -> bool:
    from hil_tests.demo.play import Request, play

    return play(Request(**options))


def _teach(lesson: dict[str, Any]) -> bool:
    from hil_tests.demo.lesson.play import Request, play

    parts = (lesson.pop("answers") or "").replace(" ", "").split(",")
    if any(part and not (part.isascii() and part.isdigit() and len(part) < 3) for part in parts):
        raise click.UsageError("--answers takes numbers with commas between them, such as 2,1,2")
    if len(lesson["person"]) > PERSON_MAX or not lesson["person"].isprintable():
        raise click.UsageError(f"--person takes up to {PERSON_MAX} letters on one line")
    play(Request(answers=tuple(int(part) for part in parts if part), **lesson))
    return True
