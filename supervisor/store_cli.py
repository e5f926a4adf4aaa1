"""`roadheat store …`: the group only, so that `--help` imports no database."""

from __future__ import annotations

import click

from supervisor.commands import Lazy, LazyGroup

STORE = {
    "copy": Lazy(
        "supervisor.store_commands:copy_record",
        "Copy the record of a stopped service to TARGET, a new file or postgresql://…, and compare every row.",
    ),
}


@click.group(cls=LazyGroup, lazy=STORE)
def store() -> None:
    """The record itself: copy it between a file and PostgreSQL."""
