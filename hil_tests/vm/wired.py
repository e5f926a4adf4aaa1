"""What is connected to the pins of an emulated board, by its config.json: each zone's probes and how to set them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hil_tests.vm.converters import Spi
from hil_tests.vm.emulated_board import EmulatedBoard, Wiring
from hil_tests.vm.meters import Rs485

DRY_MV, WET_MV = 200.0, 2200.0  # moisture probe
CT_OFFSET_MV = 150.0  # the current transformer's output without current: above what the ADC cannot read
_PLACES = ("surface", "cable")


@dataclass
class ZoneWires:
    """One zone: its contactor, and which of the board's probes and channels are its own."""

    id: str
    relay_pin: int
    relay_active: int
    power_w: int
    probes: dict[str, int] = field(default_factory=dict)  # place → DS18B20 of the board
    elements: dict[str, int] = field(default_factory=dict)  # place → MAX31865 of the board
    moisture: int = -1  # channel
    current: int = -1  # channel of the transformer, -1 where a meter measures
    w_per_mv: int = 1
    meter: int = -1
    pulses: int = -1  # channel of the pulse output
    thermal_pin: int = -1
    leakage: int = -1  # channel of the residual-current monitor
    ua_per_mv: int = 1
    zero_mv: int = 0

    def closed(self, board: EmulatedBoard) -> bool:
        return board.levels.get(self.relay_pin) == self.relay_active

    def set_cut_out(self, board: EmulatedBoard, opened: bool) -> None:
        """The thermal cut-out opens or is reset."""
        board.set_input(self.thermal_pin, int(opened))

    def set_leakage(self, board: EmulatedBoard, ma: float | None) -> None:
        """Earth-leakage current, None: the monitor's wire is broken."""
        board.set_adc(self.leakage, 0.0 if ma is None else self.zero_mv + 1000 * ma / self.ua_per_mv)

    def show(self, board: EmulatedBoard, surface_c: float, cable_c: float, moisture: float) -> None:
        """Set the board's inputs to what the probes of a good zone see. moisture: 0–1."""
        for place, celsius in zip(_PLACES, (surface_c, cable_c), strict=True):
            if place in self.elements:
                board.converters.set_celsius(self.elements[place], celsius)
            else:
                board.set_temperature(self.probes[place], celsius)
        board.set_adc(self.moisture, DRY_MV + (WET_MV - DRY_MV) * moisture)
        if self.leakage >= 0:
            self.set_leakage(board, 0.0)
        if self.meter >= 0:
            board.meters.set_power(self.meter, 0.0, self.power_w)
        elif self.pulses >= 0:
            board.set_adc(self.pulses, 0, self.power_w)
        else:
            board.set_adc(self.current, CT_OFFSET_MV, CT_OFFSET_MV + self.power_w / self.w_per_mv)


def wired(settings: Mapping[str, Any]) -> tuple[Wiring, list[ZoneWires]]:
    """The board of a checked config.json."""
    wiring = Wiring(rs485=_line(settings.get("rs485")))
    if settings.get("spi"):
        wiring.spi = Spi(**settings["spi"])
    zones = []
    for zone in settings["zones"]:
        made = ZoneWires(zone["id"], zone["relay_pin"], zone["relay_active"], zone["power_w"])
        for place in _PLACES:
            if zone.get(place, {}).get("kind") == "max31865":
                made.elements[place] = len(wiring.spi.converters)
                sensor = zone[place]
                wiring.spi.converters.append((sensor["cs_pin"], sensor["ref_ohm"], sensor.get("r0_ohm", 100)))
                continue
            made.probes[place] = len(wiring.sensors)
            rom = zone[place]["rom"] if place in zone else zone[f"{place}_rom"]
            wiring.sensors.append((settings["ow_pin"], rom))
        made.moisture = _channel(wiring, zone["moisture"]["pin"] if "moisture" in zone else zone["moist_pin"])
        power = zone.get("power", {})
        if power.get("kind") == "modbus-meter":
            made.meter = len(wiring.rs485.meters)
            wiring.rs485.meters.append((power["address"], power["model"], made.relay_pin, made.relay_active))
        elif power.get("kind") == "s0-pulse":
            made.pulses = _channel(wiring, power["pulse_pin"], made.relay_pin, made.relay_active)
            wiring.s0.append((power["pulse_pin"], power["imp_per_kwh"]))
        else:
            pin, made.w_per_mv = (power["pin"], power["w_per_mv"]) if power else (zone["ct_pin"], zone["ct_w_per_mv"])
            made.current = _channel(wiring, pin, made.relay_pin, made.relay_active)
        made.thermal_pin = zone.get("thermal_pin", -1)
        if monitor := zone.get("leakage"):
            made.leakage = _channel(wiring, monitor["pin"])
            made.ua_per_mv, made.zero_mv = monitor["ua_per_mv"], monitor.get("zero_mv", 600)
        zones.append(made)
    return wiring, zones


def _line(rs485: Mapping[str, Any] | None) -> Rs485:
    if rs485 is None:
        return Rs485()
    enable = rs485.get("de_pin")
    return Rs485(
        rs485["tx_pin"],
        -1 if enable is None else enable,
        baud=rs485.get("baud", 9600),
        parity={"none": None, "even": 0, "odd": 1}[rs485.get("parity", "none")],
        stop_bits=rs485.get("stop_bits", 1),
    )


def _channel(wiring: Wiring, pin: int, output: int = -1, active: int = 1) -> int:
    wiring.adc.append((pin, output, active))
    return len(wiring.adc) - 1
