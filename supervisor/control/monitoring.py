"""What tells the operator how the service fares."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.control.alarms import Alarms
from supervisor.control.metrics import Metrics


@dataclass(frozen=True)
class Monitoring:
    """Alarms for people, figures for Prometheus."""

    alarms: Alarms
    metrics: Metrics
