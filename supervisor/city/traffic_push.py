"""Pushes the DATEX II publication to a traffic centre: when a road's condition has changed, and every 15 min.

200, 201, 202 and 204 without a web page take it; 400, 413, 415 and 422 refuse it; anything else is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from supervisor.city.deliver import Delivery, Target
from supervisor.config.city import TrafficConfig
from supervisor.runtime.clock import Clock

AGAIN_S: Final = 900.0  # a publication without news says that the service lives
_TIMES: Final = re.compile(rb"<com:publicationTime>[^<]*</com:publicationTime>|measurementTimeDefault>[^<]*<")


def target(config: TrafficConfig, token: str) -> Target:
    """The traffic centre; `token` "": it needs none."""
    headers = {"Content-Type": "application/xml; charset=utf-8"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    return Target(
        "traffic", config.url, headers,
        lambda status, kind: status in (200, 201, 202, 204) and "html" not in kind,
        lambda status, kind: status in (400, 413, 415, 422) and "html" not in kind,
    )  # fmt: skip


class Pusher:
    """Keep `run` running."""

    def __init__(self, config: TrafficConfig, datex: Callable[[], bytes], delivery: Delivery, clock: Clock) -> None:
        self._config = config
        self._datex = datex
        self._delivery = delivery
        self._clock = clock
        self._last = b""
        self._sent_s = float("-inf")

    async def run(self) -> None:
        """Queue and deliver until cancelled."""
        await self._delivery.fed_by(self.queue_once, self._config.every_s)

    async def queue_once(self) -> bool:
        """Spool the publication where it says something new, or is due. Raises StoreError: then it is new still."""
        document, now_s = self._datex(), self._clock.monotonic_s()
        said = _TIMES.sub(b"", document)
        if said == self._last and now_s - self._sent_s < AGAIN_S:
            return False
        await self._delivery.add(document)
        self._last, self._sent_s = said, now_s
        return True
