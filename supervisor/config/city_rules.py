"""Rules of `[city]`: addresses of listeners, and who may use them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from supervisor.config.city import COLUMNS, EVENTS
from supervisor.config.listen import split_listen
from supervisor.config.source import Source
from supervisor.domain.errors import ConfigError

if TYPE_CHECKING:
    from supervisor.config.city import BacnetConfig, ModbusConfig, NgsiLdConfig, OpenDataConfig, PlatformConfig
    from supervisor.config.schema import Config

MODBUS_ZONES_MAX: Final = 2_000  # of 32 registers each within the 65,536 that an address can name
UPWIND_MIN: Final = range(5, 361)
PLACE_MAX: Final = 40
EVERY_S: Final = range(10, 3601)
COUNTRY: Final = re.compile(r"[a-z]{2}")
URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
BACNET_DEVICES: Final = range(4_194_303)  # the highest number stands for any device
MINUTES: Final = range(1, 24 * 60 + 1)

Problems = Iterator[ConfigError]


def find_city_problems(config: Config, source: Source) -> Problems:
    """Problems of the interfaces that are switched on."""
    if config.city.modbus is not None:
        yield from _modbus(config.city.modbus, config, source)
    if config.city.bacnet is not None:
        yield from _bacnet(config.city.bacnet, source)
    if config.city.open_data is not None:
        yield from _open_data(config.city.open_data, source)
    if config.city.ngsi_ld is not None:
        yield from _ngsi_ld(config.city.ngsi_ld, config, source)
    if config.city.platform is not None:
        yield from _platform(config.city.platform, source)
    for place, minutes in config.city.upwind.items():
        if not place.strip() or len(place) > PLACE_MAX or minutes not in UPWIND_MIN:
            yield source.problem(
                "city.upwind", f"{place!r}: no name, or outside {UPWIND_MIN[0]}…{UPWIND_MIN[-1]} min",
                'Write places with the minutes that snow takes: { "Incheon" = 75 }',
            )  # fmt: skip
    traffic = config.city.traffic
    if traffic is not None and not COUNTRY.fullmatch(traffic.country):
        yield source.problem("city.traffic.country", "not a country", 'Write two small letters (ISO 3166-1): "kr"')
    if traffic is not None and not traffic.publisher.strip():
        yield source.problem("city.traffic.publisher", "empty", "Write who publishes, as the traffic centre knows it")
    if traffic is not None:
        if traffic.url and not _is_address(traffic.url):
            yield source.problem("city.traffic.url", "not a web address", 'Write the whole address: "https://…"')
        if traffic.token_env and not traffic.url:
            yield source.problem("city.traffic.token_env", "is not used without city.traffic.url", "Give the url")
        if traffic.every_s not in EVERY_S:
            yield source.problem("city.traffic.every_s", f"outside {EVERY_S[0]}…{EVERY_S[-1]}", "Write seconds: 60")


def _modbus(modbus: ModbusConfig, config: Config, source: Source) -> Problems:
    yield from _listen("city.modbus.listen", modbus.listen, config, source)
    yield from _access("city.modbus", modbus, source)
    if len(config.zone) > MODBUS_ZONES_MAX:
        yield source.problem(
            "city.modbus", f"{len(config.zone)} zones do not fit a Modbus address", "Split the district, or remove it"
        )


def _bacnet(bacnet: BacnetConfig, source: Source) -> Problems:
    address, _, port = bacnet.address.rpartition(":")
    try:
        ipaddress.IPv4Interface(address)
        good = "/" in address and port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535
    except ValueError:
        good = False
    if not good:
        yield source.problem(
            "city.bacnet.address", "not an IPv4 address with mask and port", 'Write "10.20.0.2/24:47808"'
        )
    if bacnet.device not in BACNET_DEVICES:
        yield source.problem(
            "city.bacnet.device", f"outside 0…{BACNET_DEVICES[-1]}", "Write a number that no other device has"
        )
    yield from _access("city.bacnet", bacnet, source)


def _access(table: str, config: ModbusConfig | BacnetConfig, source: Source) -> Problems:
    """Who may read and command, and for how long."""
    if not config.allow:
        yield source.problem(f"{table}.allow", "nobody may read", f"List addresses, or remove [{table}]")
    allowed = []
    for key, texts in (("allow", config.allow), ("writers", config.writers)):
        for number, text in enumerate(texts):
            try:
                network = ipaddress.ip_network(text)
            except ValueError:
                yield source.problem(
                    f"{table}.{key}[{number}]", "not an address or a network",
                    'Write one such as "10.20.0.7" or "10.20.0.0/24"',
                )  # fmt: skip
                continue
            if key == "allow":
                allowed.append(network)
            elif not any(one.version == network.version and network.subnet_of(one) for one in allowed):  # type: ignore[arg-type]
                yield source.problem(
                    f"{table}.writers[{number}]", f"not within {table}.allow", "List it in `allow` too"
                )
    if config.minutes not in MINUTES:
        yield source.problem(f"{table}.minutes", f"outside {MINUTES[0]}…{MINUTES[-1]}", "Write minutes: 60")


def _open_data(open_data: OpenDataConfig, source: Source) -> Problems:
    if not open_data.licence.strip():
        yield source.problem(
            "city.open_data.licence", "empty", 'Name the licence under which everybody may use it: "공공누리 제1유형"'
        )
    for field in open_data.columns:
        if field not in COLUMNS:
            yield source.problem(f"city.open_data.columns.{field}", "unknown field", f"Known: {', '.join(COLUMNS)}")
    names = [name for field in COLUMNS if (name := open_data.columns.get(field, COLUMNS[field]))]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        yield source.problem("city.open_data.columns", f"two columns are named {twice!r}", "Give each its own name")
    for field in ("licence", "reference_date"):
        if open_data.columns.get(field, "-") == "":
            yield source.problem(
                f"city.open_data.columns.{field}", "must stay in the file", "Give it a name, or leave the line out"
            )


def _ngsi_ld(hub: NgsiLdConfig, config: Config, source: Source) -> Problems:
    key = "city.ngsi_ld"
    if hub.url and not _is_address(hub.url):
        yield source.problem(f"{key}.url", "not a web address", 'Write the whole address: "https://hub.city.example/…"')
    if hub.form == "ingest" and not hub.dataset:
        yield source.problem(f"{key}.dataset", "is missing", "Write the datasetId that the hub has given")
    if hub.token_env and not hub.url:
        yield source.problem(f"{key}.token_env", f"is not used without {key}.url", "Give the url, or leave it out")
    if hub.every_s not in EVERY_S:
        yield source.problem(f"{key}.every_s", f"outside {EVERY_S[0]}…{EVERY_S[-1]}", "Write seconds: 60")
    zones = {zone.id for zone in config.zone}
    for zone, segment in hub.segments.items():
        if zone not in zones:
            yield source.problem(f"{key}.segments.{zone}", "unknown zone", "Write the id of a [[zone]]")
        elif not URI.fullmatch(segment):
            yield source.problem(f"{key}.segments.{zone}", "not a URI", 'Write "urn:ngsi-ld:RoadSegment:…"')


def _platform(platform: PlatformConfig, source: Source) -> Problems:
    key = "city.platform"
    if not _is_address(platform.url):
        yield source.problem(f"{key}.url", "not a web address", 'Write the whole address: "https://…"')
    for name in ("send_code", "receive_code", "system_code"):
        if not getattr(platform, name).strip():
            yield source.problem(f"{key}.{name}", "empty", "Write the code that the city has issued")
    if not platform.event_ids:
        yield source.problem(f"{key}.event_ids", "no event would be sent", f"Give one of {', '.join(EVENTS)}")
    for table in ("event_ids", "grades"):
        for event in getattr(platform, table):
            if event not in EVENTS:
                yield source.problem(f"{key}.{table}.{event}", "unknown event", f"Use {', '.join(EVENTS)}")
    for name in platform.headers:
        if not re.fullmatch(r"X-Scsns-[A-Za-z0-9-]+", name):
            yield source.problem(f"{key}.headers.{name}", "not X-Scsns-…", "Give the headers that the city asks for")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username and " " not in url


def _listen(key: str, listen: str, config: Config, source: Source) -> Problems:
    try:
        split_listen(listen)
    except ValueError:
        yield source.problem(key, "not a host:port address", 'Write "host:port", for example "10.20.0.2:502"')
        return
    others = {"boards.listen": config.boards.listen, "web.listen": config.web.listen}
    for other, address in others.items():
        if listen == address and not listen.endswith(":0"):
            yield source.problem(key, f"same address as {other}", "Give each listener its own port")
