"""How soon a board acts on what it sees: from the event to the contactor, in virtual time and small quanta.

Each case has one emulated board with real firmware and two zones, nobody answers its dials. A dial computes for
HANDSHAKE_MS in C code, in which neither tasks nor interrupts run, as a TLS handshake does on the chip.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hil_tests.bench.images import program
from hil_tests.bench.wiring import BEAT_PIN, EARTH_PIN, ENABLE_PIN, MODELS, RX_PIN, TRIP_PINS, TX_PIN
from hil_tests.bench.zone import BenchError
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import BUSY, FLASH_BYTES, EmulatedBoard
from hil_tests.vm.flash_image import write_image
from hil_tests.vm.wired import CT_OFFSET_MV, ZoneWires, wired
from supervisor.domain.board_profile import PROFILE
from tools.get_vm import vm_path
from tools.provision import LIMITS, placeholder_rom
from tools.sealing import sealed

QUANTUM_MS: Final = 50
HANDSHAKE_MS: Final = 1_200  # about a second on the chip
CONVERSION_MS: Final = 750  # of a DS18B20: before its end nobody can know the temperature
PHASES: Final = 5  # of the event against the loop's second
_POWER_W = 54_000
_CLOSED_WITHIN_S = 420  # minimum off time and self-test
_STEP_MS = 10_000
_GIVE_UP_MS = 20_000
_DIALS_WITHIN_MS = 300_000
_HOT_C = 16.0  # above t_max_mc
_WARM_C = 14.0  # below, and near enough for a step that a road can make


@dataclass(frozen=True)
class Case:
    """`most_ms`: the bar, of the slowest phase."""

    name: str
    most_ms: int
    run: Callable[[Rig, int], int]  # event at a phase of the loop's second [ms] → reaction [ms]
    meter: bool = False


class Rig:
    """One board that is heating a cold wet road."""

    def __init__(self, folder: Path, relay: ConsoleRelay, *, meter: bool) -> None:
        config = _config(meter)
        wiring, self.zones = wired(config)
        limits = {**LIMITS, "power_return_min_s": 0, "power_return_max_s": 0}
        files = {name: sealed(json.dumps(made).encode()) for name, made in (("config", config), ("limits", limits))}
        write_image(
            folder / "b01.img", {**program(), **{f"{name}.json": raw for name, raw in files.items()}}, FLASH_BYTES
        )
        self.board = EmulatedBoard("b01", folder, vm_path(), wiring, relay)
        self.now_ms = 0
        for zone in self.zones:
            zone.show(self.board, -1.5, 2.0, 0.8)
        self.board.power_on(0)

    @property
    def first(self) -> ZoneWires:
        return self.zones[0]

    def live(self, ms: int, step_ms: int = QUANTUM_MS) -> None:
        for begin in range(0, ms, step_ms):
            step = min(step_ms, ms - begin)
            self.board.grant(step)
            self.board.collect()
            self.now_ms += step

    def heat(self) -> None:
        """Until both contactors are closed."""
        for _ in range(0, _CLOSED_WITHIN_S * 1000, _STEP_MS):
            self.live(_STEP_MS, _STEP_MS)
            if all(zone.closed(self.board) for zone in self.zones):
                return
        raise BenchError("the board does not heat", remedy=bytes(self.board.console.log[-500:]).decode())

    def to_phase(self, ms: int) -> None:
        """Let time pass until so long after a turn of the safety loop."""
        self.board.edges.clear()
        self.live(2_000)
        turned = [edge.at_ms for edge in self.board.edges if edge.pin == BEAT_PIN][-1]
        self.live((ms - (self.now_ms - turned)) % 1_000)

    def until(self, pin: int, level: int) -> int:
        """How long until an output has that level [ms], exact."""
        began_ms = self.now_ms
        self.board.edges.clear()
        for _ in range(0, _GIVE_UP_MS, QUANTUM_MS):
            self.live(QUANTUM_MS)
            for edge in self.board.edges:
                if edge.pin == pin and edge.level == level:
                    return edge.at_ms - began_ms
            self.board.edges.clear()
        raise BenchError(f"no reaction within {_GIVE_UP_MS // 1000} s", where=f"pin {pin}")

    def set_power(self, off_w: int, on_w: int) -> None:
        """What the first zone's meter sees with the contactor open and closed."""
        zone = self.first
        if zone.meter >= 0:
            self.board.meters.set_power(zone.meter, off_w, on_w)
        else:
            off_mv, on_mv = (CT_OFFSET_MV + watts / zone.w_per_mv for watts in (off_w, on_w))
            self.board.set_adc(zone.current, off_mv, on_mv)

    def dial(self) -> None:
        """Wait until the computing of a dial begins."""
        self.board.set_trouble("handshake", HANDSHAKE_MS)
        for _ in range(0, _DIALS_WITHIN_MS, QUANTUM_MS):
            self.board.edges.clear()
            self.live(QUANTUM_MS)
            if any(edge.pin == BUSY and edge.level == 1 for edge in self.board.edges):
                return
        raise BenchError("the board does not dial")


def _config(meter: bool) -> dict[str, object]:
    zones = []
    for i, name in enumerate(("z01", "z02")):
        slot = PROFILE.slots[i]
        power: dict[str, object] = {"ct_pin": slot.ct_pin, "ct_w_per_mv": 27}
        if meter:
            power = {"power": {"kind": "modbus-meter", "model": MODELS[i], "address": i + 1}}
        zones.append(
            {
                "id": name, "relay_pin": slot.relay_pin, "relay_active": 1, "moist_pin": slot.moist_pin,
                "surface_rom": placeholder_rom(name, "surface"), "cable_rom": placeholder_rom(name, "cable"),
                "power_w": _POWER_W, "trip_pin": TRIP_PINS[i], **power,
            }
        )  # fmt: skip
    line = {"rs485": {"tx_pin": TX_PIN, "rx_pin": RX_PIN, "de_pin": ENABLE_PIN}} if meter else {}
    return {
        "board": "b01", "key": "5a" * 32, "host": "127.0.0.1", "port": 1, "server_name": "roadheat", "ca": "ca.der",
        "ow_pin": PROFILE.ow_pin, "earth_pin": EARTH_PIN, "beat_pin": BEAT_PIN, "zones": zones, **line,
    }  # fmt: skip


def _earth(rig: Rig, phase_ms: int) -> int:
    rig.to_phase(phase_ms)
    rig.board.set_input(EARTH_PIN, 1)
    return rig.until(rig.first.relay_pin, 0)


def _earth_in_handshake(rig: Rig, _phase_ms: int) -> int:
    rig.dial()
    rig.board.set_input(EARTH_PIN, 1)
    return rig.until(rig.first.relay_pin, 0)


def _hot(rig: Rig, phase_ms: int) -> int:
    """From the end of the first conversion that has the temperature."""
    for celsius in range(0, int(_WARM_C), 1):
        rig.board.set_temperature(rig.first.probes["surface"], float(celsius))
        rig.live(1_000)
    rig.to_phase(phase_ms)
    rig.board.set_temperature(rig.first.probes["surface"], _HOT_C)
    to_conversion_ms = 1_000 - phase_ms  # at the loop's next turn
    return rig.until(rig.first.relay_pin, 0) - to_conversion_ms - CONVERSION_MS


def _weld(rig: Rig, phase_ms: int) -> int:
    """A current while the contactor is open."""
    for celsius in range(0, int(_HOT_C) + 1, 1):
        rig.board.set_temperature(rig.first.probes["surface"], float(celsius))
        rig.live(1_000)
    rig.live(5_000)
    if rig.first.closed(rig.board):
        raise BenchError("the contactor is still closed")
    rig.to_phase(phase_ms)
    rig.set_power(_POWER_W, _POWER_W)
    return rig.until(TRIP_PINS[0], 1)


def _break(rig: Rig, phase_ms: int) -> int:
    rig.to_phase(phase_ms)
    rig.set_power(0, 0)
    return rig.until(rig.first.relay_pin, 0)


CASES: Final = (
    Case("earth fault", 250, _earth),
    Case("earth fault during a handshake", HANDSHAKE_MS + 250, _earth_in_handshake),
    Case("too hot, from the end of the conversion", 250, _hot),
    Case("contactor welded, current transformer", 5_000, _weld),
    Case("contactor welded, register meter", 5_000, _weld, meter=True),
    Case("cable broken, current transformer", 10_000, _break),
    Case("cable broken, register meter", 10_000, _break, meter=True),
)


@contextmanager
def _rig(folder: Path, meter: bool) -> Iterator[Rig]:
    folder.mkdir(parents=True)
    relay = ConsoleRelay()
    rig = Rig(folder, relay, meter=meter)
    try:
        yield rig
    finally:
        rig.board.close()
        relay.close()


def reaction_ms(case: Case, folder: Path, phases: int = PHASES) -> int:
    """The slowest of so many phases of the loop's second."""
    slowest = 0
    for n in range(phases):
        with _rig(folder / f"{n}", case.meter) as rig:
            rig.heat()
            slowest = max(slowest, case.run(rig, 1_000 * n // phases))
    return slowest
