"""`roadheat notify …` and `roadheat roster …`: the groups only, so that `--help` imports no database."""

from __future__ import annotations

import click

from supervisor.commands import Lazy, LazyGroup

NOTIFY = {
    "test": Lazy("supervisor.telling_commands:test", "Send a test message to every receiver of city.toml, or to NAME."),
}
ROSTER = {
    "import": Lazy("supervisor.telling_commands:import_roster", "Add the shifts of a CSV file: all, or none."),
    "list": Lazy("supervisor.telling_commands:list_roster", "Who is on duty from now on."),
}


@click.group(cls=LazyGroup, lazy=NOTIFY)
def notify() -> None:
    """Receivers of alarms: whether they can be reached."""


@click.group(cls=LazyGroup, lazy=ROSTER)
def roster() -> None:
    """Who is on duty: notified of alarms first, and in which order."""
