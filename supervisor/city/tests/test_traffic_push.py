"""DATEX II pushed to a centre that validates it: what changed, in order, spooled for a day, whatever it answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from lxml import etree

from supervisor.city import deliver
from supervisor.city.deliver import Delivery
from supervisor.city.ngsi.entities import Entities, with_context
from supervisor.city.registry import City, chosen
from supervisor.city.spool import Spool
from supervisor.city.tests.ngsi_broker import faults
from supervisor.city.tests.test_city_service import config_of, delivered
from supervisor.city.tests.test_ngsi import SCHEMAS
from supervisor.city.tests.test_outlook_everywhere import foreseen
from supervisor.city.tests.test_traffic import HERE
from supervisor.city.traffic import COM, Traffic
from supervisor.city.traffic_push import AGAIN_S, Pusher, target
from supervisor.config.city import TrafficConfig
from supervisor.runtime.background import Background
from supervisor.weather.design_storm import design_storm
from supervisor.web.keys import SERVICES


class Centre:
    """Takes what the schema takes; `broken` are its first answers."""

    def __init__(self) -> None:
        self.schema = etree.XMLSchema(etree.parse(HERE / "d2Payload.xsd"))
        self.taken: list[Any] = []
        self.broken: list[web.Response] = []

    async def take(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer secret":
            return web.Response(status=401)
        if self.broken:
            return self.broken.pop(0)
        root = etree.fromstring(await request.read())
        if not self.schema.validate(root):
            return web.Response(status=422, text=str(self.schema.error_log))
        self.taken.append(root)
        return web.Response(status=202)


@asynccontextmanager
async def pushing(city: City, path: Path, centre: Centre) -> AsyncIterator[tuple[Pusher, Delivery, Spool]]:
    app = web.Application()
    app.router.add_post("/datex", centre.take)
    async with TestServer(app) as server, Spool(path / "traffic.spool") as spool:
        config = TrafficConfig(country="kr", publisher="x", url=str(server.make_url("/datex")))
        traffic = Traffic(config, city.readings)
        delivery = Delivery(target(config, "secret"), spool, city.alarms, city.clock, city.counter("traffic"))
        yield Pusher(config, traffic.datex, delivery, city.clock), delivery, spool


async def test_what_changed_is_delivered_in_order_after_a_day_without_the_centre(
    city: City, district: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "BACKOFF_S", (0.01, 0.02))
    centre = Centre()
    centre.broken = [
        web.Response(status=503), web.Response(text="<html>Login</html>", content_type="text/html"),
        web.Response(status=422, text="<html>?</html>", content_type="text/html"),
        web.Response(status=302, headers={"Location": "/else"}),
    ]  # fmt: skip
    async with pushing(city, tmp_path, centre) as (pusher, delivery, spool):
        queued = 0
        for hour in range(24):
            district.hear("z02", -0.5 - hour / 10, "snow")
            queued += await pusher.queue_once()
            assert not await pusher.queue_once()  # nothing new
            district.clock.advance(60)
        assert (queued, (await spool.counts()).waiting) == (24, 24)
        district.clock.advance(AGAIN_S)
        assert await pusher.queue_once()  # it lives
        async with Background() as background:
            background.keep("deliver", delivery.run)
            await delivered(spool)
        found = [root.findtext(f".//{{{COM}}}temperature") for root in centre.taken]
        assert len(found) == 25
        times = [root.findtext(f"{{{COM}}}publicationTime") for root in centre.taken]
        assert times == sorted(times)
        assert (await spool.counts()).delivered == 25


async def test_what_the_centre_refuses_holds_up_nothing(
    city: City, district: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "BACKOFF_S", (0.01, 0.02))
    centre = Centre()
    async with pushing(city, tmp_path, centre) as (pusher, delivery, spool):
        await delivery.add(b"<notDatex/>")
        await pusher.queue_once()
        async with Background() as background:
            background.keep("deliver", delivery.run)
            await delivered(spool)
        counts = await spool.counts()
        assert (counts.refused, counts.delivered, len(centre.taken)) == (1, 1, 1)


def test_its_keys_are_checked(tmp_path: Path) -> None:
    table = '[city.traffic]\ncountry = "kr"\npublisher = "x"\n'
    config, problems = config_of(
        tmp_path, table + 'url = "https://centre.example/datex"\ntoken_env = "T"\nevery_s = 30'
    )
    assert problems == []
    assert config is not None
    assert [one.name for one in chosen(config.city)] == ["traffic"]
    for keys in ('url = "centre"', 'token_env = "T"', "every_s = 5"):
        _, problems = config_of(tmp_path, table + keys)
        assert len(problems) == 1
        assert keys.split(" ")[0] in problems[0]


async def test_observed_weather_and_the_outlook_are_entities_by_their_schemas(city: City, district: Any) -> None:
    services, now = district.app[SERVICES], district.clock.utc_s()
    series = design_storm(now - 6 * 3600, hours=6)
    rows = series.time_utc_s <= now
    columns = {name: getattr(series, name)[rows] for name in series.__dataclass_fields__}
    observed = type(series)(**columns)
    entities = Entities(city.readings, services.site, services.feeders, None, lambda back_s: observed)
    city.readings.foreseen = foreseen
    found = {one["id"].split(":")[-1]: one for one in with_context(entities.all())}
    weather = next(one for one in found.values() if one["type"] == "WeatherObserved")
    assert weather["temperature"]["value"] == pytest.approx(float(observed.air_c[-1]), abs=0.05)
    assert found["ice-outlook"]["kpiValue"]["value"] == 62.0
    for entity in (weather, found["ice-outlook"]):
        schema = json.loads((SCHEMAS / f"{entity['type']}.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(schema).validate(entity)
        assert faults(entity) == []
    old = type(series)(**{name: value[:-1] for name, value in columns.items()})
    object.__setattr__(old, "time_utc_s", old.time_utc_s - 4 * 3600)
    assert np.all(np.diff(old.time_utc_s) > 0)
    stale = Entities(city.readings, services.site, services.feeders, None, lambda back_s: old)
    assert not [one for one in stale.all() if one["type"] == "WeatherObserved"]
