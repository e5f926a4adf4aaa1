"""What the options of `roadheat board provision` say of a board's wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from tools.flashing import BoardToolError

if TYPE_CHECKING:
    from supervisor.config import Config
    from tools.wiring import Wiring


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
    trips = pairs(options["trip"], "--trip as z01=16")
    if bad := [f"{zone}={pin}" for zone, pin in trips.items() if not pin.isdigit()]:
        raise click.UsageError(f"--trip {bad[0]}: give the number of a pin")
    wiring["trip_pins"] = {zone: int(pin) for zone, pin in trips.items()}
    return wiring


def refuse_loopback(config: Config, boards: Sequence[str], wiring: Wiring) -> None:
    """A board on a road cannot call the server by an address that means itself."""
    from supervisor.config.rules import split_listen  # half a second, for this command alone
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
