"""The invariants of the fault model on the board's pure logic, over drawn histories. CPython only."""

from __future__ import annotations

from typing import Any

from board_fixtures import UTC, Road, clock, limits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rh import codes
from rh.commands import Commands
from rh.control import AFTER_RUN_S, Control, Override, Plan
from rh.wire import FrameError, Mac

MINUTE = 60
_slow = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

EVENTS = (
    *("surface", "cable", "moisture", "earth", "lock", "weld", "break", "plan", "override", "cancel", "clock", "boot"),
    "wait",
)
events = st.lists(
    st.tuples(
        st.sampled_from(EVENTS),
        st.integers(-20_000, 20_000),
        st.integers(1, 40 * MINUTE),
    ),
    max_size=25,
)  # fmt: skip


class MemoryState:
    """`rh.state.State` on flash that keeps what is saved, over reboots."""

    def __init__(self) -> None:
        self.ep = self.q = 0
        self.overrides: list[Any] = []

    def save(self) -> None:
        pass


class Watched:
    """A zone with commands, every second checked against the invariants by rules of its own."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.latched = 0
        self.q = 0
        self.utc = UTC
        self.down_since: int | None = None  # real second of the last opening; None: not known
        self.real = 0
        self.boot()

    def boot(self) -> None:
        """Power off and on: RAM is gone, the contactor is open."""
        hold = 0
        self.road = Road(latched=self.latched, hold_until=hold)
        self.clock = clock(0)
        self.clock.at_boot = 0
        self.clock.phase = -1
        self.commands = Commands("b01", self.road.limits, [self.road.zone], self.clock, self.state, {})
        self.booted = self.real
        self.down_since = self.real
        self.lease_end = -1
        self.until: dict[str, int] = {}
        self.last_wet = -(10**9)
        self.on_since = 0
        self.invalid_s = 0

    def send(self, **fields: Any) -> int:
        self.q += 1
        message = {"b": "b01", "ep": 1, "q": self.q, **fields}
        before = (self.state.ep, self.state.q)
        rc = self.commands.apply(message, self.road.t)[2]
        assert (self.state.ep, self.state.q) > before, "I5"
        return rc

    def event(self, kind: str, value: int) -> None:
        road = self.road
        if kind == "surface":
            road.surface_mc = None if value > 19_000 else value  # type: ignore[assignment]
        elif kind == "cable":
            road.cable_mc = None if value > 19_000 else value * 5  # type: ignore[assignment]
        elif kind == "moisture":
            road.moisture = None if value > 19_000 else abs(value) // 20  # type: ignore[assignment]
        elif kind == "earth":
            road.earth = value > 15_000
        elif kind == "lock":
            road.locked = value > 10_000
        elif kind == "weld":
            road.welded = value > 18_000
        elif kind == "break":
            road.broken = value > 15_000
        elif kind == "plan":
            lease = abs(value) + 1
            duty = value % 1002 - 1
            if self.send(t="plan", z="z01", at=self.utc, lease=lease, ph=abs(value) % 1200, on=1_500, off=2_500, ar=600,
                         s=[[0, value // 4, duty]]) == codes.OK:  # fmt: skip
                self.lease_end = road.t + lease
        elif kind == "override":
            duration = abs(value) + 1
            mode = ("on", "off", "boost")[value % 3]
            if self.send(t="override", z="z01", id=1, m=mode, dur=duration, exp=self.utc + duration) == codes.OK:
                self.until = {} if mode == "off" else {mode: road.t + duration}
        elif kind == "cancel":
            self.send(t="override", z="z01", id=1, m="cancel", dur=0, exp=0)
            self.until = {}
        elif kind == "clock":
            self.send(t="clock", utc=self.utc + value * 3_600)  # years off: authority must not follow
            for _, _, mode, exp in self.state.overrides:
                left = exp - self.clock.utc(road.t)
                if not self.until and mode != "off" and 0 < left <= road.limits.override_max_s:
                    self.until = {mode: road.t + left}
        elif kind == "boot":
            self.latched = road.zone.safety.latched
            self.boot()

    def second(self) -> None:
        road = self.road
        was = road.on
        self.real += 1
        self.utc += 1
        on = road.second()
        if road.moisture is None or road.moisture >= 150:
            self.last_wet = road.t
        bad = road.surface_mc is None or road.cable_mc is None
        self.invalid_s = self.invalid_s + 1 if bad else 0
        if not on:
            if was:
                self.down_since = self.real
            return
        limit = road.limits
        assert road.surface_mc is None or road.surface_mc < limit.t_max_mc, "I1 surface"
        assert road.cable_mc is None or road.cable_mc < limit.cable_max_mc, "I1 cable"
        assert not road.earth, "I1 earth fault"
        assert not road.locked, "maintenance lock"
        assert not road.zone.safety.latched & ~codes.CABLE_BROKEN, "I1 latched"  # a broken cable is tried again
        assert self.invalid_s < 2, "I1 sensor"
        planned = road.t < self.lease_end
        overridden = any(road.t < end for end in self.until.values())
        local = road.t - self.last_wet <= AFTER_RUN_S + limit.min_on_s and road.zone.surface.value < 6_000
        assert planned or overridden or local, "I2"
        if not was:
            assert self.down_since is None or self.real - self.down_since >= limit.min_off_s, "I3"
            assert self.real - self.booted >= limit.min_off_s, "I3 over a reboot, I8"
            self.on_since = road.t
        assert road.t - self.on_since <= limit.max_on_s, "I4"
        if road.who == codes.OVERRIDE:
            assert overridden, "I12"
        if road.who == codes.PLAN:
            assert planned, "I14"


@_slow
@given(events)
def test_invariants_hold_through_any_history(history: list[tuple[str, int, int]]) -> None:
    watched = Watched()
    watched.event("clock", 0)
    for kind, value, seconds in history:
        watched.event(kind, value)
        for _ in range(seconds):
            watched.second()


@given(
    t=st.integers(0, 100_000),
    surface=st.integers(-30_000, 20_000),
    wet=st.booleans(),
    blocked=st.booleans(),
    locked=st.booleans(),
    override=st.none() | st.tuples(st.sampled_from(["on", "off", "boost"]), st.integers(0, 100_000)),
    plan=st.none() | st.tuples(st.integers(-1, 1000), st.integers(0, 100_000), st.booleans()),
)
@settings(max_examples=500, deadline=None)
def test_precedence(
    t: int,
    surface: int,
    wet: bool,
    blocked: bool,
    locked: bool,
    override: tuple[str, int] | None,
    plan: tuple[int, int, bool] | None,
) -> None:
    """The table of DESIGN, written a second time as plain as it reads."""
    control = Control(limits())
    if override:
        control.override = Override(1, override[0], override[1], 0)
    if plan:
        duty, lease_end, clock_set = plan
        control.plan = Plan(UTC, lease_end, 0, 2_000, 3_000, 3_600, [(0, 0, duty)])
        control.plan.anchor(UTC if clock_set else 0)
    rule = 1000 if wet and -10_000 <= surface <= 2_000 else 0
    got = control.decide(t, surface, wet, blocked, locked)
    if blocked:
        expected = (codes.INTERLOCK, 0)
    elif locked:
        expected = (codes.MAINTENANCE, 0)
    elif override and t < override[1]:
        expected = (codes.OVERRIDE, 0 if override[0] == "off" or surface >= 13_000 else 1000)
    elif plan and plan[2] and t < plan[1]:
        trimmed = max(0, min(1000, plan[0] + max(-300, min(300, -surface // 10))))
        expected = (codes.PLAN, rule if plan[0] < 0 else 0 if surface >= 13_000 else trimmed)
    else:
        expected = (codes.LOCAL, rule)
    assert (control.who, got) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("t", "b", "ep", "q", "utc", "z", "at", "lease", "ph", "on", "off", "ar", "s", "id", "m", "dur", "exp")
near = st.fixed_dictionaries(
    {"t": st.sampled_from(["plan", "override", "clock", "ack", ""]) | json_values, "b": st.just("b01") | json_values},
    optional={name: st.integers(-2, 2_000_000_000) | st.sampled_from(["z01", "on", "cancel"]) | json_values
              for name in FIELDS[2:]},
)  # fmt: skip


@_slow
@given(st.lists(near | st.dictionaries(st.text(max_size=4), json_values), max_size=20))
def test_no_command_crashes_a_board_or_widens_a_limit(messages: list[dict[str, Any]]) -> None:
    watched = Watched()
    for message in messages:
        before = (watched.state.ep, watched.state.q)
        rc = watched.commands.apply(message, watched.road.t)[2]
        assert rc in range(8)
        if rc == codes.OK:
            assert (watched.state.ep, watched.state.q) > before
        control = watched.road.zone.control
        if control.override is not None:
            assert control.override.end - watched.road.t <= watched.road.limits.override_max_s
        if control.plan is not None:
            assert control.plan.lease_end - watched.road.t <= watched.road.limits.lease_max_s
        watched.second()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=1_200))
def test_no_bytes_pass_for_a_command(frame: bytes) -> None:
    mac = Mac(bytes(range(32)))
    for raw in (frame, frame + b"\n" + b"0" * 64):
        try:
            mac.open(raw)
        except FrameError:
            continue
        raise AssertionError("I6: forged frame opened")
