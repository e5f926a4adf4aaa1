"""REST handlers for a shift: the city's response stage, what happened while one was away, and the hand-over."""

from __future__ import annotations

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from supervisor.control.outlook.desk import OutlookNow
from supervisor.control.response import StageNow
from supervisor.domain.errors import CommandError, NotFoundError
from supervisor.domain.handover import Handover
from supervisor.domain.plain_text import one_line
from supervisor.domain.role import Role
from supervisor.reports.used import Used
from supervisor.web.allowed import Need
from supervisor.web.api import BODY, MUTATION, Route
from supervisor.web.body import json_answer, read_struct
from supervisor.web.keys import SERVICES, SESSION
from supervisor.web.past import query_number, record_of

NOTES_BACK_S: Final = 2 * 86_400
AWAY_MAX_S: Final = 7 * 86_400
LINES_MAX: Final = 60
LINE_MAX: Final = 300
TEXT_MAX: Final = 1_000


class Away(Struct, kw_only=True):
    """A shift at a glance."""

    stage: StageNow | None  # null: nobody decides it here
    from_utc_s: int
    until_utc_s: int
    used: Used  # of all roads in that time, by whole quarters of an hour
    notes: list[Handover]  # of the last two days, newest first


class NewHandover(Struct, forbid_unknown_fields=True):
    """What the next shift should know: ticked lines, and words of one's own; one of them at least."""

    text: Annotated[str, Meta(max_length=TEXT_MAX)] = ""
    items: Annotated[list[Annotated[str, Meta(min_length=1, max_length=LINE_MAX)]], Meta(max_length=LINES_MAX)] = []


def _stage(request: web.Request) -> StageNow | None:
    response = request.app[SERVICES].response
    return response.now() if response is not None else None


async def get_stage(request: web.Request) -> web.Response:
    return json_answer(_stage(request) or StageNow("none", None, None))


async def get_outlook(request: web.Request) -> web.Response:
    outlooks = request.app[SERVICES].outlooks
    if outlooks is None:
        raise NotFoundError("no outlook is made here", where=request.path[:80])
    return json_answer(await outlooks.answer(_stage(request) or StageNow("none", None, None)))


async def get_shift(request: web.Request) -> web.Response:
    services, record = request.app[SERVICES], record_of(request)
    now = int(services.clock.utc_s())
    begin = max(min(query_number(request, "from", now - 8 * 3600), now), now - AWAY_MAX_S)
    used = await services.energy.used(begin, now) if services.energy is not None else Used()
    notes = await record.handovers.since(now - NOTES_BACK_S)
    return json_answer(
        Away(stage=_stage(request), from_utc_s=begin, until_utc_s=now, used=used, notes=notes)
    )  # fmt: skip


def tidy(text: str) -> str:
    """Line by line as people's texts are kept."""
    return "\n".join(one_line(line) for line in text.splitlines()).strip()


async def post_handover(request: web.Request) -> web.Response:
    session, said = request[SESSION], await read_struct(request, NewHandover)
    text, items = tidy(said.text), tuple(line for each in said.items if (line := tidy(each)))
    if not text and not items:
        raise CommandError("nothing to hand over", where="text", remedy="Tick a line or write a few words")
    return json_answer(await record_of(request).handovers.add(session.user, text, items), status=201)


async def take_handover(request: web.Request) -> web.Response:
    session, text = request[SESSION], request.match_info["number"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else -1
    return json_answer(await record_of(request).handovers.take(number, session.user))


CREW: Final = Need(Role.CREW, None)
ROUTES: Final = (
    Route("GET", "/api/v1/stage", get_stage, "The city's response stage by the snow forecast for 24 h", StageNow),
    Route("GET", "/api/v1/outlook", get_outlook,
          "Ice within 24 h on roads without heat, and how good the outlooks of the evenings were", OutlookNow,
          problems=("not-found", "store")),
    Route("GET", "/api/v1/shift", get_shift,
          "Stage, energy since `?from=` (UTC seconds; default 8 h ago) and the hand-over notes of two days", Away,
          problems=("not-found", "invalid", "store")),
    Route("POST", "/api/v1/handovers", post_handover, "Leave a note for the next shift (role crew)", Handover, 201,
          NewHandover, ("not-found", "command", "store", *MUTATION, *BODY), CREW, True),
    Route("POST", "/api/v1/handovers/{number}/take", take_handover, "Take a note over (role crew)", Handover,
          problems=("not-found", "no-handover", "store", *MUTATION), need=CREW, limited=True),
)  # fmt: skip
