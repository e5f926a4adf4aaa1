"""Fields of config.json and limits.json by rules. program.py drops this module with `rh.check`.

A rule is (least, most) for an integer, ("t", longest) for a text, ("in", values) for one of some, ("pin",) or ("rom",);
a third item is the default.
"""

import json
from binascii import unhexlify

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

with open(__file__.rsplit("/", 1)[0] + "/profile.json") as _file:
    PROFILE = json.load(_file)
del PROFILE["slots"], PROFILE["probes"]  # of provisioning
PIN = (0, PROFILE["pin_max"])


class ConfigError(Exception):
    """A file that cannot be used: args are file, key, value, remedy."""

    def __str__(self) -> str:
        return "{}: {} = {!r}: {}".format(*self.args)


def fill(made: object, raw: "Any", fields: "dict[str, Any]", path: str, where: str, others: "Any" = ()) -> None:
    """Set checked fields as attributes; refuses what is missing, out of range, of another type or unknown."""
    if type(raw) is not dict:
        raise ConfigError(path, where or "file", raw, "must be an object")
    for key in raw:
        if key not in fields and key not in others:
            raise ConfigError(path, where + key, raw[key], "unknown key: remove it or update the firmware")
    for name in fields:
        rule: "Any" = PIN if fields[name][0] == "pin" else fields[name]
        value = raw.get(name)
        if value is None and len(rule) == 3:
            value = rule[2]
        elif rule[0] == "rom":
            value = _rom(value)
            if value is None:
                raise ConfigError(path, where + name, raw.get(name), "16 hex digits beginning with 28")
        elif rule[0] == "t":
            if type(value) is not str or not 1 <= len(value) <= rule[1]:
                raise ConfigError(path, where + name, value, "a text of 1 to {} characters".format(rule[1]))
        elif rule[0] == "in":
            if value not in rule[1]:
                choice = ", ".join([str(one) for one in rule[1]])
                raise ConfigError(path, where + name, value, "one of " + choice)
        elif type(value) is not int or not rule[0] <= value <= rule[1]:
            raise ConfigError(path, where + name, value, "an integer from {} to {}".format(rule[0], rule[1]))
        setattr(made, name, value)


def _rom(text: "Any") -> "bytes | None":
    try:
        rom = unhexlify(text) if type(text) is str else b""
    except ValueError:
        return None
    return rom if len(rom) == 8 and rom[0] == 0x28 else None  # family code of the DS18B20


def once(path: str, seen: "dict[Any, str]", value: "Any", key: str) -> None:
    if value is None:
        return
    if value in seen:
        raise ConfigError(path, key, value, "already used by " + seen[value])
    seen[value] = key
