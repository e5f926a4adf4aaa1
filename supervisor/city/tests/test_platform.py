"""Events for the integration platform, followed through their life and taken by a platform that checks them.

No real platform was tried: the one here checks what is known of the form.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supervisor.city import deliver
from supervisor.city.deliver import Delivery
from supervisor.city.platform import Events, target
from supervisor.city.registry import City
from supervisor.city.spool import Spool
from supervisor.city.tests.test_city_service import config_of, delivered
from supervisor.config.city import PlatformConfig
from supervisor.control.sky import Falling, Sky
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.zone import Inventory
from supervisor.runtime.background import Background
from supervisor.web.keys import SERVICES

CODES = {"ice": "HR01", "earth-fault": "HR02", "icing-outlook": "HR03"}
HEADER = {"svcTy", "sendCd", "rcvCd", "encAt", "rrKey", "reqDate", "sysCd", "tranSysHis", "callBack"}
BODY = {
    "evtId", "evtNm", "evtGrad", "ocrNbr", "ocrSts", "ocrLc", "ocrPlc", "ocrEvtCn", "ocrEvtTime", "ocrEvtSts",
    "ocrEvtStsUsr", "ocrEvtEndTime", "ocrEvtItem",
}  # fmt: skip


def faults(document: Any) -> list[str]:
    """What the platform refuses."""
    header, body = document["header"], document["body"]
    found = [*(HEADER ^ set(header)), *(BODY ^ set(body))]
    for name, text, pattern in (
        ("svcTy", header["svcTy"], "AUTH|EVENT|PREEVT"), ("reqDate", header["reqDate"], r"\d{14}"),
        ("ocrNbr", body["ocrNbr"], r"20\d{15}"), ("ocrSts", body["ocrSts"], "10|40|50|90|91"),
        ("ocrEvtTime", body["ocrEvtTime"], r"\d{14}"), ("ocrEvtEndTime", body["ocrEvtEndTime"], r"|\d{14}"),
        ("crdntX", body["ocrLc"]["crdntX"], r"\d{3}\.\d{6}"), ("crdntY", body["ocrLc"]["crdntY"], r"\d{2}\.\d{6}"),
    ):  # fmt: skip
        found += [] if re.fullmatch(pattern, text) else [name]
    if body["ocrEvtSts"]["ocrEvtStsCd"] != body["ocrSts"]:
        found.append("ocrEvtSts")
    return found


class Made:
    """Events of a district, and what they have sent and kept."""

    def __init__(self, city: City, district: Any, **keys: Any) -> None:
        self.sent: list[Any] = []
        self.kept = ""
        config = PlatformConfig(
            url="https://platform.example/", send_code="S1", receive_code="R1", system_code="HEAT",
            **{"event_ids": CODES, **keys},
        )  # fmt: skip
        self.events = Events(config, city.readings, district.app[SERVICES].site, self._send, self._keep, city.clock)

    async def _send(self, body: bytes) -> None:
        document = json.loads(body)
        assert faults(document) == []
        self.sent.append(document)

    async def _keep(self, text: str) -> None:
        self.kept = text

    async def look(self) -> list[tuple[str, str, str]]:
        """Event, status and place of what is new."""
        before = len(self.sent)
        await self.events.look()
        return [(one["body"]["evtId"], one["body"]["ocrSts"], one["body"]["ocrPlc"]) for one in self.sent[before:]]


async def test_an_event_occurs_changes_and_is_cleared_under_one_number(city: City, district: Any) -> None:
    made = Made(city, district)
    assert await made.look() == []
    district.hear("z04", -1.0, "snow", 3.0)
    assert await made.look() == [("HR01", "10", "아리랑로 5")]
    assert await made.look() == []
    district.hear("z04", -2.0, "ice", 3.0)
    assert await made.look() == [("HR01", "40", "아리랑로 5")]
    live = district.live.zones["z06"]
    live.zone = msgspec.structs.replace(live.zone, inventory=Inventory(latitude=37.60461, longitude=127.0123))
    district.alarms.set(AlarmCode.EARTH_FAULT, "z06", True, "test")
    assert await made.look() == [("HR02", "10", "삼선동 계단길")]
    district.hear("z04", 3.0, "wet")
    district.alarms.set(AlarmCode.EARTH_FAULT, "z06", False)
    assert await made.look() == [("HR01", "50", "아리랑로 5"), ("HR02", "50", "삼선동 계단길")]
    places = [(one["body"]["ocrLc"]["crdntX"], one["body"]["ocrLc"]["crdntY"]) for one in made.sent]
    assert places[:3] == [("127.020000", "37.590000")] * 2 + [("127.012300", "37.604610")]
    numbers = {one["body"]["evtId"]: set() for one in made.sent}
    for one in made.sent:
        numbers[one["body"]["evtId"]].add(one["body"]["ocrNbr"])
        assert one["header"]["svcTy"] == "EVENT"
    assert [len(found) for found in numbers.values()] == [1, 1]
    assert made.sent[-1]["body"]["ocrEvtEndTime"] != ""


@pytest.mark.parametrize(("comes", "end"), [(True, "91"), (False, "90")])
async def test_the_outlook_is_a_pre_event_that_ends_or_is_cancelled(
    city: City, district: Any, comes: bool, end: str
) -> None:
    made = Made(city, district, event_ids={"icing-outlook": "HR03"})
    for zone in district.live.zones:
        district.hear(zone, 2.0, "dry")
    district.live.see(Sky(Falling.SNOW, True))
    assert await made.look() == [("HR03", "10", "Seongbuk-gu")]
    if comes:
        district.hear("z04", -1.0, "snow", 3.0)
        assert await made.look() == []
        district.hear("z04", 2.0, "wet")
    district.live.see(Sky())
    assert await made.look() == [("HR03", end, "Seongbuk-gu")]
    assert {one["header"]["svcTy"] for one in made.sent} == {"PREEVT"}


async def test_a_restart_neither_repeats_an_event_nor_forgets_its_end(city: City, district: Any) -> None:
    first = Made(city, district)
    district.hear("z04", -1.0, "snow", 3.0)
    await first.look()
    second = Made(city, district)
    second.events.take_up(first.kept)
    assert await second.look() == []
    district.hear("z04", 3.0, "wet")
    assert await second.look() == [("HR01", "50", "아리랑로 5")]
    assert second.sent[0]["body"]["ocrNbr"] == first.sent[0]["body"]["ocrNbr"]
    second.events.take_up("damaged")
    assert await second.look() == []


async def test_what_cannot_be_spooled_is_sent_at_the_next_look(city: City, district: Any) -> None:
    made = Made(city, district)
    district.hear("z04", -1.0, "snow", 3.0)
    send = made.events._send

    async def full(_: bytes) -> None:
        raise OSError("no space")

    made.events._send = full  # type: ignore[assignment]
    with pytest.raises(OSError, match="no space"):
        await made.look()
    made.events._send = send  # type: ignore[assignment]
    assert await made.look() == [("HR01", "10", "아리랑로 5")]


@asynccontextmanager
async def platform(answers: list[web.Response], taken: list[Any]) -> AsyncIterator[str]:
    async def take(request: web.Request) -> web.Response:
        if answers:
            return answers.pop(0)
        assert request.headers["X-Scsns-Key"] == "k"
        taken.append(await request.json())
        return web.json_response({"resultCode": "0000"})

    app = web.Application()
    app.router.add_post("/event", take)
    async with TestServer(app) as server:
        yield str(server.make_url("/event"))


async def test_delivered_in_order_after_a_platform_that_answers_html(
    district: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "BACKOFF_S", (0.01, 0.02))
    taken: list[Any] = []
    html = [web.Response(text="<html>점검 중</html>", content_type="text/html") for _ in range(2)]
    wrong = web.json_response({"resultCode": "E001"}, status=400)
    async with platform([*html, wrong], taken) as url, Spool(tmp_path / "platform.spool") as spool:
        config = PlatformConfig(
            url=url, send_code="S", receive_code="R", system_code="H", event_ids=CODES, headers={"X-Scsns-Key": "k"}
        )
        outcomes: list[str] = []
        delivery = Delivery(target(config), spool, district.alarms, district.clock, outcomes.append)
        for number in range(4):
            await delivery.add(json.dumps({"n": number}).encode())
        async with Background() as background:
            background.keep("deliver", delivery.run)
            await delivered(spool)
        counts = await spool.counts()
    assert [one["n"] for one in taken] == [1, 2, 3]  # the first was refused, and is counted
    assert (counts.refused, counts.delivered) == (1, 3)
    assert outcomes == ["refused", "delivered", "delivered", "delivered"]


BASE = 'url = "https://p.example/"\nsend_code = "S"\nreceive_code = "R"\nsystem_code = "H"\n'


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            BASE.replace("https://p.example/", "p") + 'event_ids = { ice = "1" }',
            "city.platform.url = 'p': not a web address",
        ),
        (BASE + "event_ids = {}", "city.platform.event_ids: no event would be sent"),
        (BASE + 'event_ids = { snow = "1" }', "city.platform.event_ids.snow = '1': unknown event"),
        (BASE + 'event_ids = { ice = "1" }\ngrades = { snow = "1" }', "city.platform.grades.snow = '1': unknown event"),
        (
            BASE + 'event_ids = { ice = "1" }\nheaders = { Host = "x" }',
            "city.platform.headers.Host = 'x': not X-Scsns-…",
        ),
        (BASE.replace('"S"', '""') + 'event_ids = { ice = "1" }', "city.platform.send_code = '': empty"),
        (BASE + 'event_ids = { ice = "1" }\ncallback = 1', "expected text"),
    ],
)
def test_what_is_wrong_in_its_table_is_said(tmp_path: Path, keys: str, said: str) -> None:
    _, problems = config_of(tmp_path, f"[city.platform]\n{keys}")
    assert len(problems) == 1
    assert said in problems[0]
