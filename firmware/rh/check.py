"""Checks config.json and limits.json where they enter, once at boot; main.py drops this module afterwards.

Every error names file, key, value and remedy; a board with a bad file stays off and says so.
"""

import sys
from binascii import unhexlify

from . import pins
from .config import Config, Limits, ZoneConfig

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

_PIN = (0, 48)
_NAME = ("t", 24)
_ROM = ("rom",)
# Key: (least, most) for an integer, ("t", longest) for a text; a third or second item more is the default.
_LIMITS = {
    "v": (1, 1),
    "t_max_mc": (5_000, 20_000),
    "cable_max_mc": (30_000, 120_000),  # the Korean rule says 80 °C, 120 °C for metal-sheathed cable
    "lockout_mc": (3_000, 10_000),
    "cold_cutoff_mc": (-25_000, -3_000),
    "min_on_s": (60, 900),
    "min_off_s": (60, 900),
    "period_s": (600, 3_600),
    "max_on_s": (3_600, 172_800),
    "max_on_day_s": (3_600, 86_400),
    "override_max_s": (600, 86_400),
    "lease_max_s": (900, 86_400),
    "power_return_min_s": (0, 600),
    "power_return_max_s": (0, 600),
    "local_duty_permille": (100, 1_000, 1_000),
}
_CONFIG = {
    "board": _NAME,
    "key": ("t", 64),
    "host": ("t", 45),
    "port": (1, 65_535),
    "server_name": ("t", 64),
    "ca": ("t", 64),
    "ow_pin": _PIN,
    "earth_pin": (0, 48, None),
    "lock_pin": (0, 48, None),
    "connect_spread_s": (0, 600, 60),
}
_WIFI = {"ssid": ("t", 32), "password": ("t", 63)}
_LAN = {"mdc": _PIN, "mdio": _PIN, "power": (0, 48, None), "phy_addr": (0, 31)}
_ZONE = {
    "id": _NAME,
    "relay_pin": _PIN,
    "relay_active": (0, 1),
    "surface_rom": _ROM,
    "cable_rom": _ROM,
    "moist_pin": _PIN,
    "ct_pin": _PIN,
    "ct_w_per_mv": (1, 10_000),
    "power_w": (100, 1_000_000),
    "earth_pin": (0, 48, None),
    "trip_pin": (0, 48, None),
}
_ZONES_MAX = 4
POWER_RETURN_MAX_S = 300  # a road may stay cold for so long after power came back …
OFF_MAX_S = 900  # … with the minimum off time; and between two windows of a period
TURN_MAX_S = 1_800  # between two windows of a local duty so low that it only holds the feeder


class ConfigError(Exception):
    """A file that cannot be used: args are file, key, value, remedy."""

    def __str__(self) -> str:
        return "{}: {} = {!r}: {}".format(*self.args)


def load(
    config_path: str = "config.json", limits_path: str = "limits.json", accept: bool = False
) -> "tuple[Config, Limits]":
    """Both files, checked, then sealed together with the authority's; raises ConfigError.

    `stale` of the config: a last good copy is used. accept: take files without a seal, a person wants it.
    """
    import rh

    from . import settle

    try:
        files = [settle.Settled(config_path, accept), settle.Settled(limits_path, accept)]
        made = config(files[0].json(), config_path)
        bounds = limits(files[1].json(), limits_path)
        try:
            authority = settle.Settled(made.ca, accept)
            authority.certificate()
            files.append(authority)
        except ConfigError as e:  # nobody to talk to, and the local rule heats
            print("no connection:", e)
        for file in files:
            file.keep()
            if file.stale:
                made.stale = True
        return made, bounds
    finally:
        for name in ("rh.settle", "rh.strict", "rh.pins"):
            sys.modules.pop(name, None)
        del rh.settle, rh.strict
        if hasattr(rh, "pins"):  # not when this is the second time
            del rh.pins


def limits(raw: "Any", path: str = "limits.json") -> Limits:
    """Checked limits."""
    made = Limits()
    _fill(made, raw, _LIMITS, path, "")
    if made.min_on_s + made.min_off_s > made.period_s:
        raise ConfigError(path, "period_s", made.period_s, "must hold min_on_s and min_off_s")
    if made.power_return_min_s > made.power_return_max_s:
        raise ConfigError(path, "power_return_min_s", made.power_return_min_s, "must not exceed power_return_max_s")
    _bound(made, path)
    return made


def _bound(made: Limits, path: str) -> None:
    """Bring what would leave a cold wet road without heat for too long to its bound; older files hold such values."""
    most = min(POWER_RETURN_MAX_S, OFF_MAX_S - made.min_off_s)
    _at_most(made, path, "power_return_max_s", most)
    _at_most(made, path, "power_return_min_s", most)
    # A window each period: of the shortest, the minimum on time, the road waits for the rest of the period.
    _at_most(made, path, "period_s", OFF_MAX_S + made.min_on_s)
    duty = made.local_duty_permille
    if made.min_on_s * 1000 > duty * made.period_s:
        # Owed over some periods until it makes a minimum on time, which must then be a short one.
        _at_most(made, path, "min_on_s", max(60, duty * (TURN_MAX_S - made.period_s) // (1000 - duty)))


def _at_most(made: Limits, path: str, name: str, most: int) -> None:
    if getattr(made, name) > most:
        print("{}: {} = {}: taken as {}; correct the file".format(path, name, getattr(made, name), most))
        setattr(made, name, most)


def config(raw: "Any", path: str = "config.json") -> Config:
    """Checked configuration."""
    made = Config()
    _fill(made, raw, _CONFIG, path, "", ("zones", "wifi", "lan"))
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
        _fill(Config(), made.wifi, _WIFI, path, "wifi.")
    made.lan = raw.get("lan")
    if made.lan is not None:
        if made.wifi is not None:
            raise ConfigError(path, "lan", made.lan, "either wifi or lan")
        _fill(Config(), made.lan, _LAN, path, "lan.")
    zones = raw.get("zones")
    if type(zones) is not list or not 1 <= len(zones) <= _ZONES_MAX:
        raise ConfigError(path, "zones", zones, "a list of 1 to {} zones".format(_ZONES_MAX))
    made.zones = []
    for i in range(len(zones)):
        zone = ZoneConfig()
        _fill(zone, zones[i], _ZONE, path, "zones[{}].".format(i))
        made.zones.append(zone)
    _distinct(made, path)
    return made


def _fill(made: object, raw: "Any", fields: "dict[str, Any]", path: str, where: str, others: "Any" = ()) -> None:
    """Set checked fields as attributes; refuses what is missing, out of range, of another type or unknown."""
    if type(raw) is not dict:
        raise ConfigError(path, where or "file", raw, "must be an object")
    for key in raw:
        if key not in fields and key not in others:
            raise ConfigError(path, where + key, raw[key], "unknown key: remove it or update the firmware")
    for name in fields:
        rule = fields[name]
        value = raw.get(name)
        if value is None and len(rule) == 3:
            value = rule[2]
        elif rule is _ROM:
            value = _rom(value)
            if value is None:
                raise ConfigError(path, where + name, raw.get(name), "16 hex digits beginning with 28")
        elif rule[0] == "t":
            if type(value) is not str or not 1 <= len(value) <= rule[1]:
                raise ConfigError(path, where + name, value, "a text of 1 to {} characters".format(rule[1]))
        elif type(value) is not int or not rule[0] <= value <= rule[1]:
            raise ConfigError(path, where + name, value, "an integer from {} to {}".format(rule[0], rule[1]))
        setattr(made, name, value)


def _rom(text: "Any") -> "bytes | None":
    try:
        rom = unhexlify(text) if type(text) is str else b""
    except ValueError:
        return None
    return rom if len(rom) == 8 and rom[0] == 0x28 else None  # family code of the DS18B20


def _distinct(made: Config, path: str) -> None:
    """Each pin can do what it is for, and no pin or probe serves two things: two zones on one relay would heat each
    other's road.
    """
    seen: "dict[Any, str]" = {}
    roms: "dict[Any, str]" = {}  # apart: bytes and str must not meet as keys
    for name in ("ow_pin", "lock_pin", "earth_pin"):
        _pin(path, seen, made, name, getattr(made, name), "")
    if made.lan is not None:
        for name in ("mdc", "mdio", "power"):
            _pin(path, seen, made, name, made.lan.get(name), "lan.")
    for i in range(len(made.zones)):
        zone = made.zones[i]
        where = "zones[{}].".format(i)
        _once(path, seen, zone.id, where + "id")
        for name in ("relay_pin", "moist_pin", "ct_pin", "earth_pin", "trip_pin"):
            _pin(path, seen, made, name, getattr(zone, name), where)
        for name in ("surface_rom", "cable_rom"):
            _once(path, roms, getattr(zone, name), where + name)


def _pin(path: str, seen: "dict[Any, str]", made: Config, name: str, pin: "int | None", where: str) -> None:
    if pin is None:
        return
    fault = pins.fault(name, pin, made.lan is not None, made.wifi is not None)
    if fault:
        raise ConfigError(path, where + name, pin, fault + ": choose another pin")
    _once(path, seen, pin, where + name)


def _once(path: str, seen: "dict[Any, str]", value: "Any", key: str) -> None:
    if value is None:
        return
    if value in seen:
        raise ConfigError(path, key, value, "already used by " + seen[value])
    seen[value] = key
