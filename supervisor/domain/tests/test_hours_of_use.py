from __future__ import annotations

import pytest

from supervisor.domain.hours_of_use import weights


def test_hours_count_as_given_and_once_elsewhere() -> None:
    found = weights({"07-09": 3.0, "22-05": 0.25})
    assert (found[6], found[7], found[8], found[9]) == (1.0, 3.0, 3.0, 1.0)
    assert (found[21], found[22], found[0], found[4], found[5]) == (1.0, 0.25, 0.25, 0.25, 1.0)
    assert weights({}) == (1.0,) * 24
    assert weights({"0-24": 2.0}) == (2.0,) * 24


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"seven": 2.0}, "cannot be read"),
        ({"07-07": 2.0}, "cannot be read"),
        ({"07-25": 2.0}, "cannot be read"),
        ({"07-09": -1.0}, "outside 0"),
        ({"07-09": float("nan")}, "outside 0"),
        ({"07-09": 11.0}, "outside 0"),
        ({"07-09": 2.0, "08-10": 2.0}, "hour 8 is given twice"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(profile: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        weights(profile)
