"""`roadheat board emulate`: one emulated board in real time, to try an engineer's commands on."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from supervisor import terminal

PLANT_S = 10.0  # how often the road moves
_ZONES, _POWER_W = ("z01", "z02"), 30_000


@click.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Wire the pins as BOARD of this city.toml was provisioned; default: a new board of two roads.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".cache/board"),
    show_default=True,
    help="Where its flash is kept from one run to the next.",
)
@click.option("--air", type=click.FloatRange(-40.0, 40.0), default=-2.0, show_default=True, help="Of the air, °C.")
@click.option("--snow", type=click.FloatRange(0.0, 20.0), default=2.0, show_default=True, help="While it snows, mm/h.")
@click.argument("board", default="b01")
def emulate(config_path: Path | None, folder: Path, air: float, snow: float, board: str) -> None:
    """One emulated board in real time on a pseudo-terminal, with a small winter road. Ctrl-C ends it."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,24}", board):
        raise click.UsageError(f"BOARD {board!r}: letters, digits, - and _, at most 24")
    _until_ended(_settings(config_path, board), board, folder, (air, snow))


def _settings(config_path: Path | None, board: str) -> Mapping[str, Any]:
    """config.json of the board, or what `provision` gives a new board of two roads."""
    from supervisor.domain.board_profile import PROFILE
    from tools.flashing import provisioned
    from tools.provision import placeholder_rom

    if config_path is not None:
        from supervisor.config import load

        folder = provisioned(load(config_path, without_data=True), board)
        made: Mapping[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return made
    zones = [
        {
            "id": zone,
            "relay_pin": slot.relay_pin,
            "relay_active": 1,
            "moist_pin": slot.moist_pin,
            "ct_pin": slot.ct_pin,
            "ct_w_per_mv": _POWER_W // 2000,
            "power_w": _POWER_W,
            **{f"{place}_rom": placeholder_rom(zone, place) for place in PROFILE.probes},
        }
        for zone, slot in zip(_ZONES, PROFILE.slots, strict=False)
    ]
    return {"ow_pin": PROFILE.ow_pin, "zones": zones}


def _until_ended(settings: Mapping[str, Any], name: str, folder: Path, weather: tuple[float, float]) -> None:
    """Run the board until SIGINT or SIGTERM."""
    from hil_tests.vm.console import ConsoleRelay
    from hil_tests.vm.emulated_board import EmulatedBoard
    from hil_tests.vm.realtime import running
    from hil_tests.vm.winter import Road, Winter
    from hil_tests.vm.wired import wired
    from tools.emulated_ports import announced
    from tools.get_vm import vm_path

    folder.mkdir(parents=True, exist_ok=True)
    wiring, zones = wired(settings)
    relay = ConsoleRelay()
    board = EmulatedBoard(name, folder, vm_path(), wiring, relay)
    roads = [Road(Winter(*weather)) for _ in zones]
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    say = terminal.console().print
    try:
        for zone, road in zip(zones, roads, strict=True):
            zone.show(board, road.surface_c, road.cable_c, road.moisture)
        board.power_on(0)
        path = board.console.path
        say(f"board {name} at {path}; Ctrl-C ends it", soft_wrap=True)
        say(f"  mpremote connect {path} repl\n  roadheat board flash {name}={path} --config …", soft_wrap=True)
        with announced(name, path), running([board], relay):
            on_s = [0.0] * len(zones)
            last = moved = time.monotonic()
            while not ended.wait(0.2):
                now = time.monotonic()
                for i, zone in enumerate(zones):
                    on_s[i] += (now - last) * zone.closed(board)
                last = now
                _tell(board, {zone.relay_pin: (zone.id, zone.relay_active) for zone in zones}, say)
                if now - moved >= PLANT_S:
                    for i, (zone, road) in enumerate(zip(zones, roads, strict=True)):
                        road.advance(now - moved, min(1.0, on_s[i] / (now - moved)))
                        zone.show(board, road.surface_c, road.cable_c, road.moisture)
                    on_s, moved = [0.0] * len(zones), now
    finally:
        board.close()
        relay.close()


def _tell(board: Any, contactors: Mapping[int, tuple[str, int]], say: Any) -> None:
    """Print what the contactors did."""
    edges, board.edges = board.edges, []
    for edge in edges:
        if edge.pin in contactors:
            zone, active = contactors[edge.pin]
            say(f"{edge.at_ms / 1000:9.1f} s  {zone} {'on' if edge.level == active else 'off'}")
