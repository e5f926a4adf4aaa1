"""`roadheat energy report` and `roadheat energy storms`: options only, so that `--help` imports no numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from supervisor.commands import OutputPath
from supervisor.energy.cli import FROM, TO, config_option

weather_option = click.option(
    "--weather", "weather_path", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A station's file, with snow depth where it has one; default: the weather in the record.",
)  # fmt: skip


@click.command("storms")
@config_option
@weather_option
@click.option("--from", "start", required=True, help=FROM)
@click.option("--to", "end", required=True, help=TO)
def storms_command(config_path: Path, weather_path: Path | None, start: str, end: str) -> None:
    """The storms of a period: when, how much, how deep."""
    from supervisor.reports.command import list_storms

    list_storms(config_path, start, end, weather_path)


@click.command("report")
@config_option
@weather_option
@click.option("--month", help="A calendar month, such as 2024-01.")
@click.option("--season", help="A heating season, October to April, such as 2023-24.")
@click.option("--storm", help="The storm of a local day, such as 2023-12-30.")
@click.option("--language", type=click.Choice(["ko", "en"]), default="ko", show_default=True)
@click.option(
    "--co2-g-per-kwh", type=click.FloatRange(0, 2000), help="Emission factor of the grid; without it CO₂ is left out."
)
@click.option("--co2-source", default="", help="Where the emission factor is from, to be printed beside CO₂.")
@click.option(
    "--output", type=OutputPath(), required=True, help="Ends with .html, .pdf, .json, .csv or .parquet: that form."
)
def report_command(**options: Any) -> None:
    """A report of a month, a season or a storm: energy, cost, peaks, storms, zones, overrides."""
    from supervisor.reports.command import Request, write

    write(Request(**options))


@click.group("report")
def report_group() -> None:
    """Reports for authorities and upkeep: certification figures, health of the facilities, monthly inspection."""


@report_group.command("certification")
@config_option
@click.option("--year", type=int, required=True, help="A calendar year, such as 2026.")
@click.option("--language", type=click.Choice(["ko", "en"]), default="ko", show_default=True)
@click.option("--output", type=OutputPath(), required=True, help="Ends with .html or .json: that form.")
def certification_command(config_path: Path, year: int, language: str, output: Path) -> None:
    """Figures for a city's certification, each with its formula and the query that it comes from."""
    from supervisor.reports.certification.command import write as write_figures

    write_figures(config_path, year, language, output)


@report_group.command("health")
@config_option
@click.option("--language", type=click.Choice(["ko", "en"]), default="ko", show_default=True)
@click.option("--output", type=OutputPath(), required=True, help="Ends with .html, .json or .csv: that form.")
def health_command(config_path: Path, language: str, output: Path) -> None:
    """How long cables, insulation, contactors and sensors last, and what to replace before the season."""
    from supervisor.reports.health.command import write as write_health

    write_health(config_path, None, language, output)


@report_group.command("inspection")
@config_option
@click.option("--month", required=True, help="A calendar month, such as 2026-12.")
@click.option("--language", type=click.Choice(["ko", "en"]), default="ko", show_default=True)
@click.option("--output", type=OutputPath(), required=True, help="Ends with .html, .json or .csv: that form.")
def inspection_command(config_path: Path, month: str, language: str, output: Path) -> None:
    """The monthly inspection of panels: voltage, current, leakage, temperature, and whether each road passes."""
    from supervisor.reports.health.command import write as write_health

    write_health(config_path, month, language, output)
