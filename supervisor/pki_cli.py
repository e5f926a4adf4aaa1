"""`roadheat pki …`: the group only, so that `--help` stays fast; `pki_commands` has the commands."""

from __future__ import annotations

import click

from supervisor.commands import Lazy, LazyGroup

COMMANDS = {
    "rotate": Lazy(
        "supervisor.pki_commands:rotate", "Renew the boards' authority, certificate or keys, over the link."
    ),
    "status": Lazy("supervisor.pki_commands:status", "How far a renewal is, and which boards it waits for."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def pki() -> None:
    """Authority, certificate and keys by which boards and service know each other."""
