"""The audit log in a running service: followed and checked once a day, and sent to a syslog server as it grows."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from supervisor.config.audit_rules import SyslogTarget
from supervisor.control.alarms import Alarms
from supervisor.control.syslog import Sender, connected, message
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import StoreError
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.store import pseudonyms
from supervisor.store.audit import DAY_S, AuditRepository
from supervisor.store.journal import ValueRepository

logger = logging.getLogger(__name__)

LOOK_S: Final = 2.0  # between looks for new entries
BATCH: Final = 200
RETRY_S: Final = (2.0, 60.0)  # first pause after a failure, and the longest
LATE_S: Final = 300.0  # without a connection for so long: an alarm; a restart of the server takes less
SENT: Final = "audit.sent"


class AuditCheck:
    """Checks the chain at the start and once a day, and replaces names that are older than they may be."""

    def __init__(self, audit: AuditRepository, names_days: int, alarms: Alarms, clock: Clock) -> None:
        self._audit = audit
        self._names_s = names_days * DAY_S
        self._alarms = alarms
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        await self.check()
        async for _ in each(self._clock, DAY_S):
            await self.check()

    async def check(self) -> None:
        """Once. Where the chain does not hold, an alarm says so and nothing is changed."""
        try:
            await self._audit.verify()
        except StoreError as error:
            if error.code != "audit-altered":
                raise
            self._alarms.set(AlarmCode.AUDIT_ALTERED, "", True, str(error))
            return
        self._alarms.set(AlarmCode.AUDIT_ALTERED, "", False)
        now = int(self._clock.utc_s())
        while changed := await self._audit.write(lambda db: pseudonyms.pseudonymise(db, now - self._names_s, now)):
            logger.info("names in %d old entries of the audit log were replaced by pseudonyms", changed)


class AuditForwarder:
    """Sends every entry once it is on disk, in order.

    The last one sent is remembered: after a gap nothing is missing, and an entry may come twice.
    """

    def __init__(
        self, audit: AuditRepository, values: ValueRepository, target: SyslogTarget, ca: Path | None, alarms: Alarms,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._audit = audit
        self._values = values
        self._target = target
        self._ca = ca
        self._alarms = alarms
        self._clock = clock
        self._host = socket.gethostname()
        self._unsure: int | None = None  # the last entry before those of the newest batch

    async def run(self) -> None:
        """Until cancelled."""
        pause_s, lost_s = RETRY_S[0], self._clock.monotonic_s()
        while True:
            try:
                async with AsyncExitStack() as stack:
                    sender = await stack.enter_async_context(connected(self._target, self._ca))
                    while True:
                        await self._send_new(sender)
                        pause_s, lost_s = RETRY_S[0], self._clock.monotonic_s()
                        self._alarms.set(AlarmCode.AUDIT_NOT_SENT, "", False)
                        await asyncio.sleep(LOOK_S)
            except (OSError, TimeoutError) as error:
                logger.warning("audit entries not sent to syslog: %s", error or type(error).__name__)
                if self._clock.monotonic_s() - lost_s >= LATE_S:
                    where = f"{self._target.transport}://{self._target.host}:{self._target.port}"
                    said = f"No entry has reached {where} for {LATE_S / 60:g} min: {error}"
                    self._alarms.set(AlarmCode.AUDIT_NOT_SENT, "", True, f"{said}. They are kept and sent later")
                await self._go_back()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RETRY_S[1])

    async def _go_back(self) -> None:
        """What was sent last may be lost with its connection: syslog has no acknowledgement."""
        if self._unsure is not None:
            await self._values.set(SENT, str(self._unsure))
            self._unsure = None

    async def _send_new(self, sender: Sender) -> None:
        while True:
            sent = int(await self._values.get(SENT) or 0)
            entries = await self._audit.after(sent, BATCH)
            if not entries:
                return
            self._unsure = sent
            await sender.send([message(entry, self._host, os.getpid()) for entry in entries])
            await self._values.set(SENT, str(entries[-1].id))
