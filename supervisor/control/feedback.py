"""A plan in terms of what a board's own sensor shows, where that sensor is not believed.

The board compares set-points and thresholds with its surface sensor. One that shows +1 °C on a road of −6 °C would take
back planned heat and hold back the local rule; so both are shifted by its present error as the estimate has it. The
record keeps the plan as it was made. Interlocks and the lock-out are the board's and are not touched.
"""

from __future__ import annotations

from msgspec.structs import replace

from supervisor.control.zone_live import ZoneLive, surface_c
from supervisor.domain.plan import Plan
from supervisor.road.believed import BELIEVED

ERROR_MAX_MC = 15_000  # beyond it the sensor is out of its range of a winter road, and interlocks decide
SET_POINT_MC = (-30_000, 30_000)


def for_sensor(plan: Plan, live: ZoneLive) -> Plan:
    """`plan` as it is to be sent: shifted where the zone's sensor is not believed and the estimate is known."""
    measured = surface_c(live.sample) if live.sample else None
    if measured is None or live.estimated_c is None or live.surface_quality >= BELIEVED:
        return plan
    error_mc = round(1000 * (measured - live.estimated_c))
    error_mc = min(max(error_mc, -ERROR_MAX_MC), ERROR_MAX_MC)
    low, high = SET_POINT_MC
    off_mc = min(max(plan.off_mc + error_mc, low), live.zone.limits.lockout_mc)
    return replace(
        plan,
        slots=tuple(replace(s, setpoint_mc=min(max(s.setpoint_mc + error_mc, low), high)) for s in plan.slots),
        on_mc=min(max(plan.on_mc + error_mc, low), off_mc),
        off_mc=off_mc,
    )
