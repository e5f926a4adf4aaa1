"""REST handlers for what crews do on roads themselves: ploughed, salted."""

from __future__ import annotations

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from supervisor.control.road_work import RoadWorks
from supervisor.control.sprayers import Sprayers, Treatment
from supervisor.domain.errors import NotFoundError
from supervisor.domain.road_work import Agent, RoadWork, WorkKind
from supervisor.domain.role import Role
from supervisor.domain.scope import Scope
from supervisor.road.work import AMOUNT_G_M2
from supervisor.web.allowed import Need
from supervisor.web.api import BODY, MUTATION, Route, known_zone
from supervisor.web.body import json_answer, read_struct
from supervisor.web.keys import SERVICES, SESSION

ZONES_MAX: Final = 500  # of a district, at once


class NewStock(Struct, forbid_unknown_fields=True):
    """How much is left in a sprayer's tank or in a salt box."""

    zone: Annotated[str, Meta(max_length=16)]
    kind: Annotated[str, Meta(max_length=16)]  # brine, salt-box
    left_permille: Annotated[int, Meta(ge=0, le=1000)]
    observed_utc_s: Annotated[int, Meta(ge=0, le=2**33)]


class NewWork(Struct, forbid_unknown_fields=True):
    """A person has ploughed or salted these zones: recorded for all of them, or for none."""

    zones: Annotated[list[Annotated[str, Meta(max_length=80)]], Meta(min_length=1, max_length=ZONES_MAX)]
    kind: WorkKind
    agent: Agent | None = None  # salted, and not said: calcium chloride
    amount_g_m2: Annotated[float, Meta(ge=AMOUNT_G_M2[0], le=AMOUNT_G_M2[1])] | None = None  # null: not known


def _works(request: web.Request) -> RoadWorks:
    works = request.app[SERVICES].works
    if works is None:
        raise NotFoundError("no works are recorded here", where=request.path[:80])
    return works


async def post_work(request: web.Request) -> web.Response:
    session, said = request[SESSION], await read_struct(request, NewWork)
    made = await _works(request).report(said.zones, said.kind, session.user, said.agent, said.amount_g_m2)
    return json_answer(made, status=201)


async def take_back(request: web.Request) -> web.Response:
    session, text = request[SESSION], request.match_info["number"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else -1
    return json_answer(await _works(request).take_back(number, session.user))


def _sprayers(request: web.Request) -> Sprayers:
    sprayers = request.app[SERVICES].sprayers
    if sprayers is None:
        raise NotFoundError("no sprayers are followed here", where=request.path[:80])
    return sprayers


async def get_treatments(request: web.Request) -> web.Response:
    return json_answer(_sprayers(request).all())


async def post_stock(request: web.Request) -> web.Response:
    sprayers, said = _sprayers(request), await read_struct(request, NewStock)
    sprayers.stock(known_zone(request, said.zone), said.kind, said.left_permille, said.observed_utc_s)
    return json_answer(sprayers.all(), status=201)


OBSERVERS: Final = Need(Role.CREW, Scope.OBSERVE)  # a crew, or the recorder of a gritting vehicle
ROUTES: Final = (
    Route("POST", "/api/v1/works", post_work,
          "Say that roads were ploughed or salted; the estimate and the plan follow (role crew)", list[RoadWork], 201,
          NewWork, ("not-found", "unknown-zone", "command", "store", *MUTATION, *BODY), OBSERVERS, True),
    Route("GET", "/api/v1/treatments", get_treatments,
          "Heat or brine for each road with a sprayer, and why; what its sprayer may spread now; what is left",
          list[Treatment], problems=("not-found",)),
    Route("POST", "/api/v1/stocks", post_stock, "How much brine or salt is left beside a road (role crew)",
          list[Treatment], 201, NewStock, ("not-found", "unknown-zone", "stale", "invalid", *MUTATION, *BODY),
          OBSERVERS, True),
    Route("DELETE", "/api/v1/works/{number}", take_back,
          "It was not so: for an hour a work can be taken back (role crew)", RoadWork,
          problems=("not-found", "no-work", "command", "store", *MUTATION), need=OBSERVERS),
)  # fmt: skip
