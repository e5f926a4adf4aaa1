"""What an override may be, and which of its states follows which."""

from __future__ import annotations

from supervisor.domain.errors import CommandError
from supervisor.domain.override import LIVE_STATES, Override, OverrideMode, OverrideState
from supervisor.domain.plain_text import has_control, one_line

MIN_MINUTES = 1
REASON_MIN = 3  # "ice" is a reason
REASON_MAX = 200
_STEPS = (OverrideState.REQUESTED, OverrideState.SENT, OverrideState.ACCEPTED, OverrideState.MEASURED)


def checked(mode: str, minutes: int, reason: str, longest_min: int) -> str:
    """The reason as one line. Raises CommandError for a mode, duration or reason that is not allowed."""
    if mode not in tuple(OverrideMode):
        raise CommandError("unknown mode", where="mode", remedy="Use on, off or boost")
    if not MIN_MINUTES <= minutes <= longest_min:
        raise CommandError(
            f"{minutes} minutes is outside {MIN_MINUTES}…{longest_min}",
            where="minutes",
            remedy=f"This zone takes at most {longest_min} minutes; ask again when they are over",
        )
    odd, reason = has_control(reason), one_line(reason)
    if odd or not REASON_MIN <= len(reason) <= REASON_MAX:
        raise CommandError(
            "an override needs a reason", where="reason", remedy=f"Say why in {REASON_MIN} to {REASON_MAX} letters"
        )
    return reason


def goes_on(override: Override, state: OverrideState) -> bool:
    """Whether `state` is news of this override."""
    if override.state not in LIVE_STATES:
        return False
    return state not in _STEPS or _STEPS.index(state) > _STEPS.index(override.state)
