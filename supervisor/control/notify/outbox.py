"""What one receiver has still to be told: in order, tried again, bundled where there is too much of it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from supervisor.control.notify.receivers import Receiver
from supervisor.control.notify.texts import Writer
from supervisor.domain.alarm import Severity
from supervisor.domain.errors import NotifyError
from supervisor.notify.kind import Channel, Gone, Message
from supervisor.runtime.clock import Clock

logger = logging.getLogger(__name__)

SEND_MAX_S: Final = 30.0  # a channel that has not answered by then has failed
RETRY_S: Final = (5.0, 15.0, 60.0, 300.0)  # the last again and again
DEAD_AFTER_S: Final = 120.0  # of failing, it counts as dead: others are told
BUNDLE_FROM: Final = 5  # messages that wait: a storm that trips twenty boards is one message
BUNDLE_EACH_S: Final = 300.0  # above the limit of an hour
HOUR_S: Final = 3600.0


@dataclass
class Entry:
    """A message, and what to do once the receiver's server has it."""

    message: Message
    accepted: Callable[[], Awaitable[object]]


class Outbox:
    """Give it messages by `put` and keep `run` running. `failing` is called with why, and with "" once it works."""

    def __init__(
        self, receiver: Receiver, channel: Channel, writer: Writer, clock: Clock, failing: Callable[[str], object]
    ) -> None:
        self.receiver = receiver
        self.channel = channel  # may be replaced: a person has one browser more
        self._writer = writer
        self._clock = clock
        self._failing = failing
        self._waiting: deque[Entry] = deque()
        self._more = asyncio.Event()
        self._sent_s: deque[float] = deque()  # monotonic times of the last hour
        self._failed_since_s: float | None = None

    def put(self, entry: Entry) -> None:
        """Queue a message. An older one about the same alarm that still waits is not told any more."""
        if entry.message.event in ("seen", "over"):
            stale = [each for each in self._waiting if each.message.tag == entry.message.tag]
            for each in stale:
                self._waiting.remove(each)
            if any(each.message.event in ("raised", "again") for each in stale):
                return  # it never went out: neither its begin nor its end is news
        self._waiting.append(entry)
        self._more.set()

    async def run(self) -> None:
        """Deliver until cancelled, or until the receiver is gone for good."""
        failures, task = 0, asyncio.current_task()
        while True:
            while not self._waiting:
                self._more.clear()
                await self._more.wait()
            await asyncio.sleep(self._pause_s())
            entries = self._take()
            if not entries:
                continue
            try:
                async with asyncio.timeout(SEND_MAX_S):
                    await self.channel.send(self._message(entries))
            except Gone as error:
                logger.info("%s is gone: %s", self.receiver.name, error)
                self._waiting.clear()
                return
            except Exception as error:
                if not isinstance(error, NotifyError | TimeoutError) and not failures:
                    logger.error("channel %s", self.receiver.name, exc_info=error)
                self._waiting.extendleft(reversed(entries))
                self._failed(str(error) or "no answer")
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
                continue
            finally:
                if task is not None and task.cancelling():  # a library has swallowed the cancellation
                    raise asyncio.CancelledError
            failures = 0
            self._worked()
            await asyncio.gather(*(entry.accepted() for entry in entries))  # together, so that they share commits

    def _pause_s(self) -> float:
        """How long to collect before the next one: above the hour's limit, unless something critical waits."""
        now_s = self._clock.monotonic_s()
        while self._sent_s and now_s - self._sent_s[0] >= HOUR_S:
            self._sent_s.popleft()
        if len(self._sent_s) < self.receiver.per_hour or self._urgent():
            return 0.0
        return max(self._sent_s[-1] + BUNDLE_EACH_S - now_s, 0.0)

    def _urgent(self) -> bool:
        # Twice the limit for what is critical: beyond that even those are told together.
        below = len(self._sent_s) < 2 * self.receiver.per_hour
        return below and any(entry.message.severity is Severity.CRITICAL for entry in self._waiting)

    def _take(self) -> list[Entry]:
        """The next message, or all that wait where there are many."""
        over = len(self._sent_s) >= self.receiver.per_hour
        count = len(self._waiting) if len(self._waiting) >= BUNDLE_FROM or over else min(len(self._waiting), 1)
        return [self._waiting.popleft() for _ in range(count)]

    def _message(self, entries: list[Entry]) -> Message:
        if len(entries) == 1:
            return entries[0].message
        return self._writer.many([entry.message for entry in entries], self.receiver.language)

    def _failed(self, why: str) -> None:
        now_s = self._clock.monotonic_s()
        if self._failed_since_s is None:
            self._failed_since_s = now_s
            logger.warning("%s cannot be told: %s", self.receiver.name, why)
        if now_s - self._failed_since_s >= DEAD_AFTER_S:
            self._failing(why)

    def _worked(self) -> None:
        self._sent_s.append(self._clock.monotonic_s())
        if self._failed_since_s is not None:
            self._failed_since_s = None
            self._failing("")
