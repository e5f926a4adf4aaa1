"""The city's response stages: by the depth of snow that is forecast for the next day, and by ice without snow."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

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


Steps = tuple[float, float, float, float]  # least depth [cm] of reinforced, 1, 2 and 3
SEOUL_CM: Final[Steps] = (0.1, 1.0, 5.0, 10.0)  # below the first nothing is seen on a road


def stage_of(depth_cm: float, steps: Steps = SEOUL_CM) -> Stage:
    """The stage for a forecast depth of fresh snow [cm]."""
    return Stage(sum(depth_cm >= least for least in steps))
