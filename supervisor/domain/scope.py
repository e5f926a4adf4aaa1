"""What a program's API token may be used for. A token has one or more scopes; none of them includes another."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """The same names are in tokens, in the OpenAPI document and on the command line."""

    READ = "read"  # states, plans, alarms, the live stream, metrics
    COMMAND = "command"  # what a crew member may command, except what needs a person's eyes on site
    OBSERVE = "observe"  # report observations of roads
    ADMIN = "admin"  # people, sessions and links
