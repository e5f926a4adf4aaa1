"""Who is on duty, and what is being worked on."""

from __future__ import annotations

from msgspec import Struct


class Shift(Struct, frozen=True):
    """One person's time on duty. Of several at the same time the lower rank is told first."""

    id: int
    person: str
    rank: int
    from_utc_s: int
    until_utc_s: int
    made_by: str = ""


class Maintenance(Struct, frozen=True):
    """A time during which alarms of a road, board or supply are expected: they are listed, and nobody is told."""

    id: int
    subject: str  # id of a zone, board or feeder; "" for everything
    from_utc_s: int
    until_utc_s: int
    reason: str
    made_by: str
