"""Commands of the supervisor: checked, stored, applied, answered with a result code. Pure but for the store given.

The order matters: the MAC was verified before; then form, board, epoch and sequence; then the limits; then flash; then
memory.
"""

from .codes import (
    MALFORMED,
    OK,
    OLD_EPOCH,
    OUT_OF_LIMITS,
    STALE_SEQUENCE,
    STANDBY,
    STORE_FAILED,
    UNKNOWN_ZONE,
    WRONG_BOARD,
)
from .control import AFTER_RUN_S, Override, Plan

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from .config import Limits
    from .state import State
    from .zone import Zone

    Outcome = tuple[int, Callable[[], None]]  # result code and what to do once it is stored

SLOTS_MAX = 48
_SEQUENCE_MAX = (1 << 30) - 1  # small integers on the chip
_UTC_MIN = 1_577_836_800  # 2020: earlier times mean that a clock is not set
_UTC_MAX = 4_102_444_800  # 2100
_SET_POINT_MIN_MC = -60_000
_HORIZON_S = 172_800

_FIELDS = {
    "clock": ("utc",),
    "plan": ("z", "at", "lease", "ph", "on", "off", "ar", "s"),
    "override": ("z", "id", "m", "dur", "exp"),
    "trust": ("ca", "only", "key"),
    "update": ("v", "h", "sz", "go"),
}


class Clock:
    """UTC as an offset from uptime; unset until the supervisor, authenticated, tells it.

    period_s: of time proportioning; tell: called with the UTC second when it is set.
    """

    def __init__(self, period_s: int = 1_200, tell: "Callable[[int], None] | None" = None) -> None:
        self.at_boot = 0  # UTC second of uptime 0; 0 while not set
        self.phase = -1  # the same within the period, a small integer; -1 while not set
        self._period_s = period_s
        self._tell = tell

    def set(self, utc: int, t: int) -> None:
        self.at_boot = utc - t
        self.phase = self.at_boot % self._period_s
        if self._tell is not None:
            try:
                self._tell(utc)
            except Exception:
                pass  # the chip's own clock serves certificates only

    def utc(self, t: int) -> int:
        """Seconds since 1970, or 0 while the clock is not set."""
        return self.at_boot + t if self.at_boot else 0


class Commands:
    """Applies commands to zones. state: `rh.state.State`, whose `save` raises when flash will not take it."""

    def __init__(
        self,
        board: str,
        limits: "Limits",
        zones: "list[Zone]",
        clock: Clock,
        state: "State",
        others: "dict[str, Callable[[dict[str, Any]], Outcome]]",
    ) -> None:
        """others: what carries out the commands that concern no zone, by their type; each keeps on flash what it brings
        and raises where that fails. Called once the sequence is stored; gives a result code and what else to do.
        """
        self._board = board
        self._limits = limits
        self._zones = {zone.id: zone for zone in zones}
        self._clock = clock
        self._state = state
        self._restored = False
        self._others = others
        self.renewed = False  # authority or key have been, and the session goes by the old ones
        self._given: "list[str]" = []  # zones whose stored override was given since the start: not to be restored

    def apply(self, message: "dict[str, Any]", t: int) -> "tuple[int, int, int]":
        """(ep, q, rc) to answer with; ep and q are 0 where the command has none that can be read."""
        ep = message.get("ep", -1)
        q = message.get("q", -1)
        if not (_whole(ep, 0, _SEQUENCE_MAX) and _whole(q, 0, _SEQUENCE_MAX)):
            return 0, 0, MALFORMED
        return ep, q, self._judge(message, ep, q, t)

    def _judge(self, message: "dict[str, Any]", ep: int, q: int, t: int) -> int:
        kind = message.get("t", "")
        fields = _FIELDS.get(kind) if type(kind) is str else None
        if fields is None or len(message) != len(fields) + 4 or any(f not in message for f in fields):
            return MALFORMED
        state = self._state
        if message.get("b", "") != self._board:
            return WRONG_BOARD
        if ep < state.ep:
            return OLD_EPOCH
        if ep == state.ep and q <= state.q:
            return STALE_SEQUENCE
        if kind == "plan":
            rc, change = self._plan(message, t)
        elif kind == "override":
            rc, change = self._override(message, t)
        elif kind == "clock":
            rc, change = self._set_clock(message, t)
        else:
            rc, change = OK, nothing
        # The sequence is used up even where the content is refused: it must not be accepted again.
        before = state.ep, state.q, state.overrides
        state.ep = ep
        state.q = q
        if rc == OK and kind == "override":
            state.overrides = self._overrides_with(message)
        try:
            state.save()
        except Exception:  # full, worn, short of memory: not stored is not accepted
            state.ep, state.q, state.overrides = before
            return STORE_FAILED
        if kind in self._others:
            try:
                rc, change = self._others[kind](message)
            except Exception:  # the sequence stays used up: what it has brought about so far must not begin again
                return STORE_FAILED
        if rc == OK:
            self.renewed = self.renewed or kind == "trust"
            change()
        return rc

    def _overrides_with(self, m: "dict[str, Any]") -> "list[list[Any]]":
        kept = [o for o in self._state.overrides if o[0] != m["z"]]
        if m["m"] != "cancel":
            kept.append([m["z"], m["id"], m["m"], m["exp"]])
        return kept

    def _set_clock(self, m: "dict[str, Any]", t: int) -> "Outcome":
        if not _whole(m["utc"], _UTC_MIN, _UTC_MAX):
            return MALFORMED, nothing

        def change() -> None:
            self._clock.set(m["utc"], t)
            for zone in self._zones.values():
                if zone.control.plan is not None:
                    zone.control.plan.anchor(self._clock.at_boot)
            self._restore_overrides(t)

        return OK, change

    def _plan(self, m: "dict[str, Any]", t: int) -> "Outcome":
        zone = self._zone(m)
        if zone is None:
            return UNKNOWN_ZONE, nothing
        limits = self._limits.of(zone.id)
        slots = _slots(m["s"])
        if (
            slots is None
            or not _whole(m["at"], _UTC_MIN, _UTC_MAX)
            or not _whole(m["lease"], 1, _SEQUENCE_MAX)
            or not _whole(m["ph"], 0, _SEQUENCE_MAX)
            or not _whole(m["on"], _SET_POINT_MIN_MC, limits.t_max_mc * 2)
            or not _whole(m["off"], _SET_POINT_MIN_MC, limits.t_max_mc * 2)
            or not _whole(m["ar"], 0, _SEQUENCE_MAX)
        ):
            return MALFORMED, nothing
        if (
            m["lease"] > limits.lease_max_s
            or m["ph"] >= limits.period_s
            or not m["on"] <= m["off"] <= limits.lockout_mc
            or m["ar"] > AFTER_RUN_S
        ):
            return OUT_OF_LIMITS, nothing
        for slot in slots:
            if slot[1] > limits.t_max_mc:
                return OUT_OF_LIMITS, nothing
        plan = Plan(m["at"], t + m["lease"], m["ph"], m["on"], m["off"], m["ar"], slots)

        def change() -> None:
            plan.anchor(self._clock.at_boot)
            zone.control.plan = plan
            zone.phase_s = plan.phase_s

        return OK, change

    def _override(self, m: "dict[str, Any]", t: int) -> "Outcome":
        zone = self._zone(m)
        if zone is None:
            return UNKNOWN_ZONE, nothing
        mode = m["m"]
        if mode not in ("on", "off", "boost", "cancel") or not (
            _whole(m["id"], 0, _SEQUENCE_MAX) and _whole(m["dur"], 0, _SEQUENCE_MAX) and _whole(m["exp"], 0, _UTC_MAX)
        ):
            return MALFORMED, nothing
        control = zone.control
        if mode == "cancel":
            return OK, lambda: setattr(control, "override", None)
        if not 0 < m["dur"] <= self._limits.of(zone.id).override_max_s:
            return OUT_OF_LIMITS, nothing
        override = Override(m["id"], mode, t + m["dur"], m["exp"])

        def change() -> None:
            control.override = override
            if not self._restored and zone.id not in self._given:
                self._given.append(zone.id)

        return OK, change

    def _restore_overrides(self, t: int) -> None:
        """At the first clock after a reboot: restore overrides for what is left until their UTC expiry."""
        if self._restored:
            return
        self._restored = True
        for zone_id, override_id, mode, exp in self._state.overrides:
            zone = self._zones.get(zone_id)
            left = exp - self._clock.utc(t)
            if zone is None or zone.control.override is not None or zone_id in self._given:
                continue
            if 0 < left <= self._limits.of(zone_id).override_max_s:
                zone.control.override = Override(override_id, mode, t + left, exp)

    def _zone(self, m: "dict[str, Any]") -> "Zone | None":
        return self._zones.get(m["z"]) if type(m["z"]) is str else None


def nothing() -> None:
    """Effect of a refused command."""


def _whole(value: "Any", least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _slots(raw: "Any") -> "list[tuple[int, int, int]] | None":
    """Checked slots as tuples, or None."""
    if type(raw) is not list or not 1 <= len(raw) <= SLOTS_MAX:
        return None
    slots: "list[tuple[int, int, int]]" = []
    after = -1
    for slot in raw:
        if type(slot) is not list or len(slot) != 3:
            return None
        start, set_point, duty = slot
        if not (
            _whole(start, after + 1, _HORIZON_S)
            and _whole(set_point, _SET_POINT_MIN_MC, 60_000)
            and _whole(duty, STANDBY, 1000)
        ):
            return None
        after = start
        slots.append((start, set_point, duty))
    return slots
