"""The same outlook of ice wherever it is read: the running service's HTTP answer and stage, briefing, platform."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp

from supervisor.app import running
from supervisor.city.briefing import Briefings
from supervisor.city.registry import City
from supervisor.city.tests.test_city_service import configured
from supervisor.city.tests.test_platform import Made
from supervisor.config import load
from supervisor.control.response import StageNow
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.outlook import RoadOutlook
from supervisor.domain.scope import Scope
from supervisor.runtime.clock import SystemClock
from supervisor.web.keys import SERVICES
from supervisor.web.sessions import Sessions


def foreseen(**changes: Any) -> RoadOutlook:
    values = {"stage": "reinforced", "probability": 0.62, "black_ice": 0.41, "snow_cm": 0.0, "onset_utc_s": 0}
    return RoadOutlook(zone="", **{**values, **changes})


async def test_the_running_service_answers_with_stage_and_outlook_that_agree(tmp_path: Path) -> None:
    path = configured(tmp_path, "[city]\nupwind = { Incheon = 75 }")  # snow falls within hours
    text = path.read_text()
    sprayer = 'id = "z01"\nsprayer = { dose_g_m2 = 20, price_per_dose = 3000 }'
    path.write_text(text.replace('id = "z01"', sprayer, 1))
    config = load(path)
    async with running(config, SystemClock(), planner_executor=lambda: ThreadPoolExecutor(1)) as started:
        token, _ = await Sessions(started.store.access, SystemClock()).tokens.make(
            "city", [Scope.READ, Scope.OBSERVE], 1, "test"
        )
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as http, asyncio.timeout(30):
            while True:
                async with http.get(started.web_url + "/api/v1/outlook") as answer:
                    found = json.loads(await answer.read())
                if found["outlook"] is not None and found["stage"]["stage"] != "none":
                    break
                await asyncio.sleep(0.2)
            now = int(SystemClock().utc_s())
            seen = {"snow_or_ice": 0.9, "wet": 0.1, "dry": 0.0, "obstructed": False}
            for path_, body, answer_ in (
                ("observations", {"zone": "z01", **seen}, "weight"),
                ("drain-readings", {"zone": "z01", "level_permille": 900}, "refreezing"),
                ("upwind", {"place": "Incheon", "snowing": True}, "here_utc_s"),
                ("panel-readings", {"zone": "z01", "voltage_v": 381.0}, "new"),
            ):
                sent = {**body, "observed_utc_s": now}
                async with http.post(f"{started.web_url}/api/v1/{path_}", json=sent) as answer:
                    assert (answer.status, answer_ in await answer.json()) == (201, True), path_
            stock = {"zone": "z01", "kind": "brine", "left_permille": 700, "observed_utc_s": now}
            async with http.post(f"{started.web_url}/api/v1/stocks", json=stock) as answer:
                [treatment] = await answer.json()
            assert [one["left_permille"] for one in treatment["stocks"]] == [700]
            assert started.alarms.stands(AlarmCode.SNOW_UPWIND, "Incheon")
    district = found["outlook"]["district"]
    assert found["stage"]["stage"] == district["stage"] == "three"
    assert found["stage"]["probability"] == district["probability"] == 1.0
    assert len(found["outlook"]["roads"]) == 12
    assert found["district"] == {
        "count": 0, "brier": None, "reference": None, "skill": None, "hits": 0, "misses": 0, "false_alarms": 0,
        "quiet": 0,
    }  # fmt: skip


async def test_the_briefing_says_the_probability_and_that_there_is_none(city: City, district: Any) -> None:
    site = district.app[SERVICES].site
    briefings = Briefings(city.readings, site, 400_000, lambda: StageNow("reinforced", 0.0, None))
    assert "There is no outlook of ice for 24 h." in briefings.now("en").sentences
    city.readings.foreseen = lambda: foreseen(onset_utc_s=1_767_213_000)
    said = briefings.now("en")
    assert "Snow or ice on a road without heat within 24 h: 62 %, ice without snow: 41 %." in said.sentences
    assert "It would begin at about 01-01 05:30." in said.sentences
    assert said.facts.ice_probability == 0.62
    assert "확률은 62%, 눈 없이 얼 확률은 41%입니다." in briefings.now("ko").text


async def test_the_platforms_pre_event_stands_while_the_outlook_has_a_stage(city: City, district: Any) -> None:
    made = Made(city, district, event_ids={"icing-outlook": "HR03"})
    city.readings.foreseen = lambda: foreseen(stage="none", probability=0.1)
    assert await made.look() == []
    city.readings.foreseen = foreseen
    assert await made.look() == [("HR03", "10", district.app[SERVICES].site.name)]
    assert made.sent[-1]["body"]["ocrEvtCn"] == "24시간 안 결빙 확률 60 %, 대응 보강, 예상 적설 0 cm"
    city.readings.foreseen = lambda: foreseen(probability=0.64)  # no news: within the same tenth
    assert await made.look() == []
    city.readings.foreseen = lambda: foreseen(stage="two", probability=0.97, snow_cm=6.2)
    assert [status for _, status, _ in await made.look()] == ["40"]
    city.readings.foreseen = lambda: foreseen(stage="none", probability=0.0)
    assert [status for _, status, _ in await made.look()] in (["90"], ["91"])
