"""Which boards get a new program next: a canary, then stages, each after the one before has proved itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.control.rollout import BACK_WITHIN_S, FETCH_AT_ONCE, SETTLE_S, Asks, Seen, advance, allowed, waits
from supervisor.wire.update_files import Order, Progress, Wish

NEW, OLD = "0.3.0", "0.2.0"


class Fleet:
    """Boards that do as they are told, except where a test says otherwise."""

    def __init__(self, count: int) -> None:
        names = tuple(f"b{number:03}" for number in range(count))
        self.order = Order(id="1", version=NEW, identity="0" * 64, boards=names, by="engineer")
        self.progress = Progress(order="1")
        self.seen = {name: Seen(connected=True, version=OLD, quiet=True) for name in names}
        self.now_s = 1000.0

    def set(self, board: str, **changed: object) -> None:
        self.seen[board] = replace(self.seen[board], **changed)  # type: ignore[arg-type]

    def look(self, later_s: float = 10.0) -> Asks:
        self.now_s += later_s
        return advance(self.order, self.progress, self.seen, self.now_s)

    def obey(self, asks: Asks) -> None:
        for board in asks.fetch:
            self.set(board, ready=True)
        for board in asks.start:
            self.progress.started[board] = self.now_s
            self.set(board, version=NEW, ready=False)

    def run(self, looks: int, later_s: float = 60.0) -> list[int]:
        """Boards that run it after each look."""
        counts = []
        for _ in range(looks):
            self.obey(self.look(later_s))
            counts.append(sum(one.version == NEW for one in self.seen.values()))
        return counts


def test_stages() -> None:
    fleet = Fleet(200)
    counts = fleet.run(300)
    assert sorted({*counts})[:2] == [0, 1]
    assert {1, 10, 50, 200} <= {*counts}
    assert fleet.progress.finished
    assert len(fleet.progress.done) == 200
    times = {count: counts.index(count) for count in (1, 10, 50, 200)}
    for before, after in ((1, 10), (10, 50), (50, 200)):
        assert (times[after] - times[before]) * 60 >= SETTLE_S, "no stage before the one before has settled"


def test_a_program_that_is_never_proved_halts_the_update() -> None:
    fleet = Fleet(20)
    fleet.obey(fleet.look())
    (canary,) = fleet.look().start
    fleet.progress.started[canary] = fleet.now_s
    fleet.set(canary, version=NEW, new=True)
    fleet.look(BACK_WITHIN_S - 20)
    assert not fleet.progress.halted
    fleet.look(60)
    assert fleet.progress.halted == f"{canary}: runs {NEW}, and has not proved it"
    assert fleet.look() == Asks()
    fleet.set(canary, new=False)  # late, but it has
    fleet.look()
    assert canary in fleet.progress.done


def test_few_boards() -> None:
    assert [allowed(stage, 4) for stage in range(4)] == [1, 1, 1, 4]
    fleet = Fleet(1)
    fleet.run(3)
    assert fleet.progress.finished


def test_few_at_once_fetch() -> None:
    assert len(Fleet(200).look().fetch) == FETCH_AT_ONCE


def test_boards_away_and_in_use_are_passed_over() -> None:
    fleet = Fleet(4)
    fleet.set("b000", connected=False)
    fleet.set("b001", quiet=False)
    fleet.set("b002", takes=False)
    fleet.run(60)
    assert fleet.progress.done.keys() == {"b003"}
    assert not fleet.progress.finished
    said = dict(waits(fleet.order, fleet.progress, fleet.seen))
    assert said["b000"] == "is away"
    assert said["b001"] == "has it, and its road is in use"
    assert "flash it" in said["b002"]
    fleet.set("b000", connected=True)
    fleet.set("b001", quiet=True)
    fleet.run(60)
    assert fleet.progress.done.keys() == {"b000", "b001", "b003"}


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({"left": NEW, "why": "3 starts not proved"}, "3 starts not proved"),
        ({"connected": False}, "is away"),
        ({}, "runs 0.2.0 after"),
    ],
)
def test_a_canary_that_fails_halts(what: dict[str, object], why: str) -> None:
    fleet = Fleet(20)
    fleet.obey(fleet.look())
    (canary,) = fleet.look().start
    fleet.progress.started[canary] = fleet.now_s
    fleet.set(canary, **what)
    asks = fleet.look(BACK_WITHIN_S + 1)
    assert why in fleet.progress.halted
    assert canary in fleet.progress.halted
    assert asks == Asks()
    assert fleet.run(50)[-1] == 0


def test_a_refusal_halts_before_anything_is_started() -> None:
    fleet = Fleet(20)
    fleet.set("b000", refused="it is for model roadheat-2")
    assert fleet.look() == Asks()
    assert "model" in fleet.progress.halted


def test_an_alarm_on_the_canary_halts() -> None:
    fleet = Fleet(20)
    fleet.run(3)
    (canary,) = fleet.progress.started
    fleet.set(canary, alarm="cable-broken (z01)")
    fleet.look()
    assert "cable-broken" in fleet.progress.halted


def test_an_alarm_long_after_does_not() -> None:
    fleet = Fleet(20)
    fleet.run(3)
    (canary,) = fleet.progress.started
    fleet.look(SETTLE_S)
    fleet.set(canary, alarm="cable-broken (z01)")
    fleet.look()
    assert fleet.progress.halted == ""


def test_resumed_without_the_boards_that_failed() -> None:
    fleet = Fleet(4)
    fleet.set("b000", refused="no room")
    fleet.look()
    fleet.order = Order(**{**_fields(fleet.order), "resumed": 1})
    fleet.run(60)
    assert fleet.progress.halted == ""
    assert fleet.progress.finished
    assert fleet.progress.done.keys() == {"b001", "b002", "b003"}


def test_paused_begins_with_nothing() -> None:
    fleet = Fleet(4)
    fleet.order = Order(**{**_fields(fleet.order), "wish": Wish.PAUSE})
    assert fleet.look() == Asks()


def test_a_board_whose_answer_was_lost_counts_as_started() -> None:
    fleet = Fleet(20)
    fleet.set("b005", version=NEW, new=True)
    fleet.look()
    assert fleet.progress.started.keys() == {"b005"}
    assert dict(waits(fleet.order, fleet.progress, fleet.seen))["b005"] == "runs it, not proved yet"
    fleet.run(5)
    assert fleet.progress.started.keys() == {"b005"}, "it is the canary"


def test_a_board_that_leaves_it_later_is_not_done() -> None:
    fleet = Fleet(1)
    fleet.run(30)
    fleet.set("b000", version=OLD, left=NEW, why="3 starts not proved")
    fleet.look()
    assert fleet.progress.done == {}
    assert "left 0.3.0" in fleet.progress.halted


def _fields(order: Order) -> dict[str, object]:
    return {name: getattr(order, name) for name in order.__struct_fields__}
