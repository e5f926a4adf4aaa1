"""`roadheat energy`: options only, so that `--help` imports no numbers; `shown` and `verify` do the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from supervisor.commands import LazyGroup, OutputPath

FROM = "First local day or time: 2023-12-29 or 2023-12-29T06:00."
TO = "End of the period, exclusive (local day or time)."


@click.group(cls=LazyGroup, invoke_without_command=True)
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="city.toml: names, feeders, tariff.")
@click.option(
    "--state", "state_dir", type=click.Path(path_type=Path), help="State folder, where there is no city.toml."
)
@click.option("--from", "start", help=FROM)
@click.option("--to", "end", help=TO)
@click.option("--by", type=click.Choice(["zone", "day", "feeder"]), default="zone", show_default=True)
@click.option("--timezone", default="UTC", show_default=True, help="Local time, with --state only.")
@click.option("--csv", "csv_path", type=OutputPath(), help="Write the lines to this file too.")
@click.pass_context
def energy(ctx: click.Context, /, **options: Any) -> None:
    """Energy, peak and cost from the service's own record; works beside a running service and with no InfluxDB."""
    if ctx.invoked_subcommand is not None:
        return
    for name in ("start", "end"):
        if options[name] is None:
            [parameter] = [found for found in ctx.command.params if found.name == name]
            raise click.MissingParameter(ctx=ctx, param=parameter)
    from supervisor.energy.shown import Request, show

    show(Request(**options))


@energy.command("verify")
@click.option(
    "--config", "config_path", type=click.Path(path_type=Path), default=Path("city.toml"), show_default=True,
    help="city.toml: the record, and the InfluxDB to compare with.",
)  # fmt: skip
@click.option("--from", "start", required=True, help=FROM)
@click.option("--to", "end", required=True, help=TO)
def verify_command(config_path: Path, start: str, end: str) -> None:
    """Compare the record's hours with those in InfluxDB; status 1 where they differ."""
    from supervisor.energy.verify import verify

    if not verify(config_path, start, end):
        raise SystemExit(1)


@energy.command("bill")
@click.option(
    "--config", "config_path", type=click.Path(path_type=Path), default=Path("city.toml"), show_default=True,
    help="city.toml: the record, the feeders and the tariff.",
)  # fmt: skip
@click.option("--month", required=True, help="Billing month, such as 2024-02: the month in which it ends.")
@click.option("--feeder", help="One supply only.")
@click.option(
    "--utility", "utility_path", type=click.Path(path_type=Path), help="The utility's own bill: CSV supply,item,amount."
)
@click.option("--json", "json_path", type=OutputPath(), help="Write the bills to this file too.")
def bill_command(**options: Any) -> None:
    """The bill of each supply, row by row, and by which zones the peak was made; status 1 where it differs."""
    from supervisor.energy.bill import Request, show

    if not show(Request(**options)):
        raise SystemExit(1)
