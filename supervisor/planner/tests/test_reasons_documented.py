from __future__ import annotations

from pathlib import Path

from supervisor.planner.explain import CODES

DOCS = Path(__file__).parents[3] / "docs" / "planner.md"


def test_every_reason_code_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert not [code for code in CODES if f"`{code}`" not in text]
