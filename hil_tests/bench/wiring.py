"""Emulated boards as provisioned: probes and meters on the pins, each zone with its contactor."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hil_tests.bench.zone import BenchZone
from hil_tests.vm.emulated_board import EmulatedBoard, Wiring
from hil_tests.vm.wired import wired
from supervisor.config import Config
from tools.provision import provision

EARTH_PIN, LOCK_PIN = 13, 14  # every emulated board has an earth-leakage input and a maintenance key


@dataclass
class Wired:
    """A district's boards and zones."""

    boards: dict[str, EmulatedBoard] = field(default_factory=dict)
    zones: dict[str, BenchZone] = field(default_factory=dict)
    relays: dict[str, dict[int, BenchZone]] = field(default_factory=dict)  # per board, by pin


def wire(
    config: Config,
    make: Callable[[str, Wiring], EmulatedBoard],
    limits: dict[str, int] | None,
    relay_active: int = 1,
) -> Wired:
    """Provision every board and connect it. `limits` replace those of the configuration; `relay_active`: the level that
    closes contactors. A released pin opens them, whichever that is.
    """
    own = {zone.id: zone for zone in config.zone}
    found = Wired()
    for item in config.board:
        folder: Path = provision(
            config,
            item.id,
            limits,
            wiring={"earth_pin": EARTH_PIN, "lock_pin": LOCK_PIN, "relay_active": relay_active},
        )
        settings = json.loads((folder / "config.json").read_text())
        board = found.boards[item.id] = make(item.id, wired(settings)[0])
        pins = found.relays[item.id] = {}
        for slot, zone in enumerate(settings["zones"]):
            made = BenchZone(own[zone["id"]], zone, board, slot)
            found.zones[made.id] = pins[zone["relay_pin"]] = made
    return found
