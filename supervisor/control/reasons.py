"""A plan's reasons brought up to date. A plan is up to a quarter of an hour old, its forecast older: what it forecast
may have begun, or be late. Pure.

While anything falls or lies nothing is "preheated": the road is heated in snow, or what lies is melted.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from supervisor.control.condition import ICY, LYING_MM, WHITE
from supervisor.control.sky import Falling
from supervisor.domain.plan import Reason, ReasonCode
from supervisor.planner.explain import DURING, PREHEAT
from supervisor.planner.foresee.outlook import Hazard

GOES_ON_S = 3 * 3600  # a hazard forecast to begin within that time is taken as the present one
_HAZARD_OF = {code: hazard for hazard, code in (*PREHEAT.items(), *DURING.items())}
_SNOW = frozenset({DURING[Hazard.SNOW], PREHEAT[Hazard.SNOW], ReasonCode.HEATED_IN_SNOW})


def true_now(
    reasons: Iterable[Reason],
    start_utc_s: float,
    now_utc_s: float,
    *,
    surface: str | None,
    lying_mm: float | None,
    falling: Falling | None,
) -> tuple[Reason, ...]:
    """The reasons of a plan that starts at `start_utc_s`, with their codes brought up to date.

    `surface`: surface state by word; `falling`: None where nothing falls or it is unknown.
    """
    since_s = now_utc_s - start_utc_s
    return tuple(_one(reason, since_s, now_utc_s, surface, lying_mm or 0.0, falling) for reason in reasons)


def _one(
    reason: Reason, since_s: float, now_utc_s: float, surface: str | None, lying_mm: float, falling: Falling | None
) -> Reason:
    hazard = _HAZARD_OF.get(reason.code)
    if hazard is None or reason.end_s <= since_s or reason.start_s > since_s + GOES_ON_S:
        return reason
    snow_lies = surface in WHITE or surface == "ice" or (lying_mm >= LYING_MM and surface not in ICY)
    current = reason.start_s <= since_s
    if snow_lies or surface == "frost" or falling is not None:
        if falling == Falling.SNOW:
            code = ReasonCode.HEATED_IN_SNOW if current else DURING[Hazard.SNOW]
        elif snow_lies:
            code = DURING[Hazard.SNOW]
        elif falling == Falling.RAIN:
            code = DURING[Hazard.FREEZING_RAIN if hazard is Hazard.FREEZING_RAIN else Hazard.WET]
        else:
            code = DURING[Hazard.FROST]
        return replace(reason, code=code)
    if reason.code in PREHEAT.values():  # its hazard is late: no time that has passed is named
        late = reason.hazard_utc_s is not None and reason.hazard_utc_s <= now_utc_s
        return replace(reason, hazard_utc_s=None) if late else reason
    if current and reason.code in _SNOW:  # forecast for now, and none has come or it has melted
        if surface is None:
            return reason
        if surface == "dry":
            return replace(reason, code=PREHEAT[Hazard.SNOW], hazard_utc_s=None)
        return replace(reason, code=DURING[Hazard.WET])
    return reason
