"""Zones under electric danger are held off at their boards, as long as the danger stands.

A board's OFF ends by itself after hours (its limits file), so it is sent again long before, and to a board that
connects. How far it has come is shown zone by zone; a board that is not reached continues to heat, and its breaker
must be opened on site.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from supervisor.control.dispatch import Dispatcher
from supervisor.control.live import LiveState
from supervisor.control.overrides import Overrides
from supervisor.control.reach import OffAtBoard
from supervisor.runtime.clock import Clock
from supervisor.wire.messages import Result

logger = logging.getLogger(__name__)

OFF_S = 8 * 3600  # asked of a board; one whose limits file allows less is asked for half of it, and so on
OFF_MIN_S = 300
RENEW_S = 1800.0  # so that a link lost now leaves hours of OFF; a renewal costs the board one flash write
AGAIN_S = 30.0  # without an answer, or with a refusal


@dataclass(frozen=True)
class _Sent:
    """The newest OFF of a zone, on the way to its board or there."""

    at_s: float = float("-inf")  # monotonic
    length_s: int = OFF_S
    answered: bool = False


class KeepOff:
    """What has been sent to each zone, and what its board answered."""

    def __init__(self, live: LiveState, overrides: Overrides, dispatcher: Dispatcher | None, clock: Clock) -> None:
        """`dispatcher` is None where no board is served."""
        self._live = live
        self._overrides = overrides
        self._dispatcher = dispatcher
        self._clock = clock
        self._sent: dict[str, _Sent] = {}
        self._over_until_s: dict[str, float] = {}  # zone → monotonic until when its board may still hold off
        if dispatcher is not None:
            dispatcher.attached.append(self._greet)

    def was_over(self, zone_id: str, ago_s: float) -> None:
        """A danger there ended so long ago, before the service started: its board may still hold off."""
        self._over_until_s[zone_id] = self._clock.monotonic_s() + OFF_S - ago_s

    def look(self) -> None:
        """Send what is due; show which boards are connected."""
        for zone_id, zone in self._live.zones.items():
            if zone.dangers:
                self._show(zone_id, linked=self._linked(zone_id))
                self._send_if_due(zone_id)

    def begin(self, zone_id: str) -> None:
        """Switch off, now."""
        self._over_until_s.pop(zone_id, None)
        self._live.zones[zone_id].off = OffAtBoard()
        self._sent[zone_id] = _Sent()
        self._overrides.end_heating(zone_id)
        self._show(zone_id, linked=self._linked(zone_id))
        self._send_if_due(zone_id)

    def end(self, zone_id: str) -> None:
        """The danger is over: the board is released, now or when it connects."""
        self._live.zones[zone_id].off = None
        self._sent.pop(zone_id, None)
        self._over_until_s[zone_id] = self._clock.monotonic_s() + OFF_S
        self._release(zone_id)

    def _release(self, zone_id: str) -> None:
        """The board follows a person's override again, or its plan."""
        if self._dispatcher is None:
            return
        held = self._overrides.live_for(zone_id)
        if held is not None:
            self._dispatcher.resend(held)
        else:
            self._dispatcher.command(zone_id, "cancel", 0, 0)

    def _greet(self, board: str) -> None:
        """A board has connected: it holds off what is in danger, and is released where it was cleared meanwhile."""
        for zone_id, zone in self._live.zones.items():
            if zone.zone.board != board:
                continue
            if zone.dangers:
                self._sent[zone_id] = replace(self._sent.get(zone_id, _Sent()), at_s=float("-inf"), answered=False)
                self._show(zone_id, linked=True)
                self._send_if_due(zone_id)
            elif self._over_until_s.get(zone_id, 0.0) > self._clock.monotonic_s():
                self._release(zone_id)

    def _send_if_due(self, zone_id: str) -> None:
        sent, now_s = self._sent.setdefault(zone_id, _Sent()), self._clock.monotonic_s()
        due_s = min(RENEW_S, sent.length_s / 2) if sent.answered else AGAIN_S
        if self._dispatcher is None or now_s < sent.at_s + due_s:
            return
        until_utc_s = int(self._clock.utc_s()) + sent.length_s

        def answered(code: Result) -> None:
            self._answered(zone_id, sent.length_s, until_utc_s, code)

        if self._dispatcher.command(zone_id, "off", sent.length_s, until_utc_s, answered):
            self._sent[zone_id] = _Sent(now_s, sent.length_s)

    def _answered(self, zone_id: str, length_s: int, until_utc_s: int, code: Result) -> None:
        """The board's answer to an OFF."""
        zone, sent = self._live.zones[zone_id], self._sent.get(zone_id)
        if zone.off is None or sent is None:  # cleared meanwhile
            return
        if code is Result.OK:
            self._sent[zone_id] = replace(sent, answered=True)
            since = zone.off.accepted_s if zone.off.accepted_s is not None else self._clock.monotonic_s()
            zone.off = replace(zone.off, accepted_s=since, until_utc_s=until_utc_s, refused=False)
        elif code is Result.OUT_OF_LIMITS and length_s // 2 >= OFF_MIN_S:
            self._sent[zone_id] = _Sent(length_s=length_s // 2)
            self._send_if_due(zone_id)
        else:
            logger.error("board %s refuses to switch %s off: %s", zone.zone.board, zone_id, code.name)
            zone.off = replace(zone.off, refused=True)
        self._live.touch(zone_id)

    def _linked(self, zone_id: str) -> bool:
        return self._dispatcher is not None and self._dispatcher.commands(self._live.zones[zone_id].zone.board)

    def _show(self, zone_id: str, *, linked: bool) -> None:
        """Whether the board is connected; an OFF that has ended at a board out of reach holds no longer."""
        zone = self._live.zones[zone_id]
        known = zone.off or OffAtBoard()
        over = known.until_utc_s is not None and known.until_utc_s <= self._clock.utc_s()
        shown = OffAtBoard(linked=linked) if over else replace(known, linked=linked)
        if shown != zone.off:
            zone.off = shown
            self._live.touch(zone_id)
