"""Moisture sensors that a heated road has melted free: dry in the middle of falling snow, so they are not believed.

Snow that lies around a heated sensor bridges it, and it reads dry in its own hole. Sensors of unheated roads beside it
are not deceived: where enough of them are known, their majority decides whether the forecast's snow really falls.
"""

from __future__ import annotations

from collections.abc import Iterable

from supervisor.control.sky import Sky
from supervisor.control.zone_live import ZoneLive, moisture_permille
from supervisor.wire.messages import WET_PERMILLE

HEATED_WITHIN_S = 2 * 3600.0  # a road gives off its heat for about as long
WITNESSES_MIN = 3  # fewer unheated sensors may err together


def outvoted(zones: Iterable[ZoneLive], sky: Sky, now_s: float) -> frozenset[str]:
    """Zones whose dry moisture sensor is not believed at the monotonic time `now_s`."""
    if sky.falling is None:
        return frozenset()
    dry: set[str] = set()
    witnesses = wet = 0
    for live in zones:
        moisture = moisture_permille(live.sample) if live.online and live.sample else None
        if moisture is None:
            continue
        heated = live.heated_s is not None and now_s - live.heated_s <= HEATED_WITHIN_S
        if not heated:
            witnesses += 1
            wet += moisture >= WET_PERMILLE
        elif moisture < WET_PERMILLE:
            dry.add(live.zone.id)
    refuted = witnesses >= WITNESSES_MIN and wet * 2 < witnesses
    return frozenset() if refuted else frozenset(dry)
