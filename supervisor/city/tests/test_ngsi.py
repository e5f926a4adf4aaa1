"""NGSI-LD: entities by their schemas and by a JSON-LD processor, and pushes to a broker that enforces the rules.

No real broker was tried: the one here is written from ETSI GS CIM 009.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pyld import jsonld

from supervisor.city import deliver
from supervisor.city.deliver import Delivery
from supervisor.city.documents import Documents
from supervisor.city.ngsi import push
from supervisor.city.ngsi.entities import CORE_CONTEXT, TYPES, Entities, urn, with_context
from supervisor.city.ngsi.push import Pusher
from supervisor.city.registry import City
from supervisor.city.spool import Spool
from supervisor.city.tests.test_city_service import config_of, delivered
from supervisor.config.city import NgsiLdConfig
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.zone import Inventory
from supervisor.gateway.tests.board_client import until
from supervisor.runtime.background import Background
from supervisor.web.keys import SERVICES

SCHEMAS = Path(__file__).parents[1] / "ngsi" / "schemas"
AT = "2026-01-01T00:00:00Z"
NGSI = "https://uri.etsi.org/ngsi-ld/"
# The terms of the core context that our entities use, by its specification.
CORE = {
    "@context": {
        "id": "@id", "type": "@type", "Property": NGSI + "Property", "Relationship": NGSI + "Relationship",
        "value": NGSI + "hasValue", "object": {"@id": NGSI + "hasObject", "@type": "@id"},
        "observedAt": {"@id": NGSI + "observedAt", "@type": NGSI + "DateTime"}, "unitCode": NGSI + "unitCode",
        "GeoProperty": NGSI + "GeoProperty", "location": NGSI + "location", "Point": "https://purl.org/geojson/vocab#Point",
        "coordinates": {"@id": "https://purl.org/geojson/vocab#coordinates", "@container": "@list"},
        "description": "http://purl.org/dc/terms/description",
    }
}  # fmt: skip


def core_only(url: str, _options: Any = None) -> dict[str, Any]:
    assert url == CORE_CONTEXT, url  # everything else must be in the entity
    return {"contextUrl": None, "documentUrl": url, "document": CORE, "contentType": "application/ld+json"}


def faults(entity: dict[str, Any]) -> list[str]:
    """What a broker refuses in an entity."""
    found = []
    if not re.fullmatch(r"urn:ngsi-ld:\w+:.+", str(entity.get("id"))) or not isinstance(entity.get("type"), str):
        found.append("id or type")
    for name, part in entity.items():
        if name in ("id", "type", "@context"):
            continue
        if not isinstance(part, dict) or part.get("type") not in ("Property", "Relationship", "GeoProperty"):
            found.append(f"{name} is neither Property nor Relationship")
        elif part["type"] == "Property" and part.get("value") is None:
            found.append(f"{name} has no value")
        elif part["type"] == "Relationship" and not str(part.get("object")).startswith("urn:"):
            found.append(f"{name} has no object")
        elif not re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", part.get("observedAt", "2026-01-01T00:00:00Z")
        ):
            found.append(f"{name}: observedAt")
    if "@context" not in entity:
        return [*found, "no @context"]
    (expanded,) = jsonld.expand(entity, {"documentLoader": core_only})
    if len(expanded) != len(entity) - 1:  # a term without a meaning is dropped by JSON-LD
        found.append("a term has no meaning in @context")
    return found


class FakeBroker:
    """entityOperations/upsert, as the specification has it."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {}
        self.batches: list[list[Any]] = []
        self.broken: list[web.Response] = []  # answers to give first
        self.token = ""

    async def upsert(self, request: web.Request) -> web.Response:
        if self.broken:
            return self.broken.pop(0)
        if request.headers.get("Authorization", "") != (f"Bearer {self.token}" if self.token else ""):
            return web.json_response({"type": "about:blank", "title": "Unauthorized"}, status=401)
        if request.content_type != "application/ld+json":
            return web.json_response({"type": "https://uri.etsi.org/ngsi-ld/errors/InvalidRequest"}, status=415)
        entities = json.loads(await request.read())
        wrong = [fault for entity in entities for fault in faults(entity)]
        if not isinstance(entities, list) or not entities or wrong:
            problem = {"type": "https://uri.etsi.org/ngsi-ld/errors/BadRequestData", "detail": "; ".join(wrong)}
            return web.json_response(problem, status=400)
        new = [entity["id"] for entity in entities if entity["id"] not in self.held]
        self.held |= {entity["id"]: entity for entity in entities}
        self.batches.append(entities)
        return web.json_response(new, status=201) if new else web.Response(status=204)


@asynccontextmanager
async def broker_at(broker: FakeBroker) -> AsyncIterator[str]:
    app = web.Application(client_max_size=8 * 1024**2)
    app.router.add_post("/ngsi-ld/v1/entityOperations/upsert", broker.upsert)
    async with TestServer(app) as server:
        yield str(server.make_url("/ngsi-ld/v1/entityOperations/upsert"))


@pytest.fixture
def entities(city: City, district: Any) -> Entities:
    services = district.app[SERVICES]
    config = NgsiLdConfig(segments={"z02": "urn:ngsi-ld:RoadSegment:7"})
    return Entities(city.readings, services.site, services.feeders, config)


def test_every_entity_has_its_schema_and_every_term_a_meaning(entities: Entities, city: City, district: Any) -> None:
    district.alarms.set(AlarmCode.EARTH_FAULT, "z06", True, "test")
    district.alarms.set(AlarmCode.FORECAST, "", True, "not of a road")
    city.readings._wh = {"z02": 3_000_000}
    live = district.live.zones["z02"]
    about = Inventory(latitude=37.60461, longitude=127.0123)
    live.zone = msgspec.structs.replace(live.zone, inventory=about)
    found = entities.all()
    assert [one["type"] for one in found] == [*[TYPES[0]] * 8, *[TYPES[1]] * 2, TYPES[2], TYPES[3]]
    for entity in with_context(found):
        schema = json.loads((SCHEMAS / f"{entity['type']}.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(schema).validate(entity)
        assert faults(entity) == []
    z02 = next(one for one in found if one["id"] == urn(TYPES[0], "Seongbuk-gu", "z02"))
    assert z02["roadSurfaceTemperature"] == {
        "type": "Property", "value": -0.4, "observedAt": z02["activePower"]["observedAt"], "unitCode": "CEL"
    }  # fmt: skip
    assert z02["weatherRelatedRoadConditionType"]["value"] == "freshSnow"
    assert (z02["energyConsumed"]["value"], z02["energyConsumed"]["unitCode"]) == (3000.0, "KWH")
    assert z02["location"]["value"] == {"type": "Point", "coordinates": [127.0123, 37.60461]}
    assert z02["refRoadSegment"]["object"] == "urn:ngsi-ld:RoadSegment:7"
    silent = next(one for one in found if one["id"].endswith(":z08"))
    assert not {"roadSurfaceTemperature", "activePower", "heated", "weatherRelatedRoadConditionType"} & set(silent)
    assert "activePower" not in found[8]  # of a feeder with a silent road: the sum would be too small
    assert found[-1]["alertSource"]["value"].endswith(":z06")


def test_a_schema_refuses_what_is_wrong(entities: Entities) -> None:
    schema = json.loads((SCHEMAS / "HeatedRoadSection.json").read_text(encoding="utf-8"))
    good = entities.all()[1]
    for name, value in (
        ("roadSurfaceTemperature", {"type": "Property", "value": 200, "unitCode": "CEL", "observedAt": AT}),
        ("roadSurfaceTemperature", {"type": "Property", "value": 1, "unitCode": "FAH", "observedAt": AT}),
        ("roadSurfaceTemperature", {"type": "Property", "value": 1, "unitCode": "CEL"}),
        ("weatherRelatedRoadConditionType", {"type": "Property", "value": "slippy", "observedAt": AT}),
        ("heated", {"type": "Property", "value": None, "observedAt": AT}),
        ("colour", {"type": "Property", "value": 1}),
    ):  # fmt: skip
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(good | {name: value}, schema)


class Push:
    """A pusher with its spool, until the end of the block."""

    def __init__(self, pusher: Pusher, delivery: Delivery, spool: Spool) -> None:
        self.pusher, self.delivery, self.spool = pusher, delivery, spool


@asynccontextmanager
async def pushing(entities: Entities, district: Any, path: Path, url: str, **keys: Any) -> AsyncIterator[Push]:
    token = keys.pop("token", "")
    async with Spool(path / "ngsi.spool", keys.pop("cap", 2**28)) as spool:
        config = NgsiLdConfig(url=url, **keys)
        delivery = Delivery(push.target(config, token), spool, district.alarms, district.clock, print)
        yield Push(Pusher(config, entities.all, delivery, district.clock), delivery, spool)


async def until_delivered(one: Push) -> None:
    async with Background() as background:
        background.keep("deliver", one.delivery.run)
        await delivered(one.spool)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "BACKOFF_S", (0.01, 0.02))


async def test_only_what_changed_is_sent_and_in_order(
    entities: Entities, district: Any, tmp_path: Path, quick: None
) -> None:
    broker = FakeBroker()
    broker.token = "secret"
    async with broker_at(broker) as url, pushing(entities, district, tmp_path, url, token="secret") as one:
        assert await one.pusher.queue_once() == 11
        district.clock.advance(60)
        district.hear("z02", -0.2, "slush", 3.0, power_w=47_000)
        assert await one.pusher.queue_once() >= 1
        district.hear("z02", 0.4, "wet", power_w=47_000)
        await one.pusher.queue_once()
        await until_delivered(one)
        assert len(broker.batches[0]) == 11
        z02 = urn(TYPES[0], "Seongbuk-gu", "z02")
        seen = [entity["weatherRelatedRoadConditionType"]["value"] for batch in broker.batches for entity in batch
                if entity["id"] == z02]  # fmt: skip
        assert seen == ["freshSnow", "slushOnRoad", "wet"]
        assert await one.pusher.queue_once() == 0
        assert (await one.spool.counts()).delivered == 3


async def test_a_day_without_the_broker_is_spooled_delivered_in_order_and_counted(
    entities: Entities, district: Any, tmp_path: Path, quick: None
) -> None:
    minutes = 24 * 60 // 6  # a change every six minutes
    async with pushing(entities, district, tmp_path, "http://127.0.0.1:9/ngsi-ld/v1/entityOperations/upsert") as one:
        for minute in range(minutes):
            district.hear("z07", 3.0 + minute / 1000, "dry", power_w=minute)
            assert await one.pusher.queue_once() >= 1
        assert (await one.spool.counts()).waiting == minutes
    broker = FakeBroker()
    broker.broken = [  # while it comes back
        web.Response(status=503), web.Response(text="<html>Maintenance</html>", content_type="text/html"),
        web.Response(status=401), web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}),
    ]  # fmt: skip
    async with broker_at(broker) as url, pushing(entities, district, tmp_path, url) as one:  # after a restart
        await until_delivered(one)
        counts = await one.spool.counts()
    assert (counts.delivered, counts.refused, counts.dropped, counts.waiting) == (minutes, 0, 0, 0)
    z07 = urn(TYPES[0], "Seongbuk-gu", "z07")
    watts = [one["activePower"]["value"] for batch in broker.batches for one in batch if one["id"] == z07]
    assert watts == [minute / 1000 for minute in range(minutes)]


async def test_what_the_broker_refuses_is_counted_and_stops_nothing(
    entities: Entities, district: Any, tmp_path: Path, quick: None
) -> None:
    broker = FakeBroker()
    async with broker_at(broker) as url, pushing(entities, district, tmp_path, url) as one:
        await one.spool.add(b'[{"id": "x"}]', 0)
        await one.pusher.queue_once()
        await until_delivered(one)
        counts = await one.spool.counts()
        assert (counts.refused, counts.delivered) == (1, 1)


async def test_a_full_spool_drops_the_oldest_and_counts_them(entities: Entities, district: Any, tmp_path: Path) -> None:
    async with pushing(entities, district, tmp_path, "http://127.0.0.1:9/", cap=30) as one:
        for number in range(5):
            await one.spool.add(b"%010d" % number, number)
        oldest = await one.spool.oldest()
        assert oldest is not None
        assert oldest.body == b"0000000002"
        assert (await one.spool.counts()).dropped == 2


async def test_an_hour_without_a_delivery_is_an_alarm_and_ends_with_the_next(
    entities: Entities, district: Any, tmp_path: Path, quick: None
) -> None:
    broker = FakeBroker()
    async with broker_at(broker) as url, pushing(entities, district, tmp_path, url) as one:
        broker.broken = [web.Response(status=500) for _ in range(3_000)]
        await one.pusher.queue_once()
        async with Background() as background:
            background.keep("deliver", one.delivery.run)
            await until(lambda: len(broker.broken) <= 3_000 - 3)
            assert not district.alarms.stands(AlarmCode.CITY_NOT_DELIVERED, "ngsi_ld")
            district.clock.advance(3601)
            await until(lambda: district.alarms.stands(AlarmCode.CITY_NOT_DELIVERED, "ngsi_ld"))
            broker.broken = []
            await until(lambda: not district.alarms.stands(AlarmCode.CITY_NOT_DELIVERED, "ngsi_ld"))


async def test_the_form_of_the_korean_city_data_hub(entities: Entities) -> None:
    config = NgsiLdConfig(url="https://hub.example/ingest", form="ingest", dataset="heated-roads")
    body = json.loads(push.body(config, entities.all()))
    assert (body["datasetId"], len(body["entities"])) == ("heated-roads", 11)
    assert push.target(config, "t").headers == {"Content-Type": "application/json", "Authorization": "Bearer t"}


async def test_entities_are_read_over_http(
    entities: Entities, district: Any, sign_in: Any, aiohttp_client: Any
) -> None:
    object.__setattr__(district.app[SERVICES], "documents", Documents(entities=entities))
    viewer = await sign_in("viewer")
    async with viewer.client.get("/ngsi-ld/v1/entities?type=HeatedRoadSection&limit=3&offset=1&count=true") as answer:
        assert (answer.status, answer.content_type) == (200, "application/ld+json")
        assert answer.headers["NGSILD-Results-Count"] == "8"
        page = json.loads(await answer.read())
    assert [one["id"][-3:] for one in page] == ["z02", "z03", "z04"]
    assert all(faults(one) == [] for one in page)
    one = page[0]["id"]
    async with viewer.client.get(f"/ngsi-ld/v1/entities/{one}?options=keyValues") as answer:
        simple = json.loads(await answer.read())
    assert (simple["id"], simple["weatherRelatedRoadConditionType"]) == (one, "freshSnow")
    for path, status in (
        ("/ngsi-ld/v1/entities", 422), ("/ngsi-ld/v1/entities?type=Car&limit=0", 422),
        ("/ngsi-ld/v1/entities?type=Alert&options=x", 422), ("/ngsi-ld/v1/entities/urn:ngsi-ld:Car:1", 404),
    ):  # fmt: skip
        assert (await viewer.ask("GET", path))[0] == status, path
    assert (await viewer.ask("POST", "/ngsi-ld/v1/entities", json={}))[0] in (404, 405)
    stranger = await aiohttp_client(district.app)
    assert (await stranger.get("/ngsi-ld/v1/entities?type=Alert")).status == 401


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('url = "hub"', "city.ngsi_ld.url = 'hub': not a web address"),
        ('url = "https://u:p@hub.example/x"', "not a web address"),
        ("every_s = 1", "city.ngsi_ld.every_s = 1: outside 10…3600"),
        ('url = "https://h.example/i"\nform = "ingest"', "city.ngsi_ld.dataset: is missing"),
        ('segments = { z99 = "urn:a:b" }', "city.ngsi_ld.segments.z99 = 'urn:a:b': unknown zone"),
        ('segments = { z01 = "x" }', "city.ngsi_ld.segments.z01 = 'x': not a URI"),
        ('token_env = "TOKEN"', "city.ngsi_ld.token_env = 'TOKEN': is not used without city.ngsi_ld.url"),
    ],
)
def test_what_is_wrong_in_its_table_is_said(tmp_path: Path, keys: str, said: str) -> None:
    _, problems = config_of(tmp_path, f"[city.ngsi_ld]\n{keys}")
    assert len(problems) == 1
    assert said in problems[0]
