"""Drivers of sensors. A new one is a module here, its test, a line in `KINDS` and a row in docs/hardware.md.

A module has for each quantity that it measures a function of that name, `quantity(fields, buses)`, which returns what
reads the sensor: an integer, or None while it gives no answer. `fields` are the sensor's in config.json, `buses` are
the board's `rh.hardware.Buses`. `FIELDS[quantity]` are the rules for the fields, as in `rh.check`. A module may have
`refusal(fields)`, which says why fields do not fit each other, or ""; `BUS`, the key of config.json that describes the
bus it needs; `convert(buses)`, called every second, a second before the reading; and beside `power` also `energy`,
which returns what gives each reading of a meter's register [Wh] once.
A meter whose power is NO_POWER is silent: the zone heats on and says so. Power of a sensor that raises is none.
"""

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from rh.hardware import Buses

# kind: (module, quantity). Units: temperature m°C, moisture ‰, power W, leakage mA.
KINDS = {
    "ds18b20": ("ds18b20", "temperature"),
    "adc-moisture": ("analog", "moisture"),
    "adc-current": ("analog", "power"),
    "adc-leakage": ("analog", "leakage"),
    "max31865": ("max31865", "temperature"),
    "modbus-meter": ("modbus", "power"),
    "s0-pulse": ("pulse", "power"),
}


def module(kind: str) -> "Any":
    """The module of a kind."""
    name = KINDS[kind][0]
    return getattr(__import__("drivers." + name), name)


def rules(kind: str) -> "dict[str, Any]":
    """Rules for the fields of a sensor, by name."""
    return module(kind).FIELDS[KINDS[kind][1]]  # type: ignore[no-any-return]


def reader(sensor: "dict[str, Any]", buses: "Buses") -> "Callable[[], int | None]":
    """What reads `sensor`: a checked entry of config.json, with its kind."""
    kind = sensor["kind"]
    return getattr(module(kind), KINDS[kind][1])(sensor, buses)  # type: ignore[no-any-return]


def energy(sensor: "dict[str, Any]", buses: "Buses") -> "Callable[[], int | None]":
    """What reads the register of a power sensor; of one that has none, always None."""
    make = getattr(module(sensor["kind"]), "energy", None)
    return _nothing if make is None else make(sensor, buses)


def _nothing() -> None:
    return None
