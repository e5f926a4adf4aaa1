"""The service's permanent record, as repositories over one writer.

The modules of this package are plain functions on a connection, each with a repository that runs them on the writer's
thread. Take the repository that you need, not the store.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from supervisor.runtime.clock import Clock
from supervisor.store.access import AccessRepository
from supervisor.store.alarms import AlarmRepository
from supervisor.store.answers import AnswerRepository
from supervisor.store.audit import AuditRepository
from supervisor.store.commands import EpochRepository, OverrideRepository
from supervisor.store.danger import DangerRepository
from supervisor.store.duty import DutyRepository
from supervisor.store.events import EventRepository
from supervisor.store.handover import HandoverRepository
from supervisor.store.health import HealthRepository
from supervisor.store.journal import ValueRepository
from supervisor.store.notices import NoticeRepository
from supervisor.store.outlook import OutlookRepository
from supervisor.store.place import Place
from supervisor.store.plans import PlanRepository
from supervisor.store.quarantine import QuarantineRepository
from supervisor.store.repository import Repository
from supervisor.store.road_work import RoadWorkRepository
from supervisor.store.spool import SpoolRepository
from supervisor.store.tally import TallyRepository
from supervisor.store.telemetry import TelemetryRepository
from supervisor.store.upkeep import UpkeepRepository
from supervisor.store.weather import WeatherRepository
from supervisor.store.writer import Writer

# 14 days without InfluxDB for 50 zones at 10 s are 0.9 GB of lines. Larger districts: spool_cap.py.
SPOOL_CAP_BYTES = 1024**3


class Store(Repository):
    """The record of the district: every repository by its name. Make it with `open`, end it with `close`."""

    def __init__(self, writer: Writer, clock: Clock, site: str, timezone: ZoneInfo, spool_cap_bytes: int) -> None:
        super().__init__(writer, clock)
        self.spool = SpoolRepository(writer, clock, site, spool_cap_bytes)
        self.telemetry = TelemetryRepository(writer, clock, self.spool)
        self.quarantine = QuarantineRepository(writer, clock)
        self.upkeep = UpkeepRepository(writer, clock, self.spool, timezone)
        self.epochs = EpochRepository(writer, clock)
        self.overrides = OverrideRepository(writer, clock, self.spool)
        self.plans = PlanRepository(writer, clock, self.spool)
        self.dangers = DangerRepository(writer, clock)
        self.audit = AuditRepository(writer, clock)
        self.events = EventRepository(writer, clock, self.spool)
        self.alarms = AlarmRepository(writer, clock, self.spool)
        self.values = ValueRepository(writer, clock)
        self.access = AccessRepository(writer, clock)
        self.answers = AnswerRepository(writer, clock)
        self.duty = DutyRepository(writer, clock)
        self.handovers = HandoverRepository(writer, clock)
        self.notices = NoticeRepository(writer, clock)
        self.works = RoadWorkRepository(writer, clock, self.spool)
        self.health = HealthRepository(writer, clock)
        self.tally = TallyRepository(writer, clock)
        self.outlooks = OutlookRepository(writer, clock)
        self.weather = WeatherRepository(writer, clock)

    @classmethod
    def open(
        cls,
        path: Place,
        clock: Clock,
        *,
        site: str = "site",
        timezone: str = "UTC",
        spool_cap_bytes: int = 0,
    ) -> Store:
        """Open or make the database at `path`, bringing its schema up to date.

        `site` is the tag of its points, `spool_cap_bytes` the most that waits for InfluxDB (0: there is no InfluxDB,
        `SPOOL_CAP_BYTES` is a good size). Raises StoreError.
        """
        return cls(Writer(path, drains=spool_cap_bytes > 0), clock, site, ZoneInfo(timezone), spool_cap_bytes)

    async def close(self) -> None:
        """Commit what waits and close the file."""
        await self._writer.close()
