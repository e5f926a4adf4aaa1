"""One road board, the whole story: checked files, the safety loop, and beside it what may fail without harm.

Only the safety loop feeds the watchdog.
"""

import asyncio
import sys
import time

import machine
from rh import outputs

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Callable

    from rh.board import Board
    from rh.config import Config, Limits


async def safety(board: "Board", feed: "Callable[[], None]") -> None:
    """Each second: read, decide, switch, feed. Depends on no other task; raises where a restart is asked for."""
    due = time.ticks_ms()
    while True:
        board.tick()
        if board.restart:
            raise RuntimeError("restart")
        feed()
        due = time.ticks_add(due, 1000)
        wait = time.ticks_diff(due, time.ticks_ms())
        if wait < -1000:  # we were held up: do not run after lost seconds
            due = time.ticks_ms()
        await asyncio.sleep_ms(wait)


def beside(config: "Config", board: "Board", cold: bool) -> None:
    """Begin link, telemetry and integrity check; without them the board heats by its local rule."""
    try:
        from rh.tasks import Tasks

        Tasks(config, board, cold, asyncio.sleep_ms).start()
    except Exception as e:
        sys.print_exception(e)


async def run(config: "Config", limits: "Limits") -> None:
    """Compose the board and keep it going. Imports stand here because the checker needed the room before."""
    from rh import hardware
    from rh.board import Board
    from rh.uptime import Uptime

    if "rh.maintenance" in sys.modules:
        sys.modules["rh.maintenance"].end()
        del sys.modules["rh.maintenance"]
    cold = hardware.cold_start()
    try:
        chip = hardware.Hardware(config)
    except ValueError as e:  # of `Pin` and `ADC`; the next start would find the same
        print("roadheat stays off: config.json: the chip refuses a pin:", e)
        return
    uptime = Uptime(time.ticks_ms, time.ticks_diff)
    board = Board(config, limits, chip, uptime, hardware.hold_s(limits) if cold else 0, hardware.set_clock)
    beside(config, board, cold)
    await safety(board, chip.feed)


def checked() -> "tuple[Config, Limits] | None":
    """Config and limits, or None where they do not pass. The checker's memory is given back: once a boot is enough."""
    import rh.check

    try:
        return rh.check.load()
    except rh.check.ConfigError as e:
        print("roadheat stays off:", e)
        return None
    finally:
        del sys.modules["rh.check"], rh.check


def main() -> None:
    """Run until a person or a fault stops it; outputs are off whenever this returns."""
    try:
        files = checked()
        if files is not None:
            asyncio.run(run(*files))
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
        time.sleep(5)  # a fault that comes back at once must not wear the flash; shorter than the watchdog
        machine.reset()
    finally:
        outputs.off()


main()
