"""The program of a road board: checked files, the safety loop, and beside it tasks that may fail without harm.

Only the safety loop feeds the watchdog.
"""

import asyncio
import os
import sys
import time

import machine
import micropython

from . import outputs

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Callable

    from drivers.modbus import Line

    from .board import Board
    from .config import Config, Limits


LIST = "list.rec"  # of `rh.verdict`


async def safety(board: "Board", feed: "Callable[[], None]") -> None:
    """Every second: read, decide, switch, feed the watchdog. Depends on no other task; raises to ask for a restart."""
    due = time.ticks_ms()
    while True:
        board.tick()
        if board.restart:
            raise RuntimeError("restart")
        feed()
        due = time.ticks_add(due, 1000)
        wait = time.ticks_diff(due, time.ticks_ms())
        if wait < -1000:  # delayed: do not make up for lost seconds
            due = time.ticks_ms()
        await asyncio.sleep_ms(wait)


def beside(config: "Config", board: "Board", cold: bool, meters: "Line | None") -> None:
    """Start meters, link, telemetry and integrity check; without them the board heats by its local rule."""
    try:
        from .tasks import Tasks

        Tasks(config, board, cold, asyncio.sleep_ms).start(meters)
    except Exception as e:
        sys.print_exception(e)


async def run(config: "Config", limits: "Limits") -> bool:
    """Build the board and run it. Imported here, because the check needed the memory before. False: it cannot run."""
    from . import hardware
    from .board import Board
    from .uptime import Uptime

    if "rh.maintenance" in sys.modules:
        sys.modules["rh.maintenance"].end()
        del sys.modules["rh.maintenance"]
    cold = hardware.cold_start()
    try:
        chip = hardware.Hardware(config)
    except ValueError as e:  # of `Pin` and `ADC`; the next start would find the same
        print("roadheat stays off: config.json: the chip refuses a pin:", e)
        return False
    uptime = Uptime(time.ticks_ms, time.ticks_diff)
    board = Board(config, limits, chip, uptime, hardware.hold_s(limits) if cold else 0, hardware.set_clock)
    if config.stale:
        board.log("files", config.stale)
    if config.console_lock:
        micropython.kbd_intr(-1)  # one stray byte on the line would stop the heat
    beside(config, board, cold, chip.buses.rs485)
    await safety(board, chip.feed)
    return True


def checked() -> "tuple[Config, Limits] | None":
    """Config and limits, or None where they do not pass. The check's memory is freed: it runs once a boot."""
    import rh.check

    try:
        return rh.check.load()
    except rh.check.ConfigError as e:
        print("roadheat stays off:", e)
        return None
    finally:
        del sys.modules["rh.check"], rh.check
        del sys.modules["rh.fields"], rh.fields


def judged() -> None:
    """Verify the list of a program that came over the link, where that waits for a start: it takes memory."""
    try:
        os.stat(LIST)
    except OSError:
        return
    try:
        import rh.verdict

        rh.verdict.settle()
        del sys.modules["rh.verdict"], rh.verdict
    except Exception as e:  # the board starts without it
        sys.print_exception(e)


def main() -> bool:
    """Run until a person or a fault stops it; outputs are off whenever this returns. False: not with these files."""
    try:
        judged()
        files = checked()
        return files is not None and asyncio.run(run(*files))
    except KeyboardInterrupt:
        outputs.off()
        maintenance = __import__("rh.maintenance").maintenance
        maintenance.begin()  # the watchdog cannot be stopped
        print("roadheat stopped, outputs off; without another key it starts again in 15 s")
        if not maintenance.attended():
            machine.reset()
        print("machine.reset() starts it again")
    except Exception as e:
        outputs.off()
        sys.print_exception(e)
        __import__("rh.events").events.crashed(e)
        time.sleep(5)  # so that a fault at every start does not wear the flash; shorter than the watchdog
        machine.reset()
    finally:
        outputs.off()
    return True
