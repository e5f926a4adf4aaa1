"""What `roadheat pki …` does: it changes files of the state folder; a running service looks at them every 30 s."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from supervisor.cli import config_option
from supervisor.config import Config, load
from supervisor.control.certificates import ends_utc_s
from supervisor.control.renewal import short
from supervisor.domain.errors import ConfigError
from supervisor.stages import prepare_files
from supervisor.wire.authentication import KEY_BYTES
from supervisor.wire.keys import next_path, write_private
from supervisor.wire.pki import NEXT, PREVIOUS, renew_server
from supervisor.wire.renewal_files import authority, begin, hurry, load_trusts

_BACKUP = "make a backup now: with an older one boards have to be provisioned again, with this one they go on"


@click.command()
@config_option
@click.option("--server", is_flag=True, help="Only the service's certificate, by the same authority.")
@click.option("--keys", is_flag=True, help="The key of each board, or of BOARDS.")
@click.option("--now", is_flag=True, help="Do not wait for boards that lack the new authority: provision them again.")
@click.argument("boards", nargs=-1)
def rotate(path: Path, server: bool, keys: bool, now: bool, boards: tuple[str, ...]) -> None:
    """Renew the boards' authority, certificate or keys, over the link.

    Without an option the authority: boards are given the new one beside the old, the service changes over once all of
    them have it, then they forget the old one. Boards heat on meanwhile.
    """
    config = load(path, without_data=True)
    if server + keys + now > 1 or (boards and not keys):
        raise ConfigError("one thing at a time", where="pki rotate", remedy="BOARDS go with --keys; see --help")
    prepare_files(config)
    if server:
        renew_server(config.pki_dir, config.boards.server_name)
        click.echo("a new certificate is served within 30 s; nothing changes for boards")
    elif keys:
        _next_keys(config, boards)
    elif now:
        hurry(config.pki_dir)
        click.echo("the new authority comes into force within 30 s; boards without it must be provisioned again")
    else:
        made = begin(config.pki_dir, config.boards.server_name)
        click.echo(f"authority {short(made)} is given to the boards; see `roadheat pki status`")
        click.echo(_BACKUP)


def _next_keys(config: Config, boards: tuple[str, ...]) -> None:
    known = [board.id for board in config.board]
    if unknown := [board for board in boards if board not in known]:
        raise ConfigError(f"unknown board `{unknown[0]}`", where=str(config.path), remedy=f"Known: {', '.join(known)}")
    for board in boards or known:
        following = next_path(config.board_key_path(board))
        if following.exists():
            click.echo(f"{board}: a new key waits for it already")
            continue
        write_private(following, secrets.token_hex(KEY_BYTES).encode() + b"\n")
        click.echo(f"{board}: a new key waits for it")
    click.echo(_BACKUP)


@click.command()
@config_option
def status(path: Path) -> None:
    """How far a renewal is, and which boards it waits for."""
    from datetime import UTC, datetime

    config = load(path, without_data=True)
    now, following = authority(config.pki_dir), authority(config.pki_dir / NEXT)
    previous = authority(config.pki_dir / PREVIOUS)
    if not now:
        raise ConfigError("no authority yet", where=str(config.pki_dir), remedy="Start the service once")
    trusts = load_trusts(config.pki_dir)
    names = {short(der): name for der, name in ((previous, "old"), (now, "in force"), (following, "new")) if der}
    for name in ("ca.pem", "server.pem"):
        ends = datetime.fromtimestamp(ends_utc_s(config.pki_dir / name), UTC)
        click.echo(f"{name} ends on {ends:%Y-%m-%d}")
    click.echo("authorities: " + ", ".join(f"{digits} ({name})" for digits, name in names.items()))
    waits = 0
    for board in config.board:
        known = trusts.get(board.id, ())
        said = " and ".join(names.get(digits, f"{digits} (unknown)") for digits in known)
        lacks = bool(following) and short(following) not in known
        keeps = bool(previous) and short(previous) in known
        pending = next_path(config.board_key_path(board.id)).exists()
        waits += lacks or keeps or pending
        what = f"trusts: {said}" if known else "not heard yet, or firmware that cannot be told"
        click.echo(f"{board.id}: {what}{'; a new key waits for it' if pending else ''}")
    click.echo(f"waits for {waits} of {len(config.board)} boards" if waits else "nothing is under way")
