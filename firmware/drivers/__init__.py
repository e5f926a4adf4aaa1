"""Drivers of sensors. A new one is a module here, its test, a line in `KINDS` and a row in docs/hardware.md.

A module has for each quantity that it measures a function of that name, `quantity(fields, bus)`, which returns what
reads the sensor: an integer, or None while it gives no answer. `fields` are the sensor's in config.json, `bus` is the
board's `onewire.OneWire`. `FIELDS[quantity]` are the rules for the fields, as in `rh.check`. A module may have
`convert(bus)`: called every second, a second before the reading.
"""

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from onewire import OneWire

# kind: (module, quantity). Units: temperature m°C, moisture ‰, power W.
KINDS = {
    "ds18b20": ("ds18b20", "temperature"),
    "adc-moisture": ("analog", "moisture"),
    "adc-current": ("analog", "power"),
}


def module(kind: str) -> "Any":
    """The module of a kind."""
    name = KINDS[kind][0]
    return getattr(__import__("drivers." + name), name)


def rules(kind: str) -> "dict[str, Any]":
    """Rules for the fields of a sensor, by name."""
    return module(kind).FIELDS[KINDS[kind][1]]  # type: ignore[no-any-return]


def reader(sensor: "dict[str, Any]", bus: "OneWire") -> "Callable[[], int | None]":
    """What reads `sensor`: a checked entry of config.json, with its kind."""
    kind = sensor["kind"]
    return getattr(module(kind), KINDS[kind][1])(sensor, bus)  # type: ignore[no-any-return]
