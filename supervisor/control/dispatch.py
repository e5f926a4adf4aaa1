"""From decisions to boards: clock, overrides and plans as sealed commands, and what boards answer.

Every command carries the service's epoch and a sequence that only grows. The epoch is new at each start of the
service, committed before its first use, so that a restart can never repeat a (epoch, sequence) a board has accepted,
and of two services running at once the older loses. After `hello` a board gets clock, the OFF of electric dangers,
overrides, then plans.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from supervisor.control.board_link import BoardLink, Session, Subject
from supervisor.control.feedback import for_sensor
from supervisor.control.live import LiveState
from supervisor.control.monitoring import Monitoring
from supervisor.control.overrides import Overrides
from supervisor.control.plan_command import plan_command
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import StoreError
from supervisor.domain.override import LIVE_STATES, Override, OverrideState
from supervisor.domain.plan import Plan, PlanState
from supervisor.domain.zone import Zone
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock
from supervisor.wire.messages import (
    ClockCommand,
    Command,
    Hello,
    OverrideCommand,
    Result,
    ResultFrame,
)

logger = logging.getLogger(__name__)

PENDING_MAX = 256  # commands of a board without an answer that are remembered
TAKE_OVER_AGAIN_S = 5.0  # a full disk: the board keeps its plan meanwhile
# Starts that a service restored from a backup may not know of. A board that names more is ignored: following it would
# use up the range of numbers that boards can store.
EPOCHS_AHEAD_MAX = 10_000


class Dispatcher:
    """Sessions by board, the commands sent and their answers."""

    def __init__(
        self,
        epoch: int,
        live: LiveState,
        overrides: Overrides,
        monitoring: Monitoring,
        clock: Clock,
        background: Background,
        newer_epoch: Callable[[int], Awaitable[int]] | None = None,
    ) -> None:
        """`newer_epoch` gives and commits an epoch above another one: this service takes over from a newer one, as
        after its database was restored from a backup. None: such boards are not commanded, and an alarm is raised."""
        self.epoch = epoch
        self._live = live
        self._overrides = overrides
        self._alarms, self._metrics = monitoring.alarms, monitoring.metrics
        self._clock = clock
        self._background = background
        self._newer_epoch = newer_epoch
        self._sessions: dict[str, Session] = {}
        self._taking_over: dict[str, BoardLink] = {}  # by board: sessions that wait for a newer epoch
        self._zones_of: dict[str, list[Zone]] = {}
        for zone in sorted((known.zone for known in live.zones.values()), key=lambda zone: zone.relay):
            self._zones_of.setdefault(zone.board, []).append(zone)
        self._issued: dict[str, tuple[int, float]] = {}  # zone → issue of its newest plan, and when (monotonic)
        self.accepted_at: dict[int, float] = {}  # override → monotonic, in this board session
        self.holds: Callable[[], bool] = lambda: True  # whether this service still runs the district
        self.attached: list[Callable[[str], None]] = []  # called with a board that connects, once it has the time
        overrides.changed.append(self._override_changed)

    def connected(self, board_id: str) -> bool:
        return board_id in self._sessions

    def commands(self, board_id: str) -> bool:
        """Whether the board is connected and follows this service."""
        session = self._sessions.get(board_id)
        return session is not None and session.commanded

    def attach(self, link: BoardLink, hello: Hello) -> None:
        """A board has been authenticated: send it everything that holds now."""
        board = link.board_id
        newer = hello.ep > self.epoch
        if newer and self._newer_epoch is not None and hello.ep - self.epoch <= EPOCHS_AHEAD_MAX:
            self._taking_over[board] = link
            self._background.spawn(self._take_over(link, hello, self._newer_epoch), "take-over")
            return
        self._taking_over.pop(board, None)
        start = hello.q if hello.ep == self.epoch else 0
        self._sessions[board] = Session(link, start, not newer, OrderedDict())
        self._metrics.boards_online.set(len(self._sessions))
        self._alarms.set(
            AlarmCode.NEWER_SUPERVISOR,
            board,
            newer,
            f"Board {board} follows a service with epoch {hello.ep}, this one has {self.epoch}: "
            "stop one of the two services, or start this one with --take-over",
        )
        configured = {zone.id for zone in self._zones_of.get(board, [])}
        self._alarms.set(
            AlarmCode.BOARD_ZONES,
            board,
            configured != set(hello.z),
            f"Board {board} carries {', '.join(hello.z)}; the configuration says {', '.join(sorted(configured))}: "
            "provision it again",
        )
        self._send_all(board)

    def send_again(self) -> None:
        """Send every connected board what holds now: for a while nothing could be sent."""
        for board in list(self._sessions):
            self._send_all(board)

    def _send_all(self, board: str) -> None:
        self.send_clock(board)
        for listener in self.attached:
            listener(board)
        for zone in self._zones_of.get(board, []):
            held = self._overrides.live_for(zone.id)
            if held is not None:
                self.accepted_at.pop(held.id, None)
                self._send_override(held)
            elif (ended := self._overrides.ended_early(zone.id)) is not None:
                self._send_override(ended)
        for zone in self._zones_of.get(board, []):
            plan = self._live.zones[zone.id].plan
            if plan is not None:
                self._send_plan(plan)

    async def _take_over(self, link: BoardLink, hello: Hello, newer_epoch: Callable[[int], Awaitable[int]]) -> None:
        """Move above the epoch that a board has seen, then command it. Boards already connected follow.

        Repeated while it cannot be recorded, for as long as the board is connected.
        """
        while self._taking_over.get(link.board_id) is link:
            try:
                if hello.ep > self.epoch:
                    self.epoch = await newer_epoch(hello.ep)
                    logger.warning("took over at epoch %d", self.epoch)
            except StoreError as error:
                logger.error("cannot take over from epoch %d yet: %s", hello.ep, error)
                await asyncio.sleep(TAKE_OVER_AGAIN_S)
                continue
            if self._taking_over.get(link.board_id) is link:
                del self._taking_over[link.board_id]
                self.attach(link, hello)

    def detach(self, link: BoardLink) -> None:
        """The session has ended; a newer session of the same board stays."""
        if self._taking_over.get(link.board_id) is link:
            del self._taking_over[link.board_id]
        session = self._sessions.get(link.board_id)
        if session is not None and session.link is link:
            del self._sessions[link.board_id]
            self._metrics.boards_online.set(len(self._sessions))

    def send_clock(self, board: str) -> None:
        """Send a board the time."""
        self.send(
            board, lambda q: ClockCommand(b=board, ep=self.epoch, q=q, utc=round(self._clock.utc_s())), None, "clock"
        )

    def publish(self, plans: Iterable[Plan]) -> None:
        """Show and send new plans."""
        for plan in plans:
            zone = self._live.zones.get(plan.zone)
            if zone is not None:
                zone.plan, zone.plan_state = plan, PlanState.REQUESTED
                self._metrics.plans.labels(plan.label.value).inc()
                self._send_plan(plan)
                self._live.touch(plan.zone)

    def command(
        self, zone_id: str, mode: str, length_s: int, until_utc_s: int, answered: Callable[[Result], None] | None = None
    ) -> bool:
        """Send an override without an author (electric danger), or a cancel; False where its board is not connected."""
        board = self._live.zones[zone_id].zone.board
        return self.send(
            board,
            lambda q: OverrideCommand(
                b=board, ep=self.epoch, q=q, z=zone_id, id=0, m=mode, dur=length_s, exp=until_utc_s
            ),
            answered,
            "override",
        )

    def resend(self, override: Override) -> None:
        """Send it again: the board does not do what it accepted."""
        self.accepted_at.pop(override.id, None)
        self._send_override(override)

    async def answered(self, link: BoardLink, result: ResultFrame) -> None:
        """A board's answer to a command. Raises StoreError where the new state could not be committed."""
        session = self._sessions.get(link.board_id)
        if session is None or session.link is not link or result.ep != self.epoch or result.q not in session.pending:
            self._metrics.results.labels("unasked").inc()
            return
        subject = session.pending.pop(result.q)
        try:
            code = Result(result.rc)
        except ValueError:
            code = Result.MALFORMED
        self._metrics.results.labels(code.name.lower()).inc()
        if code is Result.OLD_EPOCH:
            session.commanded = False
            self._alarms.set(
                AlarmCode.NEWER_SUPERVISOR, link.board_id, True, "A newer service commands this board: stop one"
            )
        if isinstance(subject, Plan):
            zone = self._live.zones[subject.zone]
            if zone.plan is subject:
                zone.plan_state = PlanState.ACCEPTED if code is Result.OK else PlanState.REFUSED
                self._live.touch(subject.zone)
            self._alarms.set(AlarmCode.PLAN_REFUSED, subject.zone, code is not Result.OK, f"Board answers {code.name}")
        elif callable(subject):
            subject(code)
        elif isinstance(subject, Override) and subject.state in LIVE_STATES:
            if code is Result.OK:
                self.accepted_at[subject.id] = self._clock.monotonic_s()
                await self._overrides.advance(subject.id, OverrideState.ACCEPTED)
            else:
                logger.warning("board %s refuses override %d: %s", link.board_id, subject.id, code.name)
                await self._overrides.advance(subject.id, OverrideState.REFUSED)

    def _override_changed(self, override: Override) -> None:
        if override.state not in LIVE_STATES:
            self.accepted_at.pop(override.id, None)
        cancelled = override.state is OverrideState.CANCELLED and self._overrides.live_for(override.zone) is None
        if override.state is OverrideState.REQUESTED or cancelled:
            self._send_override(override)

    def _send_override(self, override: Override) -> None:
        """A live override, or a cancelled one as its cancel."""
        live = override.state in LIVE_STATES
        left_s = max(0, round(self._overrides.left_s(override))) if live else 0
        zone = self._live.zones.get(override.zone)
        if zone is None or zone.dangers or (live and left_s == 0):  # under electric danger nothing takes OFF's place
            return
        board = zone.zone.board
        sent = self.send(
            board,
            lambda q: OverrideCommand(
                b=board,
                ep=self.epoch,
                q=q,
                z=override.zone,
                id=override.id,
                m=override.mode.value if live else "cancel",
                dur=left_s,
                exp=override.expires_utc_s,
            ),
            override,
            "override",
        )
        if sent and live:
            self._background.spawn(self._overrides.advance(override.id, OverrideState.SENT), "override-sent")

    def _send_plan(self, plan: Plan) -> None:
        zone = self._live.zones[plan.zone]
        age_s = self._age_s(plan)
        if age_s >= plan.lease_s:  # too old to be used: the board follows its local rule
            return
        lease_s = min(int(plan.lease_s - age_s), zone.zone.limits.lease_max_s)
        left = msgspec.structs.replace(for_sensor(plan, zone), lease_s=lease_s)
        board = zone.zone.board
        if self.send(board, lambda q: plan_command(board, self.epoch, q, left), plan, "plan"):
            zone.plan_state = PlanState.SENT

    def _age_s(self, plan: Plan) -> float:
        """Since it was issued, by whichever clock says longer: setting the machine's clock back prolongs no plan."""
        by_utc_s, now_s = max(self._clock.utc_s() - plan.issued_utc_s, 0.0), self._clock.monotonic_s()
        issued, since_s = self._issued.get(plan.zone, (None, 0.0))
        if issued != plan.issued_utc_s:
            since_s = now_s - by_utc_s
            self._issued[plan.zone] = plan.issued_utc_s, since_s
        return max(by_utc_s, now_s - since_s)

    def send(self, board: str, command: Callable[[int], Command | bytes], subject: Subject, kind: str) -> bool:
        """Send what `command` makes of the next sequence; False where the board is away or follows another service."""
        session = self._sessions.get(board)
        if session is None or not session.commanded or not self.holds():
            return False
        session.sequence += 1
        made = command(session.sequence)
        session.pending[session.sequence] = subject
        if len(session.pending) > PENDING_MAX:
            session.pending.popitem(last=False)
        session.link.send(made if isinstance(made, bytes) else msgspec.json.encode(made))
        self._metrics.commands.labels(kind).inc()
        return True
