"""Alarms in the app: every code has a text that says what to do; the stream carries those that stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from supervisor.control.intake import FLAG_ALARMS
from supervisor.domain.alarm import AlarmCode
from supervisor.web.tests.test_web_static import LANGUAGES, words
from supervisor.web.tests.test_web_stream import event

SUPERVISOR: Final = Path(__file__).parents[2]
TO_DO_LEAST: Final = {"en": 12, "ko": 8}  # letters of the shortest sentence that says what to do


def test_every_alarm_code_is_raised_somewhere() -> None:
    flags = {(flag.name or "") for flag in FLAG_ALARMS}
    source = "".join(path.read_text(encoding="utf-8") for path in SUPERVISOR.rglob("*.py") if "tests" not in path.parts)
    named = flags | set(re.findall(r"AlarmCode\.([A-Z_]+)", source))
    assert named == {code.name for code in AlarmCode}


def test_names_values_and_flags_agree_since_values_are_stored() -> None:
    assert all(code.value == code.name.lower().replace("_", "-") for code in AlarmCode)
    assert all(AlarmCode[str(flag.name)].subject == "zone" for flag in FLAG_ALARMS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alarm_code_has_a_text_that_says_what_to_do(language: str) -> None:
    texts = {key.removeprefix("alarm."): text for key, text in words(language).items() if key.startswith("alarm.")}
    assert set(texts) == {code.value for code in AlarmCode}
    for code, text in texts.items():
        what, *todo = text.split("|")
        assert what.strip(), code
        assert todo, code
        assert all(len(step) >= TO_DO_LEAST[language] and step.endswith(".") for step in todo), code


async def test_the_stream_tells_alarms_on_connect_and_when_one_begins_or_ends(district: Any, sign_in: Any) -> None:
    district.alarms.set(AlarmCode.FORECAST, "", True, "No good forecast")
    viewer = await sign_in("viewer")
    async with viewer.client.get("/api/v1/stream") as answer:
        assert [alarm["code"] for alarm in await event(answer.content, "alarms")] == ["forecast"]
        district.alarms.set(AlarmCode.LOOP_FAILED, "prices", True, "prices failed")
        district.hear("z04", -3.25, "frost", 0.2)
        assert [alarm["subject"] for alarm in await event(answer.content, "alarms")] == ["", "prices"]
        district.alarms.set(AlarmCode.FORECAST, "", False)
        district.hear("z04", -3.5, "frost", 0.2)
        assert [alarm["code"] for alarm in await event(answer.content, "alarms")] == ["loop-failed"]
