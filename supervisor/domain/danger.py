"""Electric danger, reported by a person: everything concerned is off until two people have cleared it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class DangerKind(StrEnum):
    ZONE = "zone"
    FEEDER = "feeder"


class Danger(Struct, frozen=True, kw_only=True):
    """Who reported it where, and who has cleared it."""

    id: int
    kind: DangerKind
    subject: str  # id of the zone or feeder
    user: str
    raised_utc_s: int
    cleared_by: str | None = None  # the first of two
    cleared_utc_s: int | None = None
    confirmed_by: str | None = None  # the second, another person: it is over
    confirmed_utc_s: int | None = None
    recorded: bool = True  # False: commanded, and not on the disk yet

    @property
    def stands(self) -> bool:
        return self.confirmed_utc_s is None
