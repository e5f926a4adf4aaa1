"""What a signed-in person may do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Each may do what those before it may."""

    VIEWER = "viewer"  # look
    CREW = "crew"  # command roads, report and clear danger
    ENGINEER = "engineer"
    ADMIN = "admin"  # invite people and end sessions
