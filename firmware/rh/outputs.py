"""Every output to its safe state, with as little code as possible: boot.py calls it first. Nothing here raises."""

import json

from machine import Pin

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any


def off() -> None:
    """Open all contactors. After a soft reset the pins still hold the level they had."""
    levels: "dict[int, int]" = {}
    if not _known(levels):
        # Where no configuration says how a relay is wired, its pin is released: the pull on the relay's input, which
        # the hardware needs anyway (docs/hardware), opens it whichever level closes it. `rh.check` takes no other pin
        # for a relay, so these are all; flash and console are left alone.
        for pin in _drives():
            if pin not in levels:
                _release(pin)
    for pin in _before():
        if pin not in levels:
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
    can = _drives()
    for zone in zones if known else ():
        try:
            pin, active = zone["relay_pin"], zone["relay_active"]
            right = type(pin) is int and type(active) is int and active in (0, 1) and (not can or pin in can)
            if right and levels.get(pin, 1 - active) != active:
                levels[pin] = 1 - active
            else:
                known = False
                levels.pop(pin, None)  # two zones that contradict each other: neither is used; a pin of the flash never
        except Exception:
            known = False
    return known


def _drives() -> bytes:
    try:
        from . import chips

        return chips.drives()
    except Exception:  # torn: a board without it does not pass its check and closes nothing
        return b""


def _zones() -> "Any":
    """Zones of the newest file that is whole; raises where there is none."""
    from . import seal

    content, why, _ = seal.pick("config.json")
    if content is None:
        raise OSError(why)
    if why == seal.UNSEALED:
        from . import strict

        if strict.fault(content):
            raise ValueError(why)
    return json.loads(content)["zones"]


def _before() -> "list[int]":
    """Relays of the last good copy, which is in force where the check refuses the newest file."""
    try:
        from . import seal

        content, why = seal.load("config.json" + seal.OLD)
        can = _drives()
        return (
            []
            if content is None or why
            else [z["relay_pin"] for z in json.loads(content)["zones"] if z["relay_pin"] in can]
        )
    except Exception:
        return []


def _release(pin: int) -> None:
    try:
        Pin(pin, Pin.IN, None)  # type: ignore[arg-type]  # None takes our own pulls away
    except Exception:
        pass
