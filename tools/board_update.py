"""`roadheat board update …`: a new program for boards over the link, one board first, then more and more."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tools.limits_command import passphrase_in, passphrase_option
from tools.on_boards import config_option, person

if TYPE_CHECKING:
    from supervisor.config import Config
    from supervisor.wire.update_files import Order, Wish


@click.group()
def update() -> None:
    """Bring a new program to boards over the link."""


@update.command("build")
@click.option("--key", "key_path", type=click.Path(path_type=Path), required=True, help="Private key that signs it.")
@passphrase_option
@click.option("--out", type=click.Path(path_type=Path), help="Default: roadheat-VERSION.zip.")
def build_command(key_path: Path, passphrase_file: Path | None, out: Path | None) -> None:
    """Compile this release's firmware, list its files and sign the list. Needs no service."""
    from supervisor import terminal
    from tools.program_file import make_program, version_of
    from tools.signing import load_private

    path = out or Path(f"roadheat-{version_of()}.zip")
    made = make_program(path, load_private(key_path, passphrase_in(passphrase_file)))
    size = sum(len(part) for part in made.parts)
    terminal.console().print(f"{path}: {made.version}, {size} bytes", soft_wrap=True)


@update.command()
@config_option
@click.argument("program", type=click.Path(path_type=Path))
@click.argument("boards", nargs=-1)
def start(config_path: Path, program: Path, boards: tuple[str, ...]) -> None:
    """Bring PROGRAM to BOARDS (default: all). The running service begins within 10 s, with one board.

    A board starts it only while none of its roads needs heat, and goes back to the program before unless it holds a
    session with the service. Any failure halts the update.
    """
    from supervisor.config import load
    from supervisor.wire import update_files as files
    from supervisor.wire.program import load_program
    from tools.flashing import BoardToolError

    config = load(config_path, without_data=True)
    known = tuple(one.id for one in config.board)
    if unknown := [board for board in boards if board not in known]:
        raise BoardToolError(
            f"unknown board `{unknown[0]}`", where=str(config.path), remedy=f"Known: {', '.join(known)}"
        )
    folder = config.state_dir / files.FOLDER
    before, progress = files.load_order(folder), files.load_progress(folder)
    if before is not None and before.wish is not files.Wish.ABORT and not progress.finished:
        raise BoardToolError(
            f"an update to {before.version} is under way", where=str(folder), remedy="Wait for it, or abort it first"
        )
    made = load_program(program)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(program, folder / files.PROGRAM)
    order = files.Order(
        id=secrets.token_hex(8), version=made.version, identity=made.identity, boards=boards or known, by=person()
    )
    files.save(folder, order)
    click.echo(f"update to {made.version} for {len(order.boards)} boards: `roadheat board update status` shows it")


@update.command("status")
@config_option
def status_command(config_path: Path) -> None:
    """How far an update is, by the service's last look."""
    from datetime import UTC, datetime

    from rich.table import Table

    from supervisor import terminal
    from supervisor.wire import update_files as files

    config, order = _ordered(config_path)
    progress = files.load_progress(config.state_dir / files.FOLDER)
    if progress.order != order.id:
        progress = files.Progress()
    table = Table("board", "state")
    for board in order.boards:
        if board in progress.failed:
            text = f"failed: {progress.failed[board].why}"
        elif board in progress.done:
            since = datetime.fromtimestamp(progress.done[board], UTC).astimezone()
            text = f"runs {order.version} since {since:%Y-%m-%d %H:%M}"
        elif board in progress.started:
            text = "was told to start it"
        else:
            text = progress.waits.get(board, "waits")
        table.add_row(board, text)
    console = terminal.console()
    console.print(table)
    state = "finished" if progress.finished else str(order.wish)
    done, failed = len(progress.done), len(progress.failed)
    counts = f"{done} of {len(order.boards)} boards run {order.version}, {failed} failed"
    console.print(f"{state}, stage {progress.stage + 1} of 4: {counts}", soft_wrap=True)
    if progress.halted:
        console.print(f"halted: {progress.halted}", style="red", soft_wrap=True, markup=False)


@update.command()
@config_option
def pause(config_path: Path) -> None:
    """Begin with no further board; those under way finish."""
    from supervisor.wire.update_files import Wish

    _change(config_path, Wish.PAUSE)


@update.command()
@config_option
def resume(config_path: Path) -> None:
    """Go on after a pause, or although boards have failed; these are left out."""
    from supervisor.wire.update_files import Wish

    _change(config_path, Wish.RUN)


@update.command()
@config_option
def abort(config_path: Path) -> None:
    """End the update for good. Boards stay on the program that they run."""
    from supervisor.wire.update_files import Wish

    _change(config_path, Wish.ABORT)


def _ordered(config_path: Path) -> tuple[Config, Order]:
    from supervisor.config import load
    from supervisor.wire import update_files as files
    from tools.flashing import BoardToolError

    config = load(config_path, without_data=True)
    order = files.load_order(config.state_dir / files.FOLDER)
    if order is None:
        raise BoardToolError(
            "no update", where=str(config.path), remedy="Begin one: `roadheat board update start FILE`"
        )
    return config, order


def _change(config_path: Path, wish: Wish) -> None:
    from msgspec.structs import replace

    from supervisor.wire import update_files as files
    from tools.flashing import BoardToolError

    config, order = _ordered(config_path)
    if order.wish is files.Wish.ABORT:
        raise BoardToolError("the update was aborted", where=str(config.path), remedy="Start it again")
    resumed = order.resumed + (wish is files.Wish.RUN)
    files.save(config.state_dir / files.FOLDER, replace(order, wish=wish, by=person(), resumed=resumed))
    click.echo(f"update to {order.version}: {wish}")
