"""From a board's energy counter to a zone's monotone total. Pure.

A counter starts at zero with each boot, may be reset, and may bounce to zero for a while (a meter that does not
answer in time). The rules:

* a new boot counts from zero: what the counter shows was used since that boot;
* a reading at or above the highest believed one adds the difference;
* a reading below it opens a *fall*: from there only what the measured power explains is added. The fall ends when the
  counter jumps back above the highest reading (it was a bounce: what the fall added is taken off the difference), or
  when it climbs across it smoothly (it was a reset, long ago);
* of any rise only what power explains is booked: twice the energy of the interval's measured mean power, plus what
  the cable can have drawn in time without records (rated power × time × 1.1), and of both together never more than the
  cable can have drawn. The excess is reported separately, and a counter that comes back from such a spike continues
  where it was.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

BOOT_SLACK_S = 20  # a first record that ends this soon after boot has seen all of its energy (two live intervals)
FIRST_MAX_S = 120  # of a first record, whatever length it says: records last 10 or 60 s
EXPLAINED_FACTOR = 2  # a rise of up to twice the measured mean power is accepted: the mean may miss a switching
EXPLAINED_SLACK_WH = 1  # integer counters
BOUNCE_S = 120  # a meter that reads zero for so long may not have measured the power either
RATED_PERCENT = 110  # of its rated power a cable may draw: mains 5 % high, as the square
SPARE_S = 2  # at rated power: uptime and counter are whole numbers, and not read in the same instant


class Reading(Struct, frozen=True):
    """A tick's data on one zone's meter."""

    life: int
    boot: int
    up_s: int
    dt_s: int
    dev_wh: int
    power_w: int
    rated_w: int = 0  # of the cable; 0: not known, so nothing bounds a rise
    believed: bool = True  # False: its uptime claims time that has not passed, see supervisor.store.uptime
    doubt_up_s: int = 0  # uptime of the last record of the boot that was not believed: nothing before it counts


class Meter(Struct, frozen=True, array_like=True):
    """Where a zone's meter stands after a tick."""

    total_wh: int  # since the record began, on this board
    life: int
    boot: int
    up_s: int
    dev_wh: int  # last reading
    high_wh: int  # highest reading believed in this boot
    fall_wh: int = -1  # Wh added since the counter fell under `high_wh`; -1 while it has not
    spike_wh: int = 0  # excess of the last rise that was too high; 0 once the counter has come back
    spike_booked_wh: int = 0  # what was booked of that rise
    spare_wh: int = 0  # what power explained beyond what was counted; the next rise may use it
    fall_up_s: int = 0  # uptime of the last reading before the counter fell under `high_wh`


class Step(Struct, frozen=True):
    """What one reading adds."""

    meter: Meter
    delta_wh: int  # energy of the interval, never negative
    excess_wh: int = 0  # counted by the board, not booked
    gap_s: int = 0  # time before the interval that the energy also covers


def advance(before: Meter | None, reading: Reading, base_wh: int = 0) -> Step:
    """The meter after `reading`. `base_wh` is the total on which a meter without history (`before` None) starts."""
    same_boot = before is not None and (reading.life, reading.boot) == (before.life, before.boot)
    if before is not None and same_boot:
        elapsed_s = max(0, reading.up_s - max(before.up_s, reading.doubt_up_s))
    elif before is not None or reading.up_s <= reading.dt_s + BOOT_SLACK_S:
        elapsed_s = max(0, reading.up_s - reading.doubt_up_s)
    else:
        elapsed_s = min(reading.dt_s, FIRST_MAX_S)
    gap_s = max(0, elapsed_s - reading.dt_s) if before is not None else 0
    returned = _returned(before, reading) if before is not None and same_boot else None
    meter, delta_wh = returned or _counted(before, reading, base_wh)
    if not reading.rated_w and reading.believed:
        return Step(meter, delta_wh, 0, gap_s)
    allowed_wh = _explained_wh(reading, elapsed_s) if reading.believed else 0
    if before is not None and same_boot and reading.believed and before.fall_wh == 0 and meter.fall_wh < 0:
        bounced_s = reading.up_s - max(before.fall_up_s, reading.doubt_up_s)
        if bounced_s <= BOUNCE_S:  # nothing was booked since
            allowed_wh = drawable_wh(reading.rated_w, bounced_s)
    spare_wh = before.spare_wh if before is not None and same_boot else 0
    limit_wh = allowed_wh + spare_wh if reading.believed else 0
    excess_wh = max(0, delta_wh - limit_wh)
    if (
        before is None and excess_wh
    ):  # a first counter that has not counted since this boot tells nothing about the interval
        excess_wh = delta_wh
    delta_wh -= excess_wh
    left_wh = max(0, allowed_wh + spare_wh - delta_wh)
    most_wh = drawable_wh(reading.rated_w, SPARE_S)
    if delta_wh == 0:  # a counter in steps of a kilowatt-hour stands still, and what was measured may still come
        most_wh = max(most_wh, spare_wh + min(-(-reading.power_w * elapsed_s // 3600), allowed_wh))
    spike = (excess_wh, delta_wh) if excess_wh else (0, 0)
    if not excess_wh and not returned and before is not None and same_boot:
        spike = before.spike_wh, before.spike_booked_wh
    meter = msgspec.structs.replace(
        meter,
        total_wh=meter.total_wh - excess_wh,
        fall_wh=meter.fall_wh if meter.fall_wh < 0 else meter.fall_wh - excess_wh,
        spike_wh=spike[0],
        spike_booked_wh=spike[1],
        spare_wh=min(left_wh, most_wh),
    )
    return Step(meter, delta_wh, excess_wh, gap_s)


def _explained_wh(reading: Reading, elapsed_s: int) -> int:
    """The most that may be booked of a rise over `elapsed_s`, of which the record measured the last `dt_s`."""
    measured_s = min(reading.dt_s, elapsed_s)
    measured_wh = -(-EXPLAINED_FACTOR * reading.power_w * reading.dt_s // 3600)
    unseen_wh = drawable_wh(reading.rated_w, elapsed_s - measured_s)
    return min(unseen_wh + measured_wh, drawable_wh(reading.rated_w, elapsed_s))


def drawable_wh(rated_w: int, seconds: int) -> int:
    """The most that a cable of `rated_w` can have drawn in that time, rounded up: counters are integers."""
    return -(-rated_w * RATED_PERCENT * seconds // 360_000)


def _returned(before: Meter, reading: Reading) -> tuple[Meter, int] | None:
    """After a spike the counter is back where it was: what it has counted beyond what was booked meanwhile."""
    true_high_wh = before.high_wh - before.spike_wh
    if not before.spike_wh or before.fall_wh >= 0 or reading.dev_wh >= before.high_wh:
        return None
    if reading.dev_wh < true_high_wh - before.spike_booked_wh:
        return None
    delta_wh = max(0, reading.dev_wh - true_high_wh)
    settled = _settled(before.total_wh + delta_wh, reading)
    return msgspec.structs.replace(settled, high_wh=max(reading.dev_wh, true_high_wh)), delta_wh


def _counted(before: Meter | None, reading: Reading, base_wh: int) -> tuple[Meter, int]:
    """The meter and the energy as the counter says."""
    if before is None:
        delta_wh = _first(reading)
        return _settled(base_wh + delta_wh, reading), delta_wh
    if (reading.life, reading.boot) != (before.life, before.boot):
        return _settled(before.total_wh + reading.dev_wh, reading), reading.dev_wh
    if before.fall_wh < 0 and reading.dev_wh >= before.high_wh:
        delta_wh = reading.dev_wh - before.high_wh
        return _settled(before.total_wh + delta_wh, reading), delta_wh
    return _fallen(before, reading)


def _first(reading: Reading) -> int:
    """The first record ever: what a board counted long before the record began is not booked."""
    if reading.up_s <= reading.dt_s + BOOT_SLACK_S:
        return reading.dev_wh
    return min(reading.dev_wh, round(reading.power_w * reading.dt_s / 3600))


def _settled(total_wh: int, reading: Reading) -> Meter:
    return Meter(total_wh, reading.life, reading.boot, reading.up_s, reading.dev_wh, reading.dev_wh)


def _fallen(before: Meter, reading: Reading) -> tuple[Meter, int]:
    since_s = max(0, reading.up_s - before.up_s)
    explained_wh = EXPLAINED_FACTOR * reading.power_w * since_s / 3600 + EXPLAINED_SLACK_WH
    # At the fall itself, and at a second one, the counter has counted from zero.
    rise_wh = reading.dev_wh - before.dev_wh if reading.dev_wh >= before.dev_wh else reading.dev_wh
    smooth = rise_wh <= explained_wh
    counted_wh = max(before.fall_wh, 0)
    if reading.dev_wh >= before.high_wh:
        delta_wh = rise_wh if smooth else max(0, reading.dev_wh - before.high_wh - counted_wh)
        return _settled(before.total_wh + delta_wh, reading), delta_wh
    delta_wh = rise_wh if smooth else 0
    after = Meter(
        before.total_wh + delta_wh,
        reading.life,
        reading.boot,
        reading.up_s,
        reading.dev_wh,
        before.high_wh,
        counted_wh + delta_wh,
        fall_up_s=before.up_s if before.fall_wh < 0 else before.fall_up_s,
    )
    return after, delta_wh
