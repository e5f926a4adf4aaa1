"""Pins, probes and addresses of config.json: each can do its work and has one. Used by `rh.check`, dropped with it."""

from . import pins
from .fields import ConfigError, once

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

    from .config import Config


def distinct(made: "Config", path: str, sensors: "dict[str, Any]") -> None:
    """Each pin can do what it is for, and no pin or probe serves two things: two zones on one relay would heat each
    other's road.

    sensors: by place its quantity, the kind of earlier releases, and the keys of that.
    """
    seen: "dict[Any, str]" = {}
    roms: "dict[Any, str]" = {}  # apart: bytes and str must not meet as keys
    for name in ("ow_pin", "lock_pin", "earth_pin", "beat_pin"):
        _pin(path, seen, made, name, getattr(made, name), name)
    if made.lan is not None:
        for name in ("mdc", "mdio", "power"):
            _pin(path, seen, made, name, made.lan.get(name), "lan." + name)
        if made.lan.get("ref_clk") not in (None, 0, 16, 17):
            raise ConfigError(path, "lan.ref_clk", made.lan["ref_clk"], "0, 16 or 17")
        once(path, seen, made.lan.get("ref_clk"), "lan.ref_clk")
    if made.rs485 is not None:
        for name in ("tx_pin", "rx_pin", "de_pin"):
            _pin(path, seen, made, name, made.rs485[name], "rs485." + name)
    if made.spi is not None:
        for name in ("sck_pin", "mosi_pin", "miso_pin"):
            _pin(path, seen, made, name, made.spi[name], "spi." + name)
    for i in range(len(made.zones)):
        zone = made.zones[i]
        where = "zones[{}].".format(i)
        once(path, seen, zone.id, where + "id")
        for name in ("relay_pin", "earth_pin", "thermal_pin", "trip_pin"):
            _pin(path, seen, made, name, getattr(zone, name), where + name)
        for place in zone.sensors:
            sensor = zone.sensors[place]
            _bus_of(sensor["kind"], made, path, where + place + ".kind")
            for field in sensor:
                name = sensors[place][2].get(field, "") if place in sensors else ""
                key = where + (name if name and getattr(zone, name) is not None else place + "." + field)
                if field.endswith("pin"):
                    _pin(
                        path,
                        seen,
                        made,
                        name or (field if field in ("cs_pin", "pulse_pin") else "moist_pin"),
                        sensor[field],
                        key,
                    )
                elif field == "rom":
                    once(path, roms, sensor[field], key)
                elif field == "address":
                    once(path, seen, "address {}".format(sensor[field]), key)


def _bus_of(kind: str, made: "Config", path: str, key: str) -> None:
    """The bus that a driver needs must be there."""
    import drivers

    bus = getattr(drivers.module(kind), "BUS", "")
    if bus and getattr(made, bus) is None:
        raise ConfigError(path, key, kind, "needs the key " + bus)


def _pin(path: str, seen: "dict[Any, str]", made: "Config", name: str, pin: "int | None", key: str) -> None:
    """name: what the pin is for, as `pins.fault` knows it; key: where it stands in the file."""
    if pin is None:
        return
    fault = pins.fault(name, pin, made.lan is not None, made.wifi is not None)
    if fault:
        raise ConfigError(path, key, pin, fault + ": choose another pin")
    once(path, seen, pin, key)
    note = pins.note(name, pin)
    if note:
        print("{}: {} = {}: {}".format(path, key, pin, note))
