"""What a crew has done on a road itself: cleared its snow, or spread a de-icing agent."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class WorkKind(StrEnum):
    PLOUGHED = "ploughed"
    SALTED = "salted"


class Agent(StrEnum):
    """What was spread."""

    CALCIUM_CHLORIDE = "calcium-chloride"
    SODIUM_CHLORIDE = "sodium-chloride"


class RoadWork(Struct, frozen=True, kw_only=True):
    """One work on one road, by whom and when."""

    id: int
    zone: str
    kind: WorkKind
    user: str
    utc_s: int
    agent: Agent | None = None  # None: nothing was spread
    amount_g_m2: float | None = None  # as said; None: not known
    removed_mm: float = 0.0  # snow that left the estimate, water equivalent
    salt_g_m2: float = 0.0  # that joined the estimate, as NaCl
    taken_back_utc_s: int | None = None  # a person said that it was not so
    taken_back_by: str | None = None
