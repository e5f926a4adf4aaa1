"""`roadheat store copy`."""

from __future__ import annotations

from pathlib import Path

import click

from supervisor.cli import config_option
from supervisor.config import load
from supervisor.config.database_rules import SCHEMES, with_database
from supervisor.runtime.single import alone_in
from supervisor.store.copying import copy
from supervisor.store.place import Place, place_of


@click.command("copy")
@config_option
@click.argument("target")
def copy_record(path: Path, target: str) -> None:
    """Copy the record of a stopped service to TARGET, a new file or postgresql://…, and compare every row.

    The source is the record of city.toml. On PostgreSQL the district is that of [database], or the site's name.
    Afterwards write the new place into city.toml: [database], or its table left out for the file in the state folder.
    """
    config = load(path, without_data=True)
    source = place_of(config)
    there: Place = Path(target).absolute()
    if target.startswith(tuple(f"{scheme}:" for scheme in SCHEMES)):
        there = place_of(with_database(config, target))
    with alone_in(config.state_dir):
        boards = [board.id for board in config.board]
        counts = copy(source, there, config.site.name, boards, lambda name, rows: click.echo(f"{name}: {rows} rows"))
    click.echo(f"{there}: {sum(counts.values())} rows of {len(counts)} tables, each read back as it was")
