"""Why a plan heats: stretches with a stable code each, which the crew app translates."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from supervisor.domain.plan import SLOT_S, Reason, ReasonCode
from supervisor.planner.foresee.outlook import Array, Hazard, Mask, ZoneOutlook

PREHEAT = {
    Hazard.SNOW: ReasonCode.PREHEAT_SNOW,
    Hazard.FREEZING_RAIN: ReasonCode.PREHEAT_FREEZING_RAIN,
    Hazard.WET: ReasonCode.PREHEAT_WET,
    Hazard.FROST: ReasonCode.PREHEAT_FROST,
}
DURING = {
    Hazard.SNOW: ReasonCode.MELT_SNOW,
    Hazard.FREEZING_RAIN: ReasonCode.FREEZING_RAIN,
    Hazard.WET: ReasonCode.KEEP_WET_ABOVE_FREEZING,
    Hazard.FROST: ReasonCode.FROST,
}
CAPACITY = ReasonCode.BEYOND_CAPACITY
SHED = ReasonCode.SHED
OVERRIDE = ReasonCode.OVERRIDE
OUT_OF_SERVICE = ReasonCode.OUT_OF_SERVICE
DRIES = ReasonCode.DRIES_BY_ITSELF
NOT_WORTH = ReasonCode.RISK_ACCEPTED
STALE = ReasonCode.FORECAST_STALE
LOCAL = ReasonCode.LOCAL_RULE

CODES: tuple[ReasonCode, ...] = tuple(ReasonCode)

_NOTHING = -1
_INDEX = {code: i for i, code in enumerate(CODES)}
_DURING_INDEX = np.array([_NOTHING, *(_INDEX[DURING[kind]] for kind in list(Hazard)[1:])])  # by hazard
_PREHEAT_INDEX = np.array([_NOTHING, *(_INDEX[PREHEAT[kind]] for kind in list(Hazard)[1:])])
_HEATED = 0.02  # duty below which a slot counts as unheated
_SHORT_K = 0.3  # expected shortfall from which a reason is given


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
    lying: bool = False,
) -> tuple[Reason, ...]:
    """Reasons of one zone's plan, in order of time, neighbours with the same code joined.

    `duty`, `lift_k` (N,) as planned; `capped`: the feeder is at its limit; `suppressed`: the plan holds the local rule
    back; `fixed`: an override (or an outage) decides; `lying`: snow or ice lies now. Times in the reasons are seconds
    from `start_utc_s`.
    """
    code, at = say(
        outlook, duty, lift_k, capped=capped, suppressed=suppressed, fixed=fixed, off=out_of_service, lying=lying
    )
    return to_reasons(code, at, outlook.probability, fixed, start_utc_s)


def say(
    outlook: ZoneOutlook,
    duty: Array,
    lift_k: Array,
    *,
    capped: Mask,
    suppressed: Mask,
    fixed: Mask,
    off: bool | Mask,
    lying: bool | Mask = False,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Index of the code of each slot, −1 for none, and the slot of the hazard that it is about; (N,) or (Z, N)."""
    leading = outlook.leading
    n = duty.shape[-1]
    short = np.maximum(outlook.shortfall_k - lift_k[..., None, :], 0.0).mean(axis=-2) > _SHORT_K
    onset = _next_hazard(leading)
    heated, danger = duty >= _HEATED, leading > Hazard.NONE
    after = np.concatenate([leading, np.zeros_like(leading[..., :1])], axis=-1)
    ahead = np.take_along_axis(after, onset, axis=-1)  # the hazard that heat now answers; none after the last
    people = np.where(np.asarray(off)[..., None], _INDEX[OUT_OF_SERVICE], _INDEX[OVERRIDE])
    code = np.full(duty.shape, _NOTHING)  # what is said last goes before what was said before it
    code[short] = _INDEX[NOT_WORTH]
    code[short & capped] = _INDEX[SHED]
    code[suppressed] = _INDEX[DRIES]
    code = np.where(heated, np.where(danger, _DURING_INDEX[leading], _PREHEAT_INDEX[ahead]), code)
    # Heat from now on, on what lies there already, whatever the forecast says of it, comes before nothing.
    melting = np.asarray(lying)[..., None] & np.logical_and.accumulate(heated, axis=-1) & ~danger
    code = np.where(melting, _INDEX[DURING[Hazard.SNOW]], code)
    code[heated & short & capped] = _INDEX[SHED]
    code[heated & short & (duty > 0.99)] = _INDEX[CAPACITY]
    code = np.where(fixed, people, code)
    return code, np.where(heated & ~danger & ~melting, onset, np.arange(n))


def to_reasons(
    code: npt.NDArray[np.int64], at: npt.NDArray[np.int64], probability: Array, fixed: Mask, start_utc_s: float
) -> tuple[Reason, ...]:
    """One zone's slots (N,) of equal code joined."""
    n = code.size
    bounds = [0, *(np.flatnonzero(np.diff(code)) + 1).tolist(), n]
    said = code[bounds[:-1]].tolist()
    reasons = []
    for index, (first, last) in zip(said, itertools.pairwise(bounds), strict=True):
        if index == _NOTHING:
            continue
        people = bool(fixed[first])
        likely = probability[np.minimum(at[first:last], n - 1)].max()
        hazard_s = int(start_utc_s + int(at[first]) * SLOT_S)
        reasons.append(
            Reason(
                first * SLOT_S,
                last * SLOT_S,
                CODES[index],
                None if people else round(float(likely), 2),
                None if people else hazard_s,
            )
        )
    return tuple(reasons)


def _next_hazard(leading: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """Index of the first slot with a hazard at or after each slot; N where none follows."""
    n = leading.shape[-1]
    at = np.where(leading > Hazard.NONE, np.arange(n), n)
    return np.asarray(np.minimum.accumulate(at[..., ::-1], axis=-1)[..., ::-1])
