"""What is refused at the boards' door: counted each time, logged once per peer and reason."""

from __future__ import annotations

import logging
from collections import OrderedDict

from supervisor.control.metrics import Metrics

logger = logging.getLogger(__name__)

REMEMBERED_MAX = 4096  # (peer, reason) pairs; beyond it the oldest may be logged again


class Refusals:
    """The one place where refused connections and frames are told of."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._logged: OrderedDict[tuple[str, str], None] = OrderedDict()

    def refuse(self, reason: str, peer: str, detail: str) -> None:
        """Count a refusal; `reason` is a short stable word, `peer` an address or board id."""
        self._metrics.refused.labels(reason).inc()
        key = (peer, reason)
        if key in self._logged:
            self._logged.move_to_end(key)
            return
        self._logged[key] = None
        if len(self._logged) > REMEMBERED_MAX:
            self._logged.popitem(last=False)
        logger.warning("refused %s from %s: %s (said once)", reason, peer, detail)
