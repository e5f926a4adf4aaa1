"""`roadheat outlook`: the outlooks of the evenings beside what came, from the service's own record."""

from __future__ import annotations

from pathlib import Path

import click

from supervisor.energy.cli import FROM, TO, config_option


@click.command("outlook")
@config_option
@click.option("--from", "start", required=True, help=FROM)
@click.option("--to", "end", required=True, help=TO)
def outlook(config_path: Path, start: str, end: str) -> None:
    """How good the evenings' outlooks of ice were: Brier score, hits, false alarms."""
    from contextlib import closing
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from rich.table import Table

    from supervisor import config as configuration
    from supervisor import terminal
    from supervisor.domain.outlook import DISTRICT, Verdict, verdict
    from supervisor.energy.period import local_time
    from supervisor.store import database, place_of
    from supervisor.store.outlook import checked

    def words(name: str, found: Verdict) -> str:
        brier = "no score" if found.brier is None else f"Brier {found.brier:.3f}"
        skill = "" if found.skill is None else f", skill {found.skill:+.2f} against the frequency"
        return (
            f"{name}: {found.count} outlooks, {brier}{skill}, {found.hits} hits, {found.misses} misses, "
            f"{found.false_alarms} false alarms, {found.quiet} rightly quiet"
        )

    config = configuration.load(config_path, without_data=True)
    timezone = ZoneInfo(config.site.timezone)
    with closing(database.connect_read_only(place_of(config))) as db:
        found = checked(db, local_time(start, timezone), local_time(end, timezone))
    console = terminal.console()
    district = [one for one in found if one.zone == DISTRICT]
    if not district:
        console.print("No outlook of this period has been checked", style="yellow", soft_wrap=True)
        return
    table = Table("evening", "stage", "probability", "called", "came", "minutes", title=config.site.name)
    for one in district:
        evening = f"{datetime.fromtimestamp(one.issued_utc_s, timezone):%Y-%m-%d %H:%M}"
        called, came = ("yes" if said else "no" for said in (one.called, one.happened))
        table.add_row(evening, one.stage, f"{one.probability:.0%}", called, came, str(one.icy_min))
    console.print(table)
    console.print(words("District", verdict(district)), soft_wrap=True)
    console.print(words("Roads", verdict(one for one in found if one.zone != DISTRICT)), soft_wrap=True)
