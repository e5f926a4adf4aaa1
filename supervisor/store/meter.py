"""From a board's energy counter to a zone's monotone total. Pure.

A counter starts at zero with each boot, may be reset, and may bounce to zero for a while (a meter that does not
answer in time). The rules:

* a new boot counts from zero: what the counter shows was used since that boot;
* a reading at or above the highest believed one adds the difference;
* a reading below it opens a *fall*: from there only what the measured power explains is added. The fall ends when the
  counter jumps back above the highest reading (it was a bounce: what the fall added is taken off the difference), or
  when it climbs across it smoothly (it was a reset, long ago).
"""

from __future__ import annotations

from msgspec import Struct

BOOT_SLACK_S = 20  # a first record that ends this soon after boot has seen all of its energy (two live intervals)
EXPLAINED_FACTOR = 2  # a rise of up to twice the measured mean power is taken for real: the mean may miss a switching
EXPLAINED_SLACK_WH = 1  # integer counters


class Reading(Struct, frozen=True):
    """What a tick says of one zone's meter."""

    life: int
    boot: int
    up_s: int
    dt_s: int
    dev_wh: int
    power_w: int


class Meter(Struct, frozen=True, array_like=True):
    """Where a zone's meter stands after a tick."""

    total_wh: int  # since the record began, on this board
    life: int
    boot: int
    up_s: int
    dev_wh: int  # last reading
    high_wh: int  # highest reading believed in this boot
    fall_wh: int = -1  # Wh added since the counter fell under `high_wh`; -1 while it has not


def advance(before: Meter | None, reading: Reading, base_wh: int = 0) -> tuple[Meter, int]:
    """The meter after `reading`, and the energy of the interval [Wh], never negative.

    `base_wh` is the total on which a meter without history (`before` None) starts.
    """
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
    """The first record ever: a board that has run for long before is not counted for what nobody recorded."""
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
    )
    return after, delta_wh
