"""REST handlers for what has happened and is foreseen: a zone's day."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from supervisor.control.zone_day import ZoneDay, ZoneDays
from supervisor.domain.errors import NotFoundError
from supervisor.web.api import Route, zone_id
from supervisor.web.body import json_answer
from supervisor.web.keys import SERVICES


def _days(request: web.Request) -> ZoneDays:
    days = request.app[SERVICES].days
    if days is None:
        raise NotFoundError("no record is read here", where=request.path[:80])
    return days


async def get_day(request: web.Request) -> web.Response:
    zone = zone_id(request)
    return json_answer(await _days(request).day(zone))


ROUTES: Final = (
    Route("GET", "/api/v1/zones/{zone}/day", get_day,
          "A zone's last and next 24 hours: measured, planned, unheated, precipitation, commands, alarms and works",
          ZoneDay, problems=("not-found", "unknown-zone", "store")),
)  # fmt: skip
