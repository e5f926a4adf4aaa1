"""Rules across the tables of city.toml: references, and limits of physics, boards and supply."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from supervisor.config.audit_rules import find_audit_problems
from supervisor.config.city_rules import find_city_problems
from supervisor.config.database_rules import find_database_problems
from supervisor.config.files import find_file_problems
from supervisor.config.geometry import find_geometry_problems
from supervisor.config.influx_rules import find_influx_problems, is_url
from supervisor.config.limit_rules import find_limit_problems, find_zone_limit_problems
from supervisor.config.listen import split_listen
from supervisor.config.name_rules import find_name_problems
from supervisor.config.notify_rules import find_notify_problems
from supervisor.config.outlook_rules import find_outlook_problems
from supervisor.config.schema import Config
from supervisor.config.source import Source
from supervisor.config.zone_rules import find_zone_problems
from supervisor.domain.board_profile import PROFILE
from supervisor.domain.errors import ConfigError, TariffError
from supervisor.domain.hours_of_use import weights
from supervisor.tariff.configured import configured_demand, price_fetcher
from supervisor.tariff.holidays import calendar

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,15}")  # ids go into every frame and file name
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")
HOST_MAX = 64  # characters: the common name of a certificate has no more
SUPPLY_MAX_KW = 1_000_000  # a feeder of a city district has some hundreds
PRICE_MAX = 1e9  # in any currency; above it the solvers lose digits
TIME_LIMIT_MAX_S = 3600  # a planning cycle takes 900
HORIZON_H = (6, 36)  # shorter plans cost 3 %, longer forecasts gain nothing (benchmark of the planner)
MEMBERS_MAX = 60
PROCESSES_MAX = 64
CALIBRATION_DAYS = (10, 90)
CLEAR_WITHIN_MIN = (15, 1440)  # a step of the replay at least; a road that takes a day is not cleared by heat
CONTACT_MAX = 120  # letters: two lines on a phone
HEALTH = {"contactor_cycles": (1_000, 100_000_000), "sensor_years": (0.5, 100.0), "cable_rise_percent": (1.0, 100.0)}
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Problems = Iterator[ConfigError]


def find_problems(config: Config, source: Source) -> Problems:
    """Problems of tables that are each well-formed, in the order of the file."""
    yield from _site(config, source)
    yield from _listeners(config, source)
    yield from _tariff(config, source)
    yield from find_file_problems(config, source)
    yield from find_geometry_problems(config, source)
    yield from _planner(config, source)
    yield from _calibration(config, source)
    yield from _reports(config, source)
    yield from find_outlook_problems(config.outlook, source)
    yield from _health(config, source)
    yield from find_audit_problems(config.audit, source)
    yield from find_limit_problems(config.limits, source)
    yield from find_database_problems(config.database, source)
    yield from find_influx_problems(config.influx, source)
    yield from find_notify_problems(config, source)
    yield from find_city_problems(config, source)
    yield from find_name_problems(config, source)
    yield from _ids(config, source)
    yield from _feeders(config, source)
    yield from _references(config, source)
    for number, zone in enumerate(config.zone):
        yield from find_zone_problems(zone, f"zone[{number}]", source)
        yield from find_zone_limit_problems(zone.limits, f"zone[{number}]", source)


def _site(config: Config, source: Source) -> Problems:
    if not config.site.name.strip():
        yield source.problem("site.name", "empty", "Write the district's name in the energy record")
    try:
        ZoneInfo(config.site.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield source.problem("site.timezone", "unknown time zone", 'Write an IANA name such as "Asia/Seoul"')
    if not -90 <= config.site.latitude <= 90:
        yield source.problem("site.latitude", "outside −90…90", "Write degrees north, south negative")
    if not -180 <= config.site.longitude <= 180:
        yield source.problem("site.longitude", "outside −180…180", "Write degrees east, west negative")
    if not -430 <= config.site.elevation_m <= 6000:
        yield source.problem("site.elevation_m", "outside −430…6000 m", "Write metres above the sea")


def _listeners(config: Config, source: Source) -> Problems:
    for table, listen in (("boards", config.boards.listen), ("web", config.web.listen)):
        try:
            host, _ = split_listen(listen)
        except ValueError:
            yield source.problem(
                f"{table}.listen", "not a host:port address", 'Write "host:port", for example "0.0.0.0:8443"'
            )
            continue
        if table == "web" and host not in LOOPBACK and not (config.web.cert and config.web.key):
            yield source.problem(
                "web.listen", "plain HTTP outside this machine", "Give web.cert and web.key, or listen on 127.0.0.1"
            )
    if config.boards.listen == config.web.listen and not config.boards.listen.endswith(":0"):
        yield source.problem("web.listen", "same address as boards.listen", "Give each listener its own port")
    if not _is_host(config.boards.server_name):
        yield source.problem(
            "boards.server_name", "not a host name", 'Write letters, digits, "-" and ".", or an IP address: "roadheat"'
        )
    if config.boards.handshakes_max < 1:
        yield source.problem("boards.handshakes_max", "must be at least 1", "Write at least 1; 64 is proven")
    if config.web.public_url and not is_url(config.web.public_url):
        yield source.problem("web.public_url", "not a URL", 'Write "https://host", or leave it out')
    for number, host in enumerate(config.web.hosts):
        if not _is_host(host) or host != host.lower():
            yield source.problem(
                f"web.hosts[{number}]",
                "not a host name in small letters",
                'Write it without "https://": "heat.example"',
            )
    if len(config.web.contact) > CONTACT_MAX or not config.web.contact.isprintable():
        yield source.problem(
            "web.contact", f"longer than {CONTACT_MAX} letters, or with a control character",
            'Write a name and a number: "Control centre 02-1234-5678"',
        )  # fmt: skip
    for table, most in (
        ("boards", config.boards.connections_per_address),
        ("web", config.web.connections_per_address),
    ):
        if most < 0:
            yield source.problem(f"{table}.connections_per_address", "less than none", "Leave it out, or write 64")
    for number, proxy in enumerate(config.web.proxies):
        try:
            ipaddress.ip_address(proxy)
        except ValueError:
            yield source.problem(f"web.proxies[{number}]", "not an IP address", 'Write one such as "10.0.0.5"')
    if bool(config.web.cert) != bool(config.web.key):
        yield source.problem("web.cert", "certificate and key go together", "Give both web.cert and web.key")


def _tariff(config: Config, source: Source) -> Problems:
    if not re.fullmatch(r"[A-Z]{3}", config.tariff.currency):
        yield source.problem("tariff.currency", "not a currency code", 'Write three capitals such as "KRW"')
    try:
        price_fetcher(config)
        calendar(getattr(config.tariff, "holidays", ()))
        if config.tariff.demand is not None:
            configured_demand(config)
    except TariffError as error:
        yield source.problem(error.where, error.message, error.remedy)
    adder, vat = getattr(config.tariff, "adder_per_kwh", 0.0), getattr(config.tariff, "vat", 0.0)
    if abs(adder) > PRICE_MAX:
        yield source.problem("tariff.adder_per_kwh", f"above {PRICE_MAX:.0e}", "Write what comes on top of each kWh")
    if not 0 <= vat <= 1:
        yield source.problem("tariff.vat", "outside 0…1", "Write the part, such as 0.25")


def _planner(config: Config, source: Source) -> Problems:
    planner = config.planner
    if not HORIZON_H[0] <= planner.horizon_h <= HORIZON_H[1]:
        yield source.problem("planner.horizon_h", "outside 6…36", "Write 30 unless the forecast is shorter")
    worth, remedy = planner.price_per_ice_free_hour, "Leave it out for 64 times the mean price of a kWh"
    if worth is not None and worth <= 0:
        yield source.problem("planner.price_per_ice_free_hour", "must be greater than 0", remedy)
    elif worth is not None and worth > PRICE_MAX:
        yield source.problem("planner.price_per_ice_free_hour", f"above {PRICE_MAX:.0e}", remedy)
    for name, profile in planner.hours_of_use.items():
        try:
            weights(profile)
        except ValueError as error:
            yield source.problem(f"planner.hours_of_use.{name}", str(error), 'Write like {"07-09" = 3.0}')
    for number, zone in enumerate(config.zone):
        if zone.use and zone.use not in planner.hours_of_use:
            known = ", ".join(planner.hours_of_use) or "there is none"
            yield source.problem(f"zone[{number}].use", "not in [planner.hours_of_use]", f"Write one of: {known}")
    if not 1 <= planner.members <= MEMBERS_MAX:
        yield source.problem("planner.members", f"outside 1…{MEMBERS_MAX}", "Write 20 for an ensemble, 1 for none")
    if planner.time_limit_s <= 0:
        yield source.problem("planner.time_limit_s", "must be greater than 0", "Write 60")
    elif planner.time_limit_s > TIME_LIMIT_MAX_S:
        yield source.problem("planner.time_limit_s", f"above {TIME_LIMIT_MAX_S}", "Write 60; a cycle takes 900 s")
    if not 0 <= planner.processes <= PROCESSES_MAX:
        yield source.problem("planner.processes", f"outside 0…{PROCESSES_MAX}", "Leave it out: as many as cores")


def _calibration(config: Config, source: Source) -> Problems:
    if not CALIBRATION_DAYS[0] <= config.calibration.days <= CALIBRATION_DAYS[1]:
        yield source.problem(
            "calibration.days",
            f"outside {CALIBRATION_DAYS[0]}…{CALIBRATION_DAYS[1]}",
            "Write 28: the raw record is kept for 90 days, and fewer than 10 days are too few to fit to",
        )


def _reports(config: Config, source: Source) -> Problems:
    if not CLEAR_WITHIN_MIN[0] <= config.reports.clear_within_min <= CLEAR_WITHIN_MIN[1]:
        yield source.problem(
            "reports.clear_within_min",
            f"outside {CLEAR_WITHIN_MIN[0]}…{CLEAR_WITHIN_MIN[1]}",
            "Write the minutes that the ordinance gives from the end of snowfall",
        )


def _health(config: Config, source: Source) -> Problems:
    for name, (low, high) in HEALTH.items():
        if not low <= getattr(config.health, name) <= high:
            yield source.problem(
                f"health.{name}", f"outside {low:g}…{high:g}", "Write what the maker says, or leave it out"
            )


def _is_host(text: str) -> bool:
    """Whether a certificate can carry it: a host name, or an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= HOST_MAX and HOST.fullmatch(text) is not None
    return True


def _ids(config: Config, source: Source) -> Problems:
    tables = {
        "feeder": [feeder.id for feeder in config.feeder],
        "board": [board.id for board in config.board],
        "zone": [zone.id for zone in config.zone],
    }
    for table, ids in tables.items():
        first: dict[str, int] = {}
        for number, name in enumerate(ids):
            key = f"{table}[{number}].id"
            if not ID.fullmatch(name):
                yield source.problem(key, "invalid id", "Use 1 to 16 of a–z, 0–9, - and _")
            if name in first:
                yield source.problem(key, f"{table}[{first[name]}] has this id too", "Give each its own id")
            first.setdefault(name, number)


def _feeders(config: Config, source: Source) -> Problems:
    for number, feeder in enumerate(config.feeder):
        key = f"feeder[{number}]"
        if feeder.contract_kw <= 0:
            yield source.problem(f"{key}.contract_kw", "must be greater than 0", "Write the contract (15-min mean)")
        for name in ("contract_kw", "breaker_kw"):
            if getattr(feeder, name) > SUPPLY_MAX_KW:
                yield source.problem(f"{key}.{name}", f"above {SUPPLY_MAX_KW:,} kW", "Write kilowatts, not watts")
        if feeder.breaker_kw < feeder.contract_kw:
            yield source.problem(
                f"{key}.breaker_kw",
                f"below the contract of {feeder.contract_kw:g} kW",
                "Write what the breaker carries",
            )
        if not 0 <= feeder.demand_price_per_kw <= PRICE_MAX:
            yield source.problem(
                f"{key}.demand_price_per_kw", f"outside 0…{PRICE_MAX:.0e}", "Write the price of a kW of peak, or 0"
            )
        largest = max((z for z in config.zone if z.feeder == feeder.id), key=lambda z: z.power_w, default=None)
        for name in ("contract_kw", "breaker_kw"):
            if largest is not None and getattr(feeder, name) * 1000 < largest.power_w:
                yield source.problem(
                    f"{key}.{name}",
                    f"below the {largest.power_w / 1000:g} kW of zone {largest.id} alone",
                    f"Write at least {largest.power_w / 1000:g}, or move {largest.id} to another feeder",
                )


def _references(config: Config, source: Source) -> Problems:
    feeders, boards = {f.id for f in config.feeder}, {b.id for b in config.board}
    taken: dict[tuple[str, int], str] = {}
    for number, zone in enumerate(config.zone):
        key = f"zone[{number}]"
        if zone.feeder not in feeders:
            yield source.problem(f"{key}.feeder", "unknown feeder", f"Write one of {', '.join(sorted(feeders))}")
        if zone.board not in boards:
            yield source.problem(f"{key}.board", "unknown board", f"Write one of {', '.join(sorted(boards))}")
        if not 0 <= zone.relay < len(PROFILE.slots):
            last = len(PROFILE.slots) - 1
            yield source.problem(
                f"{key}.relay", f"a board has relays 0 to {last}", f"Write an output from 0 to {last}, or another board"
            )
        if other := taken.get((zone.board, zone.relay)):
            yield source.problem(
                f"{key}.relay", f"zone {other} is on this relay of {zone.board} too", "Give each zone its own relay"
            )
        taken.setdefault((zone.board, zone.relay), zone.id)
    for number, board in enumerate(config.board):
        zones = config.zones_of(board.id)
        if not zones:
            yield source.problem(f"board[{number}].id", "no zone is on this board", "Give it a zone or remove it")
        if len(zones) > PROFILE.zones_max:
            yield source.problem(
                f"board[{number}].id", f"{len(zones)} zones", f"Put at most {PROFILE.zones_max} zones on a board"
            )
