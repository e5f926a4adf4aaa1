"""What every interface reads: one zone with its view, energy and alarms. No interface looks elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from supervisor.control.alarms import Alarm
from supervisor.control.live import LiveState
from supervisor.control.view import ZoneView
from supervisor.domain.alarm import Severity
from supervisor.domain.outlook import RoadOutlook
from supervisor.domain.zone import Zone
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.store.telemetry import TelemetryRepository
from supervisor.wire.messages import Winner

ENERGY_EACH_S = 10.0  # telemetry comes as often
_WORST = tuple(Severity)  # the worst first


class ZoneReading(Struct, frozen=True, kw_only=True):
    """One zone now; unknown is None, never a guess."""

    zone: Zone
    view: ZoneView
    energy_wh: int | None  # since its record began; never falls
    alarms: tuple[Alarm, ...]  # of the zone, its board and its feeder
    now_utc_s: int

    @property
    def severity(self) -> Severity | None:
        """Of the worst alarm."""
        return min((alarm.severity for alarm in self.alarms), key=_WORST.index, default=None)

    @property
    def mode(self) -> str | None:
        """What decides on the zone: interlock, maintenance, override, plan or local; None where it is not known."""
        if not self.view.online or self.view.who is None:
            return None
        return Winner(self.view.who).name.lower() if self.view.who in tuple(Winner) else None

    @property
    def age_s(self) -> int | None:
        """Of its newest telemetry."""
        return None if self.view.updated_utc_s is None else max(0, self.now_utc_s - self.view.updated_utc_s)

    @property
    def override_left_min(self) -> int:
        """Minutes until the command that holds now ends, rounded up; 0 where none does."""
        held = self.view.override
        return 0 if held is None else max(0, -(-(held.expires_utc_s - self.now_utc_s) // 60))


class Readings:
    """All zones, in the order of city.toml. Keep `run` running: it looks up the energy."""

    def __init__(
        self,
        live: LiveState,
        telemetry: TelemetryRepository,
        standing: Callable[[], Iterable[Alarm]],
        clock: Clock,
        foreseen: Callable[[], RoadOutlook | None] = lambda: None,
    ) -> None:
        """`standing` gives the alarms that are not cleared, `foreseen` the district's outlook of ice."""
        self.foreseen = foreseen
        self._live = live
        self._telemetry = telemetry
        self._standing = standing
        self._clock = clock
        self._wh: dict[str, int] = {}
        self.ids: tuple[str, ...] = tuple(live.zones)

    def now_utc_s(self) -> int:
        """The time to which they belong."""
        return int(self._clock.utc_s())

    @property
    def hazard_ahead(self) -> bool:
        """Whether snow, or rain in the cold, is foreseen within hours."""
        return self._live.sky.hazard_ahead

    def alarms(self) -> list[Alarm]:
        """Those that stand, oldest first."""
        return list(self._standing())

    def of(self, zones: Sequence[str]) -> list[ZoneReading]:
        """These zones. Raises KeyError for one that is unknown."""
        now, alarms = self.now_utc_s(), self.alarms()
        return [self._reading(zone, alarms, now) for zone in zones]

    def all(self) -> list[ZoneReading]:
        """Every zone."""
        return self.of(self.ids)

    def _reading(self, zone_id: str, alarms: Sequence[Alarm], now_utc_s: int) -> ZoneReading:
        zone = self._live.zones[zone_id].zone
        subjects = (("zone", zone.id), ("board", zone.board), ("feeder", zone.feeder))
        return ZoneReading(
            zone=zone,
            view=self._live.view(zone_id),
            energy_wh=self._wh.get(zone_id),
            alarms=tuple(
                one for one in alarms if any(kind in one.code.subject and one.subject == id for kind, id in subjects)
            ),
            now_utc_s=now_utc_s,
        )

    async def look(self) -> None:
        """Look up the energy. Raises StoreError: the last one stays."""
        self._wh = await self._telemetry.zone_totals()

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        await self.look()
        async for _ in each(self._clock, ENERGY_EACH_S):
            await self.look()
