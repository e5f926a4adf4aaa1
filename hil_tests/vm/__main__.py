"""`python -m hil_tests.vm`: one emulated board in real time, to try an engineer's commands on. Ctrl-C ends it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard, Wiring
from hil_tests.vm.realtime import running
from supervisor.domain.board_profile import PROFILE
from tools.get_vm import vm_path
from tools.provision import placeholder_rom


def main() -> None:
    """Wire two zones z01 and z02 as `roadheat board provision` does, at 1.5 °C and wet, and wait."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".cache/board"), help="where flash image and NVS are kept")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    wiring = Wiring()
    for zone, slot in zip(("z01", "z02"), PROFILE.slots, strict=False):
        wiring.sensors += [(PROFILE.ow_pin, placeholder_rom(zone, place)) for place in PROFILE.probes]
        wiring.adc += [(slot.moist_pin, -1), (slot.ct_pin, slot.relay_pin)]
    relay = ConsoleRelay()
    board = EmulatedBoard("b01", folder, vm_path(), wiring, relay)
    for i in range(2):
        board.set_temperature(2 * i, 1.5)
        board.set_temperature(2 * i + 1, 2.0)
        board.set_adc(2 * i, 900.0)
        board.set_adc(2 * i + 1, 150.0, 1950.0)
    board.power_on(0)
    print(f"board b01 at {board.console.path}, try:  mpremote connect {board.console.path} repl", flush=True)
    try:
        with running([board], relay):
            while True:
                time.sleep(1)
                for edge in board.edges:
                    print(f"{edge.at_ms / 1000:.1f} s: pin {edge.pin} → {edge.level}", flush=True)
                board.edges.clear()
    except KeyboardInterrupt:
        print()
    finally:
        board.close()
        relay.close()


if __name__ == "__main__":
    main()
