"""Passes what the rules say to the receivers' outboxes, and remembers what was told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final

from supervisor.control.alarms import Alarm, Alarms
from supervisor.control.notify.duty import Duty
from supervisor.control.notify.outbox import Entry, Outbox
from supervisor.control.notify.receivers import Receiver
from supervisor.control.notify.rules import Episode, Escalation, Event, closing, owed
from supervisor.control.notify.texts import Writer
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import StoreError
from supervisor.notify.kind import Channel, Message
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.runtime.supervision import Parts
from supervisor.store.notices import Notice, NoticeRepository

logger = logging.getLogger(__name__)

ROUND_S: Final = 5.0  # an escalation may be that late
KEEP_S: Final = 366 * 86_400.0
TIDY_EACH_S: Final = 86_400.0

Accepted = Callable[[], Awaitable[object]]
Receivers = Mapping[str, tuple[Receiver, Channel]]


class Notifier:
    """Keep `run` running; give `changed` to `Alarms.changed`."""

    def __init__(
        self,
        alarms: Alarms,
        receivers: Callable[[], Receivers],
        duty: Duty,
        times: Escalation,
        writer: Writer,
        notices: NoticeRepository,
        clock: Clock,
    ) -> None:
        self._alarms = alarms
        self._receivers = receivers
        self._duty = duty
        self._times = times
        self._writer = writer
        self._notices = notices
        self._clock = clock
        self._episodes: dict[tuple[AlarmCode, str], Episode] = {}
        self._outboxes: dict[str, tuple[Outbox, asyncio.Task[None]]] = {}
        self._background: Background | None = None
        self._parts = Parts("telling people", alarms)
        self.refreshes: list[Callable[[], Awaitable[object]]] = []  # others' parts of each round

    async def start(self, background: Background) -> None:
        """Take up what stood and was told when the service last ran."""
        self._background = background
        for alarm in self._alarms.standing():
            self._episodes[alarm.code, alarm.subject] = Episode(alarm, float(alarm.raised_utc_s))
        by_name = {(str(code), subject): episode for (code, subject), episode in self._episodes.items()}
        for notice in await self._notices.of_open_alarms():
            episode = by_name.get((notice.code, notice.subject))
            if episode is not None:
                _note(episode, notice.receiver, notice.event, notice.utc_s)
        self._alarms.changed.append(self.changed)

    def changed(self, alarm: Alarm) -> None:
        """An alarm was raised, attended or cleared."""
        key = alarm.code, alarm.subject
        episode = self._episodes.get(key)
        now_s = self._clock.utc_s()
        if episode is None:
            if alarm.cleared_utc_s is None:
                self._episodes[key] = Episode(alarm, now_s)
        else:
            if episode.alarm.acknowledged_by is not None and not alarm.attended and alarm.cleared_utc_s is None:
                episode.told.clear()  # it came back worse: what was seen of it no longer counts
                episode.open_since_s = now_s
            if alarm.acknowledged_by is None:
                episode.seen_told.clear()
            episode.alarm = alarm
        self._look_at([key], now_s)

    async def run(self) -> None:
        """Look whose turn it is, until cancelled."""
        async for now_s in each(self._clock, ROUND_S):
            await self.round(now_s)

    async def round(self, now_s: float) -> None:
        """What is due at this multiple of `ROUND_S`; a record that cannot be read keeps nobody from being told."""
        for refresh in self.refreshes:
            await self._parts.do("people and roster", refresh)
        await self._parts.do("roster", lambda: self._duty.look(self._alarms))
        await self._parts.do("whose turn it is", lambda: self.look(self._clock.utc_s()))
        if now_s % TIDY_EACH_S == 0:
            await self._parts.do("forgetting messages", lambda: self._notices.prune(now_s - KEEP_S))
            await self._parts.do("forgetting shifts", self._duty.prune)

    def look(self, now_s: float) -> None:
        """Queue everything that is owed now."""
        self._look_at(list(self._episodes), now_s)
        known = self._receivers()
        for name in [name for name in self._outboxes if name not in known]:
            self._outboxes.pop(name)[1].cancel()
            self._alarms.set(AlarmCode.NOTIFIER_FAILED, name, False)

    def _look_at(self, keys: Iterable[tuple[AlarmCode, str]], now_s: float) -> None:
        known = self._receivers()
        receivers = [receiver for receiver, _ in known.values()]
        chain = self._duty.chain(now_s)
        for key in keys:
            episode = self._episodes.get(key)
            if episode is None:
                continue
            if episode.settled(now_s):
                del self._episodes[key]
                for receiver in closing(episode, receivers, now_s):
                    self._tell(receiver, known, episode, "over", now_s)
                continue
            expected_until_s = self._duty.maintained_until(episode.alarm, now_s)
            if expected_until_s is not None:
                episode.open_since_s = expected_until_s
                continue
            episode.open_since_s = min(episode.open_since_s, now_s)  # work that ended earlier than planned
            for receiver, event in owed(episode, receivers, chain, self._times, now_s):
                self._tell(receiver, known, episode, event, now_s)

    def _tell(self, receiver: Receiver, known: Receivers, episode: Episode, event: Event, now_s: float) -> None:
        _note(episode, receiver.name, event, now_s)
        alarm = episode.alarm
        message = self._writer.about(alarm, event, receiver.language, now_s)
        self._queue(receiver, known[receiver.name][1], message, partial(self._accepted, alarm, receiver.name, event))

    async def _accepted(self, alarm: Alarm, receiver: str, event: Event) -> None:
        now = int(self._clock.utc_s())
        notice = Notice(alarm.code, alarm.subject, alarm.raised_utc_s, receiver, event, now)
        try:
            await self._notices.add(notice)
        except StoreError as error:  # after a restart it may be told twice
            logger.warning("not recorded that %s was notified of %s: %s", receiver, alarm.code, error)

    def send(self, receiver: str, make: Callable[[Receiver], Message]) -> bool:
        """Queue a message that is about no alarm; False for an unknown receiver."""
        known = self._receivers()
        if receiver not in known:
            return False

        async def nothing() -> None:
            """There is no alarm to note it with."""

        to, channel = known[receiver]
        self._queue(to, channel, make(to), nothing)
        return True

    def _queue(self, receiver: Receiver, channel: Channel, message: Message, accepted: Accepted) -> None:
        assert self._background is not None, "start() comes first"
        if receiver.name not in self._outboxes:
            outbox = Outbox(receiver, channel, self._writer, self._clock, partial(self._failing, receiver.name))
            task = self._background.spawn(outbox.run(), f"notify {receiver.name}")
            self._outboxes[receiver.name] = outbox, task
        outbox, task = self._outboxes[receiver.name]
        if task.done():  # its receiver was gone, and is back: the person has subscribed again
            self._outboxes[receiver.name] = outbox, self._background.spawn(outbox.run(), task.get_name())
        outbox.channel = channel
        outbox.put(Entry(message, accepted))

    def _failing(self, receiver: str, why: str) -> None:
        text = f"{receiver} cannot be notified of alarms: {why}. Check its address, token and network" if why else ""
        self._alarms.set(AlarmCode.NOTIFIER_FAILED, receiver, bool(why), text)


def _note(episode: Episode, receiver: str, event: str, utc_s: float) -> None:
    if event in ("raised", "again"):
        episode.told[receiver] = utc_s
    elif event == "seen":
        episode.seen_told.add(receiver)
