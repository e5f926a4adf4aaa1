"""Write docs/alarms.md from the alarm codes and their texts: `python -m tools.alarms_page`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from supervisor.domain.alarm import AlarmCode

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "alarms.md"
TEXTS: Final = ROOT / "supervisor" / "static" / "i18n"
HEADER: Final = """# Alarms

The app shows the alarms that stand at the foot of its list, to everybody, with what to do in both languages.
`GET /api/v1/alarms` and the stream carry them with the details of the case; `roadheat_alarms` of `/metrics` counts
them by code.

Severity says how soon a person has to act: `critical` now, since people are in danger or a road stays cold whatever is
commanded; `major` today; `minor` in working hours, roads are heated as planned.

This page is generated from `supervisor/domain/alarm.py` and `supervisor/static/i18n/` by `python -m tools.alarms_page`.
"""
HEADS: Final = {
    "en": ("## English", "| code | severity | subject | says | do |"),
    "ko": ("## 한국어", "| 코드 | 등급 | 대상 | 내용 | 할 일 |"),
}
KOREAN: Final = {
    "certificate": "인증서",
    "place": "지점",
    "program": "프로그램",
    "critical": "긴급",
    "major": "중요",
    "minor": "경미",
    "zone or feeder": "도로 또는 전원",
    "zone": "도로",
    "board": "제어기",
    "feeder": "전원",
    "interface": "연계",
    "loop": "시스템 기능",
    "receiver": "수신처",
    "": "",
}


def page() -> str:
    """The page's whole text."""
    parts = [HEADER]
    for language, (title, columns) in HEADS.items():
        texts = json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"))
        rows = [_row(code, texts[f"alarm.{code}"], language) for code in AlarmCode]
        parts.append("\n".join([title, "", columns, "|---|---|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def _row(code: AlarmCode, text: str, language: str) -> str:
    severity, subject = code.severity.value, code.subject
    if language == "ko":
        severity, subject = KOREAN[severity], KOREAN[subject]
    says, *steps = text.split("|")
    return f"| `{code}` | {severity} | {subject} | {says} | {' '.join(steps)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
