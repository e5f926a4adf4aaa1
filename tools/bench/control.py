"""`roadheat bench control`: a season on a plant with unknown parameters, today's controllers beside the planner."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from supervisor import terminal
from supervisor.commands import OutputPath, drawing, require
from supervisor.domain.errors import RoadheatError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.planner.inputs import PlanSettings
from supervisor.tariff.bands import Band, BandTariff, Day
from supervisor.tariff.flat import FlatTariff
from supervisor.tariff.kind import Tariff
from supervisor.tariff.registry import read_tariff
from supervisor.tariff.worth import KWH_PER_ICE_FREE_HOUR
from supervisor.weather.emulate import EmulatedProvider, Emulator
from supervisor.weather.ensemble import EnsembleProvider
from supervisor.weather.gate import utc_text
from supervisor.weather.providers.files import read_weather_csv
from tools.bench.control_boards import COLD_CUTOFF_C
from tools.bench.control_planners import Strategy
from tools.bench.control_plant import make_feeders, make_zones
from tools.bench.control_report import compare, comparison_table, plot, regrets, rows_of, table_of
from tools.bench.control_run import Season
from tools.bench.control_setting import Chance, Fleet, Forecaster, Stretch, perfect

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

RULES = ("thermostat", "idle", "reactive", "reactive-afterrun", "storm-timer", "local")
PLANS = ("plan", "plan-deterministic", "plan-perfect", "plan-known-road", "plan-dimmed", "foresight")
# What the regret is made of: `plan` with one part at a time swapped for the true one.
SWAPPED = {"forecast": "plan-perfect", "road model": "plan-known-road", "contactor": "plan-dimmed"}
SWEEP = (0.012, 0.04, 0.12, 0.4)  # of the price of ice, for the frontier
REGRET_AT = 0.12  # of the price, as well as at the price itself
SWEPT_RULES, RULE_SWEEP_C = ("thermostat", "reactive", "reactive-afterrun"), (0.5, 1.0, 3.0)
NOT_NEGATIVE = click.FloatRange(0)
SITES = {
    "kr_": Site(name="Seoul", timezone="Asia/Seoul", latitude=37.57, longitude=126.97, elevation_m=86.0),
    "ee_": Site(name="Tallinn", timezone="Europe/Tallinn", latitude=59.4, longitude=24.7, elevation_m=30.0),
    "fr_": Site(name="Col de Porte", timezone="Europe/Paris", latitude=45.30, longitude=5.77, elevation_m=1325.0),
    "ca_": Site(name="Smith Creek", timezone="America/Regina", latitude=50.9, longitude=-101.8, elevation_m=500.0),
}
# KEPCO industrial (B) high voltage A option II, winter, in force 2023-05-16 (nominal, before tax).
_WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
_WINTER, _REST = (11, 12, 1, 2), (3, 4, 5, 6, 7, 8, 9, 10)
KEPCO = (
    Band("off-peak", 94.3, ("22-08",), _WINTER, (*_WEEK, "sat")),
    Band("mid-peak", 140.4, ("08-09", "12-16", "19-22"), _WINTER, _WEEK),
    Band("peak", 197.9, ("09-12", "16-19"), _WINTER, _WEEK),
    Band("saturday", 140.4, ("08-22",), _WINTER, ("sat",)),
    Band("sunday", 94.3, (), _WINTER, ("sun",)),
    Band("spring and autumn night", 87.3, ("22-08",), _REST),
    Band("spring and autumn day", 109.8, ("08-22",), _REST),
)


@click.command()
@click.option("--weather", "weather_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--from", "start", default=None, help="UTC date or time; default: the file's first")
@click.option("--to", "end", default=None)
@click.option("--tariff", "tariff_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
              help="JSON bands or CSV day-ahead prices; default KEPCO for Korea, else flat 120")  # fmt: skip
@click.option("--demand-price", type=NOT_NEGATIVE, default=0.0, help="base charge per kW of a month's peak")
@click.option(
    "--contract",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    help="contract as a part of the installed power",
)
@click.option("--zones", type=click.IntRange(1, 1000), default=3, show_default=True)
@click.option("--members", type=click.IntRange(1, 100), default=12, show_default=True)
@click.option("--forecast", type=click.Choice(["perfect", "emulated"]), default="emulated", show_default=True)
@click.option("--strategies", default=",".join((*RULES, *PLANS)), help="comma-separated")
@click.option("--price", type=NOT_NEGATIVE, default=None, help="of an ice-free hour of 100 m² at priority 2; "
              f"default {KWH_PER_ICE_FREE_HOUR:g} kWh at the tariff's mean")  # fmt: skip
@click.option(
    "--frontier/--no-frontier",
    default=True,
    help="sweep the price of ice and the rules' thresholds for the equal-risk comparison",
)
@click.option(
    "--faults", type=NOT_NEGATIVE, default=0.0, help="sensor faults per zone and month: stuck dry, stuck wet, drifted"
)
@click.option("--cold-cutoff", default=COLD_CUTOFF_C, show_default=True, help="°C of the boards' limits file")
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "json_file", type=OutputPath(), default=None)
@click.option("--plot", "plot_dir", type=OutputPath(folder=True), default=None)
def control(
    weather_file: Path, start: str | None, end: str | None, tariff_file: Path | None, demand_price: float,
    contract: float, zones: int, members: int, forecast: str, strategies: str, price: float | None, frontier: bool,
    faults: float, cold_cutoff: float, seed: int, json_file: Path | None, plot_dir: Path | None,
) -> None:  # fmt: skip
    """Replay a season in closed loop and compare cost with ice minutes."""
    if plot_dir is not None:
        require("matplotlib", "--plot")
    site = next((s for prefix, s in SITES.items() if weather_file.name.startswith(prefix)), None)
    try:
        weather, _ = read_weather_csv(weather_file, site)
        tariff = _tariff(tariff_file, site)
    except RoadheatError as error:
        raise click.ClickException(str(error)) from error
    first, last = weather.time_utc_s[0] + 3600, weather.time_utc_s[-1]
    start_s = max(_utc(start), first) if start else first
    end_s = min(_utc(end), last) if end else last
    if end_s - start_s < 3600:
        raise click.ClickException(
            f"{weather_file}: less than an hour to replay; it covers {utc_text(first)} to {utc_text(last)}"
        )
    fleet = make_zones(zones)
    if price is None:
        price = KWH_PER_ICE_FREE_HOUR * float(tariff.prices(start_s, int((end_s - start_s) // SLOT_S)).mean())
    chosen = _strategies(strategies, forecast, price, frontier)
    season = Season(
        Stretch(weather, start_s, end_s, site),
        Fleet(fleet, make_feeders(fleet, contract, demand_price), tariff),
        chosen,
        forecasters_of(weather, forecast, members, seed, site),
        Chance(seed, faults_per_zone_month=faults),
        cold_cutoff,
    )
    console = terminal.console(width=None if os.isatty(1) else 160)
    _run(season, console)
    rows = rows_of(season, demand_price, price)
    line = [r for r in rows if r.name == "plan" or r.name.startswith("plan×")]
    comparisons = [compare(r, line) for r in rows if r.name.split("@")[0] in RULES] if line else []
    console.print(table_of(rows, tariff.currency))
    if comparisons:
        console.print(comparison_table(comparisons))
    regret = regrets(rows)
    for name, value in regret.items():
        if name.startswith("plan") and name.partition("×")[0] in PLANS:
            console.print(f"regret of {name} to foresight: {100 * value:+.2f} %")
    for part, name in SWAPPED.items():
        if name in regret and "plan" in regret:
            console.print(f"  of it the {part}: {100 * (regret['plan'] - regret[name]):+.2f} points")
    if json_file is not None:
        report = {
            "weather": weather_file.name, "from_utc_s": season.start_s, "hours": season.hours, "zones": zones,
            "members": members, "forecast": forecast, "seed": seed, "faults": faults, "demand_price": demand_price,
            "cold_cutoff_c": cold_cutoff, "currency": tariff.currency,
            "strategies": [asdict(r) | {"cost": r.cost, "total": r.total, "regret": regret.get(r.name)} for r in rows],
            "comparisons": [asdict(c) for c in comparisons],
        }  # fmt: skip
        json_file.write_text(json.dumps(report, indent=1))
    if plot_dir is not None:
        shown = [n for n in ("reactive", "local", "plan") if n in {r.name for r in rows}]
        with drawing(f"--plot {plot_dir}"):
            for path in plot(season, rows, plot_dir, shown or [rows[0].name]):
                console.print(f"wrote {path}", soft_wrap=True)


def _run(season: Season, console: Console) -> None:
    """The season with a bar; without a terminal, with a line on the error output every tenth of it."""
    if not console.is_terminal:
        season.run(lambda done, of: click.echo(f"{done} of {of} h", err=True) if done % max(of // 10, 1) == 0 else None)
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("season", total=season.hours)
        season.run(lambda done, _: bar.update(task, completed=done))


def _strategies(names: str, forecast: str, price: float, frontier: bool) -> list[Strategy]:
    """Strategies by name; `frontier` adds the planner at other prices of ice."""
    base = PlanSettings(price_per_ice_free_hour=price)
    known = {name: Strategy(name, name) for name in RULES}
    known["plan"] = Strategy("plan", plan=True, forecast=forecast, settings=base)
    known["plan-deterministic"] = replace(known["plan"], name="plan-deterministic", forecast="single")
    known["plan-perfect"] = replace(known["plan"], name="plan-perfect", forecast="perfect")
    known["plan-known-road"] = replace(known["plan"], name="plan-known-road", true_physics=True)
    known["plan-dimmed"] = replace(known["plan"], name="plan-dimmed", ideal_switch=True)
    # Knows weather and road, so it needs no margin.
    known["foresight"] = Strategy(
        "foresight",
        plan=True,
        forecast="perfect",
        settings=replace(base, required_c=0.0, road_error_k=0.0, horizon_h=48.0),
        true_physics=True,
    )
    chosen = []
    for name in (part.strip() for part in names.split(",")):
        if name not in known:
            raise click.BadParameter(f"{name}; known: {', '.join(known)}", param_hint="--strategies")
        if forecast == "perfect" and name in ("plan-perfect", "plan-deterministic"):
            continue  # the same as `plan`
        chosen.append(known[name])
    if frontier:
        for name in (s.name for s in chosen if s.name in SWEPT_RULES):
            chosen = [*chosen, *(Strategy(f"{name}@{on_c:g}", name, on_c) for on_c in RULE_SWEEP_C)]
    if frontier and known["plan"] in chosen:
        for factor in SWEEP:
            settings = replace(base, price_per_ice_free_hour=price * factor)
            chosen.append(replace(known["plan"], name=f"plan×{factor:g}", settings=settings))
        for name in (s.name for s in chosen if s.name in ("foresight", "plan-perfect")):
            own = known[name]
            settings = replace(own.settings, price_per_ice_free_hour=price * REGRET_AT)
            chosen = [*chosen, replace(own, name=f"{name}×{REGRET_AT:g}", settings=settings)]
    return chosen


def forecasters_of(
    weather: WeatherSeries, kind: str, members: int, seed: int, site: Site | None
) -> dict[str, Forecaster]:
    """What the planners may see: emulated forecasts as the service makes an ensemble of them, corrected by how they did
    here so far. They are always labelled so.
    """
    emulator = Emulator(weather, seed, site)
    provider = EnsembleProvider(EmulatedProvider(weather, seed, 1, site), members, seed + 1, site)
    loop = asyncio.new_event_loop()  # nothing waits here: providers of the service are asynchronous
    true = perfect(weather)

    def reach(now_utc_s: float, horizon_s: float) -> float:
        return min(horizon_s + 3600.0, float(weather.time_utc_s[-1]) - now_utc_s)

    def emulated(now_utc_s: float, horizon_s: float) -> Forecast:
        return loop.run_until_complete(provider.forecast(now_utc_s, reach(now_utc_s, horizon_s)))

    def single(now_utc_s: float, horizon_s: float) -> Forecast:
        return emulator.forecast(now_utc_s, reach(now_utc_s, horizon_s))

    return {"perfect": true, "emulated": emulated, "single": single if kind == "emulated" else true}


def _tariff(path: Path | None, site: Site | None) -> Tariff:
    timezone = site.timezone if site else "UTC"
    if path is not None:
        return read_tariff(path, timezone)
    if timezone == "Asia/Seoul":
        return BandTariff(KEPCO, timezone)
    return FlatTariff(120.0)


def _utc(text: str) -> float:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise click.BadParameter(f"{text}: write like 2023-12-29 or 2023-12-29T06:00") from error
