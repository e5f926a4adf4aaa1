"""The reason that is shown follows what lies and falls now, whatever the plan foresaw."""

from __future__ import annotations

import pytest

from supervisor.control.reasons import true_now
from supervisor.domain.plan import Reason

NOW = 1_700_000_000
HOUR_S = 3600


def codes(reason: Reason, surface: str | None, lying_mm: float, falling: str | None, after_s: int = 0) -> list[str]:
    found = true_now([reason], NOW, NOW + after_s, surface=surface, lying_mm=lying_mm, falling=falling)
    return [one.code for one in found]


PREHEAT = Reason(0, 2 * HOUR_S, "preheat-snow", 0.7, NOW + 900)


@pytest.mark.parametrize(
    ("code", "surface", "lying_mm", "falling", "said"),
    [
        ("preheat-snow", "snow", 5.0, "snow", "heated-in-snow"),
        ("preheat-snow", "wet", 0.0, "snow", "heated-in-snow"),
        ("preheat-snow", "dry", 0.0, "snow", "heated-in-snow"),
        ("preheat-snow", "snow", 5.0, None, "melt-snow"),
        ("preheat-snow", "slush", 1.0, "rain", "melt-snow"),
        ("preheat-snow", "ice", 0.5, None, "melt-snow"),
        ("preheat-snow", "wet", 0.4, None, "melt-snow"),
        ("preheat-snow", "frost", 0.1, None, "frost"),
        ("preheat-frost", "snow", 2.0, None, "melt-snow"),
        ("preheat-freezing-rain", "wet", 0.0, "rain", "freezing-rain"),
        ("preheat-wet", "wet", 0.0, "rain", "keep-wet-above-freezing"),
        ("preheat-snow", "dry", 0.0, None, "preheat-snow"),
        ("preheat-snow", "wet", 0.0, None, "preheat-snow"),
        ("preheat-frost", None, 0.0, None, "preheat-frost"),
        ("melt-snow", "snow", 5.0, None, "melt-snow"),
        ("melt-snow", "snow", 5.0, "snow", "heated-in-snow"),
        ("melt-snow", "dry", 0.0, None, "preheat-snow"),  # forecast for now, and late
        ("melt-snow", "wet", 0.0, None, "keep-wet-above-freezing"),
        ("melt-snow", None, 0.0, None, "melt-snow"),  # nobody knows
        ("frost", "dry", 0.0, None, "frost"),
        ("beyond-capacity", "snow", 5.0, "snow", "beyond-capacity"),
        ("shed", "snow", 5.0, "snow", "shed"),
        ("override", "snow", 5.0, "snow", "override"),
    ],
)
def test_table(code: str, surface: str | None, lying_mm: float, falling: str | None, said: str) -> None:
    reason = Reason(0, 2 * HOUR_S, code, 0.7, NOW + 900)
    for after_s in (0, 600, 3600):
        assert codes(reason, surface, lying_mm, falling, after_s) == [said]


def test_no_time_that_has_passed_is_named_where_the_hazard_is_late() -> None:
    [early] = true_now([PREHEAT], NOW, NOW + 600, surface="dry", lying_mm=0.0, falling=None)
    [late] = true_now([PREHEAT], NOW, NOW + 1200, surface="dry", lying_mm=0.0, falling=None)
    assert (early.hazard_utc_s, late.code, late.hazard_utc_s) == (NOW + 900, "preheat-snow", None)


def test_a_preheat_that_is_about_to_begin_is_not_announced_in_the_snow() -> None:
    soon, tomorrow = (
        Reason(900, 1800, "preheat-snow", 0.7, NOW + 1800),
        Reason(40_000, 50_000, "preheat-snow", 0.7, NOW),
    )
    assert codes(soon, "snow", 5.0, "snow") == ["melt-snow"]
    assert codes(tomorrow, "snow", 5.0, "snow") == ["preheat-snow"]  # another snowfall


def test_what_is_over_stays_as_it_was() -> None:
    assert codes(PREHEAT, "snow", 5.0, "snow", 3 * HOUR_S) == ["preheat-snow"]
