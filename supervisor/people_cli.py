"""`roadheat user …` and `roadheat token …`: the groups only, so that `--help` imports no database."""

from __future__ import annotations

import click

from supervisor.commands import Lazy, LazyGroup

PEOPLE = {
    "link": Lazy("supervisor.people_commands:link", "Make a one-time sign-in link for NAME and print it."),
    "list": Lazy(
        "supervisor.people_commands:list_people",
        "Everybody who may sign in, with sessions, unused links and passkeys, and their ids.",
    ),
    "revoke": Lazy(
        "supervisor.people_commands:revoke",
        "End a session, void a link or a passkey by its id, or remove a person by name with all of them.",
    ),
}
TOKENS = {
    "make": Lazy("supervisor.token_commands:make", "Make an API token for a program NAME and print it, this once."),
    "list": Lazy("supervisor.token_commands:list_tokens", "API tokens of programs, without their secrets."),
    "revoke": Lazy("supervisor.token_commands:revoke", "Make an API token void, by its name or id."),
}


@click.group(cls=LazyGroup, lazy=PEOPLE)
def user() -> None:
    """People: who may sign in, links for them, and how to end either."""


@click.group(cls=LazyGroup, lazy=TOKENS)
def token() -> None:
    """API tokens: what programs of the city may read or command, and until when."""
