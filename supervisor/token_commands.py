"""What `roadheat token …` does: API tokens of programs, on the state folder of a service that runs or is stopped."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from supervisor.cli import config_option
from supervisor.config import load
from supervisor.console import BY, transaction
from supervisor.domain.scope import Scope
from supervisor.runtime.clock import SystemClock
from supervisor.store import tokens
from supervisor.web.programs import new_token


@click.command()
@config_option
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice([each.value for each in Scope]),
    help="What it may be used for; several times for several.",
)  # fmt: skip
@click.option(
    "--days", default=90, show_default=True, type=click.IntRange(tokens.DAYS[0], tokens.DAYS[-1]),
    help="How long it works.",
)  # fmt: skip
def make(path: Path, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make an API token for a program NAME and print it, this once."""
    config, now = load(path, without_data=True), int(SystemClock().utc_s())
    token = new_token()
    with transaction(config) as db:
        made = tokens.make(db, token, name, scopes, days, BY, now)
    click.echo(f"{made.name}: {', '.join(made.scopes)}, for {days} days; it is not kept and not shown again", err=True)
    click.echo(token)


@click.command("list")
@config_option
def list_tokens(path: Path) -> None:
    """API tokens of programs, without their secrets."""
    config, now = load(path, without_data=True), int(SystemClock().utc_s())
    zone = ZoneInfo(config.site.timezone)

    def local(utc_s: int) -> str:
        return datetime.fromtimestamp(utc_s, zone).strftime("%Y-%m-%d %H:%M") if utc_s else "never"

    with transaction(config) as db:
        for each in tokens.tokens(db):
            until = local(each.expires_utc_s) + (" (expired)" if each.expires_utc_s <= now else "")
            click.echo(
                f"{each.id}  {each.name} ({', '.join(each.scopes)}) by {each.made_by}, until {until}, "
                f"last used {local(each.used_utc_s)}"
            )


@click.command()
@config_option
@click.argument("what", metavar="NAME|ID")
def revoke(path: Path, what: str) -> None:
    """Make an API token void, by its name or id."""
    config, now = load(path, without_data=True), int(SystemClock().utc_s())
    with transaction(config) as db:
        found = tokens.revoke(db, what, BY, now)
    click.echo(f"{found.name} is void")
