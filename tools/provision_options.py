"""What the options of `roadheat board provision` say of a board's wiring."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from tools.flashing import BoardToolError

if TYPE_CHECKING:
    from supervisor.config import Config
    from tools.wiring import Platinum, Wiring

METER = "--meter as z01=sdm630@1, or z01=none"
PLATINUM = "--platinum as z01.surface=pt100@5, pt1000@5/3 with three wires, pt100@5/4/400 with its reference, or none"
CHIP_NAMES = ("ESP32", "ESP32S2", "ESP32S3", "ESP32C3", "ESP32C6")  # of tools.chip_slots; a test compares
REFERENCES = {100: 430, 1000: 4300}  # ohms, of the usual converter boards
LEAKAGE = "--leakage as z01=33@13, z01=33@13/400 with 400 mV at none, or z01=none"
PULSES = "--pulses as z01=22@1000 for pin 22 and 1000 pulses per kWh, or z01=none"
PARITIES = {"n": "none", "e": "even", "o": "odd"}
FORMATS = [f"{baud}-{parity}-{stop}" for baud in (2400, 4800, 9600, 19200, 38400) for parity in "neo" for stop in "12"]


def pairs(values: Sequence[str], what: str) -> dict[str, str]:
    """`a=b` arguments as a mapping."""
    pairs = dict(value.split("=", 1) for value in values if "=" in value)
    if len(pairs) != len(values):
        raise click.UsageError(f"give {what}")
    return pairs


def wiring_of(options: Mapping[str, Any]) -> Wiring:
    """What was named on the command line."""
    from tools.wiring import LAN8720

    wiring: Wiring = {}
    for name in ("host", "wifi", "earth_pin", "lock_pin", "beat_pin"):
        if options[name]:
            wiring[name] = options[name]
    if options["active_low"] is not None:
        wiring["relay_active"] = 0 if options["active_low"] else 1
    wiring["console_lock"] = int(not (options["emulated"] or options["open_console"]))
    if options["lan"] or options["lan_pins"] or options["lan_clock"] or options["lan_power"] is not None:
        lan: Any = dict(LAN8720)
        if options["lan_pins"]:
            lan["mdc"], lan["mdio"] = options["lan_pins"]
        lan |= {"phy_addr": options["lan_address"] or 0}
        if options["lan_clock"]:
            pin, _, way = options["lan_clock"].partition("-")
            lan |= {"ref_clk": int(pin), "ref_clk_out": int(way == "out")}
        lan |= {} if options["lan_power"] is None else {"power": options["lan_power"]}
        wiring["lan"] = lan
    wiring["roms"] = {
        place: rom.lower() for place, rom in pairs(options["probe"], "--probe as z01.surface=28…").items()
    }
    wiring["meters"] = {zone: _meter(zone, said) for zone, said in pairs(options["meter"], METER).items()}
    wiring["platinum"] = {place: _platinum(place, said) for place, said in pairs(options["platinum"], PLATINUM).items()}
    if options["spi"]:
        sck_pin, mosi_pin, miso_pin = options["spi"]
        wiring["spi"] = {"sck_pin": sck_pin, "mosi_pin": mosi_pin, "miso_pin": miso_pin}
    if options["chip"]:
        wiring["chip"] = options["chip"]
    if options["rs485"]:
        tx_pin, rx_pin = options["rs485"]
        wiring["rs485"] = {"tx_pin": tx_pin, "rx_pin": rx_pin, "de_pin": options["rs485_enable"]}
    elif options["rs485_enable"] is not None:
        wiring["rs485"] = {"de_pin": options["rs485_enable"]}
    if options["rs485_format"]:
        baud, parity, stop_bits = options["rs485_format"].split("-")
        wiring.setdefault("rs485", {})
        line: Any = wiring["rs485"]
        line |= {"baud": int(baud), "parity": PARITIES[parity], "stop_bits": int(stop_bits)}
    if options["signer"]:
        wiring["signers"] = tuple(options["signer"])
    wiring["trip_pins"] = _pins(options["trip"], "--trip")
    wiring["thermal_pins"] = _pins(options["thermal"], "--thermal")
    wiring["pulses"] = {zone: _pulses(zone, said) for zone, said in pairs(options["pulses"], PULSES).items()}
    wiring["leakage"] = {zone: _monitor(zone, said) for zone, said in pairs(options["leakage"], LEAKAGE).items()}
    return wiring


def _pins(values: Sequence[str], option: str) -> dict[str, int]:
    """Pin by zone."""
    found = pairs(values, f"{option} as z01=16")
    if bad := [f"{zone}={pin}" for zone, pin in found.items() if not pin.isdigit()]:
        raise click.UsageError(f"{option} {bad[0]}: give the number of a pin")
    return {zone: int(pin) for zone, pin in found.items()}


def _pulses(zone: str, said: str) -> tuple[int, int] | None:
    if said == "none":
        return None
    found = re.fullmatch(r"(\d{1,2})@(\d{1,6})", said)
    if not found:
        raise click.UsageError(f"--pulses {zone}={said}: give {PULSES}")
    return int(found[1]), int(found[2])


def _monitor(zone: str, said: str) -> tuple[int, int, int] | None:
    from tools.wiring import ZERO_MV

    if said == "none":
        return None
    found = re.fullmatch(r"(\d{1,2})@(\d{1,4})(?:/(\d{1,4}))?", said)
    if not found:
        raise click.UsageError(f"--leakage {zone}={said}: give {LEAKAGE}")
    return int(found[1]), int(found[2]), int(found[3] or ZERO_MV)


def _platinum(place: str, said: str) -> Platinum | None:
    from tools.wiring import Platinum

    if said == "none":
        return None
    found = re.fullmatch(r"pt(100|1000)@(\d{1,2})(?:/([234]))?(?:/(\d{3,5}))?", said)
    if not found:
        raise click.UsageError(f"--platinum {place}={said}: give {PLATINUM}")
    r0_ohm = int(found[1])
    return Platinum(r0_ohm, int(found[2]), int(found[3] or 4), int(found[4] or REFERENCES[r0_ohm]))


def _meter(zone: str, said: str) -> tuple[str, int] | None:
    if said == "none":
        return None
    model, _, address = said.partition("@")
    if not address.isdigit():
        raise click.UsageError(f"--meter {zone}={said}: give {METER}")
    return model, int(address)


def refuse_loopback(config: Config, boards: Sequence[str], wiring: Wiring) -> None:
    """A board on a road cannot call the server by an address that means itself."""
    from supervisor.config.listen import split_listen  # half a second, for this command alone
    from tools.wiring import kept, loopback

    listen, _ = split_listen(config.boards.listen)
    for name in boards:
        host = wiring.get("host") or kept(config.state_dir / "boards" / name).get("host") or listen
        if loopback(host):
            raise BoardToolError(
                f"{host} is this machine, and no board can call it",
                where=name,
                remedy="Give --host with the server's address, or --emulated for boards of this machine",
            )


def network_of(made: Mapping[str, Any]) -> str:
    return "WiFi" if made["wifi"] else "Ethernet" if made.get("lan") else "no network of its own"
