"""The log is bounded whatever the outside causes, and says how much it has left out."""

from __future__ import annotations

import io
import logging

import pytest

from supervisor.runtime.clock import ManualClock
from supervisor.runtime.logs import ALL_BURST, BURST, BURST_TRACED, SPARING_S, JsonFormatter, Limited


class Log:
    """A logger as `configure` makes it, on a clock of our own."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        handler = logging.StreamHandler(self.text)
        handler.setFormatter(JsonFormatter(ManualClock(1_700_000_000.0)))
        handler.addFilter(Limited())
        self._handler = handler
        self.now_s = 1_700_000_000.0

    def write(self, message: str, *arguments: object, error: Exception | None = None) -> None:
        traced = (type(error), error, None) if error is not None else None
        record = logging.LogRecord("gate", logging.WARNING, "", 0, message, arguments, traced)  # type: ignore[arg-type]
        record.created = self.now_s
        self._handler.handle(record)

    @property
    def lines(self) -> list[str]:
        return self.text.getvalue().splitlines()


@pytest.fixture
def log() -> Log:
    return Log()


def test_a_flood_of_one_kind_is_cut_and_counted(log: Log) -> None:
    for n in range(10_000):
        log.write("refused %s from %d", "flood", n)
    assert len(log.lines) == BURST
    log.now_s += SPARING_S
    log.write("refused %s from %d", "flood", 0)
    assert f"refused flood from 0 ({10_000 - BURST} more like this were left out)" in log.lines[-1]
    log.write("something else")
    assert len(log.lines) == BURST + 2


def test_tracebacks_are_fewer(log: Log) -> None:
    for n in range(100):
        log.write("session failed", error=ValueError(n))
    log.write("session failed")
    assert len(log.lines) == BURST_TRACED + 1


def test_texts_that_are_never_the_same_are_bounded_together(log: Log) -> None:
    for n in range(50_000):
        log.write(f"odd thing {n}")
    assert len(log.lines) == ALL_BURST
    assert len(log.text.getvalue()) < 1_000_000
    log.now_s += SPARING_S
    log.write("quiet again")
    assert "more of other kinds were left out" in log.lines[-1]


def test_what_comes_slowly_is_all_there(log: Log) -> None:
    for _ in range(3 * BURST):
        log.write("board connected")
        log.now_s += 1.0
    assert len(log.lines) == 3 * BURST
