"""Every output to its safe state, with as little code as possible: boot.py calls it first. Nothing here raises."""

import json
import sys

from machine import Pin

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

# Where no configuration says how a relay is wired, its pin is released: the pull on the relay's input, which the
# hardware needs anyway (docs/hardware), opens it whichever level closes it. Left alone are flash and console, and pins
# that cannot drive; what the chip refuses is skipped.
_LAST_PIN = 48
_NEVER = bytes((1, 3, 6, 7, 8, 9, 10, 11, 20, 24, 28, 29, 30, 31)) + bytes(range(34, 49))
_NEVER_S = bytes((19, 20, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 43, 44))  # ESP32-S2 and -S3


def off() -> None:
    """Open all contactors. After a soft reset the pins still hold the level they had."""
    levels: "dict[int, int]" = {}
    if not _known(levels):
        never = _NEVER_S if "ESP32S" in str(getattr(sys.implementation, "_machine", "")) else _NEVER
        for pin in range(_LAST_PIN + 1):
            if pin not in levels and pin not in never:
                _release(pin)
    for pin in levels:
        try:
            Pin(pin, Pin.OUT, value=levels[pin])
        except Exception:
            _release(pin)


def _known(levels: "dict[int, int]") -> bool:
    """Fill in pin -> level that opens, as far as the configuration gives it; whether it does for all relays."""
    try:
        zones = _zones()
    except Exception:
        return False
    known = type(zones) is list and len(zones) > 0
    for zone in zones if known else ():
        try:
            pin, active = zone["relay_pin"], zone["relay_active"]
            if type(pin) is int and type(active) is int and active in (0, 1) and levels.get(pin, 1 - active) != active:
                levels[pin] = 1 - active
            else:
                known = False
                levels.pop(pin, None)  # two zones that contradict each other: neither is used
        except Exception:
            known = False
    return known


def _zones() -> "Any":
    """Zones of the file in force; raises where there is none."""
    from . import seal

    content, why, _ = seal.pick("config.json")
    if content is None:
        raise OSError(why)
    if why == seal.UNSEALED:
        from . import strict

        if strict.fault(content):
            raise ValueError(why)
    return json.loads(content)["zones"]


def _release(pin: int) -> None:
    try:
        Pin(pin, Pin.IN, None)  # type: ignore[arg-type]  # None takes our own pulls away
    except Exception:
        pass
