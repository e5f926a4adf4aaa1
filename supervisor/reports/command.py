"""`roadheat energy report` and `roadheat energy storms`."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from rich.table import Table

from supervisor import config as configuration
from supervisor import terminal
from supervisor.commands import require
from supervisor.config import Config
from supervisor.domain.errors import CommandError
from supervisor.energy.observed import observed
from supervisor.energy.period import begun, local_time, month_span, period_of, season_span
from supervisor.reports.data import Report, collect
from supervisor.reports.page import write_page
from supervisor.reports.tables import write_csv, write_parquet
from supervisor.reports.window import AFTER_S, AHEAD_S
from supervisor.runtime.clock import SystemClock
from supervisor.store import database, place_of
from supervisor.weather.storms import Storm

KINDS: Final = (".html", ".pdf", ".json", ".csv", ".parquet")
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_PRINT_S: Final = 60


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `roadheat energy report` was asked for: its options by name."""

    config_path: Path
    month: str | None
    season: str | None
    storm: str | None
    language: str
    output: Path
    weather_path: Path | None
    co2_g_per_kwh: float | None
    co2_source: str


def write(asked: Request) -> None:
    """Collect and write the report; the ending of its name says the form. Raises CommandError and WeatherError."""
    kind = asked.output.suffix.lower()
    if kind not in KINDS:
        raise CommandError("unknown form", where=f"--output {asked.output}", remedy=f"End it with {', '.join(KINDS)}")
    if sum(one is not None for one in (asked.month, asked.season, asked.storm)) != 1:
        raise CommandError("one period is needed", where="energy report", remedy="Give --month, --season or --storm")
    if kind == ".parquet":
        require("pyarrow", f"--output {asked.output}", "end its name with .csv")
    browser = _browser(asked.output) if kind == ".pdf" else ""
    config = configuration.load(asked.config_path, without_data=True)
    zone_info = ZoneInfo(config.site.timezone)
    with _record(config) as db:
        if asked.storm is not None:
            span = _storm_period(config, db, asked.storm, asked.weather_path)
        elif asked.month is not None:
            span = month_span(asked.month, zone_info)
        else:
            span = season_span(asked.season or "", zone_info)
        begun(span[0], SystemClock().utc_s(), f"--{'month' if asked.month else 'season'}")
        report = collect(
            config, db, *span, weather_path=asked.weather_path, co2_g_per_kwh=asked.co2_g_per_kwh,
            co2_source=asked.co2_source,
        )  # fmt: skip
    if kind == ".json":
        asked.output.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    elif kind == ".csv":
        write_csv(asked.output, report)
    elif kind == ".parquet":
        write_parquet(asked.output, report)
    elif kind == ".html":
        asked.output.write_text(write_page(report, asked.language), encoding="utf-8")
    else:
        _print(browser, write_page(report, asked.language), asked.output)
    _say(report, asked.output)


def list_storms(config_path: Path, start: str, end: str, weather_path: Path | None) -> None:
    """Print the storms of a period, as the weather was."""
    config = configuration.load(config_path, without_data=True)
    zone_info = ZoneInfo(config.site.timezone)
    with _record(config) as db:
        series, storms = observed(config, db, *period_of(start, end, zone_info), weather_path)
    console = terminal.console()
    if not len(series):
        console.print("No weather of this period in the record: give --weather FILE", style="yellow", soft_wrap=True)
        return
    table = Table(title=f"{start} to {end}, {zone_info.key}")
    for name in ("begins", "ends"):
        table.add_column(name)
    for name in ("water mm", "depth cm", "coldest °C", "rain from"):
        table.add_column(name, justify="right")
    for storm in storms:
        began, ended, rain = (
            "" if at is None else f"{datetime.fromtimestamp(at, zone_info):%Y-%m-%d %H:%M}"
            for at in (storm.onset_utc_s, storm.end_utc_s, storm.rain_from_utc_s)
        )
        depth = f"{storm.depth_cm:.1f}" + ("" if storm.depth_measured else " est.")
        table.add_row(began, ended, f"{storm.water_mm:.1f}", depth, f"{storm.air_min_c:.1f}", rain[11:])
    console.print(table)


@contextmanager
def _record(config: Config) -> Iterator[sqlite3.Connection]:
    connection = database.connect_read_only(place_of(config))
    try:
        yield connection
    finally:
        connection.close()


def _storm_period(config: Config, db: sqlite3.Connection, day: str, weather_path: Path | None) -> tuple[int, int]:
    """From six hours before to six after the storm of a local day [UTC s], on whole quarters."""
    zone_info = ZoneInfo(config.site.timezone)
    first = local_time(day, zone_info)
    _, storms = observed(config, db, first - 3 * 86_400, first + 4 * 86_400, weather_path)
    here = [storm for storm in storms if storm.onset_utc_s < first + 86_400 and storm.end_utc_s > first]
    if not here:
        shown = ", ".join(_day(storm, zone_info) for storm in storms) or "none near it"
        raise CommandError("no storm on that day", where=f"--storm {day}", remedy=f"Storms: {shown}")
    began, ended = int(here[0].onset_utc_s) - AHEAD_S, int(here[-1].end_utc_s) + AFTER_S
    return began - began % 900, ended + -ended % 900


def _day(storm: Storm, zone_info: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(storm.onset_utc_s, zone_info):%Y-%m-%d}"


def _browser(output: Path) -> str:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        remedy = "Install Chromium, or write .html and print that"
        raise CommandError("a PDF needs Chromium", where=f"--output {output}", remedy=remedy)
    return found


def _print(browser: str, page: str, output: Path) -> None:
    """The page on paper. Raises CommandError where the browser does not print it."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "report.html"
        source.write_text(page, encoding="utf-8")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            f"--user-data-dir={folder}/profile",
            "--no-pdf-header-footer",
        ]
        if os.geteuid() == 0:  # Chromium's sandbox refuses root
            command.append("--no-sandbox")
        command += [f"--print-to-pdf={output.resolve()}", source.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PRINT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CommandError(f"Chromium does not print: {error}", where=str(output), remedy="Write .html") from error
    if done.returncode or not output.exists():
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CommandError(f"Chromium does not print: {said}", where=str(output), remedy="Write .html")


def _say(report: Report, output: Path) -> None:
    console = terminal.console()
    for note in report.notes:
        console.print(note, style="yellow", soft_wrap=True)
    per_area = report.kwh / report.area_m2 if report.area_m2 else 0.0
    storms = f"{len(report.storms)} storm{'' if len(report.storms) == 1 else 's'}"
    console.print(f"{report.kwh:,.1f} kWh, {per_area:.2f} kWh/m², {storms}: {output}", soft_wrap=True)
