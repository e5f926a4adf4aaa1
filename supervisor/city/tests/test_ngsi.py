"""NGSI-LD: entities by their schemas and by a JSON-LD processor, and read over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from supervisor.city.documents import Documents
from supervisor.city.ngsi.entities import TYPES, Entities, urn, with_context
from supervisor.city.registry import City
from supervisor.city.tests.ngsi_broker import AT, faults
from supervisor.city.tests.test_city_service import config_of
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.zone import Inventory
from supervisor.web.keys import SERVICES

SCHEMAS = Path(__file__).parents[1] / "ngsi" / "schemas"


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
