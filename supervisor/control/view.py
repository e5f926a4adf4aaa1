"""A zone as the app shows it: the fields of `GET /api/v1/zones`. The app only displays what is decided here."""

from __future__ import annotations

from msgspec import Struct

from supervisor.control.condition import Condition, Facts, Look, NotHeating, condition, look
from supervisor.control.reach import Reach
from supervisor.control.reasons import true_now
from supervisor.control.section import Section, section
from supervisor.control.sky import Sky
from supervisor.control.zone_live import ZoneLive, moisture_permille, surface_c
from supervisor.domain.danger import Danger, DangerKind
from supervisor.domain.override import LIVE_STATES, Override, OverrideMode, OverrideState
from supervisor.domain.plan import Plan, PlanLabel, PlanState, Reason, ReasonCode
from supervisor.domain.road_work import Agent, RoadWork, WorkKind
from supervisor.domain.zone import Place
from supervisor.road.pavement import SNOW_DENSITY_KG_M3
from supervisor.wire.messages import NO_READING_MC


class WhyView(Struct, frozen=True):
    """Why a stretch of the plan heats or does not: a translation key `why.<code>` and its values."""

    code: ReasonCode
    start_s: int  # UTC
    end_s: int
    probability: float | None
    hazard_utc_s: int | None = None  # when the hazard that it answers begins


class PlanView(Struct, frozen=True):
    label: PlanLabel
    why: tuple[WhyView, ...]
    state: PlanState
    start_utc_s: int
    issued_utc_s: int


class OverrideView(Struct, frozen=True):
    id: int
    mode: OverrideMode
    user: str
    reason: str
    created_utc_s: int
    expires_utc_s: int
    state: OverrideState
    recorded: bool  # False: commanded, and not on the disk yet
    failed_step: OverrideState | None  # the step that it has not reached: accepted or measured


class DangerView(Struct, frozen=True):
    """Electric danger that stands on a zone or its whole feeder: everything is off until two people clear it."""

    kind: DangerKind
    subject: str  # its id
    user: str
    raised_utc_s: int
    cleared_by: str | None  # the first of the two
    recorded: bool


class WorkView(Struct, frozen=True):
    """What a crew has done on the road itself."""

    id: int
    kind: WorkKind
    user: str
    utc_s: int
    agent: Agent | None
    amount_g_m2: float | None  # null: not said


class ZoneView(Struct, frozen=True, kw_only=True):
    """One zone as the app shows it; unknown is null, never a guess."""

    id: str
    name: str
    name_ko: str
    feeder: str
    board: str
    priority: int
    slope_percent: float | None
    place: Place
    rated_w: int
    override_max_min: int
    online: bool
    surface_c: float | None
    cable_c: float | None
    moisture_permille: int | None
    power_w: int | None
    duty_permille: int | None
    who: int | None  # wire.messages.Winner
    flags: int  # wire.messages.Flag; a broken cable stays flagged until current is measured or a person clears it
    heated: bool | None  # null: unknown; true beside a reason: current flows although it is to be off
    not_heating: NotHeating | None  # null while heated as it should be
    blocked: bool  # an interlock, a lock or electric danger keeps it off, whatever is commanded
    offered: tuple[OverrideMode, ...]  # commands that make sense now: on, boost, off
    since_utc_s: int | None  # since when it is not heated for that reason; null: since before the service started
    section: Section  # of the list: danger, watch or fine
    rank: int  # place in the list, the most urgent first: the least number
    dangers: tuple[DangerView, ...]
    off_reach: Reach | None  # how far the OFF of an electric danger has come
    off_until_utc_s: int | None  # how long the board holds off by itself
    state: str | None  # surface state by RWIS word, estimated
    look: Look
    snow_mm: float | None  # snow, ice and frost lying on the road, water equivalent, estimated
    snow_cm: float | None  # the same as depth of settled snow
    freezing_c: float | None  # what salt has lowered the freezing point to, estimated; null: no salt counts
    works: tuple[WorkView, ...]  # ploughed, salted within the last hours: the newest of each kind
    plan: PlanView | None
    override: OverrideView | None
    updated_utc_s: int | None


def override_view(override: Override, failed_step: OverrideState | None = None) -> OverrideView:
    """An override as the app shows it."""
    return OverrideView(
        id=override.id,
        mode=override.mode,
        user=override.user,
        reason=override.reason,
        created_utc_s=override.created_utc_s,
        expires_utc_s=override.expires_utc_s,
        state=override.state,
        recorded=override.recorded,
        failed_step=failed_step,
    )


def _why(reason: Reason, plan_start_utc_s: int) -> WhyView:
    return WhyView(
        reason.code,
        plan_start_utc_s + reason.start_s,
        plan_start_utc_s + reason.end_s,
        reason.probability,
        reason.hazard_utc_s,
    )


def facts(live: ZoneLive, sky: Sky, now_utc_s: float) -> Facts:
    """What the zone's condition is decided by."""
    sample, override, plan = live.sample, live.override, live.plan
    commanded = override is not None and override.live(now_utc_s)
    since_s = now_utc_s - plan.start_utc_s if plan is not None else 0.0
    why = plan.why if plan is not None else ()
    return Facts(
        dangers=bool(live.dangers),
        heard=sample is not None,
        online=live.online,
        who=sample.who if sample else None,
        flags=live.flags,
        power_w=sample.power_w if sample else 0,
        rated_w=live.zone.power_w,
        duty_permille=sample.duty_permille if sample else 0,
        override=override.mode if override is not None and commanded else None,
        surface=live.surface_word,
        surface_c=surface_c(sample) if sample else None,
        lying_mm=live.lying_mm or 0.0,
        shed=any(r.code is ReasonCode.SHED and r.start_s <= since_s < r.end_s for r in why),
        hazard_ahead=sky.hazard_ahead,
        hazard_utc_s=min((at for r in why if (at := r.hazard_utc_s) is not None and at > now_utc_s), default=None),
        planned=plan is not None and plan.label is not PlanLabel.LOCAL,
        priority=live.zone.priority,
        slope_percent=live.zone.slope_percent or 0.0,
        place=live.zone.place,
    )


def _failed_step(override: Override, now: Condition) -> OverrideState | None:
    """Where a command stopped: refused by the board, or no current followed, or current where none should be."""
    if override.state is OverrideState.REFUSED:
        return OverrideState.ACCEPTED
    if override.state not in LIVE_STATES:
        return None
    if override.mode is OverrideMode.OFF:
        return OverrideState.MEASURED if now.not_heating is NotHeating.CONTACTOR_WELDED else None
    return OverrideState.MEASURED if now.blocked else None


def _since(live: ZoneLive, reason: NotHeating | None) -> int | None:
    if reason is NotHeating.OFFLINE and live.sample is not None:
        return int(live.sample_utc_s)
    since = live.not_heating_since_utc_s if reason is not None and reason is live.not_heating else None
    return None if since is None else int(since)


def zone_view(live: ZoneLive, sky: Sky, now_utc_s: float) -> ZoneView:
    """A zone as the app shows it."""
    zone, sample, plan = live.zone, live.sample, live.plan
    known = facts(live, sky, now_utc_s)
    now = condition(known)
    where, rank = section(known, now, now_utc_s)
    return ZoneView(
        id=zone.id,
        name=zone.name,
        name_ko=zone.name_ko,
        feeder=zone.feeder,
        board=zone.board,
        priority=zone.priority,
        slope_percent=zone.slope_percent,
        place=zone.place,
        rated_w=zone.power_w,
        override_max_min=zone.longest_override_min,
        online=live.online,
        surface_c=surface_c(sample) if sample else None,
        cable_c=sample.cable_mc / 1000 if sample and sample.cable_mc != NO_READING_MC else None,
        moisture_permille=moisture_permille(sample) if sample else None,
        power_w=sample.power_w if sample else None,
        duty_permille=sample.duty_permille if sample else None,
        who=sample.who if sample else None,
        flags=live.flags,
        heated=now.heated,
        not_heating=now.not_heating,
        blocked=now.blocked,
        offered=now.offered,
        since_utc_s=_since(live, now.not_heating),
        section=where,
        rank=rank,
        dangers=tuple(danger_view(danger) for danger in live.dangers),
        off_reach=None if live.off is None else live.off.reach(sample, live.sample_s, zone.power_w),
        off_until_utc_s=None if live.off is None else live.off.until_utc_s,
        state=live.surface_word,
        look=look(known),
        snow_mm=live.lying_mm,
        snow_cm=None if live.lying_mm is None else live.lying_mm * 100.0 / SNOW_DENSITY_KG_M3,
        freezing_c=live.freezing_c,
        works=tuple(work_view(work) for work in _newest(live.works)),
        plan=None if plan is None else _plan_view(live, plan, sky, now_utc_s),
        override=override_view(live.override, _failed_step(live.override, now)) if live.override else None,
        updated_utc_s=int(live.sample_utc_s) if sample else None,
    )


def work_view(work: RoadWork) -> WorkView:
    """A work as the app shows it."""
    return WorkView(work.id, work.kind, work.user, work.utc_s, work.agent, work.amount_g_m2)


def _newest(works: tuple[RoadWork, ...]) -> list[RoadWork]:
    """The newest of each kind that stands; `works` has the newest first."""
    found: dict[WorkKind, RoadWork] = {}
    for work in works:
        if work.taken_back_utc_s is None:
            found.setdefault(work.kind, work)
    return list(found.values())


def danger_view(danger: Danger) -> DangerView:
    """An electric danger as the app shows it."""
    return DangerView(danger.kind, danger.subject, danger.user, danger.raised_utc_s, danger.cleared_by, danger.recorded)


def reasons_now(live: ZoneLive, plan: Plan, sky: Sky, now_utc_s: float) -> tuple[Reason, ...]:
    """The plan's reasons, brought up to date with what lies and falls."""
    return true_now(
        plan.why,
        plan.start_utc_s,
        now_utc_s,
        surface=live.surface_word,
        lying_mm=live.lying_mm,
        falling=sky.falling,
    )


def _plan_view(live: ZoneLive, plan: Plan, sky: Sky, now_utc_s: float) -> PlanView:
    why = reasons_now(live, plan, sky, now_utc_s)
    return PlanView(
        label=plan.label,
        why=tuple(_why(reason, plan.start_utc_s) for reason in why),
        state=live.plan_state,
        start_utc_s=plan.start_utc_s,
        issued_utc_s=plan.issued_utc_s,
    )
