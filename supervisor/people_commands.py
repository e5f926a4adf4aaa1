"""What `roadheat user …` does: who may sign in, on the state folder of a service that runs or is stopped.

The way back in when no administrator can sign in any more: it needs the server's shell, and nothing of the service. A
running service asks its database at each request and every few seconds for open streams, so a change here holds there
within 15 s.
"""

from __future__ import annotations

import secrets
import sqlite3
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from supervisor.cli import config_option
from supervisor.config import Config, load
from supervisor.config.listen import join_listen, split_listen
from supervisor.console import BY, transaction
from supervisor.domain.errors import NotFoundError
from supervisor.runtime.clock import SystemClock
from supervisor.store import access
from supervisor.web.session import TOKEN_BYTES
from supervisor.web.sessions import LINK_S


def _address(config: Config) -> str:
    """What people type: `web.public_url`, else the address that the service listens at."""
    if config.web.public_url:
        return config.web.public_url.rstrip("/")
    host, port = split_listen(config.web.listen)
    return f"{'https' if config.web.cert else 'http'}://{join_listen(host, port)}"


def _say_if_locked_out(db: sqlite3.Connection, now: int) -> None:
    if not access.admin_can_sign_in(db, now):
        click.echo("No administrator can sign in now. Make a link: roadheat user link NAME --role admin", err=True)


@click.command("list")
@config_option
def list_people(path: Path) -> None:
    """Everybody who may sign in, with sessions, unused links and passkeys, and their ids."""
    config, now = load(path, without_data=True), int(SystemClock().utc_s())
    zone = ZoneInfo(config.site.timezone)

    def local(utc_s: int) -> str:
        return datetime.fromtimestamp(utc_s, zone).strftime("%Y-%m-%d %H:%M") if utc_s else "unknown"

    with transaction(config) as db:
        for person in access.overview(db, now):
            nothing = "" if person.sessions or person.links or person.passkeys else ", not signed in"
            click.echo(f"{person.name} ({person.role}{nothing})")
            for s in person.sessions:
                since, seen, until = (local(at) for at in (s.created_utc_s, s.seen_utc_s, s.expires_utc_s))
                click.echo(f"  {s.id}  {s.device or 'device'} since {since}, last seen {seen}, until {until}")
            for link in person.links:
                click.echo(
                    f"  {link.id}  unused link by {link.made_by or 'the service'}, until {local(link.expires_utc_s)}"
                )
            for key in person.passkeys:
                made, used = local(key.made_utc_s), local(key.used_utc_s) if key.used_utc_s else "never"
                click.echo(f"  {key.id}  passkey on {key.device} since {made}, last used {used}")
        _say_if_locked_out(db, now)


@click.command()
@config_option
@click.argument("name")
@click.option("--role", type=click.Choice(access.ROLES), help="Needed for a new person; a known one keeps theirs.")
@click.option("--change-role", is_flag=True, help="Give a known person another role, on all their devices at once.")
def link(path: Path, name: str, role: str | None, change_role: bool) -> None:
    """Make a one-time sign-in link for NAME and print it."""
    config, now = load(path, without_data=True), int(SystemClock().utc_s())
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction(config) as db:
        grant = access.invite(
            db, token, name, role, BY, now, now + LINK_S, change_role=change_role, keep_an_admin=False
        )
        click.echo(f"{grant.user}, {grant.role}: works once, for {LINK_S // 3600} hours", err=True)
    click.echo(f"{_address(config)}/login?token={token}")


@click.command()
@config_option
@click.argument("what", metavar="NAME|SESSION|LINK|PASSKEY")
def revoke(path: Path, what: str) -> None:
    """End a session, void a link or a passkey by its id, or remove a person by name with all of them."""
    config, now = load(path, without_data=True), int(SystemClock().utc_s())
    with transaction(config) as db:
        click.echo(_revoke(db, what, now))
        _say_if_locked_out(db, now)


def _revoke(db: sqlite3.Connection, what: str, now: int) -> str:
    people = access.overview(db, now)
    if any(s.id == what for person in people for s in person.sessions):
        access.revoke_session(db, what, BY, now, keep_an_admin=False)
        return f"session {what} ended"
    if any(x.id == what for person in people for x in person.links):
        access.revoke_link(db, what, BY, now)
        return f"link {what} is void"
    if any(key.id == what for person in people for key in person.passkeys):
        access.remove_passkey(db, what, BY, now, keep_an_admin=False)
        return f"passkey {what} is void"
    try:
        ended = access.revoke_person(db, what, BY, now, keep_an_admin=False)
    except NotFoundError:
        raise NotFoundError(
            "no such person, session, link or passkey", where=what, remedy="`roadheat user list` shows names and ids"
        ) from None
    return f"{what} removed, {ended} session{'s' * (ended != 1)} ended"
