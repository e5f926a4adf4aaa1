"""What one shift tells the next."""

from __future__ import annotations

from msgspec import Struct


class Handover(Struct, frozen=True, kw_only=True):
    """Written by one person, taken over by another."""

    id: int
    utc_s: int
    user: str
    text: str
    items: tuple[str, ...]
    taken_utc_s: int | None = None
    taken_by: str | None = None
