"""What a lesson was worth: decisions, and what became of the roads meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DECISIONS = 70  # of 100 points; the rest is for the outcome


@dataclass(frozen=True)
class Option:
    """One thing that can be done. `points` of 10."""

    id: str
    points: int


@dataclass(frozen=True)
class Question:
    """What has to be decided, at a time of the lesson."""

    id: str
    at_min: int
    options: tuple[Option, ...]

    @property
    def best(self) -> Option:
        """The one with most points."""
        return max(self.options, key=lambda one: one.points)


@dataclass(frozen=True)
class Judged:
    """One decision."""

    question: str
    chosen: str
    best: str
    points: int  # of 10


@dataclass(frozen=True)
class Score:
    """A lesson that is over."""

    lesson: str
    points: int  # of 100
    decisions: tuple[Judged, ...]
    ice_min: float  # of all roads
    over_contract_min: int
    kwh: float
    outcome_points: int  # of 30


def judge(
    lesson: str,
    questions: Sequence[Question],
    chosen: Mapping[str, str],
    *,
    ice_min: float,
    over_contract_min: int,
    kwh: float,
    good_ice_min: float,
    good_kwh: float,
) -> Score:
    """`good_*`: what the best decisions give; three times as much, or a broken contract, leaves no points for it."""
    decisions = []
    for question in questions:
        option = next(one for one in question.options if one.id == chosen[question.id])
        decisions.append(Judged(question.id, option.id, question.best.id, option.points))
    ice, energy = (_share(have, good) for have, good in ((ice_min, good_ice_min), (kwh, good_kwh)))
    outcome = 0 if over_contract_min else round((100 - DECISIONS) * (0.7 * ice + 0.3 * energy))
    asked = 10 * len(decisions)
    points = round(DECISIONS * sum(one.points for one in decisions) / asked) + outcome
    return Score(lesson, points, tuple(decisions), ice_min, over_contract_min, kwh, outcome)


def _share(have: float, good: float) -> float:
    """1 up to what is good, 0 from three times as much on."""
    return min(1.0, max(0.0, 1.5 - have / (2.0 * max(good, 1.0))))
