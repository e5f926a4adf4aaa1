"""The city's response stages to snow, by the depth that is forecast for the next day."""

from __future__ import annotations

from enum import IntEnum

STAGE_EVENT = "response-stage"  # kind of the event that records a change


class Stage(IntEnum):
    """Seoul's: `REINFORCED` (보강) below 1 cm, then 1 below 5 cm, 2 from 5 cm, 3 from 10 cm on."""

    NONE = 0
    REINFORCED = 1
    ONE = 2
    TWO = 3
    THREE = 4

    @property
    def word(self) -> str:
        return self.name.lower()


VISIBLE_CM = 0.1  # less is not seen on a road
STEPS_CM = ((10.0, Stage.THREE), (5.0, Stage.TWO), (1.0, Stage.ONE), (VISIBLE_CM, Stage.REINFORCED))


def stage_of(depth_cm: float) -> Stage:
    """The stage for a forecast depth of fresh snow [cm]."""
    return next((stage for least, stage in STEPS_CM if depth_cm >= least), Stage.NONE)
