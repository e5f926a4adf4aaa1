"""Notification channels: one module each with a `Notifier`, and one line in `CHANNELS`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from supervisor.control.alarms import Alarm, Alarms
from supervisor.domain.errors import RoadheatError
from supervisor.runtime.background import Background

logger = logging.getLogger(__name__)

WAITING_MAX: Final = 1000  # changes that a channel may lag behind: a district that loses its power twice


class Notifier(Protocol):
    """A channel that tells people."""

    async def notify(self, alarm: Alarm) -> None:
        """Tell of a raised alarm, or of a cleared one (`cleared_utc_s` is set). Raises RoadheatError if it cannot."""


Environment = Mapping[str, str]
Channels = Mapping[str, Callable[[Environment], Notifier | None]]
# By name: makes the channel from environment variables; None where they are not set.
CHANNELS: Final[Channels] = {}


def start(alarms: Alarms, background: Background, environment: Environment, channels: Channels = CHANNELS) -> None:
    """Pass every change of an alarm to every channel that is set up; one that fails or hangs holds up no other."""
    for name, make in channels.items():
        notifier = make(environment)
        if notifier is not None:
            outbox = _Outbox(name, notifier)
            alarms.changed.append(outbox.add)
            background.keep(f"notify {name}", outbox.deliver)


class _Outbox:
    """What one channel has still to tell, in order."""

    def __init__(self, name: str, notifier: Notifier) -> None:
        self._name = name
        self._notifier = notifier
        self._waiting: asyncio.Queue[Alarm] = asyncio.Queue(WAITING_MAX)

    def add(self, alarm: Alarm) -> None:
        if self._waiting.full():
            lost = self._waiting.get_nowait()
            logger.error("channel %s is too slow: alarm %s %s not sent", self._name, lost.code, lost.subject)
        self._waiting.put_nowait(alarm)

    async def deliver(self) -> None:
        while True:
            alarm = await self._waiting.get()
            try:
                await self._notifier.notify(alarm)
            except RoadheatError as error:
                logger.error("channel %s: alarm %s %s not sent: %s", self._name, alarm.code, alarm.subject, error)
