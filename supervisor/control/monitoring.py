"""Where the service reports its state: alarms and metrics."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.control.alarms import Alarms
from supervisor.control.metrics import Metrics


@dataclass(frozen=True)
class Monitoring:
    """Alarms for people, metrics for Prometheus."""

    alarms: Alarms
    metrics: Metrics
