"""Sensors that live but lie: alarms and the line in the app's head for those that are not believed."""

from __future__ import annotations

from supervisor.control.alarms import Alarms
from supervisor.control.degraded import Degradations, DegradedCode
from supervisor.control.live import LiveState
from supervisor.control.zone_live import ZoneLive, surface_c
from supervisor.domain.alarm import AlarmCode
from supervisor.road.believed import BELIEVED
from supervisor.runtime.pace import in_turns

CLEARED = 0.9  # quality from which an alarm is over, so that it is not raised again and again


class SensorWatch:
    """Compares the quality of the zones' sensors with its limits, once a minute."""

    def __init__(self, live: LiveState, alarms: Alarms, degraded: Degradations) -> None:
        self._live = live
        self._alarms = alarms
        self._degraded = degraded

    async def look(self) -> None:
        """Raise and clear."""
        doubtful = []
        async for some in in_turns(self._live.zones.items()):
            for zone_id, live in some:
                stands = self._alarms.stands(AlarmCode.SENSOR_DOUBTFUL, zone_id)
                doubted = live.surface_quality < (CLEARED if stands else BELIEVED)
                if doubted:
                    doubtful.append(zone_id)
                text = (
                    f"The surface sensor does not fit weather, heat and neighbours{_values(live)}: the model is used "
                    "instead. Compare it with a hand thermometer, clean or change it"
                ) if doubted else ""  # fmt: skip
                self._alarms.set(AlarmCode.SENSOR_DOUBTFUL, zone_id, doubted, text)
        bridged = [zone_id for zone_id, live in self._live.zones.items() if live.moisture_outvoted]
        zones = len({*doubtful, *bridged})
        self._degraded.set(DegradedCode.SENSORS, {"zones": zones} if zones else None)


def _values(live: ZoneLive) -> str:
    measured = surface_c(live.sample) if live.sample else None
    if measured is None or live.estimated_c is None:
        return ""
    return f" ({measured:.1f} °C, by the model {live.estimated_c:.1f} °C)"
