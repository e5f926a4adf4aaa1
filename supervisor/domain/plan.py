"""A plan: what a board does with a zone until its lease ends, and why."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

SLOT_S = 900  # the tariff's and the contract's averaging interval
STANDBY = -1  # a slot's duty: the board applies its local rule with the plan's thresholds


class PlanLabel(StrEnum):
    """How a plan was made; always shown."""

    OPTIMAL = "optimal"  # solved to the certified gap
    INCUMBENT = "incumbent"  # best found when the time limit was reached
    SHIFTED = "shifted"  # last plan continued: the planner failed or its forecast is stale
    LOCAL = "local"  # no plan: the board's local rule


class PlanState(StrEnum):
    """How far a plan has come."""

    REQUESTED = "requested"  # made; its board has not been told yet
    SENT = "sent"
    ACCEPTED = "accepted"  # the board answered with result 0
    MEASURED = "measured"  # telemetry shows that the zone follows it
    REFUSED = "refused"  # the board answered with another result


class ReasonCode(StrEnum):
    """Why a stretch of a plan heats or does not: the translation key `why.<code>`."""

    PREHEAT_SNOW = "preheat-snow"
    PREHEAT_FREEZING_RAIN = "preheat-freezing-rain"
    PREHEAT_WET = "preheat-wet"
    PREHEAT_FROST = "preheat-frost"
    MELT_SNOW = "melt-snow"
    FREEZING_RAIN = "freezing-rain"
    KEEP_WET_ABOVE_FREEZING = "keep-wet-above-freezing"
    FROST = "frost"
    HEATED_IN_SNOW = "heated-in-snow"  # snow falls now; set by control, never by the planner
    BEYOND_CAPACITY = "beyond-capacity"  # full heat is not enough: the cable cannot give more
    SHED = "shed"  # other zones of the feeder need the power more
    OVERRIDE = "override"
    OUT_OF_SERVICE = "out-of-service"
    DRIES_BY_ITSELF = "dries-by-itself"  # wet and cold, but sure to stay above freezing: the local rule is held back
    RISK_ACCEPTED = "risk-accepted"  # a hazard so unlikely or small that heat would cost more; the local rule stays on
    FORECAST_STALE = "forecast-stale"  # the last plan continued
    LOCAL_RULE = "local-rule"  # no plan: the board decides


class Slot(Struct, frozen=True, array_like=True):
    """From `start_s` after the plan's start until the next slot."""

    start_s: int
    setpoint_mc: int  # surface temperature [m°C]
    duty_permille: int  # 0…1000, or STANDBY


class Reason(Struct, frozen=True):
    """Why a stretch of the plan heats or does not, for the crew: a code and its values."""

    start_s: int  # since the plan's start
    end_s: int
    code: ReasonCode
    probability: float | None = None  # of the hazard it answers, 0–1
    hazard_utc_s: int | None = None  # when that hazard begins, UTC


class Plan(Struct, frozen=True, kw_only=True):
    """Run-length slots for one zone."""

    zone: str
    issued_utc_s: int
    start_utc_s: int
    lease_s: int = 21_600  # since receipt, by the board's monotonic clock; at most 24 h
    phase_s: int = 0  # offset of the time-proportioning period, staggers a feeder
    on_mc: int = 2_000  # local rule's thresholds for standby slots
    off_mc: int = 3_000
    after_run_s: int = 3_600  # of the local rule in standby slots, at most the board's own
    slots: tuple[Slot, ...]
    label: PlanLabel = PlanLabel.OPTIMAL
    why: tuple[Reason, ...] = ()


def heated(plan: Plan) -> list[tuple[int, int]]:
    """When a plan heats [UTC s], from and until, in order; its last slot ends the plan and lasts no time."""
    found: list[tuple[int, int]] = []
    for slot, following in zip(plan.slots, plan.slots[1:], strict=False):
        if slot.duty_permille <= 0:
            continue
        start, end = plan.start_utc_s + slot.start_s, plan.start_utc_s + following.start_s
        if found and found[-1][1] == start:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def changes(before: Plan, plan: Plan) -> bool:
    """Whether a plan is another for people: its label, or when it heats in the time that both cover, or heat where
    none was foreseen.
    """
    if before.label is not plan.label:
        return True
    until = min(p.start_utc_s + p.slots[-1].start_s for p in (before, plan))
    told, now = ([(max(s, plan.start_utc_s), min(e, until)) for s, e in heated(p)] for p in (before, plan))
    if [span for span in told if span[0] < span[1]] != [span for span in now if span[0] < span[1]]:
        return True
    return bool(heated(plan)) and not any(end > plan.start_utc_s for _, end in heated(before))
