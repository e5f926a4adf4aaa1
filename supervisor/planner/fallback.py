"""When planning fails: the last plan continued, then the local rule. Always labelled."""

from __future__ import annotations

import msgspec
import numpy as np

from supervisor.domain.plan import SLOT_S, STANDBY, Plan, PlanLabel, Reason, Slot
from supervisor.planner.explain import LOCAL, STALE
from supervisor.planner.plans import pack, unpack

LAST_GOOD_S = 6 * 3600  # a plan from a forecast that was good longer ago says nothing about where a front is now


def local_plan(zone_id: str, now_utc_s: float, start_utc_s: float) -> Plan:
    """One standby slot: the board's local rule until there is a plan again."""
    reason = Reason(0, LAST_GOOD_S, LOCAL)
    return Plan(
        zone=zone_id,
        issued_utc_s=round(now_utc_s),
        start_utc_s=round(start_utc_s),
        slots=(Slot(0, 0, STANDBY),),
        label=PlanLabel.LOCAL,
        why=(reason,),
    )


def shifted_plan(last: Plan | None, zone_id: str, now_utc_s: float, start_utc_s: float, room: float = 1.0) -> Plan:
    """The last plan from `start_utc_s` on, for as long as it is younger than 6 h; then the local rule.

    `issued_utc_s` stays that of the plan it came from, so that age adds up over repeated failures. `room` scales the
    duties where other loads have taken part of the feeder.
    """
    if last is None or last.label is PlanLabel.LOCAL or now_utc_s - last.issued_utc_s > LAST_GOOD_S:
        return local_plan(zone_id, now_utc_s, start_utc_s)
    left_s = last.start_utc_s + last.slots[-1].start_s - start_utc_s
    if left_s <= 0:
        return local_plan(zone_id, now_utc_s, start_utc_s)
    duty, setpoint = unpack(last, max(1, int(np.ceil(left_s / SLOT_S))), start_utc_s)
    duty = np.where(duty > 0, duty * room, duty)
    reasons = tuple(
        msgspec.structs.replace(reason, start_s=max(0, start), end_s=end)
        for reason in last.why
        if (end := round(reason.end_s + last.start_utc_s - start_utc_s)) > 0
        and (start := round(reason.start_s + last.start_utc_s - start_utc_s)) is not None
        and reason.code != STALE
    )
    stale = Reason(0, round(left_s), STALE)
    return msgspec.structs.replace(
        last,
        start_utc_s=round(start_utc_s),
        slots=pack(duty, setpoint),
        label=PlanLabel.SHIFTED,
        why=(stale, *reasons),
    )
