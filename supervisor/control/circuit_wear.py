"""Wear of the circuits, from live telemetry: how often contactors close, how long they are closed, power when full on.

Kept by local day every ten minutes; what came since is lost with the process, and what boards send from their journals
after a gap is not counted. A trend over winters does not change by that.
"""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from supervisor.domain.errors import StoreError
from supervisor.runtime.clock import Clock
from supervisor.store.health import HealthRepository
from supervisor.store.rollup import local_day
from supervisor.wire.messages import Flag, ZoneSample

EACH_S: Final = 600.0


class CircuitWear:
    """Give `hear` to the intake and `look` to the watch."""

    def __init__(self, repository: HealthRepository, clock: Clock, timezone: ZoneInfo) -> None:
        self._repository = repository
        self._clock = clock
        self._timezone = timezone
        self._sums: dict[str, tuple[int, int, int, int]] = {}
        self._was_on: dict[str, bool] = {}
        self._kept_s = clock.monotonic_s()

    def hear(self, sample: ZoneSample, dt_s: float) -> None:
        """Take in a live sample of an interval."""
        on, full = sample.on_s > 0, 0 < dt_s <= sample.on_s
        was_on = self._was_on.get(sample.zone, True)  # what was before the service is not known
        starts = on and not was_on
        self._was_on[sample.zone] = full or starts  # part of an interval: the end of a time on, or the begin of one
        measured = full and not sample.flags & Flag.METER_SILENT
        added = int(starts), sample.on_s, int(dt_s) if measured else 0, int(sample.power_w * dt_s) if measured else 0
        if any(added):
            before = self._sums.get(sample.zone, (0, 0, 0, 0))
            self._sums[sample.zone] = (
                before[0] + added[0], before[1] + added[1], before[2] + added[2], before[3] + added[3]
            )  # fmt: skip

    async def look(self) -> None:
        """Every ten minutes: keep what was summed up. Raises StoreError: then it is tried again."""
        now_s = self._clock.monotonic_s()
        if now_s - self._kept_s < EACH_S:
            return
        self._kept_s = now_s
        day, _, _ = local_day(int(self._clock.utc_s()), self._timezone)
        sums, self._sums = self._sums, {}
        if not sums:
            return
        try:
            await self._repository.add_wear(day, sums)
        except StoreError:
            self._sums = {zone: _plus(sums.get(zone), self._sums.get(zone)) for zone in {*sums, *self._sums}}
            raise


def _plus(one: tuple[int, int, int, int] | None, other: tuple[int, int, int, int] | None) -> tuple[int, int, int, int]:
    a, b = one or (0, 0, 0, 0), other or (0, 0, 0, 0)
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]
