"""Logs: one JSON object a line on stderr, stamped by the service's clock, and bounded whatever the outside causes.

What a limit leaves out is counted, and said: with the next record of its kind, or by `say_left_out` where none comes.
"""

from __future__ import annotations

import logging
import sys
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from aiohttp.http_exceptions import HttpProcessingError, PayloadEncodingError
from aiohttp.web_protocol import RequestPayloadError

from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each

logger = logging.getLogger(__name__)


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


SPARING_S = 60.0  # one line a minute reports a flood as well as ten thousand do
KINDS_MAX = 1000  # kinds of records remembered; beyond it the oldest may be logged again


class Sparing(logging.Filter):
    """Lets through one record of a kind per `SPARING_S`, with how many like it were left out before.

    A kind is the message's template and the type of the exception. What a caller can cause at will (a malformed
    request) is a warning of one line, not an error with a traceback.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: OrderedDict[tuple[object, ...], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        caused = isinstance(error, HttpProcessingError | PayloadEncodingError | RequestPayloadError)
        kind = (str(record.msg), type(error))
        then_s, left_out = self._told.pop(kind, (float("-inf"), 0))
        told = record.created - then_s >= SPARING_S
        self._told[kind] = (record.created, 0) if told else (then_s, left_out + 1)
        while len(self._told) > KINDS_MAX:
            self._told.popitem(last=False)
        if not told:
            return False
        if caused:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.msg, record.args = f"malformed request: {type(error).__name__}", ()
            record.exc_info = record.exc_text = None
        if left_out:
            record.msg = f"{record.msg} ({left_out} more like this in the last minutes)"
        return True

    def over(self, now_s: float) -> Iterator[tuple[int, str]]:
        """Forget the kinds whose time is up by `now_s` (UTC); yields how many records were left out, and like which."""
        for kind, (then_s, left_out) in list(self._told.items()):
            if now_s - then_s < SPARING_S:
                continue
            del self._told[kind]
            if left_out:
                yield left_out, str(kind[0])


BURST = 100  # records of a kind and minute: more than a person reads
BURST_TRACED = 5  # those with a traceback, which is some kilobytes
ALL_BURST = 2_000  # records a minute of all kinds: some texts are never the same twice


class Limited(logging.Filter):
    """Lets through so many records of a kind per `SPARING_S`, and says how many like them were left out.

    A kind is logger, template and type of the exception. Whatever the outside causes, and however often, the log grows
    by a bounded amount a minute: with the kinds of this program, below a megabyte.
    """

    def __init__(self) -> None:
        super().__init__()
        self._windows: OrderedDict[tuple[object, ...], tuple[float, int]] = OrderedDict()  # begin, records in it
        self._forgotten = 0  # left out, of kinds that had to make room

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == __name__:  # one for each kind: what the others were
            return True
        error = record.exc_info[1] if record.exc_info else None
        kind = (record.name, str(record.msg), type(error))
        return self._room(record, kind, "like this") and self._room(record, _ALL, "of other kinds")

    def over(self, now_s: float) -> Iterator[tuple[int, str]]:
        """Forget the windows that have ended by `now_s` (UTC); yields how many were left out, and like which."""
        if forgotten := self._forgotten:
            self._forgotten = 0
            yield forgotten, "kinds that are no longer counted one by one"
        for kind, (began_s, count) in list(self._windows.items()):
            if now_s - began_s < SPARING_S:
                continue
            del self._windows[kind]
            if count > _most(kind):
                yield count - _most(kind), "many kinds" if kind == _ALL else f"{kind[0]}: {kind[1]}"

    def _room(self, record: logging.LogRecord, kind: tuple[object, ...], what: str) -> bool:
        """Count one; a new window tells what the last one has left out."""
        most = _most(kind)
        began_s, count = self._windows.pop(kind, (record.created, 0))
        if record.created - began_s >= SPARING_S:
            if count > most:
                record.msg = f"{record.msg} ({count - most} more {what} were left out)"
            began_s, count = record.created, 0
        self._windows[kind] = (began_s, count + 1)
        while len(self._windows) > KINDS_MAX:
            other, (_, unsaid) = self._windows.popitem(last=False)
            self._forgotten += max(unsaid - _most(other), 0)
        return count < most


_ALL = ("all",)  # the window of all kinds together


def _most(kind: tuple[object, ...]) -> int:
    if kind == _ALL:
        return ALL_BURST
    return BURST if kind[2] is type(None) else BURST_TRACED


def say_left_out(now_s: float) -> None:
    """Say of each flood that is over by `now_s` (UTC) how many records it had beyond those in the log."""
    named = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
    for limiting in (*logging.root.handlers, *named):
        for limit in limiting.filters:
            if isinstance(limit, Sparing | Limited):
                for count, like in limit.over(now_s):
                    logger.warning("%d more records were left out like: %s", count, like)


async def keep_counts(clock: Clock) -> None:
    """Say so every minute, until cancelled. On granted time, which records are not stamped by, only the end says it."""
    async for _ in each(clock, SPARING_S):
        say_left_out(clock.utc_s())


def spare(name: str) -> None:
    """Limit the logger of that name; may be called repeatedly."""
    logger = logging.getLogger(name)
    if not any(isinstance(each, Sparing) for each in logger.filters):
        logger.addFilter(Sparing())


def configure(clock: Clock, level: str) -> None:
    """Send everything from `level` up to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(clock))
    handler.addFilter(Limited())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
