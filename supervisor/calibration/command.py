"""`roadheat calibrate`: fits one zone's road to its record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from supervisor.commands import OutputPath, drawing, require
from supervisor.domain.errors import CommandError, NotFoundError

if TYPE_CHECKING:
    from rich.table import Table

    from supervisor.calibration.fit import Windows
    from supervisor.calibration.kept import Kept
    from supervisor.domain.weather import Array


@click.command()
@click.argument("zone_id", metavar="ZONE")
@click.option("--config", "config_path", type=click.Path(path_type=Path), default=Path("city.toml"), show_default=True)
@click.option("--from", "start", required=True, help="First local day of the period.")
@click.option("--to", "end", required=True, help="End of the period, exclusive (local day).")
@click.option(
    "--weather", type=click.Path(path_type=Path), help="Observed weather, CSV; default: as recorded by the service."
)
@click.option("--plot", type=OutputPath(), help="Write a plot of measured and predicted.")
@click.option("--dry-run", is_flag=True, help="Report only, write nothing.")
def calibrate(
    zone_id: str, config_path: Path, start: str, end: str, weather: Path | None, plot: Path | None, dry_run: bool
) -> None:
    """Fit ZONE's road to its own telemetry: conduction, heat capacity, albedo, exchange, sky view, cable efficiency."""
    from supervisor import config as configuration
    from supervisor import terminal
    from supervisor.calibration import kept as kept_roads
    from supervisor.calibration import zone_fit
    from supervisor.calibration.weekly import RECORDED
    from supervisor.energy.period import local_time
    from supervisor.runtime.clock import SystemClock
    from supervisor.store import database, place_of
    from supervisor.store import weather as weather_record
    from supervisor.store.telemetry import ticks
    from supervisor.weather.providers.files import read_weather_csv
    from supervisor.weather.providers.registry import weather_file

    if plot is not None:
        require("matplotlib", "--plot")
    config = configuration.load(config_path, without_data=True)
    zone = next((z for z in config.zone if z.id == zone_id), None)
    if zone is None:
        raise NotFoundError(f"no zone {zone_id!r}", where="ZONE", remedy="Use an id from city.toml")
    timezone = ZoneInfo(config.site.timezone)
    from_utc_s, to_utc_s = local_time(start, timezone), local_time(end, timezone)
    connection = database.connect_read_only(place_of(config))
    try:
        record = list(ticks(connection, from_utc_s, to_utc_s, zone.board))
        recorded = weather_record.between(connection, from_utc_s - 3600, to_utc_s + 3600)
    finally:
        connection.close()
    surface, heat = zone_fit.series(zone, record, from_utc_s, to_utc_s)
    if weather is None and not len(recorded):
        weather = weather_file(config)
    if weather is None and not len(recorded):
        raise CommandError(
            "no weather is on record for the period",
            where="--from --to",
            remedy="Give the observed weather: --weather",
        )
    series = recorded if weather is None else read_weather_csv(weather, config.site)[0]
    source = RECORDED if weather is None else weather.name
    data, _ = zone_fit.windows(surface, heat, series, config.site, from_utc_s)
    kept, predicted = zone_fit.fit(zone, data, from_utc_s, to_utc_s, source, SystemClock().utc_s())
    console = terminal.console()
    console.print(_table(kept))
    console.print(
        f"{kept.windows} days: RMSE {kept.rmse_before_k:.2f} K before, {kept.rmse_after_k:.2f} K fitted, "
        f"{kept.rmse_out_of_sample_k:.2f} K out of sample (bias {kept.bias_out_of_sample_k:+.2f} K)",
        soft_wrap=True,
    )
    if kept.rmse_out_of_sample_k >= kept.rmse_before_k:
        console.print(
            "on days not used for the fit it is no better than the generic road", style="yellow", soft_wrap=True
        )
    for name in kept.at_bound:
        console.print(f"{name} ends at its physical bound: check the layers, the sensor's position, the weather file",
                      style="yellow", soft_wrap=True)  # fmt: skip
    if not dry_run:
        path = kept_roads.keep(config.state_dir, kept)
        console.print(f"kept in {path}; a running service takes it up within a quarter of an hour", soft_wrap=True)
    if plot is not None:
        with drawing(f"--plot {plot}"):
            _draw(data, predicted, plot)


def _table(kept: Kept) -> Table:
    from rich.table import Table

    from supervisor.calibration.fit import EFFICIENCY, PARAMETERS
    from supervisor.terminal import styled

    table = Table(title=f"Road of {kept.zone}, {kept.from_utc} to {kept.to_utc}")
    for column in ("parameter", "found", "± 1 σ", "bounds", ""):
        table.add_column(column)
    for p in (*PARAMETERS, EFFICIENCY):
        if p.name in kept.values:
            warning = styled("at bound" if p.name in kept.at_bound else "", "yellow")
            found, sigma = f"{kept.values[p.name]:.4g}", f"{kept.sigma[p.name]:.2g}"
            table.add_row(p.name, found, sigma, f"{p.low:g} … {p.high:g}", warning)
    return table


def _draw(data: Windows, predicted: Array, path: Path) -> None:
    """Measured and predicted out of sample, day by day. Needs the extra `report`."""
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(12, 4))
    ahead = slice(data.now, None)
    steps = data.observed_c[ahead].shape[0]
    for i in range(data.count):
        days = i + np.arange(steps) / steps
        axis.plot(days, data.observed_c[ahead, i], "k", lw=1.0, label="measured" if i == 0 else None)
        axis.plot(days, predicted[ahead, i], "tab:red", lw=1.0, label="predicted, out of sample" if i == 0 else None)
    axis.set(xlabel="day", ylabel="road surface °C")
    axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
