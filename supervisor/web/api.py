"""REST handlers. `ROUTES` is the one table: the router and the OpenAPI document are both made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from supervisor.control.live import ZoneView
from supervisor.domain.errors import NotFoundError
from supervisor.domain.override import Override
from supervisor.domain.plan import SLOT_S, Plan, Reason
from supervisor.web.guard import Handler, cookie_name, need_role
from supervisor.web.keys import SERVICES, SESSION
from supervisor.web.once import ONCE
from supervisor.web.problems import RequestError
from supervisor.web.schema import (
    LinkAnswer,
    LinkRequest,
    OverrideAnswer,
    OverrideRequest,
    PlanAnswer,
    SessionAnswer,
    SlotAnswer,
    WhyAnswer,
)
from supervisor.web.stream import PACE

BODY_MAX_BYTES: Final = 16 * 1024  # the largest request is a reason of 200 letters
BODY_WAIT_S: Final = 10.0  # a body that dribbles longer is an attack or a dead link

S = TypeVar("S", bound=Struct)


@dataclass(frozen=True)
class Route:
    """One operation of the interface."""

    method: str
    path: str
    handler: Handler
    summary: str
    answer: Any  # struct or list of structs; None: no body
    status: int = 200
    request: type[Struct] | None = None
    problems: tuple[str, ...] = ()  # codes besides those that every operation may give


def json_answer(data: object, status: int = 200) -> web.Response:
    """Any struct as a JSON response."""
    return web.Response(body=msgspec.json.encode(data), status=status, content_type="application/json")


async def _body(request: web.Request, struct: type[S]) -> S:
    """The request's body as a struct: unknown, missing and out-of-range fields are refused by name."""
    if request.content_type != "application/json":
        raise RequestError("not-json", where="Content-Type", remedy="Send application/json")
    try:
        raw = await request.app[PACE].within(BODY_WAIT_S, request.read())
    except TimeoutError:
        raise RequestError("timeout", remedy="Send it again") from None
    try:
        return msgspec.json.decode(raw, type=struct)
    except msgspec.ValidationError as error:
        message, _, at = str(error).partition(" - at `$")
        quoted = message.split("`")[1] if "field `" in message else ""
        raise RequestError("invalid", message, where=at.rstrip("`").lstrip(".") or quoted) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RequestError("bad-json", str(error)) from None


def zone_id(request: web.Request) -> str:
    """The zone of the path; raises NotFoundError."""
    zone = request.match_info["zone"]
    if zone not in request.app[SERVICES].live.zones:
        raise NotFoundError("unknown zone", where=zone[:80], remedy="GET /api/v1/zones lists them", code="unknown-zone")
    return zone


def _override_id(request: web.Request) -> int:
    text = request.match_info["override"]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFoundError("unknown override", where=text[:80], code="unknown-override")
    return int(text)


async def get_session(request: web.Request) -> web.Response:
    session, services = request[SESSION], request.app[SERVICES]
    return json_answer(
        SessionAnswer(
            user=session.user,
            role=session.role,
            csrf=session.csrf,
            expires_utc_s=session.expires_utc_s,
            site=services.site.name,
            timezone=services.site.timezone,
            utc_s=services.clock.utc_s(),
        )
    )


async def delete_session(request: web.Request) -> web.Response:
    await request.app[SERVICES].sessions.end(request[SESSION])
    response = web.Response(status=204)
    response.del_cookie(cookie_name(request), path="/", secure=request.secure, httponly=True, samesite="Strict")
    return response


async def get_zones(request: web.Request) -> web.Response:
    return json_answer(request.app[SERVICES].live.snapshot())


async def get_zone(request: web.Request) -> web.Response:
    return json_answer(request.app[SERVICES].live.view(zone_id(request)))


def plan_answer(plan: Plan, why: tuple[Reason, ...]) -> PlanAnswer:
    """A plan and its reasons as they are true now.

    Its run-length slots are made absolute; the last one ends with the lease, or after one slot.
    """
    end_s = plan.start_utc_s + max(plan.lease_s, (plan.slots[-1].start_s + SLOT_S) if plan.slots else 0)
    starts = [plan.start_utc_s + slot.start_s for slot in plan.slots]
    return PlanAnswer(
        zone=plan.zone,
        label=plan.label,
        issued_utc_s=plan.issued_utc_s,
        start_utc_s=plan.start_utc_s,
        end_utc_s=end_s,
        lease_s=plan.lease_s,
        slots=[
            SlotAnswer(start, end, slot.setpoint_mc / 1000, slot.duty_permille)
            for slot, start, end in zip(plan.slots, starts, [*starts[1:], end_s], strict=False)
        ],
        why=[
            WhyAnswer(r.code, plan.start_utc_s + r.start_s, plan.start_utc_s + r.end_s, r.probability, r.hazard_utc_s)
            for r in why
        ],
    )


async def get_plan(request: web.Request) -> web.Response:
    zone = zone_id(request)
    plan = request.app[SERVICES].live.zones[zone].plan
    if plan is None:
        raise NotFoundError(
            "no plan yet", where=zone, remedy="The board's local rule decides meanwhile", code="no-plan"
        )
    return json_answer(plan_answer(plan, request.app[SERVICES].live.reasons(zone)))


def _override_answer(request: web.Request, override: Override) -> OverrideAnswer:
    live = request.app[SERVICES].live
    blocked = override.zone in live.zones and live.view(override.zone).blocked
    return OverrideAnswer(
        id=override.id,
        zone=override.zone,
        mode=override.mode.value,
        user=override.user,
        reason=override.reason,
        created_utc_s=override.created_utc_s,
        expires_utc_s=override.expires_utc_s,
        state=override.state.value,
        recorded=override.recorded,
        not_heating=live.view(override.zone).not_heating if blocked else None,
    )


async def post_override(request: web.Request) -> web.Response:
    session = need_role(request, "crew")
    zone = zone_id(request)
    wanted = await _body(request, OverrideRequest)

    async def work() -> web.Response:
        override = await request.app[SERVICES].overrides.request(
            zone, wanted.mode.value, wanted.minutes, wanted.reason, session.user
        )
        return json_answer(_override_answer(request, override), status=201)

    return await request.app[ONCE].run(session.user, request.headers.get("Idempotency-Key"), work)


async def get_override(request: web.Request) -> web.Response:
    return json_answer(_override_answer(request, request.app[SERVICES].overrides.get(_override_id(request))))


async def delete_override(request: web.Request) -> web.Response:
    session = need_role(request, "crew")
    override = await request.app[SERVICES].overrides.cancel(_override_id(request), session.user)
    return json_answer(_override_answer(request, override))


async def post_link(request: web.Request) -> web.Response:
    session = need_role(request, "admin")
    wanted = await _body(request, LinkRequest)
    token, expires_utc_s = await request.app[SERVICES].sessions.invite(wanted.user, wanted.role, session.user)
    return json_answer(LinkAnswer(wanted.user, wanted.role, f"/login?token={token}", expires_utc_s), status=201)


_BODY: Final = ("bad-json", "not-json", "too-large", "invalid", "timeout")
MUTATION: Final = ("bad-origin", "bad-csrf", "forbidden")

ROUTES: Final = (
    Route("GET", "/api/v1/session", get_session, "Who is signed in", SessionAnswer),
    Route("DELETE", "/api/v1/session", delete_session, "Sign out", None, 204, problems=MUTATION[:2]),
    Route("POST", "/api/v1/links", post_link, "Invite a person: a one-time sign-in link (role admin)",
          LinkAnswer, 201, LinkRequest, (*MUTATION, *_BODY)),
    Route("GET", "/api/v1/zones", get_zones, "All zones as they are now", list[ZoneView]),
    Route("GET", "/api/v1/zones/{zone}", get_zone, "One zone as it is now", ZoneView, problems=("unknown-zone",)),
    Route("GET", "/api/v1/zones/{zone}/plan", get_plan, "What the zone will do and why", PlanAnswer,
          problems=("unknown-zone", "no-plan")),
    Route("POST", "/api/v1/zones/{zone}/overrides", post_override,
          "Command a zone for a limited time, with a reason (role crew); the newest command wins",
          OverrideAnswer, 201, OverrideRequest,
          ("unknown-zone", "command", "electric-danger", "store", *MUTATION, *_BODY)),
    Route("GET", "/api/v1/overrides/{override}", get_override, "How far a command has come", OverrideAnswer,
          problems=("not-found", "unknown-override")),
    Route("DELETE", "/api/v1/overrides/{override}", delete_override, "End a command now (role crew)", OverrideAnswer,
          problems=("not-found", "unknown-override", "electric-danger", "store", *MUTATION)),
)  # fmt: skip
