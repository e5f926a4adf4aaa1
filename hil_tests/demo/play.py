"""What `roadheat demo` does: a storm, end to end, on emulated boards, and its report."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import working_folder
from hil_tests.demo.page import write_html
from hil_tests.demo.record import figures
from hil_tests.demo.replay import replay_reactive
from hil_tests.demo.run import (
    StoppedEarly,
    Storm,
    built_in_storm,
    demo_config,
    live_through,
    measured_storm,
    site_of,
    write_demo_city,
)
from hil_tests.demo.story import Story, write_json
from hil_tests.demo.text import print_text
from hil_tests.demo.to_influx import DATABASE, influx_table, send_rest
from supervisor import terminal
from supervisor.commands import drawing, require
from supervisor.config import load
from supervisor.road import ICE_MM
from supervisor.tariff.configured import configured_tariff
from tools.get_vm import vm_path

_MARK = ".roadheat-demo"  # only a folder that carries it is emptied
LINE_EACH_MIN = 180  # of the storm, where there is no terminal to draw a bar in


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `roadheat demo` was asked for: its options by name."""

    weather: Path | None
    begin: str | None
    end: str | None  # exclusive
    speed: float | None
    seed: int
    influx: str | None
    json_path: Path | None
    folder: Path
    pictures: bool


def play(asked: Request) -> bool:
    """The storm and its report; False where a safety invariant was broken.

    What is missing (VM, matplotlib) is refused before the storm begins and before an earlier report is deleted. Text
    and JSON are written first, pictures last. Raises RoadheatError, and click.UsageError for options that contradict.
    """
    console = terminal.console()
    storm = _storm(asked.weather, asked.begin, asked.end, asked.seed)
    if asked.pictures:
        require("matplotlib", "the report's pictures", otherwise="give --no-pictures")
    vm_path()
    table = influx_table(asked.influx) if asked.influx else ""
    folder = asked.folder
    _empty(folder)
    try:
        with working_folder() as work:
            path = write_demo_city(work, storm, table)
            story = _tell(path, storm, asked.seed, asked.speed, console)
            _write(story, folder, asked.json_path, asked.pictures, console)
            if asked.influx:
                points = asyncio.run(send_rest(load(path), storm.end_utc_s))
                since = datetime.fromtimestamp(storm.start_utc_s, UTC).date()
                told = f"{points:,} points are in {DATABASE} of {asked.influx}, from {since} on"
                console.print(f"{told}; dashboards: docs/examples/grafana", soft_wrap=True)
            shutil.copytree(work, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.img", "*.sock"))
    except StoppedEarly as stopped:
        console.print(stopped.message)
        return True
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
    return not story.violations


def _write(story: Story, folder: Path, json_path: Path | None, with_pictures: bool, console: Console) -> None:
    """Text, JSON and the page without pictures first: none of them depends on matplotlib."""
    print_text(story, console)
    write_json(story, folder / "report.json")
    if json_path is not None:
        write_json(story, json_path)
    write_html(story, folder / "report.html", with_pictures=False)
    if with_pictures:
        with drawing("pictures of the report"):
            write_html(story, folder / "report.html")


def _storm(weather: Path | None, begin: str | None, end: str | None, seed: int) -> Storm:
    if weather is None:
        if begin or end:
            raise click.UsageError("--from and --to choose a part of --weather FILE")
        return built_in_storm(seed)
    if not begin or not end:
        raise click.UsageError("--weather needs --from and --to, such as --from 2023-12-29 --to 2024-01-01")
    site = site_of(weather, demo_config().site)
    return measured_storm(weather, site, _instant(begin, site.timezone), _instant(end, site.timezone))


def _instant(text: str, timezone: str) -> float:
    """Seconds UTC of an ISO date or time; without an offset it is local to where the weather is from."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"`{text}` is not an ISO date or time, such as 2023-12-29 or 2023-12-29T18:00") from None
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(timezone))).timestamp()


def _empty(folder: Path) -> None:
    """Start from an empty folder; never delete what this command has not made."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARK).exists():
            raise click.UsageError(f"{folder} is not empty and not from an earlier demo: choose another --report")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()


def _tell(config_path: Path, storm: Storm, seed: int, speed: float | None, console: Console) -> Story:
    config = load(config_path)
    name, now = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[now]}"))
    columns = (name, BarColumn(), now, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        total = storm.end_utc_s - storm.start_utc_s
        task = progress.add_task("storm", total=total, now="flashing boards")
        outcome = live_through(
            config_path,
            storm,
            seed,
            speed=speed,
            say=lambda line: console.print(line, soft_wrap=True),
            progress=_Now(progress, task, config.site.timezone).show,
        )
        replay = progress.add_task("reactive rule", total=outcome.run.minutes, now="the same storm")
        reactive = replay_reactive(
            config,
            storm.weather,
            storm.start_utc_s,
            outcome.run.minutes,
            seed,
            lambda minute: progress.update(replay, completed=minute),
        )
    tariff = configured_tariff(config)
    ratio = outcome.simulated_s / outcome.wall_s if outcome.wall_s else 0.0
    return Story(
        title=storm.title,
        timezone=config.site.timezone,
        currency=config.tariff.currency,
        weather=storm.weather,
        plan=outcome.run,
        reactive=reactive,
        plan_figures=figures(outcome.run, tariff),
        reactive_figures=figures(reactive, tariff),
        speed={"simulated_s": outcome.simulated_s, "wall_s": outcome.wall_s, "ratio": ratio},
        metered_kwh=sum(outcome.metered_wh.values()) / 1000.0,
        drawn_kwh=outcome.drawn_wh / 1000.0,
        seed=seed,
        violations=outcome.violations,
        overrides=outcome.overrides,
        finished=outcome.finished,
        later_s=storm.later_s,
    )


class _Now:
    """Where the storm is: local time, load, icy roads, pace. A bar in a terminal, else a line now and then."""

    def __init__(self, progress: Progress, task: TaskID, timezone: str) -> None:
        self._progress, self._task, self._zone = progress, task, ZoneInfo(timezone)
        self._begun = time.monotonic()
        self._minute = 0

    def show(self, bench: Bench) -> None:
        self._minute += 1
        if not self._progress.disable:
            self._progress.update(self._task, completed=self._minute * 60.0, now=self._words(bench))
        elif self._minute % LINE_EACH_MIN == 0:
            self._progress.console.print(self._words(bench), soft_wrap=True)

    def _words(self, bench: Bench) -> str:
        truth = [zone.truth for zone in bench.zones.values()]
        icy = sum(road.lying_mm >= ICE_MM for road in truth)
        kw = sum(road.power_w for road in truth) / 1000.0
        at = datetime.fromtimestamp(bench.utc_s, self._zone)
        pace = self._minute * 60.0 / max(time.monotonic() - self._begun, 1e-3)
        return f"{at:%a %H:%M}  {kw:4.0f} kW  {icy:2d} of {len(truth)} icy  {pace:4.0f}×"
