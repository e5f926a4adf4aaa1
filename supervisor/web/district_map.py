"""REST handler for the district's map: where roads run."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from msgspec import Struct

from supervisor.domain.zone import Line
from supervisor.web.api import Route
from supervisor.web.body import json_answer
from supervisor.web.keys import SERVICES


class MapRoad(Struct, frozen=True):
    """A road's line: [degrees east, degrees north] of each point, WGS84."""

    zone: str
    line: Line


class MapAnswer(Struct, frozen=True):
    """Roads with a line; none: the district has no map."""

    roads: list[MapRoad]


async def get_map(request: web.Request) -> web.Response:
    lines = request.app[SERVICES].lines
    return json_answer(MapAnswer([MapRoad(zone, line) for zone, line in lines.items()]))


ROUTES: Final = (Route("GET", "/api/v1/map", get_map, "Where roads run, of those with a line in city.toml", MapAnswer),)
