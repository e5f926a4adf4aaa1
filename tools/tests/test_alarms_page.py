from __future__ import annotations

from tools.alarms_page import PAGE, page


def test_the_page_of_alarms_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tools.alarms_page"
