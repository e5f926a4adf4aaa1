"""One road board, the whole story: checked files, then three tasks. Only the safety loop feeds the watchdog."""

import asyncio
import sys
import time

import machine
from rh import outputs

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Callable

    from rh.board import Board
    from rh.config import Config, Limits
    from rh.link import Link

BUILT_UTC = 1_767_225_600  # 2026-01-01: certificates are checked against no earlier date
CHECK_S = 3_600


async def safety(board: "Board", feed: "Callable[[], None]", tasks: "tuple[asyncio.Task[None], ...]") -> None:
    """Each second: read, decide, switch, feed. Raises if another task has died: off and reset beat limping."""
    due = time.ticks_ms()
    while True:
        board.tick()
        for task in tasks:
            if task.done():
                raise RuntimeError("a task died")
        feed()
        due = time.ticks_add(due, 1000)
        wait = time.ticks_diff(due, time.ticks_ms())
        if wait < -1000:  # we were held up: do not run after lost seconds
            due = time.ticks_ms()
        await asyncio.sleep_ms(wait)


async def telemetry(board: "Board", link: "Link") -> None:
    """A record each 10 s while the link is up, else one a minute into the journal."""
    while True:
        left = board.recorder.left(board.t, link.ready)
        if left <= 0:
            await link.report(board.recorder.take(board.t, link.bad))
        else:
            await asyncio.sleep_ms(1000 * min(left, 10))  # the link may come up meanwhile


async def integrity(fingerprint: "Callable[[], bytes]") -> None:
    """Raises when flash no longer holds the program and configuration that were there at boot: off, and start anew."""
    first = fingerprint()
    while True:
        await asyncio.sleep(CHECK_S)
        if fingerprint() != first:
            raise RuntimeError("flash has changed")


async def run(config: "Config", limits: "Limits") -> None:
    """Compose the board and keep it going. Imports stand here because the checker needed the room before."""
    from rh import hardware, net, store
    from rh.board import Board
    from rh.link import Link
    from rh.uptime import Uptime
    from rh.wire import Mac

    if "rh.maintenance" in sys.modules:
        sys.modules["rh.maintenance"].end()
        del sys.modules["rh.maintenance"]
    cold = hardware.cold_start()
    chip = hardware.Hardware(config)
    hardware.minimum_date(BUILT_UTC)
    uptime = Uptime(time.ticks_ms, time.ticks_diff)
    board = Board(config, limits, chip, uptime, hardware.hold_s(limits) if cold else 0, hardware.set_clock)
    uplink = net.Uplink(config.wifi, config.lan)
    trust = net.Trust(config.ca)

    async def dial() -> asyncio.StreamReader:
        if not uplink.up():
            raise OSError("no network")
        return await net.connect(config.host, config.port, trust, config.server_name)

    link = Link(config, board, Mac(config.key), dial)
    link.task = asyncio.create_task(link.run(config.connect_spread_s if cold else 0, asyncio.sleep_ms))
    reporting = asyncio.create_task(telemetry(board, link))
    checking = asyncio.create_task(integrity(store.fingerprint))
    await safety(board, chip.feed, (link.task, reporting, checking))


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
        __import__("rh.maintenance").maintenance.begin()  # the watchdog cannot be stopped
        print("roadheat stopped, outputs off; machine.reset() starts it again")
    except Exception as e:
        outputs.off()
        sys.print_exception(e)
        time.sleep(5)  # a fault that comes back at once must not wear the flash; shorter than the watchdog
        machine.reset()
    finally:
        outputs.off()


main()
