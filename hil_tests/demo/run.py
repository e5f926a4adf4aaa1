"""Steps of the demo: write a city and a storm, flash the boards, start the service, run through the storm."""

from __future__ import annotations

import math
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import free_port
from hil_tests.demo.place import place_of, words
from hil_tests.demo.record import Run
from supervisor.config import Config, InvalidConfig, read
from supervisor.domain.errors import RoadheatError, WeatherError
from supervisor.domain.override import Override
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Site
from supervisor.store import commands
from supervisor.store.place import DATABASE_NAME
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.files import read_weather_csv, write_weather_csv

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "city.toml"
STORM_START = datetime(2024, 1, 16, 6, tzinfo=UTC)  # 15:00 in Seoul: snow from midnight, frost the evening after
STORM_H = 30
# Boards accept no clock and no certificate from before. Older weather is played whole calendars of 28 years later: the
# same days of the week and of the year, and so the same sun and tariff.
BOARDS_FROM_UTC_S = datetime(2020, 1, 2, tzinfo=UTC).timestamp()
CALENDAR_S = 10_227 * 86_400
AHEAD_H = 30  # the planner's horizon: the forecast goes on behind the end


class DemoError(RoadheatError):
    code = "demo"


class StoppedEarly(DemoError):
    """Ctrl-C before a minute had passed."""

    def __init__(self) -> None:
        super().__init__("stopped before the first minute had passed: nothing to report")


@dataclass(frozen=True)
class Storm:
    """Weather, and which part of it is played."""

    title: str
    weather: WeatherSeries
    start_utc_s: float
    end_utc_s: float
    site: Site
    later_s: float = 0.0  # how much later than measured it is played


@dataclass(frozen=True)
class Outcome:
    """What the plan's side of the demo gave."""

    run: Run
    violations: list[str]
    overrides: list[Override]
    simulated_s: float
    wall_s: float
    drawn_wh: float  # by all cables, to the end; the run's minutes leave out a broken last one
    metered_wh: dict[str, int]  # the service's own record
    finished: bool


def built_in_storm(seed: int, hours: float = STORM_H) -> Storm:
    """The design storm."""
    start = STORM_START.timestamp()
    end = start + hours * 3600.0
    return Storm("Design storm", design_storm(start, hours + AHEAD_H, seed), start, end, demo_config().site)


def site_of(path: Path, site: Site) -> Site:
    """The district's site, moved under a weather file's own sun. Unreadable files are refused by the reader."""
    try:
        series, _ = read_weather_csv(path)
    except WeatherError:
        return site
    return place_of(series, site)


def measured_storm(path: Path, site: Site, begin_utc_s: float, end_utc_s: float) -> Storm:
    """Part of a weather file; raises WeatherError for the file, DemoError where it does not cover the part."""
    weather, _ = read_weather_csv(path, site)
    first, last = float(weather.time_utc_s[0]), float(weather.time_utc_s[-1])
    if begin_utc_s < first or min(end_utc_s, last) - begin_utc_s < 3600.0:
        raise DemoError(
            f"weather from {_utc(first)} to {_utc(last)} does not cover {_utc(begin_utc_s)} to {_utc(end_utc_s)}",
            where=str(path),
            remedy="Choose --from and --to inside the file, at least an hour apart",
        )
    own = demo_config().site
    title = path.stem if site == own else f"{path.stem}: the district at {words(site)}"
    later_s = CALENDAR_S * max(0, math.ceil((BOARDS_FROM_UTC_S - begin_utc_s) / CALENDAR_S))
    weather = replace(weather, time_utc_s=weather.time_utc_s + later_s)
    return Storm(title, weather, begin_utc_s + later_s, min(end_utc_s, last) + later_s, site, later_s)


def write_demo_city(folder: Path, storm: Storm, more: str = "") -> Path:
    """The example district with free ports and this storm's weather and place; `more`: tables besides."""
    folder.mkdir(parents=True, exist_ok=True)
    write_weather_csv(folder / "weather.csv", storm.weather)
    text = EXAMPLE.read_text(encoding="utf-8")
    text = re.sub(r'(?m)^listen = "127\.0\.0\.1:\d+"', lambda _: f'listen = "127.0.0.1:{free_port()}"', text)
    site = storm.site
    if site != demo_config().site:
        text = re.sub(r"(?m)^geometry = .*\n", "", text)  # the lines on the map lie at the district's own place
    for key in ("latitude", "longitude", "elevation_m"):
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {getattr(site, key):g}", text, count=1)
    text = re.sub(r"(?m)^timezone = .*$", f'timezone = "{site.timezone}"', text, count=1)
    path = folder / "city.toml"
    path.write_text(text + more, encoding="utf-8")
    return path


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks to stop after the current quantum instead of interrupting it."""
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


def live_through(
    config_path: Path,
    storm: Storm,
    seed: int,
    *,
    speed: float | None,
    say: Callable[[str], None],
    progress: Callable[[Bench], None],
) -> Outcome:
    """Flash, start, and let the storm pass at most `speed` times as fast as real."""
    with _stoppable() as stopped, Bench(config_path, start_utc_s=storm.start_utc_s, seed=seed) as bench:
        begun = time.monotonic()
        try:
            bench.flash()
        except RoadheatError:
            if stopped():  # Ctrl-C is heard by mpremote too
                raise StoppedEarly from None
            raise
        say(f"{len(bench.boards)} boards flashed by mpremote in {time.monotonic() - begun:.1f} s")
        bench.start_supervisor()
        say(f"crew app, while it runs: {bench.crew.login_link}")
        consoles = ", ".join(f"{name} {board.console.path}" for name, board in bench.boards.items())
        say(f"boards' consoles for mpremote: {consoles}")
        bench.on_minute.append(progress)
        begun = time.monotonic()
        bench.advance(storm.end_utc_s - storm.start_utc_s, speed=speed, until=lambda _: stopped())
        wall_s = time.monotonic() - begun
        bench.supervisor.kill(signal.SIGTERM)
        columns = bench.recorder.columns
        if not columns["surface_c"]:
            raise StoppedEarly
        run = Run(
            "plan",
            bench.config.zone,
            bench.config.feeder,
            storm.start_utc_s,
            columns["surface_c"],
            columns["lying_mm"],
            columns["energy_wh"],
            columns["feeder_max_kw"],
        )
        return Outcome(
            run=run,
            violations=[f"{v.invariant} at {v.at_s:.0f} s, {v.place}: {v.what}" for v in bench.violations],
            overrides=overrides_on_record(bench.config),
            simulated_s=bench.now_ms / 1000.0,
            wall_s=wall_s,
            drawn_wh=sum(zone.truth.energy_wh for zone in bench.zones.values()),
            metered_wh=_metered(bench.config),
            finished=not stopped(),
        )


def _read_only(config: Config) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{config.state_dir / DATABASE_NAME}?mode=ro", uri=True)


def overrides_on_record(config: Config) -> list[Override]:
    """All that the service has on record, oldest first."""
    with closing(_read_only(config)) as record:
        return commands.overrides(record, None, 0.0, math.inf)[::-1]


def _metered(config: Config) -> dict[str, int]:
    with closing(_read_only(config)) as record:
        return dict(record.execute("SELECT zone, total_wh FROM zone_total"))


def _utc(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%d %H:%MZ")


def demo_config() -> Config:
    """The example district; its weather file does not exist yet."""
    config, problems = read(EXAMPLE)
    if config is None:
        raise InvalidConfig(problems)
    return config
