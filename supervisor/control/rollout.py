"""Which boards get a new program next: one first, then 5, 25 and 100 %, each stage only after the one before has proved
itself. Pure: what boards say comes in, what to ask of which board goes out.

A stage allows so many boards to have started the program. A board counts as soon as it was asked to start, for its
answer may be lost. The next stage begins once all of them have run it for `SETTLE_S` without an alarm. Boards that are
away, and those whose road is in use, are passed over and get their turn when they can; any failure halts the update
until a person lets it go on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from supervisor.wire.update_files import Failure, Order, Progress, Wish

STAGES_PERCENT: Final = (0, 5, 25, 100)  # 0: the canary alone
SETTLE_S: Final = 600.0
BACK_WITHIN_S: Final = 1800.0  # a board that is not heard again by then has failed, its power or its program
FETCH_AT_ONCE: Final = 10


@dataclass(frozen=True)
class Seen:
    """A board as the service knows it."""

    connected: bool = False
    version: str = ""
    new: bool = False  # its program is not proved yet
    left: str = ""  # version that it left last
    why: str = ""
    takes: bool = True  # its firmware can be updated over the link
    ready: bool = False  # the program is on its flash, verified
    refused: str = ""  # why it does not take the program
    quiet: bool = False  # no road of it needs heat now or soon
    alarm: str = ""  # one that was raised on it since it started the program


@dataclass(frozen=True)
class Asks:
    """What to ask of boards now."""

    fetch: tuple[str, ...] = ()
    start: tuple[str, ...] = ()


def allowed(stage: int, boards: int) -> int:
    """So many boards may have started the program."""
    percent = STAGES_PERCENT[min(stage, len(STAGES_PERCENT) - 1)]
    return max(1, math.ceil(boards * percent / 100))


def advance(order: Order, progress: Progress, seen: Mapping[str, Seen], now_utc_s: float) -> Asks:
    """Bring `progress` up to date with what boards say; what to ask of which."""
    if order.resumed != progress.resumed:
        progress.resumed, progress.halted = order.resumed, ""
        progress.failed = {board: Failure(one.why, True) for board, one in progress.failed.items()}
    known = {board: seen.get(board, Seen()) for board in order.boards}
    for board, one in known.items():
        _follow(order, progress, board, one, now_utc_s)
    unaccepted = [board for board, failure in progress.failed.items() if not failure.accepted]
    if unaccepted and not progress.halted:
        progress.halted = f"{unaccepted[0]}: {progress.failed[unaccepted[0]].why}"
    waiting = [board for board in order.boards if board not in progress.done and board not in progress.failed]
    progress.finished = not waiting
    if order.wish is not Wish.RUN or progress.halted:
        return Asks()
    if progress.started and all(_settled(progress, board, now_utc_s) for board in progress.started):
        used = len(progress.started)
        while progress.stage < len(STAGES_PERCENT) - 1 and used >= allowed(progress.stage, len(order.boards)):
            progress.stage += 1
    room = allowed(progress.stage, len(order.boards)) - len(progress.started)
    able = [board for board in waiting if known[board].connected and known[board].takes]
    # Asked to start, but still on the program before: the question or its answer was lost. They are asked again.
    behind = [board for board in able if board in progress.started and known[board].version != order.version]
    fresh = [board for board in able if board not in progress.started]
    start = [board for board in fresh if known[board].ready and known[board].quiet][: max(room, 0)]
    fetching = [board for board in fresh if not known[board].ready][: FETCH_AT_ONCE if room > 0 else 0]
    return Asks(
        tuple(fetching + [board for board in behind if not known[board].ready]),
        tuple(start + [board for board in behind if known[board].ready and known[board].quiet]),
    )


def waits(order: Order, progress: Progress, seen: Mapping[str, Seen]) -> Iterator[tuple[str, str]]:
    """Boards that are neither done nor failed, and what they wait for."""
    for board in order.boards:
        if board in progress.done or board in progress.failed:
            continue
        one = seen.get(board, Seen())
        if board in progress.started:
            yield board, "restarts" if not one.new else "runs it, not proved yet"
        elif not one.connected:
            yield board, "is away"
        elif not one.takes:
            yield board, f"has firmware {one.version}, which takes no update over the link: flash it"
        elif not one.ready:
            yield board, "waits, or fetches it"
        else:
            yield board, "has it" + ("" if one.quiet else ", and its road is in use")


def _follow(order: Order, progress: Progress, board: str, one: Seen, now_utc_s: float) -> None:
    """Note what has become of one board."""
    if board in progress.failed:
        if one.version == order.version and not one.new:  # after all, or by cable
            del progress.failed[board]
        else:
            return
    if one.connected and one.version == order.version:
        if not one.new:
            progress.done.setdefault(board, now_utc_s)
        else:
            since = progress.started.setdefault(board, now_utc_s)  # its answer was lost
            if now_utc_s - since > BACK_WITHIN_S:  # nor left: what proves a program does not work in it
                progress.failed[board] = Failure(f"runs {order.version}, and has not proved it")
        if one.alarm and board in progress.started and not _settled(progress, board, now_utc_s):
            progress.failed[board] = Failure(f"alarm {one.alarm} since it runs {order.version}")
        return
    progress.done.pop(board, None)
    if one.refused:
        progress.failed[board] = Failure(one.refused)
    elif board in progress.started:
        if one.connected and one.left == order.version:
            progress.failed[board] = Failure(f"left {order.version}: {one.why}")
        elif now_utc_s - progress.started[board] > BACK_WITHIN_S:
            away = "is away since" if not one.connected else f"runs {one.version} after"
            progress.failed[board] = Failure(f"{away} it was told to start {order.version}")


def _settled(progress: Progress, board: str, now_utc_s: float) -> bool:
    """Whether nothing more is awaited from a board that was told to start the program."""
    if board in progress.failed:
        return progress.failed[board].accepted
    since = progress.done.get(board)
    return since is not None and now_utc_s - since >= SETTLE_S
