"""`roadheat zones import`: tables of city.toml from the list of heated roads that a district publishes."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from supervisor.city.district_csv import Road, read_district
from supervisor.commands import OutputPath
from supervisor.config.drafts import BREAKER_SHARE, CONTRACT_SHARE, quoted
from supervisor.domain.errors import ConfigError

# What surrounds the tables while they are checked.
HEAD = (
    '[site]\nname = "check"\ntimezone = "Asia/Seoul"\nlatitude = 37.5\nlongitude = 127.0\n\n'
    '[weather]\nprovider = "open-meteo"\n\n[tariff]\ncurrency = "KRW"\nflat = 100.0\n\n'
)
LAYERS = 'layers = [{ material = "asphalt", thickness_m = 0.10 }, { material = "base", thickness_m = 0.30 }] # assumed'
LIST_MAX = 200  # rows with something missing that are printed


@dataclass(frozen=True)
class Assumed:
    """What the list of a district does not say."""

    lane_width_m: float
    w_per_m2: float
    roads_per_board: int
    feeder: str


def tables(roads: tuple[Road, ...], assumed: Assumed, source: str) -> str:
    """The tables, to be completed; what is assumed is said in a comment."""
    zones: list[str] = []
    powers_w: list[int] = []
    for number, road in enumerate(roads):
        area_m2 = road.cable_m * (road.lanes or 1) * assumed.lane_width_m
        power_w = round(area_m2 * assumed.w_per_m2)
        powers_w.append(power_w)
        span = f" ({road.begins or '…'}~{road.ends or '…'})" if road.begins or road.ends else ""
        name = quoted((road.road + span) if len(road.road + span) <= 100 else road.road)
        lines = [
            f"[[zone]] # line {road.line} of {source}", f'id = "z{number + 1:03d}"', f"name = {name}",
            f"name_ko = {name}", f'board = "b{number // assumed.roads_per_board + 1:03d}" # assumed',
            f"relay = {number % assumed.roads_per_board} # assumed", f"feeder = {quoted(assumed.feeder)} # assumed",
            f"power_w = {power_w} # assumed: {assumed.w_per_m2:g} W/m²",
            f"area_m2 = {area_m2:g} # assumed: {assumed.lane_width_m:g} m a lane"
            + ("" if road.lanes else ", one lane"),
            LAYERS,
            "inventory = { " + ", ".join(f"{key} = {value}" for key, value in _inventory(road)) + " }",
        ]  # fmt: skip
        zones.append("\n".join(lines) + "\n")
    boards = -(-len(roads) // assumed.roads_per_board)
    contract_w = max(CONTRACT_SHARE * sum(powers_w), *powers_w)  # it carries the largest road alone
    feeder = (
        f"[[feeder]] # assumed: one supply for all\nid = {quoted(assumed.feeder)}\n"
        f"contract_kw = {contract_w / 1000:.1f} # assumed\n"
        f"breaker_kw = {sum(powers_w) * BREAKER_SHARE / 1000:.1f} # assumed\n"
    )
    return "\n".join([feeder, *(f'[[board]] # assumed\nid = "b{i + 1:03d}"\n' for i in range(boards)), *zones])


def _inventory(road: Road) -> list[tuple[str, str]]:
    installed = "" if road.year is None else f"{road.year}" + ("" if road.month is None else f"-{road.month:02d}")
    texts = {"district": road.district, "road": road.road, "begins": road.begins, "ends": road.ends,
             "installed": installed, "note": road.note}  # fmt: skip
    found = [(key, quoted(text)) for key, text in texts.items() if text]
    if road.latitude is not None and road.longitude is not None:
        found += [("latitude", repr(road.latitude)), ("longitude", repr(road.longitude))]
    return [*found, ("cable_m", repr(road.cable_m)), *([("lanes", str(road.lanes))] if road.lanes else [])]


def check(text: str) -> None:
    """Raises ConfigError where the service would refuse these tables."""
    from supervisor.config import load

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "city.toml"
        path.write_text(HEAD + text, encoding="utf-8")
        load(path)


@click.group()
def zones() -> None:
    """Zones of city.toml from lists that a district has."""


@zones.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--output", type=OutputPath(), default=Path("zones.toml"), show_default=True, help="Tables to be edited.")
@click.option("--lane-width-m", default=3.0, show_default=True, type=click.FloatRange(0.5, 10), help="Heated, of each.")
@click.option("--w-per-m2", default=300.0, show_default=True, type=click.FloatRange(10, 1300), help="Installed.")
@click.option("--roads-per-board", default=2, show_default=True, type=click.IntRange(1, 3))
@click.option("--feeder", default="f1", show_default=True, help="Of all roads, until you divide them.")
def import_zones(
    file: Path, output: Path, lane_width_m: float, w_per_m2: float, roads_per_board: int, feeder: str
) -> None:
    """Make tables of zones from a district's CSV file: all roads or none; lists what is missing."""
    if output.exists():
        raise ConfigError("exists already", where=str(output), remedy="Name another file with --output")
    district = read_district(file.read_bytes(), file.name)
    text = tables(district.roads, Assumed(lane_width_m, w_per_m2, roads_per_board, feeder), file.name)
    check(text)
    part = output.with_name(f".{output.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(output)
    for line in district.skipped:
        click.echo(f"left out, {line}")
    lacking = [(road, missing) for road in district.roads if (missing := road.missing())]
    for road, missing in lacking[:LIST_MAX]:
        click.echo(f"line {road.line}, {road.road}: no {', '.join(missing)}")
    if len(lacking) > LIST_MAX:
        click.echo(f"and {len(lacking) - LIST_MAX} more roads with something missing")
    click.echo(f"{output}: {len(district.roads)} roads. No list says these; enter them: boards and relays, feeders")
    click.echo("with contract and breaker, power, area, layers, slope, priority, sky view. Lines with `# assumed` hold")
    click.echo("a guess. Then put the tables into city.toml and run `roadheat check-config`.")
