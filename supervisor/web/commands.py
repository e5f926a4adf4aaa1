"""REST handlers for previews of commands, and for commands to many roads at once."""

from __future__ import annotations

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from supervisor.control.groups import GroupResult, request_all
from supervisor.control.override_rules import MIN_MINUTES, REASON_MAX, REASON_MIN
from supervisor.control.previews import CommandPreview, Previews
from supervisor.control.turns import Turns, TurnTaking
from supervisor.domain.errors import CommandError, NotFoundError, RoadheatError
from supervisor.domain.override import OverrideMode
from supervisor.web.allowed import COMMAND
from supervisor.web.api import BODY, MUTATION, Route, known_zone, override_answer, zone_id
from supervisor.web.body import json_answer, read_struct
from supervisor.web.keys import SERVICES, SESSION
from supervisor.web.problems import RequestError, to_problem
from supervisor.web.rates import RATES
from supervisor.web.schema import OverrideAnswer

ZONES_MAX: Final = 500  # of one command; a larger district sends it by feeders
Minutes = Annotated[int, Meta(ge=MIN_MINUTES, le=24 * 60)]
ZoneIds = Annotated[list[Annotated[str, Meta(max_length=16)]], Meta(min_length=1, max_length=ZONES_MAX)]


class PreviewRequest(Struct, forbid_unknown_fields=True):
    """A command that is not sent yet."""

    mode: OverrideMode
    minutes: Minutes


class GroupPreviewRequest(PreviewRequest, forbid_unknown_fields=True):
    """The same for many roads."""

    zones: ZoneIds
    turns: bool = False  # one after the other by quarters of an hour, within the contract; for ON


class GroupRequest(Struct, forbid_unknown_fields=True):
    """One command for many roads."""

    zones: ZoneIds
    mode: OverrideMode
    minutes: Minutes
    reason: Annotated[str, Meta(min_length=REASON_MIN, max_length=REASON_MAX)]
    turns: bool = False  # one after the other by quarters of an hour, within the contract; for ON


class GroupAnswer(Struct):
    """What became of one road's part."""

    zone: str
    override: OverrideAnswer | None  # None: refused
    code: str | None = None  # why, as the code of a problem
    where: str | None = None  # the field that it concerns, or the road
    error: str | None = None  # why, as a sentence
    remedy: str | None = None


def _zones(request: web.Request, zones: list[str]) -> list[str]:
    """Each zone once, in the order given. Raises NotFoundError for one that is not known."""
    return list(dict.fromkeys(known_zone(request, zone) for zone in zones))


def _previews(request: web.Request) -> Previews:
    previews = request.app[SERVICES].previews
    if previews is None:
        raise NotFoundError("no plans are made here", where=request.path[:80])
    return previews


async def preview_zone(request: web.Request) -> web.Response:
    zone, wanted = zone_id(request), await read_struct(request, PreviewRequest)
    return await _answer(request, [zone], wanted)


async def preview_group(request: web.Request) -> web.Response:
    wanted = await read_struct(request, GroupPreviewRequest)
    return await _answer(request, _zones(request, wanted.zones), wanted, turns=wanted.turns)


def _turn_taking(request: web.Request, mode: OverrideMode) -> TurnTaking:
    turn_taking = request.app[SERVICES].turn_taking
    if turn_taking is None:
        raise NotFoundError("no roads take turns here", where=request.path[:80])
    if mode is not OverrideMode.ON:
        raise CommandError("only ON takes turns", where="turns", remedy="Use mode on")
    return turn_taking


async def _answer(
    request: web.Request, zones: list[str], wanted: PreviewRequest, *, turns: bool = False
) -> web.Response:
    """Previews have a limit of their own: looking at commands uses up none of what a person may command."""
    if not request.app[RATES].take(f"preview by {request[SESSION].user}"):
        raise RequestError("too-fast", remedy="Wait a minute. The command can be sent without it")
    previews = _previews(request)
    try:
        if not turns:
            return json_answer(await previews.of(zones, wanted.mode, wanted.minutes))
        taking = _turn_taking(request, wanted.mode).wanted(zones, wanted.minutes, "preview", "preview")
        return json_answer(await previews.of_turns(taking))
    except (NotFoundError, CommandError):
        raise
    except RoadheatError as error:
        remedy = "The command can be sent without it"
        raise RequestError("no-preview", error.message, where=error.where, remedy=remedy) from error


def _result(request: web.Request, one: GroupResult) -> GroupAnswer:
    if one.override is not None:
        return GroupAnswer(one.zone, override_answer(request, one.override))
    if one.error is None:
        return GroupAnswer(one.zone, None)
    problem = to_problem(one.error)
    return GroupAnswer(one.zone, None, problem.code, problem.where, problem.detail, problem.remedy)


async def post_group(request: web.Request) -> web.Response:
    """A command to many roads counts as one against the limit; OFF is never limited."""
    session, wanted = request[SESSION], await read_struct(request, GroupRequest)
    zones = _zones(request, wanted.zones)
    if not request.app[RATES].take(session.user) and wanted.mode is not OverrideMode.OFF:
        raise RequestError("too-fast", remedy="Wait a minute. Roads can always be switched off")
    if wanted.turns:
        taking = _turn_taking(request, wanted.mode)
        results = await taking.begin(zones, wanted.minutes, wanted.reason, session.user)
        return json_answer([_result(request, one) for one in results], status=201)
    results = await request_all(
        request.app[SERVICES].overrides, zones, wanted.mode.value, wanted.minutes, wanted.reason, session.user
    )
    return json_answer(
        [_result(request, one) for one in results],
        status=201 if any(one.override is not None for one in results) else 200,
    )


async def get_turns(request: web.Request) -> web.Response:
    return json_answer(_turn_taking(request, OverrideMode.ON).standing())


async def delete_turns(request: web.Request) -> web.Response:
    number = request.match_info["turns"]
    if not (number.isascii() and number.isdigit() and len(number) <= 12):
        raise NotFoundError("no such turns", where=number[:80], remedy="They may be over", code="no-turns")
    await _turn_taking(request, OverrideMode.ON).end(int(number), request[SESSION].user)
    return web.Response(status=204)


_PREVIEW: Final = ("no-preview", "too-fast", *MUTATION, *BODY)
ROUTES: Final = (
    Route("POST", "/api/v1/zones/{zone}/overrides/preview", preview_zone,
          "What a command would do: ice minutes, energy, cost, peak, which roads are shed (role crew); changes nothing",
          CommandPreview, request=PreviewRequest, problems=("unknown-zone", "not-found", *_PREVIEW), need=COMMAND),
    Route("POST", "/api/v1/overrides/preview", preview_group, "The same for many roads (role crew); changes nothing",
          CommandPreview, request=GroupPreviewRequest, need=COMMAND,
          problems=("unknown-zone", "not-found", "command", *_PREVIEW)),
    Route("POST", "/api/v1/overrides", post_group,
          "Command many roads for a limited time, with a reason (role crew): a result for each, one audit entry",
          list[GroupAnswer], 201, GroupRequest,
          ("unknown-zone", "not-found", "command", "store", "too-fast", *MUTATION, *BODY), COMMAND),
    Route("GET", "/api/v1/turns", get_turns, "Roads that take turns, and until when", list[Turns],
          problems=("not-found",)),
    Route("DELETE", "/api/v1/turns/{turns}", delete_turns, "End turns, and what runs for them (role crew)",
          None, status=204, problems=("not-found", "no-turns", "command", "store", *MUTATION), need=COMMAND,
          limited=True),
)  # fmt: skip
