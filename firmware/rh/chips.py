"""What the pins of each chip can do. Used at boot, by `rh.outputs` and `rh.check`, and dropped with them.

From Espressif's datasheets of the ESP32 (rev. 4), S2, S3, C3 and C6: pin definitions, strapping pins, ADC channels.
Left out everywhere are the pins of flash, console and USB.
"""

import sys

DRIVE, ADC1, ADC2, STRAPPING = 0, 1, 2, 3
# Chip: pins it can drive (and read with a pull-up), pins that measure, pins that measure while no radio is on, and pins
# whose level at reset decides how the chip starts. On the C3 and C6 a second converter is missing or unusable (C3
# erratum ADC-183), and pin 11 of a C3 supplies the flash.
PINS = {
    "ESP32": (
        b"\x00\x02\x04\x05\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x15\x16\x17\x19\x1a\x1b\x20\x21",
        bytes(range(32, 40)),
        b"\x00\x02\x04\x0c\x0d\x0e\x0f\x19\x1a\x1b",
        b"\x00\x02\x05\x0c\x0f",
    ),
    "ESP32S2": (
        bytes(range(19)) + b"\x15" + bytes(range(33, 43)) + b"\x2d",
        bytes(range(1, 11)),
        bytes(range(11, 19)),
        b"\x00\x2d",
    ),
    "ESP32S3": (
        bytes(range(19)) + b"\x15" + bytes(range(33, 43)) + bytes(range(45, 49)),
        bytes(range(1, 11)),
        bytes(range(11, 19)),
        b"\x00\x03\x2d\x2e",
    ),
    "ESP32C3": (bytes(range(11)), bytes(range(5)), b"", b"\x02\x08\x09"),
    "ESP32C6": (
        bytes(range(12)) + b"\x0e\x0f" + bytes(range(18, 24)),
        bytes(range(7)),
        b"",
        b"\x04\x05\x08\x09\x0f",
    ),
}


chosen = ""  # by `roadheat board provision`, which checks for the chip of another machine


def name(machine: "str | None" = None) -> str:
    """The chip's key in PINS by what MicroPython calls the machine; "" for a chip that has none.

    A board that names no chip is an emulated ESP32. Packages have names of their own: ESP32-C3FH4 is a C3, ESP32-D0WD,
    ESP32-S0WD, ESP32-U4WDH and ESP32-PICO-V3 are ESP32.
    """
    if machine is None:
        if chosen:
            return chosen
        machine = str(getattr(sys.implementation, "_machine", ""))
    at = machine.rfind("ESP32")
    rest = machine[at + 5 :].lstrip("-") if at >= 0 else ""
    digits = 1
    while digits < len(rest) and rest[digits].isdigit():
        digits += 1
    if digits == 1 or rest[0] in "DUV" or rest[:2] == "S0":
        return "ESP32"
    found = "ESP32" + rest[:digits]
    return found if found in PINS else ""


def drives() -> bytes:
    """Pins of this chip that can carry a relay."""
    return PINS[name()][DRIVE] if name() else b""
