"""`roadheat energy`: options only, so that `--help` imports no numbers; `shown` does the work."""

from __future__ import annotations

from pathlib import Path

import click

from supervisor.commands import OutputPath


@click.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="city.toml: names, feeders, tariff.")
@click.option(
    "--state", "state_dir", type=click.Path(path_type=Path), help="State folder, where there is no city.toml."
)
@click.option("--from", "start", required=True, help="First local day or time: 2023-12-29 or 2023-12-29T06:00.")
@click.option("--to", "end", required=True, help="End of the period, exclusive (local day or time).")
@click.option("--by", type=click.Choice(["zone", "day", "feeder"]), default="zone", show_default=True)
@click.option("--timezone", default="UTC", show_default=True, help="Local time, with --state only.")
@click.option("--csv", "csv_path", type=OutputPath(), help="Write the lines to this file too.")
def energy(
    config_path: Path | None,
    state_dir: Path | None,
    start: str,
    end: str,
    by: str,
    timezone: str,
    csv_path: Path | None,
) -> None:
    """Energy, peak and cost from the service's own record; works beside a running service and with no InfluxDB."""
    from supervisor.energy.shown import show

    show(config_path, state_dir, start, end, by, timezone, csv_path)
