"""What the pins of a chip can do, and what an address is. Used by `rh.check` at boot and dropped with it.

A pin that the chip refuses would reset a board for ever, and a pin of the flash ends the program.
"""

import sys

# ESP32: console, flash, and numbers that are not there; 34-39 are inputs without pull; 32-39 are ADC1. Of the S2 and S3
# flash, memory, console and USB are known. Twins in rh/outputs.py, which must not need another file.
NEVER = bytes((1, 3, 6, 7, 8, 9, 10, 11, 20, 24, 28, 29, 30, 31))
NEVER_S = bytes((19, 20, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 43, 44))
_ADC2 = bytes((0, 2, 4, 12, 13, 14, 15, 25, 26, 27))  # the radio owns it
_RMII = bytes((19, 21, 22, 25, 26, 27))  # data lines of an Ethernet PHY: fixed in the chip
_RMII_CLOCK = bytes((0, 16, 17))  # one of them
_USES = {
    "relay_pin": "drive a contactor",
    "trip_pin": "drive a contactor",
    "beat_pin": "drive the relay supply's watchdog",
    "earth_pin": "be an input with pull-up",
    "lock_pin": "be an input with pull-up",
    "ow_pin": "drive the 1-Wire bus",
    "moist_pin": "measure a voltage",
    "ct_pin": "measure a voltage",
    "mdc": "drive the Ethernet PHY",
    "mdio": "drive the Ethernet PHY",
    "power": "drive the Ethernet PHY",
}


def fault(name: str, pin: int, lan: bool, wifi: bool) -> str:
    """Why `pin` cannot serve as `name` of config.json, or "". lan, wifi: which way to the network is configured."""
    use = _USES[name]
    if lan and (pin in _RMII or (pin in _RMII_CLOCK and use == "drive a contactor")):
        return "carries Ethernet"
    chip = machine()
    if "ESP32S" in chip:
        good = pin not in NEVER_S
    elif "ESP32C" in chip or "ESP32H" in chip or "ESP32P" in chip:
        good = True  # nothing is known of these
    elif use == "measure a voltage":
        good = 32 <= pin <= 39 or (pin in _ADC2 and not wifi)
    else:
        good = pin < 34 and pin not in NEVER
    return "" if good else "this pin cannot " + use


def machine() -> str:
    """The chip's name as MicroPython tells it."""
    return str(getattr(sys.implementation, "_machine", ""))


def is_address(host: str) -> bool:
    """IPv4, or what only an IPv6 address looks like. Hexadecimal words with dots between them are names."""
    groups = host.split(":")
    if len(groups) > 1:
        if "." in groups[-1] and not is_address(groups.pop()):  # ::ffff:192.0.2.1
            return False
        digits = [c for group in groups for c in group if c not in "0123456789abcdefABCDEF"]
        return not digits and max([len(g) for g in groups]) <= 4 and 2 <= host.count(":") <= 7 and ":::" not in host
    parts = host.split(".")
    right = [part for part in parts if 1 <= len(part) <= 3 and part.isdigit() and int(part) < 256]
    return len(parts) == len(right) == 4
