"""`roadheat board …`: what an engineer does to boards, one or a hundred, with mpremote underneath."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from supervisor.commands import Lazy, LazyGroup
from tools.board_console import logs, status, unlock
from tools.board_update import update
from tools.flashing import FIRMWARE, FORGET_SLOTS, BoardToolError, flash, mpremote, provisioned, require
from tools.on_boards import config_option, on_all, ports_argument, tell
from tools.provision_options import CHIP_NAMES, FORMATS, network_of, pairs, refuse_loopback, wiring_of

LAZY = {
    "backup": Lazy(
        "tools.board_swap:backup",
        "Copy what boards carry into their folders (`backup`), and say what differs there.",
    ),
    "replace": Lazy(
        "tools.board_swap:replace",
        "Make the new board at PORT the board whose cabinet it goes into, with a key of its own.",
    ),
    "calibrate": Lazy(
        "tools.board_calibrate:calibrate",
        "Read the probes named and keep what they should have said: a moisture probe dry or wet, a platinum thermometer"
        " beside a reference.",
    ),
    "selftest": Lazy(
        "tools.board_selftest:selftest",
        "Stop the application, read every sensor, start again.",
    ),
    "limits": Lazy(
        "tools.limits_command:limits",
        "Sign limits with a key that the server does not have, and bring them to boards.",
    ),
    "emulate": Lazy(
        "hil_tests.vm.command:emulate",
        "One emulated board in real time on a pseudo-terminal, with a small winter road.",
    ),
}


@click.group(cls=LazyGroup, lazy=LAZY)
def board() -> None:
    """Provision, flash, test and reset boards."""


@board.command("list")
def list_ports() -> None:
    """Serial ports with something at the other end, and the emulated boards of this machine."""
    from rich.table import Table
    from serial.tools.list_ports import comports

    from supervisor import terminal
    from tools import emulated_ports

    table = Table("port", "USB id", "what")
    for port in sorted(comports()):
        table.add_row(port.device, f"{port.vid:04x}:{port.pid:04x}" if port.vid else "", port.description)
    for one in emulated_ports.running():
        table.add_row(one.path, "", f"emulated board {one.board}")
    terminal.console().print(
        table if table.row_count else "No serial port found: plug a board in, or run `roadheat board emulate`."
    )


@board.command("provision")
@config_option
@click.option("--host", help="Address that boards call; needed where the service listens on loopback.")
@click.option("--wifi", nargs=2, metavar="SSID PASSWORD", help="Way to the network.")
@click.option("--lan", is_flag=True, help="Ethernet by a LAN8720, with relay pins that it leaves free.")
@click.option("--lan-pins", nargs=2, type=int, metavar="MDC MDIO", help="Default: 23 18.")
@click.option("--lan-address", type=click.IntRange(0, 31), help="Of the PHY; default: 0.")
@click.option("--lan-clock", type=click.Choice(["0-in", "0-out", "16-out", "17-out"]), help="50 MHz; default: 0-in.")
@click.option("--lan-power", type=int, metavar="PIN", help="Pin that powers the PHY.")
@click.option("--probe", multiple=True, metavar="ZONE.PLACE=ROM", help="DS18B20 at surface or cable, 16 hex digits.")
@click.option("--earth", "earth_pin", type=int, metavar="PIN", help="Contact of the earth-leakage protection.")
@click.option("--thermal", multiple=True, metavar="ZONE=PIN", help="Contact of the cable's thermal cut-out.")
@click.option("--leakage", multiple=True, metavar="ZONE=PIN@UA_PER_MV", help="Residual-current monitor; or none.")
@click.option("--lock", "lock_pin", type=int, metavar="PIN", help="Maintenance key switch.")
@click.option("--beat", "beat_pin", type=int, metavar="PIN", help="Changes every second: watchdog of the relay supply.")
@click.option("--rs485", nargs=2, type=int, metavar="TX RX", help="Pins of the line to the register meters.")
@click.option(
    "--rs485-enable", type=int, metavar="PIN", help="Switches its transceiver to sending; default: by itself."
)
@click.option("--rs485-format", type=click.Choice(FORMATS), metavar="BAUD-PARITY-STOP", help="Default: 9600-n-1.")
@click.option("--meter", multiple=True, metavar="ZONE=MODEL@ADDRESS", help="Register meter: sdm120, sdm630; or none.")
@click.option("--pulses", multiple=True, metavar="ZONE=PIN@PER_KWH", help="Meter with a pulse output; or none.")
@click.option("--spi", nargs=3, type=int, metavar="SCK MOSI MISO", help="Pins of the bus to MAX31865 converters.")
@click.option("--platinum", multiple=True, metavar="ZONE.PLACE=pt100@CS", help="PT100 or PT1000 there; or none.")
@click.option("--chip", type=click.Choice(CHIP_NAMES, case_sensitive=False), help="Of the board; default: ESP32.")
@click.option(
    "--trip", multiple=True, metavar="ZONE=PIN", help="Upstream contactor, opened if a contactor is stuck on."
)
@click.option(
    "--signer",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="KEY.pub",
    help="Limits must be signed with this key, or the other of two (`limits keygen`).",
)
@click.option("--active-low/--active-high", "active_low", default=None, help="Level that closes the relay modules.")
@click.option("--emulated", is_flag=True, help="Boards of this machine: loopback is right for them.")
@click.option("--open-console", is_flag=True, help="Ctrl-C stops the program: for the workbench, not for a road.")
@click.option("--reset-limits", is_flag=True, help="Overwrite what was edited in limits.json.")
@click.argument("boards", nargs=-1)
def provision_command(config_path: Path, boards: tuple[str, ...], **options: Any) -> None:
    """Make key, config.json, limits.json and ca.der of BOARDS (default: all). What is not named stays as it was."""
    from supervisor import terminal
    from supervisor.config import load
    from tools.provision import placeholder_rom, provision
    from tools.wiring import check_host

    config = load(config_path, without_data=True)
    console = terminal.console()
    wiring = wiring_of(options)
    if "host" in wiring:
        check_host(wiring["host"])
    known = tuple(one.id for one in config.board)
    chosen = boards or known
    if unknown := [name for name in chosen if name not in known]:
        raise BoardToolError(
            f"unknown board `{unknown[0]}`", where=str(config_path), remedy=f"Known: {', '.join(known)}"
        )
    if not options["emulated"]:
        refuse_loopback(config, chosen, wiring)
    for name in chosen:
        folder = provision(
            config,
            name,
            wiring=wiring,
            reset_limits=options["reset_limits"],
            as_board=True,
            tell=lambda line: console.print(f"  {line}", style="yellow", soft_wrap=True, markup=False),
        )
        console.print(f"{name}: {folder}", soft_wrap=True)
        made = json.loads((folder / "config.json").read_text())
        console.print(f"  calls {made['host']} port {made['port']} by {network_of(made)}", soft_wrap=True)
        missing = [
            f"{zone['id']}.{place}"
            for zone in made["zones"]
            for place in ("surface", "cable")
            if zone.get(f"{place}_rom") == placeholder_rom(zone["id"], place)
        ]
        if missing:
            note = f"  placeholder probes: {', '.join(missing)} (`selftest` shows the real ones)"
            console.print(note, style="yellow", soft_wrap=True)


_replace_option = click.option("--replace", is_flag=True, help="The board at the port gets another identity.")


@board.command("flash")
@config_option
@_replace_option
@ports_argument
def flash_command(config_path: Path, replace: bool, ports: tuple[str, ...]) -> None:
    """Copy firmware and provisioned files to boards and start them."""
    from supervisor.config import load

    config = load(config_path, without_data=True)

    def one(name: str, port: str) -> str:
        folder = provisioned(config, name)
        if not replace:
            require(port, name)
        flash(port, folder)
        return "flashed"

    tell(on_all(pairs(ports, "b01=/dev/ttyUSB0"), one, "flash"))


@board.command()
@config_option
@_replace_option
@ports_argument
def configure(config_path: Path, replace: bool, ports: tuple[str, ...]) -> None:
    """Write the provisioned files alone, sealed, to boards that have their firmware, and start them."""
    from supervisor.config import load

    config = load(config_path, without_data=True)

    def one(name: str, port: str) -> str:
        folder = provisioned(config, name)
        if not replace:
            require(port, name)
        flash(port, folder, firmware=None)
        return "configured"

    tell(on_all(pairs(ports, "b01=/dev/ttyUSB0"), one, "configure"))


@board.command()
@ports_argument
def reset(ports: tuple[str, ...]) -> None:
    """Restart boards, as the reset button does."""
    tell(on_all(pairs(ports, "b01=/dev/ttyUSB0"), lambda _, port: mpremote(port, "reset") or "reset", "reset"))


@board.command()
@click.option("--target", default="/", show_default=True)
@ports_argument
def mip(ports: tuple[str, ...], target: str) -> None:
    """Install firmware/package.json with `mpremote mip`; provisioned files stay."""

    def one(_: str, port: str) -> str:
        package = str(FIRMWARE / "package.json")
        mpremote(port, "mip", "install", "--target", target, package, "+", "exec", FORGET_SLOTS, "+", "reset")
        return "installed"

    tell(on_all(pairs(ports, "b01=/dev/ttyUSB0"), one, "mip"))


board.add_command(status)
board.add_command(unlock)
board.add_command(logs)
board.add_command(update)
