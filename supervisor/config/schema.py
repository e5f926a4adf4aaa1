"""Tables and keys of city.toml, one struct each. No secrets: keys are under `state_dir`, tokens in the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from supervisor.config.city import CityConfig
from supervisor.domain.board_profile import DEFAULT_LIMITS, Limits
from supervisor.domain.stage import SEOUL_CM, Steps
from supervisor.domain.zone import Feeder, Site, Zone
from supervisor.notify.kind import NotifySettings
from supervisor.tariff.kind import TariffSettings
from supervisor.weather.providers.kind import WeatherSettings


class ServiceConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    state_dir: str = "state"  # database, keys/, pki/


class BoardsConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    listen: str = "127.0.0.1:8443"  # always TLS
    server_name: str = "roadheat"  # in the certificate; boards check it
    connections_per_address: int = 0  # that have not said hello; 0: as many as there are boards, and some
    handshakes_max: int = 64  # at a time: 10,000 boards that reconnect at once converge with this


class WebConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    listen: str = "127.0.0.1:8080"  # plain HTTP on loopback only
    cert: str = ""  # PEM chain
    key: str = ""
    public_url: str = ""  # what people type, when a proxy stands in front
    hosts: tuple[str, ...] = ()  # further names under which people and programs reach it, such as a proxy's own
    contact: str = ""  # whom to call, on the sign-in page
    map_file: str = ""  # GeoJSON: a LineString for each zone; with it or lines of zones there is a map
    residents: bool = False  # pages for residents at /roads, open to everybody
    proxies: tuple[str, ...] = ()  # addresses of proxies in front: many people come from each
    connections_per_address: int = 0  # without a signed-in request; 0: a quarter of all
    metrics_token_env: str = ""  # environment variable with the bearer token for /metrics


class PlannerConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    horizon_h: int = 30
    price_per_ice_free_hour: float | None = None  # of 100 m² at priority 2; None: by the tariff
    hours_of_use: dict[str, dict[str, float]] = {}  # name → hours of the day → times that price; see `Zone.use`
    members: int = 1  # of the ensemble
    time_limit_s: float = 60.0
    processes: int = 0  # 0: as many as cores, at most one for each feeder


class CalibrationConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    weekly: bool = True  # fit every zone's road to its own record once a week
    days: int = 28  # of record to fit to


class AlarmsConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    escalate_min: int = 10  # until the next person of the roster is notified of what nobody has seen
    remind_h: float = 6.0  # "still there", while nobody has seen it
    heartbeat_url: str = ""  # asked every minute while the service is well: an outside service calls when it stops
    local_hosts: tuple[str, ...] = ()  # that channels may ask although they are on this machine or its network
    push_contact: str = ""  # mailto: or https: address of the operator, for push services


class DatabaseConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    address: str  # postgresql://user@host/database, without a password
    district: str  # names the district's schema


class InfluxConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    api: Literal["v1", "v2"]
    url: str
    database: str = ""  # v1
    bucket: str = ""  # v2
    org: str = ""  # v2
    token_env: str = ""  # environment variable with the token
    spool_mib: int | None = None  # the most that waits on disk, oldest dropped first; None: by the zones
    retention_days: dict[str, int] = {}  # v1: measurement → days that it is kept, 0 for ever
    buckets: dict[str, str] = {}  # v2: measurement → bucket of its own


class AuditConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    names_days: int = 730  # how long names stay in records: two winters
    syslog: str = ""  # "tls://host:6514": entries are sent there as they are made
    syslog_ca: str = ""  # PEM: who signed that server's certificate; "": an authority that this machine trusts


class ReportsConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    clear_within_min: int = 240  # after the end of snowfall: Seoul's ordinance on clearing gives 4 h by day


class OutlookConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    stages_cm: tuple[float, ...] = SEOUL_CM  # fresh snow within 24 h from which 보강, 1, 2 and 3 are in force
    ice_probability: float = 0.3  # of ice within 24 h, snow or not, from which 보강 is in force
    tell_at: str = "17:00"  # local time from which receivers get a message about the night; "": never

    @property
    def steps(self) -> Steps:
        """`stages_cm`, of which there are four."""
        reinforced, one, two, three = self.stages_cm
        return reinforced, one, two, three


class HealthConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    contactor_cycles: int = 200_000  # at which a tenth have failed, by the maker's curve for the load
    sensor_years: float = 10.0  # that sensors in the road last on average
    cable_rise_percent: float = 10.0  # of resistance, at which a cable is replaced


class BoardConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    name: str = ""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    path: Path
    site: Site
    service: ServiceConfig
    boards: BoardsConfig
    web: WebConfig
    weather: WeatherSettings  # of the chosen provider
    tariff: TariffSettings  # of the chosen kind
    planner: PlannerConfig
    calibration: CalibrationConfig = CalibrationConfig()
    audit: AuditConfig = AuditConfig()
    reports: ReportsConfig = ReportsConfig()
    outlook: OutlookConfig = OutlookConfig()
    health: HealthConfig = HealthConfig()
    limits: Limits = DEFAULT_LIMITS
    influx: InfluxConfig | None
    database: DatabaseConfig | None = None  # None: SQLite in the state folder
    city: CityConfig = CityConfig()
    alarms: AlarmsConfig = AlarmsConfig()
    notify: tuple[NotifySettings, ...] = ()  # each of the kind that it chooses
    feeder: tuple[Feeder, ...]
    board: tuple[BoardConfig, ...]
    zone: tuple[Zone, ...]

    def resolve(self, name: str) -> Path:
        """A file named in the configuration."""
        return (self.path.parent / name).resolve()

    @property
    def state_dir(self) -> Path:
        return self.resolve(self.service.state_dir)

    @property
    def pki_dir(self) -> Path:
        return self.state_dir / "pki"

    def board_key_path(self, board_id: str) -> Path:
        return self.state_dir / "keys" / f"{board_id}.key"

    def zones_of(self, board_id: str) -> tuple[Zone, ...]:
        """A board's zones in the order of their relays."""
        return tuple(sorted((z for z in self.zone if z.board == board_id), key=lambda z: z.relay))
