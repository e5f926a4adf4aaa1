"""API tokens that end soon: a program that goes dark in a storm should have been given a new one before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from supervisor.control.alarms import Alarms
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.store import tokens
from supervisor.store.repository import Repository

AHEAD_S: Final = 14 * tokens.DAY_S
IN_USE_S: Final = 30 * tokens.DAY_S  # one that nobody has used for so long may end
LOOK_EACH_S: Final = 3600


class TokenWatch:
    """Looks every hour. Its alarm ends when the token is revoked, or was not used for a month."""

    def __init__(self, store: Repository, alarms: Alarms, clock: Clock) -> None:
        self._store = store
        self._alarms = alarms
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        await self.look()
        async for _ in each(self._clock, LOOK_EACH_S):
            await self.look()

    async def look(self) -> None:
        """Once."""
        now_s = self._clock.utc_s()
        known = await self._store.read(tokens.tokens)
        ending = {
            token.name: token.expires_utc_s
            for token in known
            if token.expires_utc_s - now_s < AHEAD_S and now_s - token.used_utc_s < IN_USE_S
        }
        standing = {alarm.subject for alarm in self._alarms.standing() if alarm.code == AlarmCode.TOKEN_ENDS}
        for name in standing - set(ending):
            self._alarms.set(AlarmCode.TOKEN_ENDS, name, False)
        for name, ends_s in ending.items():
            end = datetime.fromtimestamp(ends_s, UTC).strftime("%Y-%m-%d")
            text = f"The API token {name} ends on {end} and is in use. Revoke it once its program has a new one"
            self._alarms.set(AlarmCode.TOKEN_ENDS, name, True, text)
