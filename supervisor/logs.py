"""Logs: one JSON object a line on stderr, stamped by the service's clock."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import msgspec

from supervisor.domain.clock import Clock


class JsonFormatter(logging.Formatter):
    """Time, level, where and what; a traceback as one string."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(self._clock.utc_s(), UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def configure(clock: Clock, level: str) -> None:
    """Send everything from `level` up to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(clock))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
