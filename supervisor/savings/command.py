"""`roadheat savings`: what heating by plan saved against a named baseline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from supervisor.commands import OutputPath

if TYPE_CHECKING:
    from rich.console import Console

    from supervisor.savings.cases import Saving
    from supervisor.savings.collect import Savings

NAMES = ("thermostat", "idle", "reactive", "reactive-afterrun", "storm-timer")  # supervisor.energy.baselines


@click.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), default=Path("city.toml"), show_default=True)
@click.option("--from", "start", required=True, help="First local day of the period.")
@click.option("--to", "end", required=True, help="End of the period, exclusive (local day).")
@click.option("--baseline", type=click.Choice(NAMES), default="reactive", show_default=True,
              help="The conventional controller that is replayed.")  # fmt: skip
@click.option("--weather", "weather_path", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Observed weather, CSV; default: as recorded by the service.")  # fmt: skip
@click.option("--clear-within-min", type=click.FloatRange(0, 1440),
              help="Minutes from the end of snowfall until a road must be clear; default: of [reports].")  # fmt: skip
@click.option("--json", "json_path", type=OutputPath(), help="Write all figures to this file too.")
def savings(
    config_path: Path,
    start: str,
    end: str,
    baseline: str,
    weather_path: Path | None,
    clear_within_min: float | None,
    json_path: Path | None,
) -> None:
    """What heating by plan saved against a conventional controller: as done, at the same money, at the same ice."""
    from zoneinfo import ZoneInfo

    import msgspec

    from supervisor import config as configuration
    from supervisor import terminal
    from supervisor.energy.period import period_of
    from supervisor.energy.tables import slots_between
    from supervisor.savings.collect import Asked, collect
    from supervisor.store import database, place_of

    config = configuration.load(config_path, without_data=True)
    zone_info = ZoneInfo(config.site.timezone)
    within_min = config.reports.clear_within_min if clear_within_min is None else clear_within_min
    asked = Asked(*period_of(start, end, zone_info), baseline, weather_path, within_min)
    slots_between(asked.from_utc_s, asked.to_utc_s)
    connection = database.connect_read_only(place_of(config))
    try:
        found = collect(config, connection, asked)
    finally:
        connection.close()
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    _print(found, terminal.console())


def _print(found: Savings, console: Console) -> None:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from rich.table import Table

    money = found.currency
    table = Table(title=f"Saved against “{found.baseline}”, IPMVP option D (calibrated simulation)")
    for column in ("case", "saved", "68 % interval"):
        table.add_column(column)
    for name, saving, unit in (
        ("as done: energy", found.kwh, "kWh"),
        ("as done: energy and base charge", found.cost, money),
        ("as done: ice", found.ice_min, "zone minutes"),
        ("at the same money: ice", found.same_money_ice_min, "zone minutes"),
        ("at the same ice: energy and base charge", found.same_ice_cost, money),
    ):
        table.add_row(name, *_cells(saving, unit))
    console.print(table)
    zones = Table(title="Zones")
    for column in ("zone", "kWh", "baseline kWh", "ice min", "baseline ice min", "NMBE", "CV(RMSE)"):
        zones.add_column(column, justify="left" if column == "zone" else "right")
    for row in found.zones:
        errors = ("–" if value is None else f"{value:.1%}" for value in (row.error.nmbe, row.error.cv_rmse))
        figures = (f"{value:,.0f}" for value in (row.kwh, row.baseline_kwh, row.ice_min, row.baseline_ice_min))
        zones.add_row(row.zone, *figures, *errors)
    console.print(zones)
    for storm in found.storms:
        ended = datetime.fromtimestamp(storm.end_utc_s, ZoneInfo(found.timezone))
        took = "not all roads" if storm.longest_min is None else f"the last road {storm.longest_min:.0f} min"
        late = f"; beyond {found.clear_within_min:.0f} min: {', '.join(storm.late)}" if storm.late else ""
        console.print(f"snowfall to {ended:%Y-%m-%d %H:%M}: clear {took} after it{late}", soft_wrap=True)
    for note in found.notes:
        console.print(note, style="yellow", soft_wrap=True)


def _cells(saving: Saving, unit: str) -> tuple[str, str]:
    span = "" if saving.low is None or saving.high is None else f"{saving.low:,.0f} to {saving.high:,.0f}"
    return (f"not shown: {saving.why}" if saving.value is None else f"{saving.value:,.0f} {unit}"), span
