"""The district in plain words, Korean and English: sentences made from facts by templates, none of them invented.

What is not known is said to be so. The answer carries the facts too, so that a reader can check each sentence.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from supervisor.city.readings import Readings, ZoneReading
from supervisor.control.condition import Look
from supervisor.control.response import StageNow
from supervisor.control.section import Section
from supervisor.domain.alarm import Severity
from supervisor.domain.zone import Site

LANGUAGES: Final = ("ko", "en")
NAMED_MAX: Final = 5  # roads that are named; of the others the number is said
_WORDS: Final = {
    one: json.loads((Path(__file__).parent / "words" / f"{one}.json").read_text(encoding="utf-8")) for one in LANGUAGES
}


class RoadFact(Struct, frozen=True):
    """A road that somebody should look at, the most urgent first."""

    zone: str
    name: str
    name_ko: str
    look: Look
    heated: bool | None  # null: unknown
    why_not: str | None  # why it is not heated


class BriefingFacts(Struct, frozen=True, kw_only=True):
    """What the sentences are made from. Counts are of roads; times are UTC seconds."""

    site: str
    utc_s: int
    roads: int
    looks: dict[str, int]
    heated: int
    silent: int  # without contact: whether they are heated is not known
    power_w: int  # of the roads in contact
    contract_w: int
    commanded: int  # by people or programs, at this moment
    danger: list[RoadFact]
    alarms: dict[str, int]  # by severity
    stage: str | None  # response stage; null: nobody decides it here
    snow_cm: float | None  # fresh snow foreseen within 24 h; null: no forecast
    ice_probability: float | None  # of snow, ice or frost on a road without heat within 24 h; null: no outlook
    black_ice: float | None  # of ice or frost without snow
    ice_onset_utc_s: int | None  # when it begins
    hazard_ahead: bool  # snow, or rain in the cold, foreseen within 12 h


class Briefing(Struct, frozen=True):
    """The answer of `GET /api/v1/briefing`."""

    language: str
    text: str
    sentences: list[str]
    facts: BriefingFacts


class Briefings:
    """Makes them of what is known now."""

    def __init__(self, readings: Readings, site: Site, contract_w: int, stage: Callable[[], StageNow | None]) -> None:
        self._readings = readings
        self._site = site
        self._contract_w = contract_w
        self._stage = stage

    def now(self, language: str) -> Briefing:
        """In one of `LANGUAGES`. Raises KeyError for another."""
        facts = self.facts()
        sentences = sentences_of(facts, language, ZoneInfo(self._site.timezone))
        return Briefing(language, " ".join(sentences), sentences, facts)

    def facts(self) -> BriefingFacts:
        """What is known now."""
        zones = self._readings.all()
        urgent = sorted((one for one in zones if one.view.section is Section.DANGER), key=lambda one: one.view.rank)
        online = [one for one in zones if one.view.online]
        severities = Counter(alarm.severity.value for alarm in self._readings.alarms())
        stage, foreseen = self._stage(), self._readings.foreseen()
        return BriefingFacts(
            site=self._site.name,
            utc_s=self._readings.now_utc_s(),
            roads=len(zones),
            looks={look.value: sum(one.view.look is look for one in zones) for look in Look},
            heated=sum(one.view.heated is True for one in zones),
            silent=len(zones) - len(online),
            power_w=sum(one.view.power_w or 0 for one in online),
            contract_w=self._contract_w,
            commanded=sum(one.view.override is not None for one in zones),
            danger=[_road(one) for one in urgent],
            alarms={severity.value: severities[severity.value] for severity in Severity},
            stage=None if stage is None else stage.stage,
            snow_cm=None if stage is None else stage.depth_cm,
            ice_probability=None if foreseen is None else foreseen.probability,
            black_ice=None if foreseen is None else foreseen.black_ice,
            ice_onset_utc_s=None if foreseen is None else foreseen.onset_utc_s,
            hazard_ahead=self._readings.hazard_ahead,
        )


def _road(reading: ZoneReading) -> RoadFact:
    view = reading.view
    return RoadFact(view.id, view.name, view.name_ko, view.look, view.heated, view.not_heating)


def sentences_of(facts: BriefingFacts, language: str, timezone: ZoneInfo) -> list[str]:
    """The facts in words. Raises KeyError for an unknown language."""
    words = _WORDS[language]

    def say(key: str, **values: object) -> str:
        return str(words[key].format(**values))

    time = datetime.fromtimestamp(facts.utc_s, timezone).strftime("%Y-%m-%d %H:%M")
    said = [say("head", site=facts.site, time=time, roads=facts.roads)]
    if facts.stage is not None:
        said.append(say(f"stage.{facts.stage}"))
    if facts.snow_cm is not None:
        said.append(say("snow", cm=f"{facts.snow_cm:g}"))
    said.append(say("looks", **facts.looks))
    kw = {"kw": round(facts.power_w / 1000), "contract": round(facts.contract_w / 1000)}
    said.append(say("heated", heated=facts.heated, **kw))
    if facts.silent:
        said.append(say("silent", silent=facts.silent))
    if facts.commanded:
        said.append(say("commanded", commanded=facts.commanded))
    if facts.danger:
        named = ", ".join(_named(road, words, language) for road in facts.danger[:NAMED_MAX])
        rest = len(facts.danger) - NAMED_MAX
        said.append(say("danger.more", roads=named, rest=rest) if rest > 0 else say("danger", roads=named))
    else:
        said.append(say("danger.none"))
    said.append(say("alarms", **facts.alarms) if any(facts.alarms.values()) else say("alarms.none"))
    if facts.ice_probability is None or facts.black_ice is None:
        said.append(say("ice.unknown"))
    else:
        percent = {"ice": round(100 * facts.ice_probability), "black": round(100 * facts.black_ice)}
        said.append(say("ice", **percent))
        if facts.ice_onset_utc_s is not None:
            onset = datetime.fromtimestamp(facts.ice_onset_utc_s, timezone).strftime("%m-%d %H:%M")
            said.append(say("ice.onset", time=onset))
    if facts.hazard_ahead:
        said.append(say("ahead"))
    return said


def _named(road: RoadFact, words: dict[str, str], language: str) -> str:
    name = (road.name_ko if language == "ko" else "") or road.name
    heat = "heat.unknown" if road.heated is None else "heat.on" if road.heated else "heat.off"
    return f"{name} ({words[f'look.{road.look}']}, {words[heat]})"
