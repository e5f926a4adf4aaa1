"""What `roadheat notify …`, `roadheat roster …` and `roadheat watch` do."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import click

from supervisor.cli import config_option
from supervisor.config import Config, load
from supervisor.config.listen import join_listen, split_listen
from supervisor.console import BY, transaction
from supervisor.control.notify.duty import added_detail, check_shifts, made_by, read_roster
from supervisor.control.notify.opening import open_channels, writer_of
from supervisor.control.notify.watcher import Receivers, Watcher
from supervisor.domain.errors import CommandError, ConfigError, NotifyError
from supervisor.net.outside import open_session
from supervisor.notify.kind import Means
from supervisor.runtime import logs
from supervisor.runtime.clock import Clock, SystemClock
from supervisor.store import duty, journal


@asynccontextmanager
async def _channels(config: Config, clock: Clock) -> AsyncIterator[Receivers]:
    if not config.notify:
        raise ConfigError(
            "no receiver of alarms", where=str(config.path), remedy="Add a [[notify]]: see docs/configuration.md"
        )
    async with open_session(config.alarms.local_hosts) as http:
        yield open_channels(config, Means(http, clock, os.environ))


@click.command()
@config_option
@click.argument("name", default="")
def test(path: Path, name: str) -> None:
    """Send a test message to every receiver of city.toml, or to NAME."""
    config, clock = load(path, without_data=True), SystemClock()

    async def send() -> bool:
        async with _channels(config, clock) as receivers:
            if name and name not in receivers:
                raise CommandError("no such receiver", where=name, remedy=f"Write one of {', '.join(receivers)}")
            good = True
            for each in [name] if name else receivers:
                receiver, channel = receivers[each]
                try:
                    await channel.send(writer_of(config).test(each, receiver.language, clock.utc_s()))
                    click.echo(f"{each}: accepted")
                except NotifyError as error:
                    click.echo(f"{each}: {error}", err=True)
                    good = False
            return good

    if not asyncio.run(send()):
        sys.exit(1)


def _korean(file: Path) -> str:
    """What Excel writes in Korea; raises CommandError for anything else."""
    try:
        return file.read_text(encoding="cp949")
    except UnicodeDecodeError as error:
        raise CommandError("neither UTF-8 nor CP949", where=str(file), remedy="Save it as CSV, UTF-8") from error


@click.command("import")
@config_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_roster(path: Path, file: Path) -> None:
    """Add the shifts of a CSV file: all, or none. Columns: from, until, person, and rank if wanted."""
    config = load(path, without_data=True)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = _korean(file)
    shifts = read_roster(text, ZoneInfo(config.site.timezone))
    if not shifts:
        raise CommandError("no shifts", where=str(file), remedy="Its first row is from,until,person,rank")
    check_shifts(shifts)
    now = int(SystemClock().utc_s())

    with transaction(config) as db:
        journal.append_audit(db, now, BY, "roster-add", added_detail(shifts))
        added = duty.add_shifts(db, [made_by(shift, BY) for shift in shifts])
    click.echo(f"{len(added)} shifts added, {len(shifts) - len(added)} were there already")


@click.command("list")
@config_option
def list_roster(path: Path) -> None:
    """Who is on duty from now on."""
    config, now = load(path, without_data=True), int(SystemClock().utc_s())
    zone = ZoneInfo(config.site.timezone)
    with transaction(config) as db:
        for shift in duty.shifts(db, now):
            times = (datetime.fromtimestamp(at, zone) for at in (shift.from_utc_s, shift.until_utc_s))
            begin, end = (f"{time:%Y-%m-%d %H:%M}" for time in times)
            click.echo(f"{begin} to {end}  {shift.rank}  {shift.person}")


def _asking(trusted: bool) -> aiohttp.ClientSession:
    """A service elsewhere must show that it is the right one. At its own address it cannot: its certificate is for the
    public name, and nobody stands between.
    """
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted))


@click.command()
@config_option
@click.option("--url", default="", help="What to ask; otherwise /healthz at web.listen.")
@click.option(
    "--silent-s", default=180.0, show_default=True, type=click.FloatRange(3, 3600),
    help="For how long the service may not answer.",
)  # fmt: skip
def watch(path: Path, url: str, silent_s: float) -> None:
    """Ask whether the service answers, and tell all receivers of city.toml when it is silent for 3 min."""
    config, clock = load(path, without_data=True), SystemClock()
    logs.configure(clock, "info")
    host, port = split_listen(config.web.listen)
    own = f"{'https' if config.web.cert else 'http'}://{join_listen(host, port)}/healthz"

    async def run() -> None:
        async with _channels(config, clock) as receivers, _asking(bool(url)) as http:
            click.echo(f"asking {url or own}; {len(receivers)} receivers")
            await Watcher(url or own, http, receivers, writer_of(config), clock, silent_s).run()

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        click.echo("stopped")
