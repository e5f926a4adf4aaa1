"""`roadheat bench seasons`: whole winters with several forecast seeds, one storm after the other, resumable."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import click

from supervisor import terminal
from supervisor.commands import OutputPath
from supervisor.domain.errors import CommandError
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Site
from supervisor.energy.baselines import BASELINES, HOUR_S, Baseline
from supervisor.planner.inputs import PlanSettings
from supervisor.tariff.bands import BandTariff
from supervisor.tariff.kind import Tariff
from supervisor.tariff.registry import read_tariff
from supervisor.tariff.worth import KWH_PER_ICE_FREE_HOUR
from supervisor.weather.providers.files import read_weather_csv
from tools.bench.control import KEPCO, SITES, forecasters_of
from tools.bench.control_planners import Strategy
from tools.bench.control_plant import make_feeders, make_zones
from tools.bench.control_report import rows_of
from tools.bench.control_run import Season
from tools.bench.control_setting import Chance, Fleet, Forecaster, Stretch
from tools.bench.season_sets import TARIFFS, WINTERS, Storm, Winter, hours_of, storms_of, weather_file
from tools.bench.season_table import Result, summary, tables

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

FACTORS = (0.04, 0.12, 0.4, 1.0, 2.5)  # of the price, for the frontiers
RULE_ON_C, RULE_AFTER_H, RULE_LEAD_H = (0.0, 0.5, 1.0, 2.0), (0.0, 1.0), (0.0, 2.0, 4.0)


@dataclass(frozen=True)
class Settings:
    """What every storm is run with; results of other settings are not mixed with them."""

    zones: int
    members: int
    seeds: int
    factors: tuple[float, ...] = FACTORS


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=OutputPath(folder=True), required=True, help="a file for each storm; those there are kept")
@click.option("--winters", default=",".join(w.name for w in WINTERS), show_default=True, help="comma-separated")
@click.option("--seeds", type=click.IntRange(1, 20), default=3, show_default=True, help="of the forecasts")
@click.option("--members", type=click.IntRange(1, 100), default=6, show_default=True)
@click.option("--zones", type=click.IntRange(1, 100), default=2, show_default=True)
@click.option("--factors", default=",".join(f"{f:g}" for f in FACTORS), show_default=True, help="of the price of ice")
@click.option("--sample", type=click.IntRange(1), default=None, help="only so many storms of a winter, the snowiest")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True)
def seasons(
    data: Path, out: Path, winters: str, seeds: int, members: int, zones: int, factors: str, sample: int | None,
    processes: int,
) -> None:  # fmt: skip
    """Whole winters with several forecast seeds against rules tuned on other winters; resumable."""
    settings = Settings(zones, members, seeds, _factors(factors))
    chosen = [_winter(name.strip()) for name in winters.split(",")]
    storms = [storm for winter in chosen for storm in storms_of(winter, _weather(data, winter)[0], sample)]
    out.mkdir(parents=True, exist_ok=True)
    _same_settings(out, settings)
    console = terminal.console(width=None if os.isatty(1) else 160)
    todo = [storm for storm in storms if not _file(out, storm).exists()]
    console.print(f"{len(storms)} storms of {len(chosen)} winters, {hours_of(storms):.0f} h; {len(todo)} to run")
    if processes > 1:
        with ProcessPoolExecutor(processes) as pool:
            jobs = [pool.submit(run_storm, data, out, storm, settings) for storm in todo]
            for job in jobs:
                console.print(job.result())
    else:
        for storm in todo:
            console.print(run_storm(data, out, storm, settings))
    results = [Result.load(_file(out, storm)) for storm in storms]
    for table in tables(summary(results)):
        console.print(table)


def run_storm(data: Path, out: Path, storm: Storm, settings: Settings) -> str:
    """Run one storm, write its file, and say how long it took."""
    weather, site = _weather(data, storm.winter)
    tariff = _tariff(data, storm.winter, site)
    fleet = make_zones(settings.zones)
    hours = storm.end_utc_s - storm.start_utc_s
    price = KWH_PER_ICE_FREE_HOUR * float(tariff.prices(storm.start_utc_s - 7 * 86_400.0, 14 * 96).mean())
    forecasters: dict[str, Forecaster] = {}
    for seed in range(1, settings.seeds + 1):
        one = forecasters_of(weather, "emulated", settings.members, seed, site)
        forecasters |= {"perfect": one["perfect"], f"emulated/{seed}": one["emulated"], f"single/{seed}": one["single"]}
    season = Season(
        Stretch(weather, storm.start_utc_s, storm.end_utc_s, site),
        Fleet(fleet, make_feeders(fleet, 1.0, 0.0), tariff),
        strategies_of(settings, price),
        forecasters,
        Chance(1),
    )
    began = time.process_time()
    season.run()
    cpu_s = time.process_time() - began
    result = Result(
        storm.winter.name, storm.winter.place, storm.winter.scored, storm.start_utc_s, hours / 3600.0, tariff.currency,
        cpu_s, [asdict(r) | {"cost": r.cost, "priced": r.priced_ice} for r in rows_of(season, 0.0, price)],
    )  # fmt: skip
    result.save(_file(out, storm))
    return f"{storm.name}: {hours / 3600.0:.0f} h, {storm.frozen_mm:.1f} mm of snow, {cpu_s:.0f} s of CPU"


def strategies_of(settings: Settings, price: float) -> list[Strategy]:
    """Rules and foresight once, the plan for every forecast seed, each at several prices of ice."""
    out = [Strategy("reactive", "reactive"), Strategy("local")]
    out += [
        Strategy(rule.name, baseline=rule, ahead="single/1" if rule.preheat_s else "")
        for rule in rule_grid()
        if (rule.on_c, rule.after_run_s, rule.preheat_s) != _of_seoul()
    ]
    for factor in settings.factors:
        base = PlanSettings(price_per_ice_free_hour=price * factor)
        out.append(
            Strategy(
                f"foresight×{factor:g}", plan=True, forecast="perfect", true_physics=True,
                settings=replace(base, required_c=0.0, road_error_k=0.0, horizon_h=48.0),
            )
        )  # fmt: skip
        out += [
            Strategy(f"plan×{factor:g}/{seed}", plan=True, forecast=f"emulated/{seed}", settings=base)
            for seed in range(1, settings.seeds + 1)
        ]
    return out


def rule_grid() -> list[Baseline]:
    """The reactive rule with other thresholds, after-runs and leads before forecast snow."""
    return [
        Baseline(
            name=f"rule@{on:g}/{after:g}/{lead:g}", on_c=on, off_c=on + 1.0,
            after_run_s=after * HOUR_S, preheat_s=lead * HOUR_S,
        )
        for on, after, lead in product(RULE_ON_C, RULE_AFTER_H, RULE_LEAD_H)
    ]  # fmt: skip


def _of_seoul() -> tuple[float, float, float]:
    seoul = BASELINES["reactive"]
    return seoul.on_c, seoul.after_run_s, seoul.preheat_s


def _winter(name: str) -> Winter:
    for winter in WINTERS:
        if winter.name == name:
            return winter
    raise click.BadParameter(f"{name}; known: {', '.join(w.name for w in WINTERS)}", param_hint="--winters")


def _factors(text: str) -> tuple[float, ...]:
    try:
        factors = tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError:
        raise click.BadParameter(f"{text}: write like 0.1,1", param_hint="--factors") from None
    if not all(0.0 < factor <= 1000.0 for factor in factors):
        raise click.BadParameter(f"{text}: each between 0 and 1000", param_hint="--factors")
    return factors


def _weather(data: Path, winter: Winter) -> tuple[WeatherSeries, Site]:
    site = SITES[winter.file[:3]]
    path = weather_file(data, winter)
    if not path.exists():
        raise CommandError("no such file", where=str(path), remedy="Give the folder of measured weather as --data")
    return read_weather_csv(path, site)[0], site


def _tariff(data: Path, winter: Winter, site: Site) -> Tariff:
    if winter.place in TARIFFS:
        return read_tariff(weather_file(data, replace(winter, file=TARIFFS[winter.place])), site.timezone)
    return BandTariff(KEPCO, site.timezone)


def _file(out: Path, storm: Storm) -> Path:
    return out / f"{storm.name}-{round((storm.end_utc_s - storm.start_utc_s) / 3600)}h.json"


def _same_settings(out: Path, settings: Settings) -> None:
    """Results of other settings, or of another program, are not continued."""
    now = json.dumps(asdict(settings), sort_keys=True)
    path = out / "settings.json"
    if path.exists() and path.read_text() != now:
        raise CommandError(
            "its results are of other settings", where=str(out), remedy="Give another --out, or the same settings"
        )
    path.write_text(now)
