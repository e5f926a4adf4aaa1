"""`roadheat user …`: the group only, so that `--help` imports no database; `people_commands` has the commands."""

from __future__ import annotations

import click

from supervisor.commands import Lazy, LazyGroup

PEOPLE = {
    "link": Lazy("supervisor.people_commands:link", "Make a one-time sign-in link for NAME and print it."),
    "list": Lazy("supervisor.people_commands:list_people", "Everybody who may sign in."),
    "revoke": Lazy("supervisor.people_commands:revoke", "End a session or void a link by its id, or remove a person."),
}


@click.group(cls=LazyGroup, lazy=PEOPLE)
def user() -> None:
    """People: who may sign in, links for them, and how to end either."""
