"""Over the wire: an issue of several pages, a newest issue that is missing, and which requests wait for how long."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supervisor.domain.errors import WeatherError
from supervisor.runtime.clock import ManualClock
from supervisor.weather.design_storm import SEOUL
from supervisor.weather.keeper import LastGood
from supervisor.weather.providers import kma_village, met_norway, openmeteo
from supervisor.weather.providers.tests.answers import met
from supervisor.weather.providers.tests.test_fetch import Redirected, hourly_answer

NOW = 1_768_000_000.0 // 10_800 * 10_800  # an hour after 02, 05, … in Seoul
H = 3600.0
EMPTY = {"response": {"header": {"resultCode": "03", "resultMsg": "NO_DATA"}}}


class Kma:
    """The village forecast's service: a thousand items a page, of the issues that are out."""

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self.pages_missing: set[str] = set()
        self.hours = 30
        self.asked: list[tuple[str, str]] = []
        self.status = 200
        self.headers: dict[str, str] = {}

    async def handle(self, request: web.Request) -> web.Response:
        if self.status != 200:
            return web.Response(status=self.status, headers=self.headers)
        query = request.query
        base, page = query["base_date"] + query["base_time"], int(query["pageNo"])
        self.asked.append((query["base_time"], query["pageNo"]))
        if base in self.missing or query["pageNo"] in self.pages_missing:
            return web.json_response(EMPTY)
        issued = datetime.strptime(base, "%Y%m%d%H%M").replace(tzinfo=kma_village.KST)
        values = {
            "TMP": "-4", "REH": "90", "WSD": "2.0", "SKY": "4", "PTY": "3", "PCP": "1.0mm", "SNO": "1.0cm",
            "POP": "80", "UUU": "1", "VVV": "1", "VEC": "200", "WAV": "0",
        }  # fmt: skip
        items: list[dict[str, Any]] = []
        for hour in range(1, self.hours + 1):
            time = issued + timedelta(hours=hour)
            place = {"baseDate": base[:8], "baseTime": base[8:], "fcstDate": f"{time:%Y%m%d}"}
            items += [
                {**place, "fcstTime": f"{time:%H%M}", "category": category, "fcstValue": value}
                for category, value in values.items()
            ]
        rows = int(query["numOfRows"])
        body = {"items": {"item": items[(page - 1) * rows : page * rows]}, "totalCount": len(items)}
        return web.json_response({"response": {"header": {"resultCode": "00"}, "body": body}})


Service = tuple[Kma, kma_village.KmaVillageProvider, ManualClock]


@pytest.fixture
async def kma(
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Service]:
    monkeypatch.setenv(kma_village.KEY_ENV, "k1")
    service, clock, app = Kma(), ManualClock(utc_s=NOW), web.Application()
    app.router.add_get("/", service.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        fetch = Redirected(session, clock, "roadheat/0", to=str(server.make_url("/")))
        yield service, kma_village.KmaVillageProvider(SEOUL, fetch), clock


def base(back: int = 0) -> str:
    return f"{kma_village.newest_base(NOW) - back * kma_village.ISSUED_EACH:%Y%m%d%H%M}"


async def test_the_issue_before_serves_while_the_newest_is_missing(
    kma: Service,
) -> None:
    service, provider, clock = kma
    service.missing = {base()}
    keeper = LastGood(provider)
    kept = await keeper.forecast(NOW, 24 * H)
    assert kept.forecast is not None
    assert not kept.stale
    assert kept.forecast.issued_utc_s == NOW - 4 * H
    assert kept.forecast.issues_missing == 1
    assert [time for time, _ in service.asked] == [base()[8:], base(1)[8:]]
    clock.advance(60.0)
    service.missing = set()
    kept = await keeper.forecast(clock.utc_s(), 24 * H)  # asked again within a minute: it is no fault of the service
    assert kept.forecast is not None
    assert kept.forecast.issued_utc_s == NOW - H
    assert not kept.forecast.treated.degraded
    again = await provider.forecast(clock.utc_s(), 24 * H)
    assert again.issues_missing == 0
    assert len(service.asked) == 3  # both issues are cached


async def test_an_issue_that_was_there_is_kept_while_only_older_ones_are_left(kma: Service) -> None:
    service, provider, clock = kma
    assert (await provider.forecast(NOW, 24 * H)).issued_utc_s == NOW - H
    service.missing = {base()}
    clock.advance(2 * H)  # nothing is cached any more
    again = await provider.forecast(clock.utc_s(), 24 * H)
    assert service.asked[-1][0] == base(1)[8:]
    assert again.issued_utc_s == NOW - H
    assert again.issues_missing == 0


async def test_without_any_issue_the_newest_one_s_fault_is_said(
    kma: Service,
) -> None:
    service, provider, _ = kma
    service.missing = {base(back) for back in range(6)}
    with pytest.raises(WeatherError, match="03 NO_DATA"):
        await provider.forecast(NOW, 24 * H)
    assert len(service.asked) == 1 + kma_village.ISSUES_BACK


async def test_a_refused_key_is_named_and_not_shown(kma: Service) -> None:
    service, provider, _ = kma
    service.status = 403
    with pytest.raises(WeatherError, match=r"HTTP 403.*KMA_SERVICE_KEY") as caught:
        await provider.forecast(NOW, 24 * H)
    assert "k1" not in str(caught.value)


async def test_all_pages_of_an_issue_are_read(kma: Service) -> None:
    service, provider, _ = kma
    service.hours = 96  # 1,152 items
    forecast = await provider.forecast(NOW, 120 * H)
    assert len(forecast.members[0]) == 96
    assert not forecast.treated.degraded
    await provider.forecast(NOW, 120 * H)
    assert [page for _, page in service.asked] == ["1", "2"]  # both pages are cached


async def test_a_missing_page_costs_its_hours_only(
    kma: Service,
) -> None:
    service, provider, _ = kma
    service.hours, service.pages_missing = 96, {"2"}
    forecast = await provider.forecast(NOW, 120 * H)
    assert len(forecast.members[0]) == 83  # the 84th hour's amount is on the second page
    assert forecast.treated.degraded


async def test_a_service_that_names_a_date_is_left_alone_until_then(
    kma: Service,
) -> None:
    service, provider, clock = kma
    until = datetime.fromtimestamp(NOW + 2 * H, UTC)
    service.status, service.headers = 429, {"Retry-After": format_datetime(until, usegmt=True)}
    with pytest.raises(WeatherError, match="HTTP 429"):
        await provider.forecast(NOW, 24 * H)
    service.status = 200
    for _ in range(23):  # every five minutes for two hours, whatever the issue
        clock.advance(300.0)
        with pytest.raises(WeatherError, match="next try in"):
            await provider.forecast(clock.utc_s(), 24 * H)
    assert service.asked == []
    clock.advance(301.0)
    assert (await provider.forecast(clock.utc_s(), 24 * H)).members


async def test_met_norway_s_older_model_is_used_with_what_it_has() -> None:
    """The answer is the service's newest even where its model ran long ago."""
    start = datetime(2026, 1, 10, 11, tzinfo=UTC).timestamp()

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=met(40))  # of 00:10

    app = web.Application()
    app.router.add_get("/", handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        fetch = Redirected(session, ManualClock(utc_s=start), "roadheat/0", to=str(server.make_url("/")))
        kept = await LastGood(met_norway.MetNorwayProvider(SEOUL, fetch)).forecast(start, 24 * H)
    assert kept.forecast is not None
    assert not kept.stale


async def test_one_unusable_request_silences_no_other() -> None:
    bodies = {"1": b"<html>maintenance</html>", "2": hourly_answer(int(NOW), 48)}

    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=bodies[request.query["n"]])

    app = web.Application()
    app.router.add_get("/", handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        clock = ManualClock(utc_s=NOW)
        url = str(server.make_url("/"))
        fetch = Redirected(session, clock, "roadheat/0", to=url)
        for _ in range(2):
            with pytest.raises(WeatherError):
                await fetch.read(url, {"n": "1"}, lambda a: openmeteo.parse(a.body))
        assert (await fetch.read(url, {"n": "2"}, lambda a: openmeteo.parse(a.body))).members
        bodies["1"] = json.dumps(json.loads(bodies["2"])).encode()
        with pytest.raises(WeatherError, match=r"could not be used; next try in \d+ s"):
            await fetch.read(url, {"n": "1"}, lambda a: openmeteo.parse(a.body))
        clock.advance(31.0)
        assert (await fetch.read(url, {"n": "1"}, lambda a: openmeteo.parse(a.body))).members
