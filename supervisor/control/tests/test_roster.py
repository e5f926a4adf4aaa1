"""A duty roster as a file: read in the time of the site, each bad row named."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from supervisor.control.notify.duty import check_shifts, read_roster
from supervisor.domain.errors import CommandError

ROSTER = "from,until,person,rank\n2026-12-01 18:00,2026-12-02 06:00,김철수,1\n2026-12-01 18:00,2026-12-02 06:00,Lee,2\n"


def test_a_roster_is_read_in_the_time_of_the_site() -> None:
    first, second = read_roster("\ufeff" + ROSTER, ZoneInfo("Asia/Seoul"))
    assert (first.person, first.rank, second.rank) == ("김철수", 1, 2)
    assert first.until_utc_s - first.from_utc_s == 12 * 3600
    assert (
        read_roster("From,Until,Person\n2026-12-01T18:00+00:00,2026-12-02T06:00+00:00,A", ZoneInfo("UTC"))[0].rank == 1
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "from,until\n",
        ROSTER + "x,y,Kim,1\n",
        ROSTER + "2026-12-01,2026-12-02,A,first\n",
        'from,until,person\n"2026',
    ],
)
def test_a_bad_roster_names_its_row(text: str) -> None:
    with pytest.raises(CommandError, match="row"):
        read_roster(text, ZoneInfo("UTC"))


def test_a_time_that_is_none_of_a_roster_is_refused() -> None:
    (shift,) = read_roster("from,until,person\n9999-12-31 18:00,9999-12-31 23:00,Kim", ZoneInfo("UTC"))
    with pytest.raises(CommandError, match="shift 1"):
        check_shifts([shift])
