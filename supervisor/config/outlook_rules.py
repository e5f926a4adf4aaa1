"""Rules of `[outlook]`: steps that rise, a probability, a time of day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from supervisor.config.source import Source
from supervisor.domain.errors import ConfigError

if TYPE_CHECKING:
    from supervisor.config.schema import OutlookConfig

STAGES: Final = 4  # 보강, 1, 2, 3
DEPTH_MAX_CM: Final = 200.0
TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def find_outlook_problems(outlook: OutlookConfig, source: Source) -> Iterator[ConfigError]:
    """Problems of the table."""
    steps = outlook.stages_cm
    rising = all(low < high for low, high in pairwise(steps))
    if len(steps) != STAGES or not rising or not steps[0] > 0 or steps[-1] > DEPTH_MAX_CM:
        yield source.problem(
            "outlook.stages_cm", f"not {STAGES} depths that rise from above 0 to {DEPTH_MAX_CM:g} cm",
            "Write those of reinforced, 1, 2 and 3: [0.1, 1, 5, 10]",
        )  # fmt: skip
    if not 0 < outlook.ice_probability <= 1:
        yield source.problem("outlook.ice_probability", "outside 0…1", "Write a part above 0, such as 0.3")
    if outlook.tell_at and not TIME.fullmatch(outlook.tell_at):
        yield source.problem("outlook.tell_at", "not a time of day", 'Write "17:00", or "" to tell nobody')
