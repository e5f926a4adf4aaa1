"""Why a plan heats: stretches with a stable code each, which the crew app translates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from supervisor.domain.plan import SLOT_S, Reason
from supervisor.planner.outlook import Array, Hazard, Mask, ZoneOutlook

PREHEAT = {
    Hazard.SNOW: "preheat-snow",
    Hazard.FREEZING_RAIN: "preheat-freezing-rain",
    Hazard.WET: "preheat-wet",
    Hazard.FROST: "preheat-frost",
}
DURING = {
    Hazard.SNOW: "melt-snow",
    Hazard.FREEZING_RAIN: "freezing-rain",
    Hazard.WET: "keep-wet-above-freezing",
    Hazard.FROST: "frost",
}
CAPACITY = "beyond-capacity"  # full heat, and still short: the cable cannot give more
SHED = "shed"  # other zones of the feeder need the power more
OVERRIDE = "override"
OUT_OF_SERVICE = "out-of-service"
DRIES = "dries-by-itself"  # wet and cold, but sure to stay above freezing: the local rule is held back
NOT_WORTH = "risk-accepted"  # a hazard so unlikely or small that heat would cost more; the local rule stands by
STALE = "forecast-stale"  # the last plan moved on
LOCAL = "local-rule"  # no plan: the board decides

CODES: tuple[str, ...] = (
    *PREHEAT.values(),
    *DURING.values(),
    CAPACITY,
    SHED,
    OVERRIDE,
    OUT_OF_SERVICE,
    DRIES,
    NOT_WORTH,
    STALE,
    LOCAL,
)

_HEATED = 0.02  # duty below which a slot counts as unheated
_SHORT_K = 0.3  # expected shortfall that is worth a word


def why(
    outlook: ZoneOutlook,
    duty: Array,
    lift_k: Array,
    start_utc_s: float,
    *,
    capped: Mask,
    suppressed: Mask,
    fixed: Mask,
    out_of_service: bool = False,
) -> tuple[Reason, ...]:
    """Reasons of one zone's plan, in order of time, neighbours with the same code joined.

    `duty`, `lift_k` (N,) as planned; `capped`: the feeder is at its limit; `suppressed`: the plan holds the local rule
    back; `fixed`: an override (or an outage) decides. Times in the reasons are seconds from `start_utc_s`.
    """
    n = duty.size
    leading, probability = outlook.leading, outlook.probability
    short = np.maximum(outlook.shortfall_k - lift_k, 0.0).mean(axis=0)
    onset = _next_hazard(leading)
    reasons: list[Reason] = []
    for t in range(n):
        kind, at = Hazard(int(leading[t])), t
        code: str | None = None
        if fixed[t]:
            code = OUT_OF_SERVICE if out_of_service else OVERRIDE
        elif duty[t] >= _HEATED:
            if kind is Hazard.NONE:
                at = int(onset[t])
                code = PREHEAT[Hazard(int(leading[at]))] if at < n else None
            else:
                code = DURING[kind]
            if short[t] > _SHORT_K:
                code = CAPACITY if duty[t] > 0.99 else SHED if capped[t] else code
        elif suppressed[t]:
            code = DRIES
        elif short[t] > _SHORT_K:
            code = SHED if capped[t] else NOT_WORTH
        if code is not None:
            _append(reasons, t, code, float(probability[at]) if at < n else None, start_utc_s + at * SLOT_S)
    return tuple(reasons)


def _next_hazard(leading: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """Index of the first slot with a hazard at or after each slot; N where none follows."""
    n = leading.size
    at = np.where(leading > Hazard.NONE, np.arange(n), n)
    return np.asarray(np.minimum.accumulate(at[::-1])[::-1])


def _append(reasons: list[Reason], slot: int, code: str, probability: float | None, hazard_utc_s: float) -> None:
    start, end = slot * SLOT_S, (slot + 1) * SLOT_S
    probability = None if code in {OVERRIDE, OUT_OF_SERVICE} or probability is None else round(probability, 2)
    if reasons and reasons[-1].code == code and reasons[-1].end_s == start:
        last = reasons[-1]
        likely = max(p for p in (last.probability, probability, -1.0) if p is not None)
        reasons[-1] = Reason(last.start_s, end, code, likely if likely >= 0 else None, last.hazard_utc_s)
        return
    hazard = None if code in {OVERRIDE, OUT_OF_SERVICE} else int(hazard_utc_s)
    reasons.append(Reason(start, end, code, probability, hazard))
