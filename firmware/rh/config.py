"""config.json (who this board is) and limits.json (what no command can widen), checked where they enter.

Every error names file, key, value and remedy; a board with a bad file stays off and says so.
"""

import json
from binascii import unhexlify


class ConfigError(Exception):
    """A file that cannot be used: args are file, key, value, remedy."""

    def __str__(self) -> str:
        return "{}: {} = {!r}: {}".format(*self.args)


# name, least, most. Units are in the names; reasons in docs: 60335/NEC practice and the Korean 80 °C rule for cables.
_LIMITS = (
    ("v", 1, 1),
    ("t_max_mc", 5_000, 20_000),
    ("cable_max_mc", 30_000, 120_000),
    ("lockout_mc", 3_000, 10_000),
    ("cold_cutoff_mc", -25_000, -3_000),
    ("min_on_s", 60, 900),
    ("min_off_s", 60, 900),
    ("period_s", 600, 3_600),
    ("max_on_s", 3_600, 172_800),
    ("max_on_day_s", 3_600, 86_400),
    ("override_max_s", 600, 86_400),
    ("lease_max_s", 900, 86_400),
    ("power_return_min_s", 0, 600),
    ("power_return_max_s", 0, 600),
)
# name, least, most, default. local_duty: so that a whole feeder on its local rule stays under the breaker.
_OPTIONAL_LIMITS = (("local_duty_permille", 100, 1_000, 1_000),)


class Limits:
    """The limits file as attributes, all integers, see `_LIMITS`."""

    def __init__(self, raw: dict, path: str = "limits.json") -> None:  # type: ignore[type-arg]
        _object(path, "", raw)
        known = []
        for name, least, most in _LIMITS:
            known.append(name)
            setattr(self, name, _integer(path, raw, name, least, most))
        for name, least, most, default in _OPTIONAL_LIMITS:
            known.append(name)
            setattr(self, name, _integer(path, raw, name, least, most) if name in raw else default)
        _no_others(path, "", raw, known)
        if self.min_on_s + self.min_off_s > self.period_s:
            raise ConfigError(path, "period_s", self.period_s, "must hold min_on_s and min_off_s")
        if self.power_return_min_s > self.power_return_max_s:
            raise ConfigError(path, "power_return_min_s", self.power_return_min_s, "must not exceed power_return_max_s")

    def __getattr__(self, name: str) -> int:  # for the type checker: set in __init__
        raise AttributeError(name)


class ZoneConfig:
    """One zone's wiring."""

    def __init__(self, raw: dict, path: str, where: str) -> None:  # type: ignore[type-arg]
        _object(path, where, raw)
        self.id: str = _text(path, raw, where + "id", "id", 24)
        self.relay_pin = _pin(path, raw, where, "relay_pin")
        self.relay_active = _integer(path, raw, "relay_active", 0, 1, where)
        self.surface_rom = _rom(path, raw, where, "surface_rom")
        self.cable_rom = _rom(path, raw, where, "cable_rom")
        self.moist_pin = _pin(path, raw, where, "moist_pin")
        self.ct_pin = _pin(path, raw, where, "ct_pin")
        self.ct_w_per_mv = _integer(path, raw, "ct_w_per_mv", 1, 10_000, where)
        self.power_w = _integer(path, raw, "power_w", 100, 1_000_000, where)
        self.earth_pin = _pin(path, raw, where, "earth_pin") if raw.get("earth_pin") is not None else None
        self.trip_pin = _pin(path, raw, where, "trip_pin") if raw.get("trip_pin") is not None else None
        _no_others(
            path,
            where,
            raw,
            ("id", "relay_pin", "relay_active", "surface_rom", "cable_rom", "moist_pin", "ct_pin", "ct_w_per_mv",
             "power_w", "earth_pin", "trip_pin"),
        )  # fmt: skip


class Config:
    """Who this board is, whom it calls, what is wired where."""

    def __init__(self, raw: dict, path: str = "config.json") -> None:  # type: ignore[type-arg]
        _object(path, "", raw)
        self.board = _text(path, raw, "board", "board", 24)
        key = _text(path, raw, "key", "key", 64)
        try:
            self.key = unhexlify(key)
        except ValueError:
            raise ConfigError(path, "key", "…", "64 hex digits, made by `roadheat board provision`")
        if len(self.key) != 32 or self.key == bytes(32):
            raise ConfigError(path, "key", "…", "64 hex digits, made by `roadheat board provision`")
        self.host = _text(path, raw, "host", "host", 45)
        for c in self.host:
            if c not in "0123456789abcdef.:":  # a name look-up would block the safety loop
                raise ConfigError(path, "host", self.host, "an address: looking up a name would block the safety loop")
        self.port = _integer(path, raw, "port", 1, 65_535)
        self.server_name = _text(path, raw, "server_name", "server_name", 64)
        self.ca = _text(path, raw, "ca", "ca", 64)
        self.wifi = raw.get("wifi")
        if self.wifi is not None:
            _object(path, "wifi.", self.wifi)
            _text(path, self.wifi, "wifi.ssid", "ssid", 32)
            _text(path, self.wifi, "wifi.password", "password", 63)
        self.ow_pin = _pin(path, raw, "", "ow_pin")
        self.earth_pin = _pin(path, raw, "", "earth_pin") if raw.get("earth_pin") is not None else None
        self.lock_pin = _pin(path, raw, "", "lock_pin") if raw.get("lock_pin") is not None else None
        # First dial after power came back: 0…this, so that a district does not call at once.
        self.connect_spread_s = _integer(path, raw, "connect_spread_s", 0, 600) if "connect_spread_s" in raw else 60
        zones = raw.get("zones")
        if type(zones) is not list or not 1 <= len(zones) <= 4:
            raise ConfigError(path, "zones", zones, "a list of 1 to 4 zones")
        self.zones = [ZoneConfig(z, path, "zones[{}].".format(i)) for i, z in enumerate(zones)]
        self._distinct(path)
        _no_others(
            path,
            "",
            raw,
            ("board", "key", "host", "port", "server_name", "ca", "wifi", "ow_pin", "earth_pin", "lock_pin",
             "connect_spread_s", "zones"),
        )  # fmt: skip

    def _distinct(self, path: str) -> None:
        """No pin and no probe may serve two things: two zones on one relay would heat each other's road."""
        used = {self.ow_pin: "ow_pin"}
        roms = {}  # type: ignore[var-annotated]
        ids = []
        for pin, key in ((self.lock_pin, "lock_pin"), (self.earth_pin, "earth_pin")):
            if pin is not None:
                _once(path, used, pin, key)
        for i, zone in enumerate(self.zones):
            where = "zones[{}].".format(i)
            if zone.id in ids:
                raise ConfigError(path, where + "id", zone.id, "another zone has this id")
            ids.append(zone.id)
            for pin, key in ((zone.relay_pin, "relay_pin"), (zone.moist_pin, "moist_pin"), (zone.ct_pin, "ct_pin"),
                             (zone.earth_pin, "earth_pin"), (zone.trip_pin, "trip_pin")):  # fmt: skip
                if pin is not None:
                    _once(path, used, pin, where + key)
            _once(path, roms, zone.surface_rom, where + "surface_rom")
            _once(path, roms, zone.cable_rom, where + "cable_rom")


def load(config_path: str = "config.json", limits_path: str = "limits.json") -> tuple:  # type: ignore[type-arg]
    """Config and Limits; raises ConfigError."""
    return Config(_read(config_path), config_path), Limits(_read(limits_path), limits_path)


def _read(path: str) -> dict:  # type: ignore[type-arg]
    try:
        with open(path) as f:
            return json.load(f)  # type: ignore[no-any-return]
    except OSError as e:
        raise ConfigError(path, "file", e.args[0], "missing: run `roadheat board provision`")
    except ValueError:
        raise ConfigError(path, "file", "…", "not JSON: run `roadheat board provision`")


def _once(path: str, used: dict, value, key: str) -> None:  # type: ignore[no-untyped-def, type-arg]
    if value in used:
        raise ConfigError(path, key, value, "already used by " + used[value])
    used[value] = key


def _object(path: str, where: str, raw: object) -> None:
    if type(raw) is not dict:
        raise ConfigError(path, where or "file", raw, "must be an object")


def _no_others(path: str, where: str, raw: dict, known) -> None:  # type: ignore[no-untyped-def, type-arg]
    for key in raw:
        if key not in known:
            raise ConfigError(path, where + key, raw[key], "unknown key: remove it or update the firmware")


def _integer(path: str, raw: dict, name: str, least: int, most: int, where: str = "") -> int:  # type: ignore[type-arg]
    value = raw.get(name)
    if type(value) is not int or not least <= value <= most:
        raise ConfigError(path, where + name, value, "an integer from {} to {}".format(least, most))
    return value


def _text(path: str, raw: dict, where: str, name: str, longest: int) -> str:  # type: ignore[type-arg]
    value = raw.get(name)
    if type(value) is not str or not 1 <= len(value) <= longest:
        raise ConfigError(path, where, value, "a text of 1 to {} characters".format(longest))
    return value


def _pin(path: str, raw: dict, where: str, name: str) -> int:  # type: ignore[type-arg]
    return _integer(path, raw, name, 0, 48, where)


def _rom(path: str, raw: dict, where: str, name: str) -> bytes:  # type: ignore[type-arg]
    value = raw.get(name)
    try:
        rom = unhexlify(value) if type(value) is str else b""
    except ValueError:
        rom = b""
    if len(rom) != 8 or rom[0] != 0x28:  # 0x28: family code of the DS18B20
        raise ConfigError(path, where + name, value, "16 hex digits beginning with 28")
    return rom
