"""REST handlers for electric danger, broken cables and the alarms that stand.

Reporting a danger needs no body, no fresh data and no idempotency key: said twice it is one.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from msgspec.structs import asdict

from supervisor.control.alarms import Alarm
from supervisor.control.view import ZoneView, danger_view
from supervisor.domain.danger import Danger, DangerKind
from supervisor.domain.errors import NotFoundError
from supervisor.web.allowed import COMMAND, ON_SITE
from supervisor.web.api import BODY, MUTATION, Route, zone_id
from supervisor.web.body import json_answer, read_struct
from supervisor.web.keys import SERVICES, SESSION, Safety
from supervisor.web.schema import AlarmSeen, AlarmShelved, DangerAnswer, DangerZone

_LETTERS_MAX: Final = 80  # of an id that is quoted in an error


def _safety(request: web.Request) -> Safety:
    safety = request.app[SERVICES].safety
    if safety is None:
        raise NotFoundError("no boards are served here", where=request.path[:_LETTERS_MAX])
    return safety


def _subject(request: web.Request) -> tuple[DangerKind, str]:
    """A zone or a feeder, by the path; raises NotFoundError."""
    if "feeder" in request.match_info:
        feeder = request.match_info["feeder"]
        if not _safety(request).dangers.zones(DangerKind.FEEDER, feeder):
            raise NotFoundError(
                "unknown feeder", where=feeder[:_LETTERS_MAX], remedy="Zones name theirs", code="unknown-feeder"
            )
        return DangerKind.FEEDER, feeder
    return DangerKind.ZONE, zone_id(request)


def _standing_subject(request: web.Request) -> tuple[DangerKind, str]:
    """The same; also where the configuration no longer has it and a danger of before stands."""
    for danger in _safety(request).dangers.standing():
        if request.match_info.get(danger.kind.value) == danger.subject:
            return danger.kind, danger.subject
    return _subject(request)


def _answer(request: web.Request, danger: Danger) -> web.Response:
    services = request.app[SERVICES]
    views = [services.live.view(zone) for zone in _safety(request).dangers.zones(danger.kind, danger.subject)]
    return json_answer(
        DangerAnswer(
            **asdict(danger_view(danger)),
            confirmed_by=danger.confirmed_by,
            stands=danger.stands,
            zones=[DangerZone(view.id, view.board, view.off_reach, view.off_until_utc_s) for view in views],
        )
    )


async def post_zone_danger(request: web.Request) -> web.Response:
    session = request[SESSION]
    return _answer(request, await _safety(request).dangers.report(*_subject(request), session.user))


async def post_feeder_danger(request: web.Request) -> web.Response:
    return await post_zone_danger(request)


async def clear_zone_danger(request: web.Request) -> web.Response:
    session = request[SESSION]
    return _answer(request, await _safety(request).dangers.clear(*_standing_subject(request), session.user))


async def clear_feeder_danger(request: web.Request) -> web.Response:
    return await clear_zone_danger(request)


async def clear_broken_cable(request: web.Request) -> web.Response:
    session, safety, zone = request[SESSION], _safety(request), zone_id(request)
    await safety.cables.clear(zone, session.user, safety.audit)
    return json_answer(request.app[SERVICES].live.view(zone))


async def get_alarms(request: web.Request) -> web.Response:
    return json_answer(_safety(request).alarms.standing())


async def acknowledge_alarm(request: web.Request) -> web.Response:
    session, said = request[SESSION], await read_struct(request, AlarmSeen)
    desk = _safety(request).desk
    return json_answer(await desk.acknowledge(said.code, said.subject, session.user, said.comment, said.assigned_to))


async def shelve_alarm(request: web.Request) -> web.Response:
    session, said = request[SESSION], await read_struct(request, AlarmShelved)
    return json_answer(
        await _safety(request).desk.shelve(said.code, said.subject, session.user, said.minutes, said.reason)
    )


_DANGER: Final = "all off now, until two different people clear it (role crew)"
_DESK: Final = ("no-alarm", "store", "command", *MUTATION, *BODY)
_CLEAR: Final = "Say that the electric danger is over; the second person's word ends it (role crew)"
ROUTES: Final = (
    Route("POST", "/api/v1/zones/{zone}/danger", post_zone_danger, f"Electric danger on a road: {_DANGER}",
          DangerAnswer, problems=("unknown-zone", *MUTATION), need=COMMAND),
    Route("POST", "/api/v1/zones/{zone}/danger/clear", clear_zone_danger, _CLEAR,
          DangerAnswer, problems=("unknown-zone", "no-danger", "store", *MUTATION), need=ON_SITE),
    Route("POST", "/api/v1/feeders/{feeder}/danger", post_feeder_danger,
          f"Electric danger on a feeder: {_DANGER}", DangerAnswer,
          problems=("unknown-feeder", *MUTATION), need=COMMAND),
    Route("POST", "/api/v1/feeders/{feeder}/danger/clear", clear_feeder_danger, _CLEAR,
          DangerAnswer, problems=("unknown-feeder", "no-danger", "store", *MUTATION), need=ON_SITE),
    Route("POST", "/api/v1/zones/{zone}/broken-cable/clear", clear_broken_cable,
          "Say that a broken cable is mended (role crew)", ZoneView,
          problems=("unknown-zone", "no-broken-cable", "store", *MUTATION), need=ON_SITE, limited=True),
    Route("POST", "/api/v1/alarms/acknowledge", acknowledge_alarm,
          "Say that an alarm has been seen, what was done and who takes care; it stands on (role crew)",
          Alarm, request=AlarmSeen, problems=_DESK, need=COMMAND, limited=True),
    Route("POST", "/api/v1/alarms/shelve", shelve_alarm, "Put an alarm off for some minutes (role crew)",
          Alarm, request=AlarmShelved, problems=_DESK, need=COMMAND, limited=True),
    Route("GET", "/api/v1/alarms", get_alarms, "Alarms that stand, oldest first", list[Alarm], problems=("not-found",)),
)  # fmt: skip
