"""`roadheat board limits`: keys and signatures of limits that no server can widen. Signing needs no network."""

from __future__ import annotations

from pathlib import Path

import click

from supervisor.commands import LazyGroup
from tools.on_boards import config_option, on_all, ports_argument, tell
from tools.provision_options import pairs
from tools.sealing import SIGNED

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
passphrase_option = click.option("--passphrase-file", type=_file, help="Its first line protects the private key.")


@click.group(cls=LazyGroup)
def limits() -> None:
    """Sign limits with a key that the server does not have, and bring them to boards."""


@limits.command()
@passphrase_option
@click.argument("key", type=click.Path(dir_okay=False, path_type=Path), metavar="KEY.pem")
def keygen(passphrase_file: Path | None, key: Path) -> None:
    """Make a private key KEY.pem and its public one, KEY.pub, for `provision --signer`."""
    from supervisor import terminal
    from tools import signing

    signing.generate(key, passphrase_in(passphrase_file))
    console = terminal.console()
    console.print(f"{key}: private, keep it off the server", soft_wrap=True)
    console.print(f"{key.with_suffix('.pub')}: for `roadheat board provision --signer`", soft_wrap=True)


@limits.command()
@click.option("--board", required=True, help="The one board that takes them.")
@click.option("--version", type=click.IntRange(1, 1_000_000_000), required=True, help="Above that of the last ones.")
@click.option("--key", type=_file, required=True, metavar="KEY.pem")
@passphrase_option
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: limits.signed beside FILE.")
@click.argument("file", type=_file)
def sign(board: str, version: int, key: Path, passphrase_file: Path | None, output: Path | None, file: Path) -> None:
    """Check the limits in FILE, a board's limits.json, as the board will, and sign them."""
    from supervisor import terminal
    from tools import signing
    from tools.limits_files import limits_text

    private = signing.load_private(key, passphrase_in(passphrase_file))
    target = output or file.with_name(SIGNED)
    text = limits_text(file, board, version)
    target.write_bytes(signing.signed(text, signing.LIMITS, private))
    terminal.console().print(f"{target}: version {version} for {board}", soft_wrap=True)


@limits.command()
@config_option
@ports_argument
def install(config_path: Path, ports: tuple[str, ...]) -> None:
    """Write the provisioned files with the signed limits to boards that have their firmware, and start them."""
    from supervisor.config import load
    from tools.flashing import BoardToolError, flash, provisioned, require

    config = load(config_path, without_data=True)

    def one(name: str, port: str) -> str:
        folder = provisioned(config, name)
        if not (folder / SIGNED).exists():
            remedy = f"Sign {folder / 'limits.json'}: `roadheat board limits sign`"
            raise BoardToolError("no signed limits", where=str(folder / SIGNED), remedy=remedy)
        require(port, name)
        flash(port, folder, firmware=None)
        return "installed"

    tell(on_all(pairs(ports, "b01=/dev/ttyUSB0"), one, "limits"))


def passphrase_in(file: Path | None) -> bytes | None:
    """The first line of a file; None without one. Raises SigningError where it is empty."""
    if file is None:
        return None
    from tools.signing import SigningError

    lines = file.read_bytes().splitlines()
    if not lines or not lines[0]:
        raise SigningError("no passphrase", where=str(file), remedy="Write it as the first line")
    return lines[0]
