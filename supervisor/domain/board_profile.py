"""What a board is: zones, pins and sensors, its limits and their bounds.

The facts are in `firmware/rh/profile.json`, which the board's own check reads as well; see docs/hardware.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

PATH = Path(__file__).resolve().parents[2] / "firmware" / "rh" / "profile.json"


class BoardSlot(Struct, frozen=True, forbid_unknown_fields=True):
    """Pins of one output and of the sensors that belong to it."""

    relay_pin: int
    moist_pin: int
    ct_pin: int


class BoardProfile(Struct, frozen=True, forbid_unknown_fields=True):
    """`profile.json`. `slots` in the order of relays; the key `relay` of a zone is an index into it."""

    zones_max: int
    pin_max: int
    ow_pin: int
    probes: tuple[str, ...]  # thermometers of a zone, on one 1-Wire bus
    slots: tuple[BoardSlot, ...]
    limits: Mapping[str, tuple[int, int, int]]  # least, most, default
    optional: tuple[str, ...]  # limits that a board takes as their default where limits.json has none
    zone_limits: tuple[str, ...]  # limits that a zone may have of its own
    power_return_max_s: int  # a cold wet road may wait for so long after power came back …
    off_max_s: int  # … with the minimum off time, and so long between two windows of a period
    turn_max_s: int  # between two windows of a local duty that holds the feeder below its breaker


PROFILE = msgspec.json.decode(PATH.read_bytes(), type=BoardProfile)


def _default(name: str) -> int:
    return PROFILE.limits[name][2]


class Limits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """limits.json of a board, without its version `v`. Temperatures in m°C, times in s."""

    t_max_mc: int = _default("t_max_mc")  # surface
    cable_max_mc: int = _default("cable_max_mc")  # the Korean rule says 80 °C
    lockout_mc: int = _default("lockout_mc")  # no local heat above
    cold_cutoff_mc: int = _default("cold_cutoff_mc")  # no local heat below
    min_on_s: int = _default("min_on_s")
    min_off_s: int = _default("min_off_s")
    period_s: int = _default("period_s")  # of time proportioning: the contract's interval, so that its mean is the duty
    max_on_s: int = _default("max_on_s")  # without a break
    max_on_day_s: int = _default("max_on_day_s")
    override_max_s: int = _default("override_max_s")
    lease_max_s: int = _default("lease_max_s")
    power_return_min_s: int = _default("power_return_min_s")
    power_return_max_s: int = _default("power_return_max_s")
    leakage_trip_ma: int = _default("leakage_trip_ma")  # of zones whose earth leakage is measured
    leakage_warn_ma: int = _default("leakage_warn_ma")
    local_duty_permille: int = _default("local_duty_permille")


DEFAULT_LIMITS = Limits()
