"""How a board is wired and where it calls: what an engineer names, and what stays from the last time."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, TypedDict

from supervisor.domain.board_profile import PROFILE
from supervisor.domain.errors import ConfigError
from tools.signing import KEYS_MAX

DS18B20: Final = 0x28  # family code, the first byte of a ROM
MODELS: Final = ("sdm120", "sdm630")  # register meters that the firmware knows; a test compares
ADDRESS_MAX: Final = 247  # of a Modbus line
ZERO_MV: Final = 600  # 4 mA through 150 ohms
_BY_PLACE: Final = ("roms", "trip_pins", "thermal_pins", "meters", "pulses", "platinum", "moisture", "leakage")
CHIP: Final = "chip"  # file of a board's folder: config.json has no such key
LAN8720: Final = {"mdc": 23, "mdio": 18, "phy_addr": 0}  # as most boards with this PHY are wired


class Lan(TypedDict, total=False):
    """`lan` of config.json."""

    mdc: int
    mdio: int
    phy_addr: int
    power: int
    ref_clk: int  # 0, 16 or 17
    ref_clk_out: int  # 1: the chip drives the clock, 0: the PHY


class Rs485(TypedDict, total=False):
    """`rs485` of config.json: the line of the register meters."""

    tx_pin: int
    rx_pin: int
    de_pin: int | None  # None: the transceiver switches by itself
    baud: int
    parity: str
    stop_bits: int


class Platinum(NamedTuple):
    """An element behind a MAX31865."""

    r0_ohm: int  # 100 or 1000
    cs_pin: int
    wires: int
    ref_ohm: int
    offset_mk: int = 0  # by calibration


class Spi(TypedDict):
    """`spi` of config.json: the bus of the MAX31865."""

    sck_pin: int
    mosi_pin: int
    miso_pin: int


class Wiring(TypedDict, total=False):
    """Whatever is not named stays as it is in the board's folder, and is the default for a new board."""

    host: str  # address that the board calls
    port: int
    wifi: tuple[str, str] | None  # name and password
    lan: Lan | None
    chip: str  # of CHIPS
    roms: Mapping[str, str]  # "z01.surface" → 16 hex digits
    spi: Spi | None
    platinum: Mapping[str, Platinum | None]  # "z01.surface" → element; None: its DS18B20 again
    earth_pin: int | None
    lock_pin: int | None
    beat_pin: int | None
    rs485: Rs485 | None
    meters: Mapping[str, tuple[str, int] | None]  # zone → model and address; None: its current transformer again
    thermal_pins: Mapping[str, int]  # zone → pin of its thermal cut-out
    pulses: Mapping[str, tuple[int, int] | None]  # zone → pin and pulses per kWh of its meter
    moisture: Mapping[str, tuple[int, int]]  # zone → mV dry and wet, by calibration
    leakage: Mapping[str, tuple[int, int, int] | None]  # zone → pin, µA per mV and mV at none of its monitor
    trip_pins: Mapping[str, int]  # zone → pin of its upstream contactor
    relay_active: int  # level that closes the contactors
    signers: tuple[Path, ...]  # public keys of an engineer, one or two: limits must be signed with one of them
    console_lock: int  # 1: Ctrl-C stops nothing until the console is unlocked with the board's key


def check(wiring: Wiring) -> None:
    """Raise ConfigError for an address, a ROM or a network that the board would refuse."""
    if "host" in wiring:
        check_host(wiring["host"])
    for place, rom in wiring.get("roms", {}).items():
        check_rom(place, rom)
    roms = list(wiring.get("roms", {}).values())
    if twice := next((rom for rom in roms if roms.count(rom) > 1), None):
        raise ConfigError(
            "two places have this probe", where=f"--probe {twice}", remedy="Each probe has a ROM of its own"
        )
    check_meters(wiring)
    check_platinum(wiring)
    if wiring.get("lan") and wiring.get("chip", "ESP32") != "ESP32":
        raise ConfigError(
            f"an {wiring['chip']} has no Ethernet", where="--lan", remedy="Use WiFi, or a board with an ESP32"
        )
    if len(wiring.get("signers", ())) > KEYS_MAX:
        raise ConfigError("more than two keys", where="--signer", remedy="A board has one or two")
    if wiring.get("wifi") and wiring.get("lan"):
        raise ConfigError("both WiFi and Ethernet", where="--wifi --lan", remedy="A board uses one of them")


def check_meters(wiring: Wiring) -> None:
    """Raise ConfigError for a meter that the firmware does not know, or that has no line or address of its own."""
    seen: dict[int, str] = {}
    for zone, meter in wiring.get("meters", {}).items():
        if meter is None:
            continue
        where = f"--meter {zone}={meter[0]}@{meter[1]}"
        if meter[0] not in MODELS:
            raise ConfigError(f"unknown model `{meter[0]}`", where=where, remedy=f"Known: {', '.join(MODELS)}")
        if not 1 <= meter[1] <= ADDRESS_MAX:
            raise ConfigError("no address on a line", where=where, remedy=f"A meter has one from 1 to {ADDRESS_MAX}")
        if meter[1] in seen:
            remedy = "Set another one at the meter"
            raise ConfigError(f"the meter of {seen[meter[1]]} has this address", where=where, remedy=remedy)
        seen[meter[1]] = zone
    line = wiring.get("rs485")
    if line and not {"tx_pin", "rx_pin"} <= {*line}:
        raise ConfigError("the line has no pins", where="--rs485-enable", remedy="Give --rs485 TX RX")
    if seen and not line:
        raise ConfigError(
            "the board has no line for meters", where="--meter", remedy="Give --rs485 TX RX, the pins of it"
        )


def check_platinum(wiring: Wiring) -> None:
    """Raise ConfigError for elements without a bus, or at a place that no zone has."""
    known = {place: element for place, element in wiring.get("platinum", {}).items() if element}
    for place in known:
        if place.rpartition(".")[2] not in PROFILE.probes:
            raise ConfigError(
                "no such place", where=f"--platinum {place}", remedy=f"A zone has {' and '.join(PROFILE.probes)}"
            )
    if known and not wiring.get("spi"):
        raise ConfigError("the board has no bus for it", where="--platinum", remedy="Give --spi SCK MOSI MISO")


def check_host(host: str) -> None:
    """An address, not a name: looking one up would block the board's safety loop."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ConfigError("not an address", where=f"--host {host!r}", remedy="Write one like 10.20.0.5") from None
    if address.is_unspecified or address.is_multicast:
        raise ConfigError("no board can call it", where=f"--host {host}", remedy="Write the server's own address")


def loopback(host: str) -> bool:
    """Whether only programs on the same machine reach that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_rom(place: str, rom: str) -> None:
    """A DS18B20's ROM code: family, serial number and CRC-8 (polynomial x⁸ + x⁵ + x⁴ + 1) as 16 hex digits."""
    where = f"--probe {place}={rom}"
    try:
        code = bytes.fromhex(rom)
    except ValueError:
        code = b""
    if len(code) != 8 or len(rom) != 16:
        raise ConfigError("not a ROM code", where=where, remedy="Write 16 hex digits, as `selftest` shows them")
    if code[0] != DS18B20:
        raise ConfigError(f"family {code[0]:02x} is no DS18B20", where=where, remedy="Its ROM begins with 28")
    if crc8(code[:7]) != code[7]:
        raise ConfigError(
            f"a digit is wrong: the last two would be {crc8(code[:7]):02x}",
            where=where,
            remedy="Copy it from `selftest`",
        )


def crc8(data: bytes) -> int:
    """The 1-Wire CRC."""
    crc = 0
    for byte in data:
        for bit in range(8):
            crc = (crc >> 1) ^ 0x8C if (crc ^ byte >> bit) & 1 else crc >> 1
    return crc


def kept(folder: Path) -> Wiring:
    """The wiring of a board that has been provisioned before, from its config.json; empty for a new one.

    Raises ConfigError where the file cannot be read.
    """
    path = folder / "config.json"
    if not path.exists():
        return Wiring()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        zones = [zone for zone in found["zones"] if isinstance(zone, dict)]
        wiring = Wiring(
            host=found["host"], roms=_roms(zones), trip_pins=_pins(zones, "trip_pin"), meters=_meters(zones)
        )
        wiring["platinum"] = _platinum(zones)
        wiring["pulses"] = {
            zone["id"]: (sensor["pulse_pin"], sensor["imp_per_kwh"])
            for zone in zones
            if (sensor := zone.get("power", {})).get("kind") == "s0-pulse"
        }
        wiring["moisture"] = {
            zone["id"]: (sensor["dry_mv"], sensor["wet_mv"])
            for zone in zones
            if "wet_mv" in (sensor := zone.get("moisture", {}))
        }
        wiring["thermal_pins"] = _pins(zones, "thermal_pin")
        wiring["leakage"] = {
            zone["id"]: (sensor["pin"], sensor["ua_per_mv"], sensor.get("zero_mv", ZERO_MV))
            for zone in zones
            if (sensor := zone.get("leakage"))
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = "Correct it, or remove it and provision with all options"
        raise ConfigError(f"not a board's config.json: {error}", where=str(path), remedy=remedy) from None
    if wifi := found.get("wifi"):
        wiring["wifi"] = (wifi["ssid"], wifi["password"])
    if lan := found.get("lan"):
        wiring["lan"] = lan
    if rs485 := found.get("rs485"):
        wiring["rs485"] = rs485
    if spi := found.get("spi"):
        wiring["spi"] = spi
    if (folder / CHIP).exists():
        wiring["chip"] = (folder / CHIP).read_text(encoding="utf-8").strip()
    for name in ("earth_pin", "lock_pin", "beat_pin"):
        if found.get(name) is not None:
            wiring[name] = found[name]
    levels = {zone.get("relay_active") for zone in zones}
    if len(levels) == 1 and (level := levels.pop()) in (0, 1):
        wiring["relay_active"] = level
    return wiring


def merged(before: Wiring, named: Wiring) -> Wiring:
    """What is named over what was; of probes and upstream contactors each on its own, and one network at a time."""
    old: Any = before
    new: Any = named
    found: Any = {**old, **new}
    for name in _BY_PLACE:
        found[name] = {**old.get(name, {}), **new.get(name, {})}
    found["rs485"] = {**(before.get("rs485") or {}), **(named.get("rs485") or {})} or None
    if named.get("wifi"):
        found["lan"] = None
    elif named.get("lan"):
        found["wifi"] = None
    result: Wiring = found
    return result


def _roms(zones: list[dict[str, Any]]) -> dict[str, str]:
    return {
        f"{zone['id']}.{place}": zone[f"{place}_rom"]
        for zone in zones
        for place in ("surface", "cable")
        if zone.get(f"{place}_rom")
    }


def _platinum(zones: list[dict[str, Any]]) -> dict[str, Platinum | None]:
    return {
        f"{zone['id']}.{place}": Platinum(
            sensor.get("r0_ohm", 100),
            sensor["cs_pin"],
            sensor.get("wires", 4),
            sensor["ref_ohm"],
            sensor.get("offset_mk", 0),
        )
        for zone in zones
        for place in PROFILE.probes
        if (sensor := zone.get(place, {})).get("kind") == "max31865"
    }


def _meters(zones: list[dict[str, Any]]) -> dict[str, tuple[str, int] | None]:
    return {
        zone["id"]: (zone["power"]["model"], zone["power"]["address"])
        for zone in zones
        if zone.get("power", {}).get("kind") == "modbus-meter"
    }


def _pins(zones: list[dict[str, Any]], name: str) -> dict[str, int]:
    return {zone["id"]: zone[name] for zone in zones if zone.get(name) is not None}
