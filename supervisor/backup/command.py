"""`roadheat backup` and `roadheat restore`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from supervisor.backup.sealed import BackupError

PASSPHRASE_ENV = "ROADHEAT_BACKUP_PASSPHRASE"
_file_option = click.option(
    "--passphrase-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"First line: the passphrase. Without it: ${PASSPHRASE_ENV}, else asked for.",
)  # fmt: skip


def _passphrase(path: Path | None, twice: bool) -> str:
    if path is not None:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except ValueError:
            lines = []
        if not lines:
            raise BackupError("holds no line of text", where=str(path), remedy="Write the passphrase there")
        return lines[0].strip()
    if given := os.environ.get(PASSPHRASE_ENV):
        return given
    return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice))


@click.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), default=Path("city.toml"), show_default=True)
@_file_option
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def backup(config_path: Path, passphrase_file: Path | None, target: Path) -> None:
    """Copy record, keys, calibration and configuration into one encrypted file, beside a running service."""
    from supervisor.backup.archive import write
    from supervisor.config import load

    config = load(config_path, without_data=True)
    names = write(config, target, _passphrase(passphrase_file, twice=True))
    click.echo(f"{target}: {len(names)} files, {target.stat().st_size / 1e6:.1f} MB, read back and checked")


@click.command()
@_file_option
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def restore(passphrase_file: Path | None, source: Path, folder: Path) -> None:
    """Put a backup into a new folder: boards go on without provisioning once the service runs from there."""
    from supervisor.backup.archive import CONFIGURATION, STATE
    from supervisor.backup.archive import restore as put_back
    from supervisor.wire.pki import NEXT
    from supervisor.wire.renewal_files import authority

    names = put_back(source, folder, _passphrase(passphrase_file, twice=False))
    click.echo(f"{folder}: {len(names)} files, the database checked")
    click.echo(f"Start it: roadheat serve --config {folder / CONFIGURATION} --take-over")
    click.echo(f'service.state_dir has to be "{STATE}" there')
    if authority(folder / STATE / "pki" / NEXT):
        click.echo(
            "a renewal of the boards' authority was under way: if boards do not come, `roadheat pki rotate --now`"
        )
