"""Pins, buses and timers of the chip, and the sensors on them."""

import random
import time

import drivers
import machine
import onewire
from machine import Pin

from .codes import NO_LEAKAGE

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

    from .config import Config, Limits, ZoneConfig

WATCHDOG_MS = 8_000
_WARM = ("SOFT_RESET", "WDT_RESET")  # other boards kept running: no need to stagger with them


class Buses:
    """What sensors share: 1-Wire, and of others what config.json has."""

    def __init__(self, config: "Config") -> None:
        self.onewire = onewire.OneWire(Pin(config.ow_pin))
        self.rs485: "Any" = None
        if config.rs485 is not None:
            from drivers import modbus  # on boards with a meter alone

            self.rs485 = modbus.line(config.rs485)
        self.spi: "Any" = None
        if config.spi is not None:
            from drivers import max31865

            self.spi = max31865.bus(config.spi)


class Circuit:
    """Contactor and sensors of one zone."""

    def __init__(self, zone: "ZoneConfig", buses: Buses, board_earth_pin: "Pin | None") -> None:
        self._active = zone.relay_active
        self._relay = Pin(zone.relay_pin, Pin.OUT, value=1 - zone.relay_active)
        self._trip = None if zone.trip_pin is None else Pin(zone.trip_pin, Pin.OUT, value=0)
        sensors = zone.sensors
        self.surface_mc = drivers.reader(sensors["surface"], buses)
        self.cable_mc = drivers.reader(sensors["cable"], buses)
        self.moisture_permille = drivers.reader(sensors["moisture"], buses)
        self.power_w = drivers.reader(sensors["power"], buses)
        self.energy_wh = drivers.energy(sensors["power"], buses)
        self._closed = False
        self._earth_seen = False
        pin = board_earth_pin if zone.earth_pin is None else Pin(zone.earth_pin, Pin.IN, Pin.PULL_UP)
        self._earth = pin
        self._thermal = None if zone.thermal_pin is None else Pin(zone.thermal_pin, Pin.IN, Pin.PULL_UP)
        self._thermal_seen = False
        self.leakage_ma = drivers.reader(sensors["leakage"], buses) if "leakage" in sensors else _no_leakage

    def switch(self, on: bool) -> None:
        """Close or open the contactor."""
        if on != self._closed:
            seen = self._earth_seen or self._thermal_seen
            self._relay(self._active if on and not seen else 1 - self._active)
            self._closed = on  # last: a write that failed is tried again

    def trip(self) -> None:
        """Open the upstream contactor, if there is one: our own is welded."""
        if self._trip is not None:
            self._trip(1)

    def earth_fault(self) -> bool:
        """1 on the input, or seen by its interrupt since. The pull-up makes a broken wire a fault."""
        pin = self._earth
        return pin is not None and (self._earth_seen or pin() == 1)

    def cut_out(self) -> bool:
        """As `earth_fault`, of the thermal cut-out: its contact opens to the pull-up."""
        pin = self._thermal
        return pin is not None and (self._thermal_seen or pin() == 1)

    def watch_earth(self) -> None:
        if self._earth is not None:
            self._earth.irq(self.on_earth_fault, Pin.IRQ_RISING)
        if self._thermal is not None:
            self._thermal.irq(self._on_cut_out, Pin.IRQ_RISING)

    def _on_cut_out(self, _pin: Pin) -> None:
        if self.cut_out():
            self._thermal_seen = True
            self._relay(1 - self._active)

    def on_earth_fault(self, _pin: Pin) -> None:
        """Interrupt: open at once; the safety loop latches it within the second."""
        if self.earth_fault():
            self._earth_seen = True
            self._relay(1 - self._active)  # whatever `switch` is in the middle of

    def clear(self) -> None:
        """A person has looked: forget the earth fault, close the upstream contactor again."""
        self._earth_seen = self._thermal_seen = False
        if self._trip is not None:
            self._trip(0)


class Hardware:
    """All of the board. config: `rh.config.Config`."""

    def __init__(self, config: "Config") -> None:
        self.buses = Buses(config)
        earth = None if config.earth_pin is None else Pin(config.earth_pin, Pin.IN, Pin.PULL_UP)
        self.circuits = [Circuit(zone, self.buses, earth) for zone in config.zones]
        kinds = {sensor["kind"] for zone in config.zones for sensor in zone.sensors.values()}
        modules = {drivers.KINDS[kind][0]: drivers.module(kind) for kind in kinds}
        self._converts = [module.convert for module in modules.values() if hasattr(module, "convert")]
        self._lock = None if config.lock_pin is None else Pin(config.lock_pin, Pin.IN, Pin.PULL_UP)
        self._watch_earth(earth)
        self._beat = None if config.beat_pin is None else Pin(config.beat_pin, Pin.OUT, value=0)
        self._watchdog = machine.WDT(timeout=WATCHDOG_MS)

    def _watch_earth(self, board_pin: "Pin | None") -> None:
        for circuit in self.circuits:
            circuit.watch_earth()
        if board_pin is not None:  # last: a pin has one handler, and this one checks all circuits
            board_pin.irq(self._on_earth_fault, Pin.IRQ_RISING)

    def _on_earth_fault(self, pin: Pin) -> None:
        for circuit in self.circuits:
            circuit.on_earth_fault(pin)

    def convert(self) -> None:
        """Start what takes time to measure, for the next second's reading."""
        for convert in self._converts:
            convert(self.buses)

    def locked(self) -> bool:
        """Maintenance key turned (or its wire broken)."""
        return self._lock is not None and self._lock() == 1

    def feed(self) -> None:
        """Only the safety loop may call this."""
        if self._beat is not None:
            self._beat(1 - self._beat())
        self._watchdog.feed()


def _no_leakage() -> int:
    return NO_LEAKAGE


def cold_start() -> bool:
    """Whether power came back, as opposed to a reset of this board alone. An unknown cause counts as power."""
    try:
        cause = machine.reset_cause()
    except AttributeError:
        return True
    return cause not in [getattr(machine, name, None) for name in _WARM]


def hold_s(limits: "Limits") -> int:
    """Random wait after power return, on top of the minimum off time: a feeder's boards must not close together."""
    return limits.min_off_s + random.randrange(limits.power_return_min_s, limits.power_return_max_s + 1)


def set_clock(utc: int) -> None:
    """Set the chip's clock, for the dates of certificates only: no command depends on it."""
    year, month, day, hour, minute, second, weekday = time.gmtime(utc - _epoch())[:7]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))


def minimum_date(utc: int) -> None:
    """At boot the clock is at 2000, before any certificate is valid: set it to the firmware's own date."""
    if time.time() + _epoch() < utc:
        set_clock(utc)


def _epoch() -> int:
    """Seconds from 1970 to the epoch of `time`: the chip counts from 2000."""
    return 946_684_800 if time.gmtime(0)[0] == 2000 else 0
