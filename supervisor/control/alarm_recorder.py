"""Records alarms in the order in which they changed: what cannot be written now is written later."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from supervisor.control.alarms import Alarm, Alarms
from supervisor.control.metrics import Metrics
from supervisor.domain.errors import StoreError
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock
from supervisor.store.alarms import AlarmRecord
from supervisor.store.store import Store

logger = logging.getLogger(__name__)

WAITING_MAX = 10_000  # changes: days of a district with a full disk
AGAIN_S = 10.0  # a disk that is full stays so for minutes


class AlarmStore(Protocol):
    """The part of the store that is used; each call has committed when it returns."""

    async def raise_alarm(self, code: str, subject: str, detail: str, utc_s: int) -> object: ...

    async def clear_alarm(self, code: str, subject: str, utc_s: int) -> object: ...

    async def attend_alarm(self, said: AlarmRecord) -> object: ...


class AlarmRecorder:
    """Give `changed` to `Alarms.changed` and keep `run` running."""

    def __init__(self, store: AlarmStore) -> None:
        self._store = store
        self._waiting: deque[Alarm] = deque(maxlen=WAITING_MAX)
        self._more = asyncio.Event()

    def changed(self, alarm: Alarm) -> None:
        """Queue a change."""
        self._waiting.append(alarm)
        self._more.set()

    async def run(self) -> None:
        """Record until cancelled."""
        while True:
            self._more.clear()
            while self._waiting:
                alarm = self._waiting[0]
                try:
                    await self._write(alarm)
                except StoreError as error:
                    logger.error("alarm %s %s not recorded yet: %s", alarm.code, alarm.subject, error)
                    await asyncio.sleep(AGAIN_S)
                    continue
                except Exception as error:  # it cannot be written at all; later ones can
                    logger.error("alarm %s %s not recorded", alarm.code, alarm.subject, exc_info=error)
                if self._waiting and self._waiting[0] is alarm:  # unless the limit has dropped it meanwhile
                    self._waiting.popleft()
            await self._more.wait()

    async def flush(self) -> None:
        """Record what still waits, once, as far as the store accepts it: for the end of the service."""
        try:
            while self._waiting:
                await self._write(self._waiting[0])
                self._waiting.popleft()
        except Exception as error:
            logger.error("%d changes of alarms are not recorded: %s", len(self._waiting), error)

    async def _write(self, alarm: Alarm) -> None:
        if alarm.cleared_utc_s is None:
            await self._store.raise_alarm(alarm.code, alarm.subject, alarm.text, alarm.raised_utc_s)
            if alarm.attended:
                await self._store.attend_alarm(_said(alarm))
        else:
            await self._store.clear_alarm(alarm.code, alarm.subject, alarm.cleared_utc_s)


def _said(alarm: Alarm) -> AlarmRecord:
    return AlarmRecord(
        0, alarm.code, alarm.subject, alarm.text, alarm.raised_utc_s, alarm.acknowledged_utc_s, alarm.acknowledged_by,
        None, alarm.comment, alarm.assigned_to, alarm.shelved_until_utc_s,
    )  # fmt: skip


@asynccontextmanager
async def keep_alarms(store: Store, clock: Clock, metrics: Metrics) -> AsyncIterator[tuple[Alarms, Background]]:
    """Alarms whose changes are recorded, and background tasks that raise an alarm when one fails.

    Alarms of the last run stand until their cause is seen to be gone.
    """
    alarms = Alarms(clock, metrics)
    for record in await store.alarms.open_alarms():
        if not alarms.take_up(record):
            with suppress(StoreError):  # a full disk: at the next start again
                await store.alarms.clear_alarm(record.code, record.subject)
    recorder = AlarmRecorder(store.alarms)
    alarms.changed.append(recorder.changed)
    try:
        async with Background(alarms, metrics.loop_restarts) as background:
            background.keep("alarm record", recorder.run)
            yield alarms, background
    finally:
        await recorder.flush()
