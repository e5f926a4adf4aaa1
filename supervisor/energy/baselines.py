"""Named conventional controllers, against which savings are reported. Pure functions from sensors to duty.

A saving is always reported with the name of its baseline. Sources: DOMAIN.md §1 (makers' manuals of
snow-melting controls) and §4 (Seoul's heated roads).
"""

from __future__ import annotations

from msgspec import Struct

HOUR_S = 3600
LOCKOUT_C = 6.0  # upper end of any heating (DOMAIN.md §4)


class Baseline(Struct, frozen=True, kw_only=True):
    """Heat from `on_c` down, release at `off_c` and above."""

    name: str
    on_c: float
    off_c: float
    moist: bool = True  # asks for moisture as well
    after_run_s: float = 0.0  # goes on asking this long after the road was last wet
    air_below_c: float | None = None  # only while the air is colder
    preheat_s: float = 0.0  # full heat for so long from the moment that snow is forecast within 5 h


class Seen(Struct, frozen=True):
    """What a controller beside the road sees."""

    time_s: float  # any origin
    surface_c: float
    wet: bool
    air_c: float
    snow_ahead: bool = False  # the forecast has snow within 5 h


class Memory(Struct, frozen=True):
    """State between two calls."""

    heating: bool = False  # below `on_c` since it was last above `off_c`
    wet_s: float | None = None  # when the road was last wet
    warned: bool = False  # whether snow was forecast at the last call
    preheat_until_s: float | None = None


BASELINES: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        # A slab thermostat as on private ramps: no moisture sensor.
        Baseline(name="thermostat", on_c=3.0, off_c=4.0, moist=False),
        # The slab held ready at 2 °C all winter while the air is below 5 °C.
        Baseline(name="idle", on_c=2.0, off_c=3.0, moist=False, air_below_c=5.0),
        # Seoul: 2 °C and wet.
        Baseline(name="reactive", on_c=2.0, off_c=3.0),
        # The same with the after-run that makers advise, 2 to 6 h.
        Baseline(name="reactive-afterrun", on_c=2.0, off_c=3.0, after_run_s=3 * HOUR_S),
        # A timed storm mode: snow is forecast, so heat 5 h ahead whatever the road's sensors show.
        Baseline(name="storm-timer", on_c=2.0, off_c=3.0, after_run_s=HOUR_S, preheat_s=5 * HOUR_S),
    )
}


def decide(baseline: Baseline, memory: Memory, seen: Seen) -> tuple[Memory, float]:
    """The duty that `baseline` asks for [0 or 1], and its new state."""
    heating = memory.heating
    if seen.surface_c <= baseline.on_c:
        heating = True
    elif seen.surface_c >= baseline.off_c:
        heating = False
    wet_s = seen.time_s if seen.wet else memory.wet_s
    until_s = memory.preheat_until_s
    if baseline.preheat_s and seen.snow_ahead and not memory.warned:
        until_s = seen.time_s + baseline.preheat_s
    after = Memory(heating, wet_s, seen.snow_ahead, until_s)
    if until_s is not None and seen.time_s < until_s and seen.surface_c < LOCKOUT_C:
        return after, 1.0
    asked = not baseline.moist or seen.wet or (wet_s is not None and seen.time_s - wet_s < baseline.after_run_s)
    if baseline.air_below_c is not None and seen.air_c >= baseline.air_below_c:
        asked = False
    return after, 1.0 if asked and heating else 0.0
