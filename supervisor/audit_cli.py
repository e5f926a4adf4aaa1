"""`roadheat audit …`: the group only, so that `--help` imports no database; `audit_commands` has the commands."""

from __future__ import annotations

import click

from supervisor.commands import Lazy, LazyGroup

COMMANDS = {
    "verify": Lazy(
        "supervisor.audit_commands:verify", "Follow the audit log's hash chain; status 1 where it was altered."
    ),
    "export": Lazy(
        "supervisor.audit_commands:export", "Write the audit log as JSON lines, CSV or syslog messages, or send it."
    ),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def audit() -> None:
    """Who did what: whether the audit log is unaltered, and its entries for other systems."""
