"""REST handlers for the energy page: a season by storms, months, roads and supplies, and one storm by quarters."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from supervisor.domain.errors import NotFoundError
from supervisor.reports.desk import EnergyDesk, SeasonAnswer
from supervisor.reports.storm import StormCourse
from supervisor.web.api import Route
from supervisor.web.body import json_answer
from supervisor.web.keys import SERVICES
from supervisor.web.past import UTC_MAX


def _desk(request: web.Request) -> EnergyDesk:
    """Raises NotFoundError where no record is read."""
    desk = request.app[SERVICES].energy
    if desk is None:
        raise NotFoundError("no record is read here", where=request.path[:80])
    return desk


async def get_season(request: web.Request) -> web.Response:
    return json_answer(await _desk(request).season(request.query.get("season")))


async def get_storm(request: web.Request) -> web.Response:
    desk, text = _desk(request), request.match_info["onset"]
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= UTC_MAX):
        raise NotFoundError("no storm began then", where=text[:40], remedy="GET /api/v1/energy lists them")
    return json_answer(await desk.storm(int(text)))


ROUTES: Final = (
    Route("GET", "/api/v1/energy", get_season,
          "Energy and cost of a heating season by storms, months, roads and supplies: `?season=2025-26`, by default "
          "the present one; with what roads were served in each storm", SeasonAnswer,
          problems=("not-found", "command", "store")),
    Route("GET", "/api/v1/energy/storms/{onset}", get_storm,
          "A storm by quarters of an hour: forecast and planned beside done; `onset` in UTC seconds", StormCourse,
          problems=("not-found", "store")),
)  # fmt: skip
