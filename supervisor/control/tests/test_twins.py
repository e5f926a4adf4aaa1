"""Two boards with one key raise an alarm; one board that restarts, reconnects or is replaced does not."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from supervisor.control.alarms import Alarms
from supervisor.control.metrics import Metrics
from supervisor.control.twins import CALM_S, Twins
from supervisor.domain.alarm import AlarmCode
from supervisor.gateway.tests.board_client import hello
from supervisor.runtime.clock import ManualClock

A, B = "a" * 16, "b" * 16


class Setup:
    def __init__(self) -> None:
        self.clock = ManualClock(1_700_000_000.0)
        self.alarms = Alarms(self.clock, Metrics())
        self.twins = Twins(self.alarms, self.clock)

    def greet(self, life: str, boot: int, up: int) -> None:
        self.twins.greeted(msgspec.structs.replace(hello(boot=boot, up=up), life=life))

    def after(self, seconds: float) -> Setup:
        self.clock.advance(seconds)
        self.twins.look()
        return self

    @property
    def stands(self) -> bool:
        return self.alarms.stands(AlarmCode.BOARD_KEY_TWICE, "b01")


def two_boards(setup: Setup) -> None:
    setup.greet(A, 3, 1000)
    setup.after(5).greet(B, 3, 70)
    assert not setup.stands  # may be its replacement
    setup.after(5).greet(A, 3, 1010)


def a_copied_flash(setup: Setup) -> None:
    setup.greet(A, 3, 5000)
    setup.after(5).greet(A, 3, 70)
    setup.after(30).greet(A, 3, 5035)


def old_firmware(setup: Setup) -> None:
    setup.greet("", 3, 5000)
    setup.after(5).greet("", 9, 70)
    setup.after(30).greet("", 3, 5035)


@pytest.mark.parametrize("play", [two_boards, a_copied_flash, old_firmware])
def test_two_boards_that_take_turns_are_seen_until_one_is_gone(play: Callable[[Setup], None]) -> None:
    setup = Setup()
    play(setup)
    assert setup.stands
    setup.after(CALM_S - 10)
    assert setup.stands
    assert not setup.after(20).stands


def test_one_board_raises_nothing() -> None:
    setup = Setup()
    up = 10
    for boot in range(1, 6):
        for _ in range(4):  # a bad link
            setup.greet(A, boot, up)
            setup.after(400)
            up += 400
        up = 5
    for _ in range(4):  # its flash fails: every boot has the same number
        setup.greet(A, 6, 12)
        setup.after(900)
    setup.greet(B, 1, 12)  # replaced
    for boot in range(2, 6):
        setup.after(3000).greet(B, boot, 12)
    assert setup.alarms.standing() == []
