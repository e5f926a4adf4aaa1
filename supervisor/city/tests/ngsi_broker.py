"""A broker that enforces the rules of NGSI-LD, written from ETSI GS CIM 009. No real broker was tried."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from pyld import jsonld

from supervisor.city.ngsi.entities import CORE_CONTEXT

AT = "2026-01-01T00:00:00Z"  # any time that is written as it should be
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
