"""Fifty roads in a storm, as a dispatcher sees them: six in danger, nine to watch, the rest fine."""

from __future__ import annotations

import math
from typing import Any

from supervisor.domain.plan import Reason
from supervisor.domain.zone import Line
from supervisor.web.tests import conftest
from supervisor.web.tests.conftest import HOUR_S, NIGHT_UTC_S, make_plan
from supervisor.wire.messages import Flag, Winner

_STREETS = (
    ("Soraesaem-ro", "솔샘로"), ("Daesagwan-ro", "대사관로"), ("Dongsomun-ro", "동소문로"), ("Dolgoji-ro", "돌곶이로"),
    ("Jongam-ro", "종암로"), ("Seongbuk-ro", "성북로"), ("Bomun-ro", "보문로"),
)  # fmt: skip


def roads() -> list[tuple[str, str, str, int, int]]:
    """In the place of the eight of `conftest`."""
    return [
        (f"z{n:02d}", f"{_STREETS[n % 7][0]} {n}-gil", f"{_STREETS[n % 7][1]}{n}길", 40 + n % 9, 480)
        for n in range(1, 51)
    ]


def storm(district: Any) -> None:
    """What the boards say of it."""
    hour, at = HOUR_S, NIGHT_UTC_S
    melt = Reason(0, 5 * hour, "melt-snow", 0.95, at)
    faults = (Flag.EARTH_FAULT | Flag.LATCHED, Flag.CABLE_BROKEN | Flag.LATCHED, Flag.SENSOR_IMPLAUSIBLE)
    for n, (zone, *_) in enumerate(conftest.ROADS, 1):
        plan = make_plan(zone, melt, heat=(0, 5, 975))
        if n <= 4:
            flags = faults[n % 3]
            district.hear(zone, -1.0 - n / 10, "snow", 9.0 - n, who=Winner.INTERLOCK, flags=flags, plan=plan)
        elif n == 5:
            district.hear(zone, -0.9, "ice", 2.0, who=Winner.MAINTENANCE, plan=plan)
        elif n == 6:
            district.hear(zone, -1.4, "snow", 4.4, online=False, plan=plan)
        elif n <= 15:
            district.hear(zone, 0.1, "snow", 2.0 + n / 10, power_w=41_000, plan=plan)
        else:
            district.hear(zone, 1.0 + n / 40, "wet", power_w=30_000 + 200 * n if n % 11 else 0, plan=plan)


def lines() -> dict[str, Line]:
    """Invented lines, in five groups as districts have hills."""
    found = {}
    for n, (zone, *_) in enumerate(roads()):
        hill, at = n % 5, n // 5
        lon = 127.0 + 0.012 * hill + 0.0042 * (at % 3) + 0.0011 * (n % 4)
        lat = 37.59 + 0.008 * (hill % 2) + 0.0031 * (at // 3) + 0.0007 * (n % 3)
        angle = 0.9 * n
        bend = (lon + 0.0009 * math.cos(angle), lat + 0.0007 * math.sin(angle))
        end = (bend[0] + 0.0008 * math.cos(angle + 0.6), bend[1] + 0.0006 * math.sin(angle + 0.6))
        found[zone] = ((lon, lat), bend, end)
    return found
