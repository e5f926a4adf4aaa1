"""Once an hour: does flash still hold the program and configuration that were there at boot?

The running program and the checked configuration are in RAM, so a change on flash alters nothing before the next
boot. A start from damaged files may never heat again: the board goes on with what it holds and logs it every hour.
It starts anew only where that cannot end in the cold: the program is as it was, and the new configuration passes.
"""

import sys

from .store import fingerprint

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from .board import Board

CHECK_S = 3_600


async def watch(board: "Board", pause: "Callable[[int], Any]") -> None:
    """Asks for a restart where the configuration is another one, and good. pause: `asyncio.sleep_ms`."""
    program, configuration = fingerprint(), fingerprint(False)
    while True:
        await pause(1000 * CHECK_S)
        now, files = fingerprint(), fingerprint(False)
        if now == program and files == configuration:
            continue
        await pause(1000)
        if now != fingerprint() or files != fingerprint(False):
            board.log("integrity", "flash reads differently each time")  # the reading is at fault, not the content
        elif now != program:
            board.log("integrity", "program on flash has changed: heats on with the one in memory; flash it again")
        elif _passes():
            board.log("integrity", "configuration has changed and is good: restart")
            board.restart = True
        else:
            board.log("integrity", "configuration on flash is damaged: heats on with the one in memory; flash it again")


def _passes() -> bool:
    """Whether a boot would accept the newest files."""
    from . import check

    try:
        return not check.load()[0].stale  # with a last good copy the board would run as it does
    except Exception:
        return False
    finally:
        sys.modules.pop("rh.check", None)
        sys.modules.pop("rh.fields", None)
