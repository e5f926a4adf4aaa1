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


async def test_an_alarm_is_seen_by_name_and_by_those_who_may(district: Any, sign_in: Any) -> None:
    district.alarms.set(AlarmCode.EARTH_FAULT, "z01", True, "Earth fault")
    said = {"code": "earth-fault", "subject": "z01", "comment": "called"}
    viewer, crew = await sign_in("viewer"), await sign_in("crew")
    status, _ = await viewer.ask("POST", "/api/v1/alarms/acknowledge", json=said)
    assert status == 403
    status, alarm = await crew.ask("POST", "/api/v1/alarms/acknowledge", json=said)
    assert (status, alarm["acknowledged_by"], alarm["comment"]) == (200, "kim-crew", "called")
    status, alarms = await viewer.ask("GET", "/api/v1/alarms")
    assert alarms == [alarm]
    status, problem = await crew.ask("POST", "/api/v1/alarms/acknowledge", json={**said, "subject": "z02"})
    assert (status, problem["code"]) == (404, "no-alarm")
    put_off = {"code": "earth-fault", "subject": "z01", "minutes": 30, "reason": "later"}
    status, alarm = await crew.ask("POST", "/api/v1/alarms/shelve", json=put_off)
    assert (status, alarm["shelved_until_utc_s"] > 0) == (200, True)
    for wrong in ({**put_off, "minutes": 1}, {**put_off, "minutes": 9999}, {**put_off, "reason": ""}, {"code": 1}):
        status, problem = await crew.ask("POST", "/api/v1/alarms/shelve", json=wrong)
        assert (status, problem["code"]) == (400, "invalid") or status == 422
