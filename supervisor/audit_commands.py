"""What `roadheat audit …` does, on the record of a service that runs or is stopped; it changes nothing."""

from __future__ import annotations

import asyncio
import csv
import os
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final, TextIO
from zoneinfo import ZoneInfo

import click
import msgspec

from supervisor.cli import config_option
from supervisor.commands import OutputPath
from supervisor.config import Config, load
from supervisor.config.audit_rules import SyslogTarget, syslog_target
from supervisor.control.syslog import connected, message
from supervisor.domain.errors import StoreError
from supervisor.domain.plain_text import cell
from supervisor.store import audit, database
from supervisor.store.audit import AuditRecord
from supervisor.store.place import place_of
from supervisor.terminal import visible

BATCH: Final = 200
FORMATS: Final = ("jsonl", "csv", "syslog")


def _open(config: Config) -> sqlite3.Connection:
    connection = database.connect_read_only(place_of(config))
    try:
        database.require_current(connection, str(place_of(config)))
    except StoreError:
        connection.close()
        raise
    return connection


@click.command()
@config_option
@click.option("--expect", metavar="LENGTH:HEAD", help="What an earlier run printed: still part of the chain?")
def verify(path: Path, expect: str | None) -> None:
    """Follow the audit log's hash chain; status 1 where it was altered.

    Prints LENGTH:HEAD. Kept outside this machine, it also reveals that the newest entries were removed, or the whole
    log written anew.
    """
    number, colon, head = (expect or "0:").partition(":")
    if not colon or not (number.isascii() and number.isdigit()):
        raise click.BadParameter(f"{expect!r} is not LENGTH:HEAD as an earlier run printed it", param_hint="--expect")
    with closing(_open(load(path, without_data=True))) as db:
        length, newest = audit.verify(db)
        if expect and audit.hash_of(db, int(number)) != head:
            raise StoreError(
                f"entry {number} is missing or another one than at that time", where="--expect", code="audit-altered",
                remedy="The log was cut, or written anew: keep this file as it is, and compare it with your backups",
            )  # fmt: skip
        replaced = db.execute("SELECT COUNT(*) FROM audit WHERE pseudonymised = 1").fetchone()[0]
    said = f"{length} entries, unaltered"
    click.echo(f"{said}; names in the first {replaced} were replaced by pseudonyms" if replaced else said, err=True)
    click.echo(f"{length}:{newest}")


class _Day(click.ParamType[datetime]):
    name = "date"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> datetime:
        try:
            return datetime.strptime(value, "%Y-%m-%d")  # noqa: DTZ007  (of the district's time zone, which comes later)
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-01-31", param, context)


def _target(_context: click.Context, _parameter: click.Parameter, value: str | None) -> SyslogTarget | None:
    try:
        return syslog_target(value) if value else None
    except ValueError:
        raise click.BadParameter(f'{value!r} is not "tls://host:6514", nor with tcp:// or udp://') from None


@click.command()
@config_option
@click.option("--format", "form", type=click.Choice(FORMATS), default="jsonl", show_default=True, help="Of the file.")
@click.option("--from", "first", type=_Day(), help="First day, in the district's time zone.")
@click.option("--to", "last", type=_Day(), help="Last day.")
@click.option("--output", type=OutputPath(), help="File to write; otherwise it is printed.")
@click.option("--send", callback=_target, help='Send to a syslog server instead: "tls://host:6514", tcp:// or udp://.')
@click.option("--ca", type=click.Path(path_type=Path, exists=True), help="PEM: who signed that server's certificate.")
def export(
    path: Path, form: str, first: datetime | None, last: datetime | None, output: Path | None,
    send: SyslogTarget | None, ca: Path | None,
) -> None:  # fmt: skip
    """Write the audit log as JSON lines, CSV or syslog messages, or send it."""
    config = load(path, without_data=True)
    zone = ZoneInfo(config.site.timezone)
    from_s = first.replace(tzinfo=zone).timestamp() if first else float("-inf")
    to_s = last.replace(tzinfo=zone, hour=23, minute=59, second=59).timestamp() if last else float("inf")
    with closing(_open(config)) as db:
        entries = (entry for entry in audit.records(db) if from_s <= entry.utc_s <= to_s)
        if send is not None:
            click.echo(f"{asyncio.run(_send(entries, send, ca))} entries sent", err=True)
        elif output is not None:
            with output.open("w", encoding="utf-8", newline="") as file:
                _write(entries, form, file)
        else:
            _write(entries, form, sys.stdout)


def _write(entries: Iterator[AuditRecord], form: str, file: TextIO) -> None:
    if form == "csv":
        rows = csv.writer(file)
        rows.writerow(["id", "time", "user", "action", "detail", "pseudonymised", "hash"])
        for one in entries:
            user, detail = cell(visible(one.user)), cell(visible(one.detail))
            rows.writerow([one.id, _time(one), user, one.action, detail, int(one.pseudonymised), one.hash])
        return
    host = socket.gethostname()
    for one in entries:
        if form == "syslog":
            line = message(one, host, os.getpid()).decode()
        else:
            line = msgspec.json.encode({"time": _time(one), **msgspec.structs.asdict(one)}).decode()
        click.echo(visible(line), file=file)


def _time(entry: AuditRecord) -> str:
    return datetime.fromtimestamp(entry.utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _send(entries: Iterator[AuditRecord], target: SyslogTarget, ca: Path | None) -> int:
    host, count = socket.gethostname(), 0
    where = f"{target.transport}://{target.host}:{target.port}"
    try:
        async with connected(target, ca) as sender:
            while batch := list(islice(entries, BATCH)):
                await sender.send([message(entry, host, os.getpid()) for entry in batch])
                count += len(batch)
    except (OSError, TimeoutError) as error:
        raise StoreError(
            f"not sent after {count} entries: {error or 'no answer'}", where=where, code="audit-not-sent",
            remedy="Check address, network and certificate of the syslog server, then send again",
        ) from error  # fmt: skip
    return count
