"""The duties that a board can hold, by its limits."""

from __future__ import annotations

import pytest

from supervisor.domain.board_profile import Limits
from supervisor.planner.quarter import least, most, worst
from supervisor.planner.turns import turn_duty


def test_duties_of_the_default_limits() -> None:
    assert (least(), most(), turn_duty()) == (1 / 3, 0.65, 0.35)
    assert [worst(duty) for duty in (0.0, 0.1, 0.5, 0.65, 0.66, 1.0)] == [0.0, 1 / 3, 0.5, 0.65, 1.0, 1.0]


def test_duties_follow_the_switching_limits() -> None:
    limits = Limits(period_s=900, min_on_s=180, min_off_s=90)
    assert (least(limits), most(limits), turn_duty(limits)) == (0.2, 0.9, 0.225)


@pytest.mark.parametrize(
    ("period_s", "duty", "share"),
    [
        (600, 0.25, (150 + 150) / 900),  # a whole window, and all of the next
        (600, 0.75, (450 + 300) / 900),  # a whole window, and half a period of the next
        (1200, 0.5, 600 / 900),
        (1200, 0.8, 1.0),
    ],
)
def test_a_quarter_may_hold_more_than_the_duty_where_the_period_is_another_one(
    period_s: int, duty: float, share: float
) -> None:
    assert worst(duty, Limits(period_s=period_s, min_on_s=60, min_off_s=60)) == pytest.approx(share)
