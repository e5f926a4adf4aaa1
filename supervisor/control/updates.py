"""Carries out an update of boards: hears what they run, asks them to fetch and start the program, hands out its pieces.

The order is a file that the command line writes; `look` reads it. What a board runs is what it says itself, so a
restart of the service, or of a board, loses nothing.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

import msgspec

from supervisor.control.alarms import Alarm, Alarms
from supervisor.control.board_link import BoardLink
from supervisor.control.dispatch import Dispatcher
from supervisor.control.rollout import Asks, Seen, advance, waits
from supervisor.domain.alarm import AlarmCode, Severity
from supervisor.domain.errors import ConfigError
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.wire import update_files as files
from supervisor.wire.messages import Get, Hello, Image, Piece, Result, UpdateCommand
from supervisor.wire.program import Program, load_program
from supervisor.wire.update_files import Order, Progress, Wish

logger = logging.getLogger(__name__)

LOOK_EACH_S: Final = 10.0
AGAIN_S: Final = (600.0, 60.0)  # fetch, start: an answer, or word of how it went, may have been lost
IN_USE_S: Final = 600.0  # a board that says its road needs heat is asked again after that


class Audit(Protocol):
    async def append(self, user: str, action: str, detail: str) -> None: ...


class Updates:
    """`greeted`, `attached` and `said` take what boards say; `run` does the rest."""

    def __init__(
        self,
        folder: Path,
        dispatcher: Dispatcher,
        quiet: Callable[[str], bool],
        alarms: Alarms,
        zones_of: Mapping[str, Sequence[str]],
        audit: Audit,
        clock: Clock,
    ) -> None:
        """`quiet`: whether a zone needs no heat now or soon; `zones_of`: zones by board."""
        self._folder = folder
        self._dispatcher = dispatcher
        self._quiet = quiet
        self._alarms = alarms
        self._zones_of = zones_of
        self._audit = audit
        self._clock = clock
        self._order: Order | None = None
        self._progress = files.load_progress(folder)
        self._on_file = msgspec.json.encode(self._progress)
        self._program: Program | None = None
        self._seen = dict.fromkeys(zones_of, Seen())
        self._asked_s: dict[tuple[str, int], float] = {}  # board and `go` → when, monotonic
        self._in_use_s: dict[str, float] = {}  # boards that have said so, and when

    def greeted(self, hello: Hello) -> None:
        """A board says what it runs."""
        if hello.b not in self._zones_of:
            return
        program = hello.im
        self._seen[hello.b] = Seen(
            version=hello.fw.partition("+")[0],
            new=bool(program and program.new),
            left=program.left if program else "",
            why=program.why if program else "",
            takes=program is not None,
        )
        for go in (0, 1):
            self._asked_s.pop((hello.b, go), None)

    def said(self, link: BoardLink, message: Get | Image) -> None:
        """A board asks for a piece of the program, or says how fetching it has ended."""
        program, board = self._program, link.board_id
        if board not in self._seen:
            return
        if isinstance(message, Image) and message.v == self._seen[board].version:  # of the program that it runs
            self._seen[board] = replace(self._seen[board], new=not message.ok)
            return
        if program is None or message.v != program.version:
            return
        if isinstance(message, Image):
            why = "" if message.ok else message.why or "no reason given"
            self._seen[board] = replace(self._seen[board], ready=bool(message.ok), refused=why)
            logger.info("board %s: program %s %s", board, message.v, why or "is on its flash")
        elif content := program.piece(message.f, message.o, message.n):
            made = Piece(b=board, v=message.v, f=message.f, o=message.o, d=b64encode(content).decode())
            link.send(msgspec.json.encode(made))

    async def run(self) -> None:
        """Until cancelled."""
        await self.look()
        async for _ in each(self._clock, LOOK_EACH_S):
            await self.look()

    async def look(self) -> None:
        """Go on with what is ordered. Raises OSError and ConfigError where a file cannot be used."""
        await self._read_order()
        order, progress = self._order, self._progress
        if order is None or self._program is None or order.wish is Wish.ABORT:
            self._alarms.set(AlarmCode.UPDATE_HALTED, "", False)
            return
        halted, finished = progress.halted, progress.finished
        raised = self._raised()
        seen = {board: self._as_seen(board, raised) for board in order.boards if board in self._zones_of}
        asks = advance(order, progress, seen, self._clock.utc_s())
        progress.waits = dict(waits(order, progress, seen))
        self._ask(order, self._program, asks)
        if (encoded := msgspec.json.encode(progress)) != self._on_file:
            files.save(self._folder, progress)
            self._on_file = encoded
        self._alarms.set(
            AlarmCode.UPDATE_HALTED, "", bool(progress.halted),
            f"The update of boards to {order.version} is halted. {progress.halted}. See `roadheat board update status`",
        )  # fmt: skip
        if progress.halted and not halted:
            await self._audit.append("service", "update-halted", f"{order.version}: {progress.halted}")
        if progress.finished and not finished:
            counts = f"{len(progress.done)} boards run it, {len(progress.failed)} do not"
            await self._audit.append("service", "update-finished", f"{order.version}: {counts}")

    async def _read_order(self) -> None:
        """Take over an order that is new or changed."""
        order = files.load_order(self._folder)
        if order == self._order:
            return
        if order is not None and (self._program is None or self._program.identity != order.identity):
            program = load_program(self._folder / files.PROGRAM)
            if program.identity != order.identity:
                raise ConfigError(
                    "not the program that was ordered", where=str(self._folder / files.PROGRAM), remedy="Order it again"
                )
            self._program = program
        if order is not None and self._progress.order != order.id:
            self._progress = Progress(order=order.id)
            self._seen = {board: replace(one, ready=False, refused="") for board, one in self._seen.items()}
            self._asked_s.clear()
            self._in_use_s.clear()
        known, self._order = self._order, order
        if order is not None and known is not None:  # at a start of the service this is on record already
            await self._audit.append(order.by, f"update-{order.wish}", f"{order.version}, {len(order.boards)} boards")
        elif order is not None and not self._progress.started and not self._progress.done:
            await self._audit.append(order.by, "update-ordered", f"{order.version}, {len(order.boards)} boards")

    def _as_seen(self, board: str, raised: Mapping[str, Sequence[Alarm]]) -> Seen:
        """What is known of a board now. `raised`: alarms that count against the program, by subject."""
        one = self._seen.get(board, Seen())
        in_use = self._clock.monotonic_s() - self._in_use_s.get(board, float("-inf")) < IN_USE_S
        return replace(
            one,
            connected=self._dispatcher.commands(board),
            # Only asked of boards that could start it now: a look at thousands of roads takes its time.
            quiet=one.ready and not in_use and all(self._quiet(zone) for zone in self._zones_of[board]),
            alarm=self._alarm_of(board, raised),
        )

    def _raised(self) -> dict[str, list[Alarm]]:
        """Alarms that stand and count, by their subject."""
        found: dict[str, list[Alarm]] = {}
        for alarm in self._alarms.standing():
            if alarm.severity is not Severity.MINOR:
                found.setdefault(alarm.subject, []).append(alarm)
        return found

    def _alarm_of(self, board: str, raised: Mapping[str, Sequence[Alarm]]) -> str:
        """An alarm raised on a board or its zones since it was told to start the program; "" where there is none."""
        since = self._progress.started.get(board)
        if since is None:
            return ""
        for subject in (board, *self._zones_of[board]):
            for alarm in raised.get(subject, ()):
                if alarm.raised_utc_s >= since:
                    return f"{alarm.code} ({alarm.subject})"
        return ""

    def _ask(self, order: Order, program: Program, asks: Asks) -> None:
        for go, boards in ((0, asks.fetch), (1, asks.start)):
            for board in boards:
                now_s = self._clock.monotonic_s()
                if now_s - self._asked_s.get((board, go), float("-inf")) >= AGAIN_S[go]:
                    self._send(order, program, board, go, now_s)

    def _send(self, order: Order, program: Program, board: str, go: int, now_s: float) -> None:
        epoch = self._dispatcher.epoch
        made = UpdateCommand(
            b=board, ep=epoch, q=0, v=order.version, h=program.identity, sz=len(program.listing), go=go
        )

        def answered(result: Result) -> None:
            if order is not self._order:
                return
            if result is Result.OK:
                return
            if go:
                self._progress.started.pop(board, None)
            if result is Result.NOT_NOW:
                self._in_use_s[board] = self._clock.monotonic_s()
            else:
                logger.warning("board %s answers an update with %s", board, result.name)
                self._seen[board] = replace(self._seen[board], ready=False)
                if not go and result is not Result.STORE_FAILED:
                    self._seen[board] = replace(self._seen[board], refused=f"answers {result.name}")

        sent = self._dispatcher.send(board, lambda q: msgspec.structs.replace(made, q=q), answered, "update")
        if sent:
            self._asked_s[board, go] = now_s
            if go:  # it may start the program although its answer is lost
                self._progress.started.setdefault(board, self._clock.utc_s())
