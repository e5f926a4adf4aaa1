"""Words of a road as numbers, for interfaces that carry numbers only. A place in a tuple never changes its meaning."""

from __future__ import annotations

from typing import Final

from supervisor.control.condition import Look
from supervisor.domain.alarm import Severity
from supervisor.domain.override import OverrideMode
from supervisor.wire.messages import Winner

LOOKS: Final = (Look.UNKNOWN, Look.DRY, Look.WET, Look.SNOW, Look.ICY)
SEVERITIES: Final = (None, Severity.MINOR, Severity.MAJOR, Severity.CRITICAL)
MODES: Final = (None, OverrideMode.ON, OverrideMode.BOOST, OverrideMode.OFF)
WINNERS: Final = (None, *(winner.name.lower() for winner in Winner))
