"""`roadheat board backup` and `replace`: what a board carries into its folder, and from there into a new board."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tools.flashing import PROVISIONED, BoardToolError, flash, mpremote, provisioned, require, whoever
from tools.on_boards import config_option, on_all, ports_argument, tell
from tools.provision_options import pairs
from tools.sealing import SIGNED, SIGNERS, SealError, unsealed

if TYPE_CHECKING:
    from supervisor.config import Config

BACKUP = "backup"  # folder in a board's own
# The files in force, as hex digits.
_READ = """
import json
from binascii import hexlify
found = {}
for name in %r:
    try:
        with open(name, "rb") as f: found[name] = hexlify(f.read()).decode()
    except OSError: pass
print("files:" + json.dumps(found))
"""


@click.command()
@config_option
@ports_argument
def backup(config_path: Path, ports: tuple[str, ...]) -> None:
    """Copy what boards carry into their folders (`backup`), and say what differs there. The program starts again."""
    from supervisor.config import load

    config = load(config_path, without_data=True)

    def one(name: str, port: str) -> str:
        folder = provisioned(config, name)
        require(port, name)
        try:
            kept = _kept(port, folder / BACKUP)
        finally:
            mpremote(port, "reset")
        other = [file for file in kept if not _same(folder, file)]
        return f"{folder / BACKUP}: {', '.join(kept)}" + (
            f"; not as in the folder: {', '.join(other)}" if other else ""
        )

    tell(on_all(pairs(ports, "b01=/dev/ttyUSB0"), one, "backup"))


@click.command()
@config_option
@click.option("--any", "whatever", is_flag=True, help="The new board may carry another board's files.")
@click.argument("port", metavar="BOARD=PORT")
def replace(config_path: Path, whatever: bool, port: str) -> None:
    """Make the new board at PORT the board whose cabinet it goes into, with a key of its own: the old key is void."""
    from supervisor import terminal
    from supervisor.config import load

    ((name, place),) = pairs([port], "b01=/dev/ttyUSB0").items()
    config = load(config_path, without_data=True)
    folder = provisioned(config, name)
    there = whoever(place)
    if there and not whatever:
        mpremote(place, "reset")
        remedy = "Erase it, or replace it with --any" if there != name else "It needs no other: `flash` or `configure`"
        raise BoardToolError(f"this is {there}", where=place, remedy=remedy)
    with new_key(config, name) as key, tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch) / name
        shutil.copytree(folder, stage, ignore=shutil.ignore_patterns(BACKUP))
        made = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        made["key"] = key.hex()
        text = json.dumps(made, indent=1)
        (stage / "config.json").write_text(text, encoding="utf-8")
        (stage / "ca.der").write_bytes((config.pki_dir / "ca.der").read_bytes())
        flash(place, stage)
    from supervisor.wire.keys import write_private

    write_private(folder / "config.json", text.encode())
    shutil.copyfile(config.pki_dir / "ca.der", folder / "ca.der")
    terminal.console().print(f"{name}: new board with a new key; the old one counts no more", soft_wrap=True)


@contextmanager
def new_key(config: Config, board: str) -> Iterator[bytes]:
    """A key that the service takes beside the one in force, and alone once the block has ended without an error."""
    from supervisor.wire.keys import load_or_create_key, next_path, promote, write_private

    path = config.board_key_path(board)
    load_or_create_key(path)
    following = next_path(path)
    if following.exists():
        raise BoardToolError(
            "the board is being given a new key over the link",
            where=str(following),
            remedy="Wait until `roadheat pki status` shows it as done, or remove the file where the board is dead",
        )
    key = secrets.token_bytes(32)
    write_private(following, key.hex().encode() + b"\n")
    try:
        yield key
    except BaseException:
        following.unlink(missing_ok=True)
        raise
    promote(path, key)


def _kept(port: str, folder: Path) -> list[str]:
    """Read the board's files into `folder`; their names. Raises BoardToolError where one is damaged on the board."""
    from supervisor.wire.keys import write_private

    said = mpremote(port, "exec", _READ % ((*PROVISIONED, SIGNERS),))
    try:
        found = {name: unsealed(bytes.fromhex(raw)) for name, raw in json.loads(said.rpartition("files:")[2]).items()}
    except (ValueError, SealError) as error:
        remedy = "Its last good copy is in force: run `roadheat board configure`"
        raise BoardToolError(f"cannot be read: {error}", where=port, remedy=remedy) from None
    for name, content in found.items():
        write_private(folder / name, content)
    return sorted(found)


def _same(folder: Path, name: str) -> bool:
    here = folder / (SIGNED if name == "limits.json" and (folder / SIGNERS).exists() else name)
    return here.exists() and here.read_bytes().strip() == (folder / BACKUP / name).read_bytes().strip()
