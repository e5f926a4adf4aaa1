"""`roadheat init`: a first configuration and its state folder, from flags or answers to questions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from supervisor.config.drafts import BREAKER_SHARE, CONTRACT_SHARE, quoted

ZONES_PER_FEEDER = 8


class Beginning(Struct, frozen=True):
    """What a first configuration is made from."""

    name: str
    timezone: str
    latitude: float
    longitude: float
    elevation_m: float
    roads: int
    roads_per_board: int
    area_m2: float
    w_per_m2: float
    price_per_kwh: float
    currency: str


def city_toml(city: Beginning) -> str:
    """The text: every road alike, to be edited; sums of contracts and breakers follow from its power."""
    power_w = round(city.area_m2 * city.w_per_m2)
    boards = -(-city.roads // city.roads_per_board)
    zones, feeders = [], [0] * -(-city.roads // ZONES_PER_FEEDER)
    for i in range(city.roads):
        feeder = i // ZONES_PER_FEEDER
        feeders[feeder] += power_w
        zones.append(
            f'[[zone]]\nid = "z{i + 1:02d}"\nname = "Road {i + 1}"\nboard = "b{i // city.roads_per_board + 1:02d}"\n'
            f'relay = {i % city.roads_per_board}\nfeeder = "f{feeder + 1}"\npower_w = {power_w}\n'
            f"area_m2 = {city.area_m2:g}\npriority = 2 # 1: steepest\n"
            'layers = [{ material = "asphalt", thickness_m = 0.10 }, { material = "base", thickness_m = 0.30 }]\n'
        )
    head = (
        "# Made by `roadheat init`: every road is alike. Enter each one's name, power, area, layers and feeder;\n"
        "# then `roadheat check-config`. Every key is explained in docs/configuration.md.\n\n"
        f"[site]\nname = {quoted(city.name)}\ntimezone = {quoted(city.timezone)}\n"
        f"latitude = {city.latitude!r}\nlongitude = {city.longitude!r}\nelevation_m = {city.elevation_m!r}\n\n"
        '[service]\nstate_dir = "state" # database, board keys, certificates\n\n'
        '[boards]\nlisten = "127.0.0.1:8443" # where boards connect: an address of this machine in their network\n'
        'server_name = "roadheat"\n\n'
        '[web]\nlisten = "127.0.0.1:8080" # plain HTTP on this machine only; else give cert and key\n\n'
        '[weather]\nprovider = "open-meteo" # others: docs/weather.md\n\n'
        f"[tariff] # one price for all hours; others: docs/planner.md\ncurrency = {quoted(city.currency)}\n"
        f"flat = {city.price_per_kwh!r}\n"
    )
    supplies = [
        f'[[feeder]]\nid = "f{i + 1}"\ncontract_kw = {watts * CONTRACT_SHARE / 1000:.1f}\n'
        f"breaker_kw = {watts * BREAKER_SHARE / 1000:.1f}\n"
        for i, watts in enumerate(feeders)
    ]
    return "\n".join([head, *supplies, *(f'[[board]]\nid = "b{i + 1:02d}"\n' for i in range(boards)), *zones])


def begin(folder: Path, city: Beginning) -> Path:
    """Write city.toml into `folder`, checked, and its state folder with authority and keys; the path of city.toml.

    Raises ConfigError where there is one already, or for values that check-config refuses: then nothing is left behind.
    """
    from supervisor.check import explain
    from supervisor.config import InvalidConfig, load
    from supervisor.domain.errors import ConfigError
    from supervisor.wire.keys import load_or_create_key
    from supervisor.wire.pki import ensure_pki

    path = folder / "city.toml"
    trial = folder / f".city.toml.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise ConfigError("exists already", where=str(path), remedy="Edit it, or name another folder")
        trial.write_text(city_toml(city), encoding="utf-8")
        try:
            config = load(trial)
            problems, _ = explain(config)
            if problems:
                raise problems[0]
            os.link(trial, path)  # fails where another has made one meanwhile
        except InvalidConfig as error:  # of a file that is gone when this is read: the key alone is named
            first = error.problems[0]
            raise ConfigError(first.message, where=first.where.rpartition(": ")[2], remedy=first.remedy) from error
        finally:
            trial.unlink()
        config = load(path)
        config.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        for board in config.board:
            load_or_create_key(config.board_key_path(board.id))
        ensure_pki(config.pki_dir, config.boards.server_name)
    except OSError as error:
        raise ConfigError(
            f"cannot be written: {error.strerror}", where=str(error.filename or folder),
            remedy="Name a folder that you may write to",
        ) from error  # fmt: skip
    return path


_AREA_M2, _W_PER_M2 = click.FloatRange(1, 100_000), click.FloatRange(10, 2_000)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--name", prompt="Name of the district", help="Of the district; the app shows it.")
@click.option("--timezone", prompt="Time zone", default="Asia/Seoul", help="Such as Asia/Seoul.")
@click.option("--latitude", prompt="Latitude [°]", type=click.FloatRange(-90, 90), help="North is positive.")
@click.option("--longitude", prompt="Longitude [°]", type=click.FloatRange(-180, 180), help="East is positive.")
@click.option("--elevation-m", prompt="Height above the sea [m]", type=float, help="Of the roads.")
@click.option("--roads", prompt="Heated roads", type=click.IntRange(1, 2000), help="Zones of the configuration.")
@click.option("--roads-per-board", prompt="Roads on each board", default=2, type=click.IntRange(1, 3))
@click.option("--area-m2", prompt="Heated area of a road [m²]", default=200.0, type=_AREA_M2, help="Of each road.")
@click.option("--w-per-m2", prompt="Power [W/m²]", default=300.0, type=_W_PER_M2, help="Installed.")
@click.option("--price-per-kwh", prompt="Price of a kWh", type=click.FloatRange(0), help="In the currency.")
@click.option("--currency", prompt="Currency", default="KRW", help="Such as KRW or EUR.")
def init(folder: Path, **answers: Any) -> None:
    """Write a first city.toml and its state folder into FOLDER; asks for what no option gives."""
    path = begin(folder, Beginning(**answers))
    click.echo(f"{path}: checked. Enter each road's name, power, area, layers and feeder, and the addresses")
    click.echo(f"{path.parent / 'state'}: keys of the boards and their certificate authority; keep it private")
    click.echo(f"Then: roadheat check-config {path}")
    click.echo(f"      roadheat serve --config {path}")
