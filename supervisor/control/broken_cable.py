"""A broken cable stays known until current is measured, or a person reports that it is repaired.

A board flags it for half an hour, then tries again: its flag is clear for the seconds of the attempt. The alarm keeps
it known, over restarts of the service too.
"""

from __future__ import annotations

from supervisor.control.alarms import Alarms
from supervisor.control.condition import HEATED_SHARE
from supervisor.control.live import LiveState
from supervisor.control.zone_live import ZoneLive
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import NotFoundError
from supervisor.store.audit import AuditRepository
from supervisor.wire.messages import Flag, ZoneSample

ALARM = AlarmCode.CABLE_BROKEN
TEXT = (
    "No current although switched on: cable or fuse. The road is not heated. Stands until current is measured or a "
    "person clears it"
)


class BrokenCables:
    """Keeps `ZoneLive.cable_broken` and the alarm."""

    def __init__(self, live: LiveState, alarms: Alarms) -> None:
        self._live = live
        self._alarms = alarms
        for alarm in alarms.standing():
            if alarm.code == ALARM and alarm.subject in live.zones:
                live.zones[alarm.subject].cable_broken = True

    def hear(self, zone: ZoneLive, sample: ZoneSample, dt_s: float, flagged_before: bool) -> None:
        """Take in a live sample. `flagged_before`: the board's flag in the one before."""
        flagged = bool(sample.flags & Flag.CABLE_BROKEN)
        if flagged and not flagged_before:
            self._set(zone, True)
        elif zone.cable_broken and not flagged and _carries_current(sample, dt_s, zone.zone.power_w):
            self._set(zone, False)

    async def clear(self, zone_id: str, user: str, audit: AuditRepository) -> None:
        """A person reports that the cable is repaired. The board's own flag is still shown; a new break counts again.

        Raises NotFoundError where none is known, StoreError where it could not be recorded.
        """
        zone = self._live.zones.get(zone_id)
        if zone is None:
            raise NotFoundError("unknown zone", where=zone_id[:80], code="unknown-zone")
        if not zone.cable_broken:
            raise NotFoundError("no broken cable is known here", where=zone_id, code="no-broken-cable")
        await audit.append(user, "cable-mended", zone_id)
        self._set(zone, False)
        self._live.touch(zone_id)

    def _set(self, zone: ZoneLive, broken: bool) -> None:
        zone.cable_broken = broken
        self._alarms.set(ALARM, zone.zone.id, broken, TEXT)


def _carries_current(sample: ZoneSample, dt_s: float, rated_w: int) -> bool:
    """Whether a load flowed while the contactor was commanded on."""
    return sample.on_s > 0 and sample.power_w * dt_s >= HEATED_SHARE * rated_w * min(sample.on_s, dt_s)
