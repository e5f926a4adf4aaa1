"""Ice within a day: what is foreseen for a road without heat, and how good such outlooks were. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

DISTRICT = ""  # in the place of a zone


class RoadOutlook(Struct, frozen=True, kw_only=True):
    """One road without heat, or the district: any of its roads. Probabilities are parts of the members [0–1]."""

    zone: str
    stage: str  # none, reinforced, one, two, three
    probability: float  # snow, ice or frost of 0.1 mm water equivalent at some time
    black_ice: float  # ice or frost of as much at a time without snow
    snow_cm: float  # fresh snow foreseen, mean of the members
    onset_utc_s: int | None  # when it begins: median of the members that see it


class Outlook(Struct, frozen=True, kw_only=True):
    """What is foreseen from `issued_utc_s` to `until_utc_s`."""

    issued_utc_s: int
    until_utc_s: int
    members: int
    district: RoadOutlook
    roads: tuple[RoadOutlook, ...]


class Checked(Struct, frozen=True, kw_only=True):
    """An outlook of an evening beside what came."""

    issued_utc_s: int
    zone: str
    stage: str
    probability: float
    called: bool
    happened: bool
    icy_min: int


class Verdict(Struct, frozen=True, kw_only=True):
    """How good outlooks were. `brier`: mean square of probability minus outcome; 0 is perfect; null: none is checked.

    `reference`: the same of always saying the frequency that came. `skill`: 1 − brier/reference; null without both.
    """

    count: int
    brier: float | None
    reference: float | None
    skill: float | None
    hits: int
    misses: int
    false_alarms: int
    quiet: int  # neither called nor come


def verdict(checked: Iterable[Checked]) -> Verdict:
    """The score of these outlooks."""
    rows = list(checked)
    count = len(rows)
    brier = reference = skill = None
    if count:
        frequency = sum(row.happened for row in rows) / count
        brier = sum((row.probability - row.happened) ** 2 for row in rows) / count
        reference = frequency * (1.0 - frequency)
        skill = None if reference == 0.0 else 1.0 - brier / reference
    return Verdict(
        count=count, brier=brier, reference=reference, skill=skill,
        hits=sum(row.called and row.happened for row in rows),
        misses=sum(not row.called and row.happened for row in rows),
        false_alarms=sum(row.called and not row.happened for row in rows),
        quiet=sum(not row.called and not row.happened for row in rows),
    )  # fmt: skip
