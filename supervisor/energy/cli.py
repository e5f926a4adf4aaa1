"""`roadheat energy`: options only, so that `--help` imports no numbers; `shown` and `verify` do the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from supervisor.commands import Lazy, LazyGroup, OutputPath

FROM = "First local day or time: 2023-12-29 or 2023-12-29T06:00."
TO = "End of the period, exclusive (local day or time)."


# of a layer above: reports stand beside what the roads' models say
REPORTS = {
    "report": Lazy(
        "supervisor.reports.cli:report_command",
        "A report of a month, a season or a storm: energy, cost, peaks, storms, zones, overrides.",
    ),
    "storms": Lazy("supervisor.reports.cli:storms_command", "The storms of a period: when, how much, how deep."),
}


@click.group(cls=LazyGroup, lazy=REPORTS, invoke_without_command=True)
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
@click.option("--points", is_flag=True, help="Compare the raw points, not the hours.")
def verify_command(config_path: Path, start: str, end: str, points: bool) -> None:
    """Compare the record's hours with those in InfluxDB; status 1 where they differ."""
    from supervisor.energy.verify import verify

    if not verify(config_path, start, end, points=points):
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
@click.option(
    "--meter", "meter_path", type=click.Path(path_type=Path),
    help="The utility's meter by quarters of an hour: CSV time,kwh and supply.",
)  # fmt: skip
@click.option(
    "--meter-stamp", type=click.Choice(["start", "end"]), default="start", show_default=True,
    help="What the meter's times name of a quarter of an hour.",
)  # fmt: skip
@click.option("--json", "json_path", type=OutputPath(), help="Write the bills to this file too.")
def bill_command(**options: Any) -> None:
    """The bill of each supply, row by row, and by which zones the peak was made; status 1 where it differs."""
    from supervisor.energy.bill import Request, show

    if not show(Request(**options)):
        raise SystemExit(1)


config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), default=Path("city.toml"), show_default=True,
    help="city.toml: the record.",
)  # fmt: skip
reason_option = click.option("--reason", required=True, help="Why; the audit log keeps it.")


@energy.group("correct", cls=LazyGroup)
def correct_group() -> None:
    """Book energy from the quarantine after all, and take that back; both are in the audit log."""


@correct_group.command("list")
@config_option
@click.option("--from", "start", required=True, help=FROM)
@click.option("--to", "end", required=True, help=TO)
def list_cases_command(config_path: Path, start: str, end: str) -> None:
    """The energy in quarantine of a period, case by case."""
    from supervisor.energy.amend import list_cases

    list_cases(config_path, start, end)


@correct_group.command("book")
@config_option
@click.argument("case", type=int)
@click.option("--from", "start", required=True, help="When it was drawn: " + FROM)
@click.option("--to", "end", required=True, help=TO)
@reason_option
def book_command(config_path: Path, case: int, start: str, end: str, reason: str) -> None:
    """Book CASE evenly over the time in which it was drawn."""
    from supervisor.energy.amend import book

    book(config_path, case, (start, end), reason)


@correct_group.command("revert")
@config_option
@click.argument("case", type=int)
@reason_option
def revert_command(config_path: Path, case: int, reason: str) -> None:
    """Put CASE back into quarantine."""
    from supervisor.energy.amend import revert

    revert(config_path, case, reason)


@energy.group("dead-letters", cls=LazyGroup)
def letters_group() -> None:
    """Lines that InfluxDB has refused."""


@letters_group.command("list")
@config_option
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
def list_letters_command(config_path: Path, limit: int) -> None:
    """The newest refused lines with the server's reason."""
    from supervisor.energy.amend import list_letters

    list_letters(config_path, limit)


@letters_group.command("retry")
@config_option
def retry_letters_command(config_path: Path) -> None:
    """Send the refused lines again, once the reason is gone."""
    from supervisor.energy.amend import retry_letters

    retry_letters(config_path)


@energy.command("rebuild")
@config_option
@click.option("--from", "start", required=True, help=FROM)
@click.option("--to", "end", required=True, help=TO)
def rebuild_command(config_path: Path, start: str, end: str) -> None:
    """Make the days of a period anew from their hours."""
    from supervisor.energy.respool import rebuild

    rebuild(config_path, start, end)


@energy.command("export")
@config_option
@click.option("--influx", is_flag=True, required=True, help="To the database of [influx].")
@click.option("--from", "start", required=True, help=FROM)
@click.option("--to", "end", help=TO + " Without it, until now.")
def export_command(config_path: Path, influx: bool, start: str, end: str | None) -> None:
    """Send the points of a period again, as to a new database; status 1 where the spool has no room for all."""
    from supervisor.energy.respool import export

    if not export(config_path, start, end):
        raise SystemExit(1)


@energy.command("import")
@config_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--time-column", "time", default="time", show_default=True, help="Column with when the energy was drawn.")
@click.option("--energy-column", "energy", default="energy", show_default=True, help="Column with the energy.")
@click.option("--zone-column", default="", help="Column that names the zone.")
@click.option("--zone", default="", help="Id of the zone, where all rows are of one.")
@click.option("--rename", "renamed", multiple=True, metavar="OLD=NEW", help="A zone's name in the file = its id.")
@click.option("--unit", type=click.Choice(["Wh", "kWh", "MWh"]), default="kWh", show_default=True)
@click.option(
    "--interval-min", type=click.Choice(["15", "30", "60"]), default="60", show_default=True, help="Of each row."
)
@click.option(
    "--stamp", type=click.Choice(["start", "end"]), default="start", show_default=True,
    help="Which moment of its interval a row names.",
)  # fmt: skip
@click.option("--timezone", default="", help="Of the times in the file; default: that of the site.")
@click.option("--time-format", default="", help="Such as %d.%m.%Y %H:%M; default: 2021-01-06 13:00 and alike.")
@click.option("--delimiter", default=",", show_default=True, help="Between columns; tab is one too.")
@click.option("--decimal", type=click.Choice([".", ","]), default=".", show_default=True)
@click.option("--encoding", default="utf-8-sig", show_default=True, help="Such as cp949.")
@click.option("--skip-bad", is_flag=True, help="Import the good rows although there are bad ones.")
@click.option("--dry-run", is_flag=True, help="Only say what would be imported.")
def import_command(**options: Any) -> None:
    """Hours of an older system from its CSV, all or nothing; stop the service first. Status 1 where rows are bad."""
    from supervisor.energy.bring_in import bring_in, request_of

    if not bring_in(request_of(options)):
        raise SystemExit(1)


@energy.command("vacuum")
@config_option
def vacuum_command(config_path: Path) -> None:
    """Give space that deleted records have left back to the disk; stop the service first."""
    from supervisor.energy.vacuum import vacuum

    vacuum(config_path)
