"""Emulated boards as provisioned: probes and meters on the pins, each zone with its contactor."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hil_tests.bench.zone import BenchZone
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard, Wiring
from hil_tests.vm.wired import wired
from supervisor.config import Config
from tools.get_vm import vm_path
from tools.provision import provision
from tools.wiring import Wiring as Named

EARTH_PIN, LOCK_PIN = 13, 14  # every emulated board has an earth-leakage input and a maintenance key
BEAT_PIN = 18
TRIP_PINS = (19, 21, 22)  # of the board's first zone, second, third
TX_PIN, RX_PIN, ENABLE_PIN = 17, 16, 5
MODELS = ("sdm630", "sdm120", "sdm630")  # likewise


@dataclass(frozen=True)
class Fit:
    """What boards have besides probes, contactors, earth-leakage input and maintenance key.

    relay_active: the level that closes contactors; a released pin opens them, whichever that is. boards: for each, some
    of `beat` (an output that changes with every turn of the safety loop), `trip` (contactors upstream), `meter`
    (register meters instead of current transformers), `locked` (the console is).
    """

    relay_active: int = 1
    boards: Mapping[str, Collection[str]] = field(default_factory=dict)
    word_bits: int = 64  # 32 as on the chip
    heap: str = ""  # of the VM; default what the emulation gives

    def board(self, name: str, folder: Path, wiring: Wiring, relay: ConsoleRelay, seed: int) -> EmulatedBoard:
        """One of these."""
        bits = self.word_bits
        made = EmulatedBoard(name, folder, vm_path(bits), wiring, relay, seed=seed, word_bits=bits)
        made.heap = self.heap or made.heap
        return made

    def named(self, board: str, zones: list[str]) -> Named:
        """As for `provision`."""
        has = self.boards.get(board, ())
        made = Named(earth_pin=EARTH_PIN, lock_pin=LOCK_PIN, relay_active=self.relay_active)
        made["beat_pin"] = BEAT_PIN if "beat" in has else None
        made["trip_pins"] = dict(zip(zones, TRIP_PINS, strict=False)) if "trip" in has else {}
        made["console_lock"] = int("locked" in has)
        if "meter" in has:
            made["rs485"] = {"tx_pin": TX_PIN, "rx_pin": RX_PIN, "de_pin": ENABLE_PIN}
            made["meters"] = {zone: (MODELS[i], i + 1) for i, zone in enumerate(zones)}
        return made


@dataclass
class Wired:
    """A district's boards and zones."""

    boards: dict[str, EmulatedBoard] = field(default_factory=dict)
    zones: dict[str, BenchZone] = field(default_factory=dict)
    relays: dict[str, dict[int, BenchZone]] = field(default_factory=dict)  # per board, by pin
    trips: dict[str, dict[int, BenchZone]] = field(default_factory=dict)  # the contactors upstream, likewise


def wire(
    config: Config, make: Callable[[str, Wiring], EmulatedBoard], limits: dict[str, int] | None, fit: Fit
) -> Wired:
    """Provision every board and connect it. `limits` replace those of the configuration."""
    own = {zone.id: zone for zone in config.zone}
    found = Wired()
    for item in config.board:
        named = fit.named(item.id, [zone.id for zone in config.zones_of(item.id)])
        folder: Path = provision(config, item.id, limits, wiring=named)
        settings = json.loads((folder / "config.json").read_text())
        wiring, wires = wired(settings)
        board = found.boards[item.id] = make(item.id, wiring)
        pins = found.relays[item.id] = {}
        trips = found.trips[item.id] = {}
        for slot, zone in enumerate(settings["zones"]):
            made = BenchZone(own[zone["id"]], zone, board, slot)
            made.moist_channel, made.current_channel = wires[slot].moisture, wires[slot].current
            found.zones[made.id] = pins[zone["relay_pin"]] = made
            if "trip_pin" in zone:
                trips[zone["trip_pin"]] = made
    return found
