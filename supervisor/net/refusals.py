"""Refusals of a listener: each counted, and logged once per peer and reason."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable

logger = logging.getLogger(__name__)

REMEMBERED_MAX = 4096  # (peer, reason) pairs; beyond it the oldest may be logged again


class Refusals:
    """Where refused connections and frames are counted and logged."""

    def __init__(self, count: Callable[[str], object]) -> None:
        self._count = count
        self._logged: OrderedDict[tuple[str, str], None] = OrderedDict()

    def refuse(self, reason: str, peer: str, detail: str) -> None:
        """Count a refusal; `reason` is a short stable word, `peer` an address or board id."""
        self._count(reason)
        key = (peer, reason)
        if key in self._logged:
            self._logged.move_to_end(key)
            return
        self._logged[key] = None
        if len(self._logged) > REMEMBERED_MAX:
            self._logged.popitem(last=False)
        logger.warning("refused %s from %s: %s (logged once per peer)", reason, peer, detail)
