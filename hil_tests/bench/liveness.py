"""I16, liveness: a cold wet road is heated within 15 min, or a named exception says why not.

"Heated" is the contactor, as wired: its closing starts the time anew. A timer starts for a zone that needs heat and
has none; each named exception stops it, and it starts again when the exception ends. Exceptions of the board follow
from what the bench did to it. What plans and OFF commands excuse is looked up in the service's record, and only when
the timer has run out (docs/decisions/0030).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from hil_tests.bench.zone import BenchZone
from supervisor.domain.board_profile import PROFILE
from supervisor.domain.plan import STANDBY, Plan
from supervisor.planner.explain import LOCAL, SHED, STALE

LIMIT_MS = 15 * 60_000
SHED_MS = 30 * 60_000  # then others of the feeder have to be shed
GRACE_MS = 40_000  # the loop, its self-test, and the bench's own step
POWER_RETURN_MAX_S, OFF_MAX_S = PROFILE.power_return_max_s, PROFILE.off_max_s
PROMPT_MS = 1_800_000  # an engineer at the prompt: a board left there starts again after so long
REST_MS = 1_800_000  # after the longest on-time
DAY_MS = 25 * 3_600_000  # boards count the day in hourly buckets …
SPENT_AHEAD_S = 600  # … and after a reboot so much more
ON_C = 2.0  # threshold of the local rule without a plan
PROBE_K = 0.1  # noise and quantisation
WET = 0.21  # moisture that every board calls wet, with noise
HYSTERESIS_K, CABLE_HYSTERESIS_K = 2.0, 10.0
COLD_HYSTERESIS_K = 1.0
LOOK_BACK_MS = 60_000
GAIN_PER_K, TRIM_MAX = 0.1, 0.3  # of the boards' feedback


class Service(Protocol):
    """What the service has on record."""

    def plans(self, zone: str) -> Sequence[Plan]:
        """In the order of their saving."""

    def held_off(self, zone: str, utc_s: float) -> bool:
        """By a person, at that time."""


class Excuse(Enum):
    NONE = 0
    SHED = 1  # for half an hour
    FULL = 2


@dataclass
class _Watch:
    need_since_ms: int | None = None  # cold, wet, open, and no exception
    cold_since_ms: int | None = None  # the same, whatever plans say
    until_ms: int = 0  # an exception of the board's ends
    redeemed: bool = True  # heated, or without need, since the last reset that power did not cause
    reset_ms: int = 0
    contact_ms: int | None = None
    opened_ms: int | None = None
    closed_ms: int = 0
    stretches: deque[tuple[int, int]] = field(default_factory=deque)
    latched: bool = False
    off: list[tuple[int, int]] = field(default_factory=list)  # OFF by a person: from, to
    plans: Sequence[Plan] = ()  # as the service had them at `asked_ms`
    asked_ms: int = -LIMIT_MS


class Liveness:
    """One watch per zone; `tell(at_ms, zone, what)` is called for each violation. `limits` as in limits.json."""

    def __init__(
        self, zones: Sequence[BenchZone], limits: Mapping[str, int], start_utc_s: float, tell: Callable[..., None]
    ) -> None:
        self._zones = zones
        self._limits = limits
        self._start_utc_s = start_utc_s
        self._tell = tell
        self._watch = {zone.id: _Watch() for zone in zones}
        self._earth: set[str] = set()
        self._locked: dict[str, int] = {}
        self._typed: dict[str, int] = {}
        self.service: Service | None = None
        self._ahead: list[tuple[int, float]] = [(0, 0.0)]  # from, by how much the service's clock is ahead [s]
        period_s = min(limits["period_s"], OFF_MAX_S + limits["min_on_s"])  # as boards bound it
        low = limits.get("local_duty_permille", 1000) * period_s < 1000 * limits["min_on_s"]
        self._limit_ms = (SHED_MS if low else LIMIT_MS) + GRACE_MS

    # -- what happened ----------------------------------------------------------------------------------------------

    def edge(self, zone: BenchZone, closed: bool, at_ms: int) -> None:
        watch, limits = self._watch[zone.id], self._limits
        if closed:
            watch.closed_ms = at_ms
            watch.need_since_ms = watch.cold_since_ms = None
            watch.redeemed = True
            return
        watch.opened_ms = at_ms
        watch.stretches.append((watch.closed_ms, at_ms))
        watch.until_ms = max(watch.until_ms, at_ms + min(limits["min_off_s"], OFF_MAX_S) * 1000)
        if at_ms - watch.closed_ms >= limits["max_on_s"] * 1000 - GRACE_MS:
            watch.until_ms = max(watch.until_ms, at_ms + REST_MS)

    def reset(self, board: str, at_ms: int, cause: int) -> None:
        """A board that resets again and again without heating in between has one delay, not one each time."""
        limits = self._limits
        delay_s = limits["min_off_s"] + min(limits["power_return_max_s"], POWER_RETURN_MAX_S)
        for zone in self._of(board):
            watch = self._watch[zone.id]
            watch.reset_ms = at_ms
            by_hand = at_ms - self._typed.get(board, -PROMPT_MS) < PROMPT_MS
            if cause == 1 or watch.redeemed or by_hand:  # 1: power came back
                watch.until_ms = max(watch.until_ms, at_ms + min(delay_s, OFF_MAX_S) * 1000)
                watch.redeemed = cause == 1

    def earth_fault(self, board: str, fault: bool) -> None:
        if fault:
            self._earth.add(board)
            for zone in self._of(board):
                self._watch[zone.id].latched = True
        else:
            self._earth.discard(board)

    def lock(self, board: str, locked: bool, at_ms: int) -> None:
        """The maintenance key; turned back it clears the latches of what is well again."""
        if locked:
            self._locked.setdefault(board, at_ms)
            return
        turned_ms = self._locked.pop(board, at_ms)
        if at_ms - turned_ms >= 3_000:
            for zone in self._of(board):
                self._watch[zone.id].latched = False

    def typed(self, board: str, at_ms: int) -> None:
        """Somebody types at the board's console: while that has stopped the application, outputs are off."""
        self._typed[board] = at_ms

    def off(self, zone: str, from_ms: int, to_ms: int) -> None:
        """A person keeps `zone` off in this window."""
        self._watch[zone].off.append((from_ms, to_ms))

    def end_off(self, zone: str, at_ms: int) -> None:
        watch = self._watch[zone]
        watch.off = [(begin, min(end, at_ms)) for begin, end in watch.off]

    def contact(self, zone: str, at_ms: int) -> None:
        self._watch[zone].contact_ms = at_ms

    def service_clock(self, at_ms: int, ahead_s: float) -> None:
        """The service's time of day is so far ahead of the true one from now on."""
        self._ahead.append((at_ms, ahead_s))

    def _utc_s(self, at_ms: int) -> float:
        """By the service's clock at that time: plans and commands carry it."""
        return self._start_utc_s + at_ms / 1000 + [ahead_s for begin, ahead_s in self._ahead if begin <= at_ms][-1]

    # -- what must hold ---------------------------------------------------------------------------------------------

    def tick(self, zone: BenchZone, now_ms: int) -> None:
        watch = self._watch[zone.id]
        surface_c, moisture = zone.surface_seen_c, zone.moisture_seen
        plan = self._plan(zone.id, watch, now_ms) if watch.need_since_ms is not None else None
        on_c = plan.on_mc / 1000 if plan is not None else ON_C
        cold = surface_c is not None and surface_c <= on_c - PROBE_K
        if zone.closed or not cold or (moisture is not None and moisture < WET):
            watch.need_since_ms = watch.cold_since_ms = None
            watch.redeemed = True
            return
        if self._excepted(zone, watch, now_ms):
            watch.need_since_ms = watch.cold_since_ms = None
            return
        if watch.need_since_ms is None:
            watch.need_since_ms = now_ms
        if watch.cold_since_ms is None:
            watch.cold_since_ms = now_ms
        if now_ms - watch.need_since_ms <= self._limit_ms:
            return
        watch.asked_ms = -LIMIT_MS  # the record may have grown since
        excused_ms = self._last_excused(zone, watch, now_ms)
        if excused_ms is not None:
            watch.need_since_ms = excused_ms
            return
        minutes = (now_ms - watch.cold_since_ms) / 60_000
        known = "none" if plan is None else f"of {plan.issued_utc_s} with {plan.slots[0]}"
        self._tell("I16", now_ms, zone.id, f"cold ({surface_c:.1f} °C), wet, open for {minutes:.0f} min; plan {known}")

    def _excepted(self, zone: BenchZone, watch: _Watch, now_ms: int) -> bool:
        """By the board itself: interlock, lock, OFF, minimum off, power return, on-time, cold."""
        limits, surface_c = self._limits, zone.surface_seen_c
        board = zone.board.name
        if zone.welded or zone.broken:
            watch.latched = True  # off until a person has looked
        if surface_c is None or zone.cable_seen_c is None:
            watch.until_ms = max(watch.until_ms, now_ms + 10_000)  # believed again after five samples
        hot = surface_c is not None and surface_c >= limits["t_max_mc"] / 1000 - HYSTERESIS_K
        hot = hot or (zone.cable_seen_c or 0.0) >= limits["cable_max_mc"] / 1000 - CABLE_HYSTERESIS_K
        frozen = surface_c is not None and surface_c < limits["cold_cutoff_mc"] / 1000 + COLD_HYSTERESIS_K
        return (
            not getattr(zone.board, "powered", True)
            or board in self._earth
            or board in self._locked
            or self._at_prompt(zone, now_ms)
            or watch.latched
            or now_ms < watch.until_ms
            or hot
            or frozen
            or any(begin <= now_ms <= end for begin, end in watch.off)
            or self._day_spent(watch, now_ms)
        )

    def _at_prompt(self, zone: BenchZone, now_ms: int) -> bool:
        typed_ms = self._typed.get(zone.board.name)
        return typed_ms is not None and now_ms - typed_ms <= PROMPT_MS and not zone.board.application

    def _day_spent(self, watch: _Watch, now_ms: int) -> bool:
        begin_ms = now_ms - DAY_MS
        while watch.stretches and watch.stretches[0][1] <= begin_ms:
            watch.stretches.popleft()
        on_s = sum(end - max(begin, begin_ms) for begin, end in watch.stretches) / 1000
        limits = self._limits
        return on_s >= limits["max_on_day_s"] - limits["min_on_s"] - SPENT_AHEAD_S

    def _last_excused(self, zone: BenchZone, watch: _Watch, now_ms: int) -> int | None:
        """The newest moment while the timer ran at which a plan or a person wanted no heat."""
        assert watch.need_since_ms is not None
        for at_ms in range(now_ms, watch.need_since_ms, -LOOK_BACK_MS):
            if self._excuse(zone, watch, at_ms):
                return at_ms
        return None

    def _excuse(self, zone: BenchZone, watch: _Watch, at_ms: int) -> bool:
        if self.service is None:
            return False
        if self.service.held_off(zone.id, self._utc_s(at_ms)):
            return True
        plan = self._plan(zone.id, watch, at_ms)
        if plan is None:
            return False
        excuse = plan_excuse(plan, self._utc_s(at_ms), zone.surface_seen_c or 0.0, self._least)
        assert watch.cold_since_ms is not None
        return excuse is Excuse.FULL or (excuse is Excuse.SHED and at_ms - watch.cold_since_ms <= SHED_MS)

    @property
    def _least(self) -> float:
        """The lowest duty with a window in each period."""
        return self._limits["min_on_s"] / self._limits["period_s"]

    def _plan(self, zone: str, watch: _Watch, at_ms: int) -> Plan | None:
        """The newest plan that can have reached the board since its last reset and whose lease holds."""
        if self.service is None or watch.contact_ms is None or watch.contact_ms < watch.reset_ms:
            return None
        at_s = self._utc_s(min(at_ms, watch.contact_ms))
        now_s = self._utc_s(at_ms)
        if at_ms - watch.asked_ms >= LOOK_BACK_MS:
            watch.plans, watch.asked_ms = self.service.plans(zone), at_ms
        # While no newer forecast comes, plans are issued when the last one came; they start when they are made.
        known = [plan for plan in watch.plans if max(plan.issued_utc_s, plan.start_utc_s) <= at_s]
        return known[-1] if known and now_s < known[-1].issued_utc_s + known[-1].lease_s else None

    def _of(self, board: str) -> list[BenchZone]:
        return [zone for zone in self._zones if zone.board.name == board]


def plan_excuse(plan: Plan, utc_s: float, surface_c: float, least: float) -> Excuse:
    """What a live plan excuses at `utc_s`: a slot that asks for less than a window a period, and says why.

    `least`: the lowest duty that gives a window in each period. Standby leaves the zone to the local rule.
    """
    at_s = utc_s - plan.start_utc_s
    slots = [slot for slot in plan.slots if slot.start_s <= at_s]
    if not slots or slots[-1].duty_permille == STANDBY:
        return Excuse.NONE
    slot = slots[-1]
    trim = min(max((slot.setpoint_mc / 1000 - surface_c) * GAIN_PER_K, -TRIM_MAX), TRIM_MAX)
    if slot.duty_permille / 1000 + trim >= least:
        return Excuse.NONE
    codes = {why.code for why in plan.why if why.start_s <= at_s < why.end_s} - {STALE, LOCAL}  # of age, not of heat
    if not codes:
        return Excuse.NONE
    return Excuse.SHED if SHED in codes else Excuse.FULL
