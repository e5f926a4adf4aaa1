"""What an interface commands: an override like a person's, with the interface's name, the same limits and audit.

An interface never takes the place of a person's command, and ends none but its own: a building's controller that
writes its set-point every second must not undo what a crew has decided on site.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.control.overrides import Overrides
from supervisor.domain.errors import CommandError
from supervisor.domain.names import INTERFACE_PREFIX
from supervisor.domain.override import Override, OverrideMode
from supervisor.runtime.clock import Clock
from supervisor.runtime.rates import Rates

HELD = "held-by-person"  # codes of refusals
TOO_FAST = "too-fast"
RENEW_SHARE = 0.5  # a command that is written again and again is renewed once half of its time is over


class InterfaceCommands:
    """Commands of one interface."""

    def __init__(
        self, interface: str, overrides: Overrides, clock: Clock, roads: int, count: Callable[[str], object]
    ) -> None:
        """`count` counts an outcome: taken, refused."""
        self.count = count
        self.user = INTERFACE_PREFIX + interface
        self._reason = f"commanded by {interface}"
        self._overrides = overrides
        self._rates = Rates(clock, roads)

    def own(self, zone: str) -> Override | None:
        """Its own command that holds there now. Raises KeyError for an unknown zone."""
        held = self._overrides.live_for(zone)
        return held if held is not None and held.user == self.user else None

    async def command(self, zone: str, mode: OverrideMode, minutes: int) -> Override:
        """Command a zone, or leave the same command of its own that has half of `minutes` left.

        Raises what `Overrides.request` raises, and CommandError where a person's command holds (`held-by-person`) or
        it commands too often (`too-fast`; what is not off yet can always be switched off).
        """
        held = self._overrides.live_for(zone)
        if held is not None and held.user != self.user:
            raise CommandError(
                f"{held.user} commands {held.mode} there", where=zone, remedy="Wait for its end", code=HELD
            )
        if held is not None and held.mode is mode and self._overrides.left_s(held) > RENEW_SHARE * 60 * minutes:
            return held
        off_already = held is not None and held.mode is OverrideMode.OFF
        if not self._rates.take(self.user) and (mode is not OverrideMode.OFF or off_already):
            raise CommandError("too many commands", where=zone, remedy="Command less often", code=TOO_FAST)
        return await self._overrides.request(zone, mode.value, minutes, self._reason, self.user)

    async def release(self, zone: str) -> None:
        """End its own command; the plan decides again. Raises what `Overrides.cancel` raises."""
        held = self.own(zone)
        if held is not None:
            await self._overrides.cancel(held.id, self.user)
