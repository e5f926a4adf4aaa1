"""Every script and emoji may be a reason; what acts on other text may not."""

from __future__ import annotations

import pytest

from supervisor.domain.plain_text import has_control, one_line


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  결빙   신고 ", "결빙 신고"),
        ("a\tb\nc", "a b c"),
        ("❄️ 눈", "❄️ 눈"),
        ("👷\u200d♂️ on site", "👷\u200d♂️ on site"),  # one sign of several, joined
        ("جليد\u200f", "جليد"),
        ("\u202egnp.exe", "gnp.exe"),  # would turn the line round
        ("\u2066x\u2069", "x"),
        ("bell\u0007\u001b[31m", "bell[31m"),
        ("\ue000private", "private"),
        ("\u200f\u200d \u200c", ""),  # nothing to see
        ("", ""),
    ],
)
def test_what_is_kept(written: str, kept: str) -> None:
    assert one_line(written) == kept
    assert one_line(kept) == kept


def test_a_control_character_is_known() -> None:
    assert has_control("bell \u0007")
    assert not has_control("a\tb\r\nc 👷\u200d♂️\u200f")
