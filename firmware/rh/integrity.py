"""Once an hour: do flash and memory still hold what was there at boot?

What is decided hangs on the configuration in memory: where that has changed, outputs go off and the board starts
anew. The program runs from memory too, so a change on flash alters nothing before the next boot. A start from damaged
files may never heat again: the board goes on with what it holds and says so each hour.
It starts anew only where that cannot end in the cold: the program is as it was, and the new configuration passes.
"""

import sys
from hashlib import sha256

from .store import fingerprint

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from .board import Board

CHECK_S = 3_600


async def watch(board: "Board", pause: "Callable[[int], Any]") -> None:
    """Asks for a restart where the configuration on flash is another one, and good, or where memory has changed.

    pause: `asyncio.sleep_ms`.
    """
    program, configuration, memory = fingerprint(), fingerprint(False), in_memory(board)
    while True:
        await pause(1000 * CHECK_S)
        if in_memory(board) != memory:
            board.log("integrity", "configuration in memory has changed: restart")
            board.restart = True
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


def in_memory(board: "Board") -> bytes:
    """Hash over the checked configuration and limits that the board works with."""
    digest = sha256()
    for record in board.settings:
        fields = record.__dict__
        for name in sorted(fields):
            if name != "zones":  # they follow
                digest.update("{}={!r};".format(name, fields[name]).encode())
    result: bytes = digest.digest()
    return result


def _passes() -> bool:
    """Whether a boot would accept the newest files."""
    import rh.check

    try:
        return not rh.check.load()[0].stale  # with a last good copy the board would run as it does
    except Exception:
        return False
    finally:
        sys.modules.pop("rh.check", None)
        del rh.check  # or it would stay in memory
