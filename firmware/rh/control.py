"""Who wins on a zone: the five rows of the precedence table. Pure: no clock, no I/O.

Temperatures m°C, moisture and duty ‰, `t` seconds of uptime. Row 1 and 2 come in as `blocked` and `locked`.
"""

from .codes import INTERLOCK, LOCAL, MAINTENANCE, OVERRIDE, PLAN, STANDBY

if 0:  # for the type checker; leaves nothing on the chip
    from .config import Limits

ON_MC = 2_000  # heat at or under this when wet: Seoul's rule
OFF_MC = 3_000  # release: 1 K hysteresis
AFTER_RUN_S = 3_600  # dries what the sensor no longer sees
GAIN_PERMILLE_PER_K = 100  # 1 K under the set-point asks for a tenth more
TRIM_MAX_PERMILLE = 300  # the feedback may not spend the feeder's headroom
COLD_HYSTERESIS_MC = 1_000
CEILING_MARGIN_MC = 2_000  # commanded heat stops this far under the high limit, which is for faults
CEILING_HYSTERESIS_MC = 1_000
CLEAR_MC = 1_000  # BOOST ends early once dry and this warm …
CLEAR_S = 60  # … for this long

NEVER = -1


class LocalRule:
    """What a board does alone: heat when cold and wet, and until an hour after the last moisture.

    Never above the lock-out, nor in deep cold, where the cable cannot melt anything.
    """

    def __init__(self, limits: "Limits") -> None:
        self._lockout_mc = limits.lockout_mc
        self._cold_mc = limits.cold_cutoff_mc
        self._duty = limits.local_duty_permille
        self.armed = False
        self._wet_at = -AFTER_RUN_S
        self._heating = False
        self._cold = False

    def rearm(self, t: int) -> None:
        """After a reboot within an after-run: the time away counts as nothing."""
        self.armed = True
        self._wet_at = t

    def duty(self, t: int, surface_mc: int, wet: bool, on_mc: int, off_mc: int, after_run_s: int = AFTER_RUN_S) -> int:
        """Duty [‰] by this second's readings; keeps its state, so call it every second, whichever row decides."""
        if wet:
            if surface_mc <= on_mc:
                self.armed = True
            self._wet_at = t
        elif t >= self._wet_at + after_run_s:
            self.armed = False
        if surface_mc <= on_mc:
            self._heating = True
        elif surface_mc >= off_mc:
            self._heating = False
        if surface_mc < self._cold_mc:
            self._cold = True
        elif surface_mc >= self._cold_mc + COLD_HYSTERESIS_MC:
            self._cold = False
        if self.armed and self._heating and not self._cold and surface_mc < self._lockout_mc:
            return self._duty
        return 0


class Plan:
    """Slots of set-point and duty under a lease.

    The lease runs on uptime from receipt, so no clock change can lengthen it; only the slots' place needs the clock.
    A plan is not kept over a reboot: without clock it could not be used, and with the clock comes the next one.
    """

    def __init__(
        self,
        at: int,
        lease_end: int,
        phase_s: int,
        on_mc: int,
        off_mc: int,
        after_run_s: int,
        slots: "list[tuple[int, int, int]]",
    ) -> None:
        self.at = at
        self.lease_end = lease_end
        self.phase_s = phase_s
        self.on_mc = on_mc
        self.off_mc = off_mc
        self.after_run_s = after_run_s
        self.slots = slots
        self.anchor(0)

    def anchor(self, utc_at_boot: int) -> None:
        """Place the slots by the clock: UTC second of uptime 0, or 0 while the clock is not set."""
        self._known = utc_at_boot > 0
        self._start = self.at - utc_at_boot if self._known else NEVER
        self._slot = 0

    def live(self, t: int) -> bool:
        return self._known and t < self.lease_end

    def duty(self, t: int, surface_mc: int) -> int:
        """Duty [‰] or STANDBY: planned duty plus feedback of the surface's error, clipped. Only while `live`."""
        slots = self.slots
        rel = t - self._start
        i = self._slot
        if rel < slots[i][0]:
            return STANDBY  # before the first slot
        last = len(slots) - 1
        while i < last and slots[i + 1][0] <= rel:
            i += 1
        self._slot = i
        slot = slots[i]
        planned = slot[2]
        if planned < 0:
            return STANDBY
        trim = (slot[1] - surface_mc) * GAIN_PERMILLE_PER_K // 1000
        trim = max(-TRIM_MAX_PERMILLE, min(TRIM_MAX_PERMILLE, trim))
        return max(0, min(1000, planned + trim))


class Override:
    """A crew's command until `end` (uptime); `exp` is the same in UTC, for boards that lose power meanwhile."""

    def __init__(self, override_id: int, mode: str, end: int, exp: int) -> None:
        self.id = override_id
        self.mode = mode
        self.end = end
        self.exp = exp
        self._clear_s = 0

    def live(self, t: int, surface_mc: int, wet: bool) -> bool:
        """Whether it still commands; BOOST ends itself once dry and above freezing for a minute."""
        if t >= self.end:
            return False
        if self.mode == "boost":
            self._clear_s = self._clear_s + 1 if not wet and surface_mc >= CLEAR_MC else 0
            if self._clear_s > CLEAR_S:
                self.end = t
                return False
        return True


class Control:
    """Decides one zone every second: `decide` sets `who` (row) and `duty` (‰)."""

    def __init__(self, limits: "Limits") -> None:
        self.rule = LocalRule(limits)
        self._ceiling_mc = limits.t_max_mc - CEILING_MARGIN_MC
        self._warm = False
        self.plan: "Plan | None" = None
        self.override: "Override | None" = None
        self.who = INTERLOCK
        self.duty = 0

    def decide(self, t: int, surface_mc: int, wet: bool, blocked: bool, locked: bool) -> int:
        """Duty [‰] of the highest row that applies."""
        override = self.override
        if override is not None and not override.live(t, surface_mc, wet):
            self.override = override = None
        if blocked:
            self.who = INTERLOCK
            self.duty = 0
            return 0
        plan = self.plan
        if plan is not None and not plan.live(t):
            if t >= plan.lease_end:
                self.plan = None
            plan = None
        if plan is None:
            local = self.rule.duty(t, surface_mc, wet, ON_MC, OFF_MC)
        else:
            local = self.rule.duty(t, surface_mc, wet, plan.on_mc, plan.off_mc, plan.after_run_s)
        if surface_mc >= self._ceiling_mc:
            self._warm = True
        elif surface_mc < self._ceiling_mc - CEILING_HYSTERESIS_MC:
            self._warm = False
        if locked:
            self.who = MAINTENANCE
            duty = 0
        elif override is not None:
            self.who = OVERRIDE
            duty = 0 if self._warm or override.mode == "off" else 1000
        elif plan is not None:
            self.who = PLAN
            duty = plan.duty(t, surface_mc)
            if duty < 0:
                duty = local
            elif self._warm:
                duty = 0
        else:
            self.who = LOCAL
            duty = local
        self.duty = duty
        return duty
