"""Every output to its safe state, with nothing but the standard library: boot.py calls it first of all."""

import json

from machine import Pin

# Pins of our board that may carry a relay: switched off when config.json cannot be read. See docs/hardware.
RELAY_PINS = (16, 17, 25, 26, 27, 32, 33)


def off() -> None:
    """Open all contactors. After a soft reset the pins still hold the level they had."""
    try:
        with open("config.json") as f:
            zones = json.load(f)["zones"]
        for zone in zones:
            Pin(zone["relay_pin"], Pin.OUT, value=1 - zone["relay_active"])
    except Exception:
        for pin in RELAY_PINS:
            Pin(pin, Pin.OUT, value=0)
