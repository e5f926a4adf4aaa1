"""What the pins of a chip can do, and what an address is. Used by `rh.check` at boot and dropped with it.

A pin that the chip refuses would reset a board for ever, and a pin of the flash ends the program.
"""

from . import chips

_RMII = bytes((19, 21, 22, 25, 26, 27))  # data lines of an Ethernet PHY: fixed in the chip
_RMII_CLOCK = bytes((0, 16, 17))  # one of them
_USES = {
    "relay_pin": "drive a contactor",
    "trip_pin": "drive a contactor",
    "beat_pin": "drive the relay supply's watchdog",
    "earth_pin": "be an input with pull-up",
    "thermal_pin": "be an input with pull-up",
    "lock_pin": "be an input with pull-up",
    "pulse_pin": "be an input with pull-up",
    "ow_pin": "drive the 1-Wire bus",
    "tx_pin": "serve the RS-485 line",
    "rx_pin": "serve the RS-485 line",
    "de_pin": "serve the RS-485 line",
    "sck_pin": "serve the SPI bus",
    "mosi_pin": "serve the SPI bus",
    "miso_pin": "serve the SPI bus",
    "cs_pin": "serve the SPI bus",
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
    chip = chips.name()
    if not chip:
        return "the pins of this chip are not known"
    table = chips.PINS[chip]
    if use == "measure a voltage":
        good = pin in table[chips.ADC1] or (pin in table[chips.ADC2] and not wifi)
    else:
        good = pin in table[chips.DRIVE]
    return "" if good else "this pin cannot " + use


def note(name: str, pin: int) -> str:
    """What an engineer should know about a pin that can serve as `name`, or ""."""
    chip = chips.name()
    if chip and _USES[name] == "drive a contactor" and pin in chips.PINS[chip][chips.STRAPPING]:
        return "its level at reset decides how the chip starts: the relay's pull must be the one that it needs"
    return ""


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
