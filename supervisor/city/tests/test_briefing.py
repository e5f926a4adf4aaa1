"""The district in words: every number is one of the facts, and what is not known is said to be so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from supervisor.city.briefing import LANGUAGES, Briefings
from supervisor.city.documents import Documents
from supervisor.city.registry import City
from supervisor.control.response import StageNow
from supervisor.domain.alarm import AlarmCode
from supervisor.web.keys import SERVICES

WORDS = Path(__file__).parents[1] / "words"


@pytest.fixture
def briefings(city: City, district: Any) -> Briefings:
    made = Briefings(city.readings, district.app[SERVICES].site, 400_000, lambda: StageNow("two", 7.5, None))
    object.__setattr__(district.app[SERVICES], "documents", Documents(briefings=made))
    return made


def numbers(text: str) -> list[float]:
    return [float(one) for one in re.findall(r"\d+(?:\.\d+)?", text)]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_number_is_a_fact(briefings: Briefings, district: Any, language: str) -> None:
    district.alarms.set(AlarmCode.EARTH_FAULT, "z06", True, "test")
    found = briefings.now(language)
    facts = found.facts
    assert (facts.roads, facts.silent, facts.commanded) == (8, 1, 0)
    assert facts.looks == {"icy": 1, "snow": 1, "wet": 4, "dry": 1, "unknown": 1}
    assert facts.power_w == 62_000 + 47_000 + 33_000 + 28_000
    assert facts.alarms == {"critical": 1, "major": 0, "minor": 0}
    said = " ".join(found.sentences[1:])
    for road in facts.danger:  # names of roads hold numbers too
        said = said.replace((road.name_ko if language == "ko" else "") or road.name, "")
    known = {facts.roads, *facts.looks.values(), facts.heated, facts.silent, 170, 400, 2, 7.5, 24, 12}
    known |= {*facts.alarms.values(), facts.commanded, len(facts.danger) - 5}
    assert set(numbers(said)) <= known
    assert "7.5 cm" in said
    silent = {"ko": "1곳은 통신이 되지 않아 가열 여부를 알 수 없습니다.", "en": "1 roads have no contact"}[language]
    assert silent in said


async def test_the_most_urgent_come_first_and_nobodys_state_is_guessed(briefings: Briefings, district: Any) -> None:
    district.hear("z04", -1.0, "snow", 3.0)
    district.hear("z07", -1.0, "snow", 9.0)
    danger = briefings.facts().danger
    ranks = [district.live.view(road.zone).rank for road in danger]
    assert ranks == sorted(ranks)
    assert {road.zone for road in danger} == {"z04", "z07"}
    assert "Look at these first: Bogungmun-ro 8 (snow, not heated), Arirang-ro 5 (snow, not heated)." in (
        briefings.now("en").sentences
    )
    for zone in district.live.zones:
        district.hear(zone, 3.0, "dry", online=False)
    found = briefings.now("en")
    assert found.facts.looks["unknown"] == 8
    assert "0 dry, 8 unknown" in found.text
    assert "8 roads have no contact" in found.text


def test_both_languages_have_the_same_sentences_with_the_same_values() -> None:
    ko, en = (json.loads((WORDS / f"{one}.json").read_text(encoding="utf-8")) for one in LANGUAGES)
    assert ko.keys() == en.keys()
    for key in ko:
        assert set(re.findall(r"{\w+}", ko[key])) == set(re.findall(r"{\w+}", en[key])), key


async def test_over_http(briefings: Briefings, sign_in: Any) -> None:
    viewer = await sign_in("viewer")
    status, korean = await viewer.ask("GET", "/api/v1/briefing")
    assert (status, korean["language"]) == (200, "ko")
    assert korean["text"].startswith("Seongbuk-gu 열선 도로 8곳")
    assert (await viewer.ask("GET", "/api/v1/briefing?lang=en"))[1]["sentences"][1] == "The response stage is 2."
    status, problem = await viewer.ask("GET", "/api/v1/briefing?lang=fr")
    assert (status, problem["code"], problem["where"]) == (422, "invalid", "lang")
