"""Checks config.json and limits.json, once at boot; program.py drops this module afterwards.

Every error names file, key, value and remedy; a board with a bad file stays off and says so.
"""

import sys
from binascii import unhexlify

from . import chips, pins, places, seal
from .config import Config, Limits, ZoneConfig
from .fields import PIN, PROFILE, fill
from .fields import ConfigError as ConfigError

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

_PIN_OR_NONE = (0, PIN[1], None)
_NAME = ("t", 24)
_ROM = ("rom",)
# Sensor: its quantity, and the kind that it has where the zone has these keys instead of an object with a kind.
_SENSORS = {
    "surface": ("temperature", "ds18b20", {"rom": "surface_rom"}),
    "cable": ("temperature", "ds18b20", {"rom": "cable_rom"}),
    "moisture": ("moisture", "adc-moisture", {"pin": "moist_pin"}),
    "power": ("power", "adc-current", {"pin": "ct_pin", "w_per_mv": "ct_w_per_mv"}),
}
_LIMITS = {name: bounds if name in PROFILE["optional"] else bounds[:2] for name, bounds in PROFILE["limits"].items()}
_CONFIG = {
    "board": _NAME,
    "key": ("t", 64),
    "host": ("t", 45),
    "port": (1, 65_535),
    "server_name": ("t", 64),
    "ca": ("t", 64),
    "ow_pin": PIN,
    "earth_pin": _PIN_OR_NONE,
    "lock_pin": _PIN_OR_NONE,
    "beat_pin": _PIN_OR_NONE,
    "connect_spread_s": (0, 600, 60),
    "console_lock": (0, 1, 0),
}
_WIFI = {"ssid": ("t", 32), "password": ("t", 63)}
_LAN = {
    "mdc": PIN,
    "mdio": PIN,
    "power": _PIN_OR_NONE,
    "phy_addr": (0, 31),
    "ref_clk": (0, 17, None),
    "ref_clk_out": (0, 1, 0),
}
_RS485 = {
    "tx_pin": PIN,
    "rx_pin": PIN,
    "de_pin": _PIN_OR_NONE,
    "baud": ("in", (2_400, 4_800, 9_600, 19_200, 38_400), 9_600),
    "parity": ("in", ("none", "even", "odd"), "none"),
    "stop_bits": (1, 2, 1),
}
_SPI = {"sck_pin": PIN, "mosi_pin": PIN, "miso_pin": PIN}
_ZONE = {
    "id": _NAME,
    "relay_pin": PIN,
    "relay_active": (0, 1),
    "surface_rom": _ROM,
    "cable_rom": _ROM,
    "moist_pin": PIN,
    "ct_pin": PIN,
    "ct_w_per_mv": (1, 10_000),
    "power_w": (100, 1_000_000),
    "earth_pin": _PIN_OR_NONE,
    "thermal_pin": _PIN_OR_NONE,
    "trip_pin": _PIN_OR_NONE,
}
_MORE = ("leakage",)  # sensors that a zone may do without: place, and quantity


def load(
    config_path: str = "config.json", limits_path: str = "limits.json", accept: bool = False
) -> "tuple[Config, Limits]":
    """Both files, checked, then sealed together with the authority's; raises ConfigError.

    `stale` of the config: why a last good copy is used, "" where none is (docs/decisions/0063). accept: take files
    without a seal, and nothing else, as a person asked for.
    """
    import rh

    from . import limitsfile, settle, signed

    try:
        files = [settle.Settled(config_path, accept)]
        made = _checked(files[0], config, config_path, accept)
        files.append(limitsfile.settled(limits_path, made.board, accept))
        bounds = _checked(files[1], limits, limits_path, accept)
        if seal.load(signed.KEYS)[1] != seal.MISSING:
            files.append(settle.Settled(signed.KEYS))
        for zone_id in bounds.zones:
            if not any(zone.id == zone_id for zone in made.zones):  # of an older config.json, perhaps: the rest is used
                print("{}: zones.{}: no such zone in {}".format(limits_path, zone_id, config_path))
        try:
            authority = settle.Settled(made.ca, accept)
            authority.certificate()
            files.append(authority)
        except ConfigError as e:  # no connection; the local rule still heats
            print("no connection:", e)
        for file in files:
            file.keep()
            if file.stale and not made.stale:
                made.stale = file.reason()
        return made, bounds
    finally:
        for name in ("settle", "limitsfile", "signed", "strict", "places", "pins", "chips"):
            sys.modules.pop("rh." + name, None)
            if hasattr(rh, name):  # not when this is the second time
                delattr(rh, name)


def _checked(file: "Any", check: "Any", path: str, accept: bool) -> "Any":
    """What `check` makes of a file; of its last good copy where the newest is whole and does not pass."""
    try:
        return check(file.json(), path)
    except ConfigError as e:
        if accept or file.stale or not file.has_copy():
            raise
        file.fall_back("{}: {}".format(e.args[1], e.args[3]))  # without the value, which may be secret
        return check(file.json(), path)


def limits(raw: "Any", path: str = "limits.json") -> Limits:
    """Checked limits of the board, and of the zones that have their own."""
    made = Limits()
    fill(made, raw, _LIMITS, path, "", ("zones", "board", "version"))
    if made.min_on_s + made.min_off_s > made.period_s:
        raise ConfigError(path, "period_s", made.period_s, "must not be shorter than min_on_s + min_off_s")
    if made.leakage_warn_ma > made.leakage_trip_ma:
        raise ConfigError(path, "leakage_warn_ma", made.leakage_warn_ma, "must not exceed leakage_trip_ma")
    if made.power_return_min_s > made.power_return_max_s:
        raise ConfigError(path, "power_return_min_s", made.power_return_min_s, "must not exceed power_return_max_s")
    _bound(made, path)
    zones = raw.get("zones", {})
    if type(zones) is not dict:
        raise ConfigError(path, "zones", zones, "must be an object: zone id to limits")
    made.zones = {}
    for zone_id in zones:
        made.zones[zone_id] = _own(made, zones[zone_id], path, "zones." + zone_id + ".")
    return made


def _own(board: Limits, raw: "Any", path: str, where: str) -> Limits:
    """The board's limits with those of one zone in their place."""
    if type(raw) is not dict:
        raise ConfigError(path, where, raw, "must be an object")
    own = {name: _LIMITS[name] for name in PROFILE["zone_limits"] if name in raw}
    made = Limits()
    for name in _LIMITS:
        setattr(made, name, getattr(board, name))
    fill(made, raw, own, path, where)
    return made


def _bound(made: Limits, path: str) -> None:
    """Lower what would leave a cold wet road without heat for too long to its bound; older files have such values."""
    most = min(PROFILE["power_return_max_s"], PROFILE["off_max_s"] - made.min_off_s)
    _at_most(made, path, "power_return_max_s", most)
    _at_most(made, path, "power_return_min_s", most)
    # One window per period: after the shortest, the minimum on time, the road waits for the rest of the period.
    _at_most(made, path, "period_s", PROFILE["off_max_s"] + made.min_on_s)
    duty = made.local_duty_permille
    if made.min_on_s * 1000 > duty * made.period_s:
        # Owed over some periods until it makes a minimum on time, which must then be a short one.
        _at_most(
            made,
            path,
            "min_on_s",
            max(_LIMITS["min_on_s"][0], duty * (PROFILE["turn_max_s"] - made.period_s) // (1000 - duty)),
        )


def _at_most(made: Limits, path: str, name: str, most: int) -> None:
    if getattr(made, name) > most:
        print("{}: {} = {}: taken as {}; correct the file".format(path, name, getattr(made, name), most))
        setattr(made, name, most)


def config(raw: "Any", path: str = "config.json") -> Config:
    """Checked configuration."""
    made = Config()
    fill(made, raw, _CONFIG, path, "", ("zones", "wifi", "lan", "rs485", "spi"))
    try:
        made.key = unhexlify(made.key)
    except ValueError:
        made.key = b""
    if len(made.key) != 32 or made.key == bytes(32):
        raise ConfigError(path, "key", "…", "64 hex digits, made by `roadheat board provision`")
    if not pins.is_address(made.host):
        raise ConfigError(path, "host", made.host, "an address: looking up a name would block the safety loop")
    made.wifi = raw.get("wifi")
    if made.wifi is not None:
        fill(Config(), made.wifi, _WIFI, path, "wifi.")
    made.lan = raw.get("lan")
    if made.lan is not None:
        if made.wifi is not None:
            raise ConfigError(path, "lan", made.lan, "either wifi or lan")
        if chips.name() != "ESP32":
            raise ConfigError(path, "lan", made.lan, "only the ESP32 itself has Ethernet: wifi")
        fill(Config(), made.lan, _LAN, path, "lan.")
    made.rs485 = _bus(raw.get("rs485"), _RS485, path, "rs485.")
    made.spi = _bus(raw.get("spi"), _SPI, path, "spi.")
    zones = raw.get("zones")
    if type(zones) is not list or not 1 <= len(zones) <= PROFILE["zones_max"]:
        raise ConfigError(path, "zones", zones, "a list of 1 to {} zones".format(PROFILE["zones_max"]))
    made.zones = []
    for i in range(len(zones)):
        made.zones.append(_zone(zones[i], path, "zones[{}].".format(i)))
    places.distinct(made, path, _SENSORS)
    return made


def _bus(raw: "Any", rules: "dict[str, Any]", path: str, where: str) -> "dict[str, Any] | None":
    """Checked fields of a bus, None where there is none."""
    if raw is None:
        return None
    made = ZoneConfig()
    fill(made, raw, rules, path, where)
    return {name: getattr(made, name) for name in rules}


def _zone(raw: "Any", path: str, where: str) -> ZoneConfig:
    made = ZoneConfig()
    fields = dict(_ZONE)
    given = [place for place in list(_SENSORS) + list(_MORE) if type(raw) is dict and raw.get(place) is not None]
    for place in given:
        for name in _SENSORS[place][2].values() if place in _SENSORS else ():
            del fields[name]
            setattr(made, name, None)
    fill(made, raw, fields, path, where, given)
    made.sensors = {}
    for place in _SENSORS:
        quantity, kind, keys = _SENSORS[place]
        if place in given:
            sensor = _sensor(raw[place], quantity, path, where + place + ".", made.power_w)
        else:
            sensor = {key: getattr(made, name) for key, name in keys.items()}
            sensor["kind"] = kind
        made.sensors[place] = sensor
    for place in _MORE:
        if place in given:
            made.sensors[place] = _sensor(raw[place], place, path, where + place + ".", made.power_w)
    return made


def _sensor(raw: "Any", quantity: str, path: str, where: str, power_w: int) -> "dict[str, Any]":
    """A sensor's checked fields, by the rules of its driver; with the zone's power where that asks for it."""
    import drivers

    if type(raw) is not dict:
        raise ConfigError(path, where, raw, "must be an object")
    kind = raw.get("kind")
    known = sorted([name for name in drivers.KINDS if drivers.KINDS[name][1] == quantity])
    if kind not in known:
        raise ConfigError(path, where + "kind", kind, "one of " + ", ".join(known))
    rules = drivers.rules(kind)
    made = ZoneConfig()
    fill(made, raw, rules, path, where, ("kind",))
    sensor = {name: getattr(made, name) for name in rules}
    if getattr(drivers.module(kind), "RATED", False):
        sensor["rated_w"] = power_w
    refusal = getattr(drivers.module(kind), "refusal", None)
    fault = refusal(sensor) if refusal is not None else ""
    if fault:
        raise ConfigError(path, where + "kind", kind, fault)
    sensor["kind"] = kind
    return sensor
