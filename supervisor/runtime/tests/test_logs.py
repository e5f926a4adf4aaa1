"""The log is bounded whatever the outside causes, and says how much it has left out."""

from __future__ import annotations

import io
import logging
import math

import pytest

from supervisor.runtime.clock import ManualClock
from supervisor.runtime.logs import (
    ALL_BURST,
    BURST,
    BURST_TRACED,
    KINDS_MAX,
    SPARING_S,
    JsonFormatter,
    Limited,
    say_left_out,
    spare,
)


class Log:
    """A logger as `configure` makes it, on a clock of our own."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        handler = logging.StreamHandler(self.text)
        handler.setFormatter(JsonFormatter(ManualClock(1_700_000_000.0)))
        self.limit = Limited()
        handler.addFilter(self.limit)
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


def test_a_flood_that_has_stopped_is_counted_too(log: Log) -> None:
    for n in range(10_000):
        log.write("refused %s from %d", "flood", n)
    log.write("session failed", error=ValueError())
    log.now_s += SPARING_S - 1
    assert list(log.limit.over(log.now_s)) == []
    log.now_s += 1
    assert list(log.limit.over(log.now_s)) == [(10_000 - BURST, "gate: refused %s from %d")]
    assert list(log.limit.over(log.now_s)) == []  # said once
    log.write("refused %s from %d", "flood", 0)
    assert log.lines[-1].endswith('refused flood from 0"}')


def test_records_of_many_kinds_are_counted_when_they_stop(log: Log) -> None:
    for n in range(ALL_BURST + 50):
        log.write(f"odd thing {n}")
    assert list(log.limit.over(log.now_s + SPARING_S)) == [(50, "many kinds")]


def test_a_kind_that_makes_room_for_others_stays_counted(log: Log) -> None:
    for _ in range(BURST + 30):
        log.write("flood")
    for n in range(KINDS_MAX):
        log.write(f"odd thing {n}")
    assert (30, "kinds that are no longer counted one by one") in list(log.limit.over(log.now_s))


def test_what_was_left_out_is_written_once_by_whoever_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    say_left_out(math.inf)  # what other tests of this process have left
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.addFilter(Limited())
    monkeypatch.setattr(logging.root, "handlers", [handler])
    spare("roadheat.test.spared")
    for n in range(BURST + 7):
        logging.getLogger("roadheat.test.limited").warning("odd %d", n)
        logging.getLogger("roadheat.test.spared").warning("strange %d", n)
    for _ in range(2):
        say_left_out(math.inf)
    said = [line for line in text.getvalue().splitlines() if "left out" in line]
    assert said == [
        "7 more records were left out like: roadheat.test.limited: odd %d",
        f"{BURST + 6} more records were left out like: strange %d",
    ]


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
