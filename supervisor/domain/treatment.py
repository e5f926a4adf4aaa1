"""What became of the parts of an input from outside: one vocabulary for readers, reports, metrics and the app."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum


class Treatment(StrEnum):
    """What a reader did with a part."""

    USED = "used"  # as it came
    REPAIRED = "repaired"  # what it means is known: a unit converted, a small offset clipped
    ESTIMATED = "estimated"  # missing, taken from other parts: interpolated, derived, held
    DROPPED = "dropped"  # wrong or unusable; the rest is used without it


class Tally(Counter[tuple[Treatment, str]]):
    """How many parts of each kind were treated how, e.g. 3 × (estimated, "dew_point_c") or 1 × (dropped, "member").

    A kind is a word or two that do not depend on the input, so that metrics can carry it as a label.
    """

    def add(self, treatment: Treatment, what: str, count: int = 1) -> None:
        """Count `count` parts more; nothing for 0."""
        if count:
            self[treatment, what] += count

    def of(self, treatment: Treatment) -> dict[str, int]:
        """The kinds treated so, with their counts."""
        return {what: count for (how, what), count in self.items() if how is treatment and count}

    @property
    def degraded(self) -> bool:
        """Whether anything was estimated or dropped: people should know."""
        return bool(self.of(Treatment.ESTIMATED) or self.of(Treatment.DROPPED))

    def text(self) -> str:
        """For the log and the command line, e.g. "1 member dropped, 3 dew_point_c estimated"."""
        return ", ".join(f"{count} {what} {how}" for (how, what), count in sorted(self.items()) if count)
