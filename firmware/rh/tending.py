"""Proves the running program, and fetches another one when the supervisor asks for it.

A program that came over the link has to run for a minute and hold a session with the supervisor for a minute; without
one it goes back to the program before, as soon as no road needs heat.
"""

from . import VERSION

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Awaitable, Callable

    from .board import Board
    from .link import Link
    from .update import Update

LOOK_MS = 5_000
PROVED_S = 60
AGAIN_MIN_S = 5
AGAIN_MAX_S = 3_600  # between attempts to fetch that bring nothing: each may write to flash
NO_SESSION_S = 900  # a link that works is up within three minutes of a start, also where all boards dial at once


async def tend(board: "Board", link: "Callable[[], Link | None]", pause: "Callable[[int], Awaitable[None]]") -> None:
    """Never returns. Raises OSError where flash does not take a record; started again, it goes on."""
    from . import slot

    proved = not slot.running()
    since = -1  # of a session
    while True:
        await pause(LOOK_MS)
        open_link = link()
        ready = open_link is not None and open_link.ready  # the supervisor has proved itself, and so has the network
        since = -1 if not ready else board.t if since < 0 else since
        if not proved:
            proved = _prove(board, ready, ready and board.t - since >= PROVED_S, slot)
            if proved and ready and open_link is not None:
                await open_link.send({"t": "image", "v": VERSION, "ok": 1, "why": ""})
        update = board.update
        if update is not None and update.restart:
            if not board.busy():
                board.log("update", "restart to verify its list")
                board.restart = True
        elif open_link is not None and ready and update is not None and not update.said and board.t >= update.again_at:
            await _fetch(board, update, open_link.send, pause)


def _prove(board: "Board", ready: bool, held: bool, slot: "Any") -> bool:
    """Whether nothing more is to be proved. ready: there is a session; held: it has lasted."""
    record = slot.load()
    if not record["new"]:
        if board.t < board.alone_s + PROVED_S:
            return False
        slot.proved()
        return True
    if held and board.t >= board.alone_s + PROVED_S:
        slot.proved()
        board.log("update", "proved")
        return True
    if not ready and board.t >= board.alone_s + NO_SESSION_S and not board.busy():
        slot.back(record, "no session with the supervisor")
        board.restart = True
        return True
    return False


async def _fetch(
    board: "Board",
    update: "Update",
    send: "Callable[[dict[str, Any]], Awaitable[None]]",
    pause: "Callable[[int], Awaitable[None]]",
) -> None:
    """Until it is ready or refused, and say which. Where link or flash fail, again: soon while pieces come."""
    try:
        if not update.ready and not update.why:
            await update.run(send, pause)
            board.log("update", update.why or "ready")
        await send({"t": "image", "v": update.version, "ok": int(update.ready), "why": update.why})
        update.said = True
    except Exception as e:
        board.log("update", repr(e))
        update.failures = update.failures + 1 if update.pieces.stalled else 1
        update.pieces.stalled = True
        update.again_at = board.t + min(AGAIN_MAX_S, AGAIN_MIN_S << min(update.failures, 10))
