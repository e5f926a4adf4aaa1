"""REST handlers. `ROUTES` is the one table: the router and the OpenAPI document are both made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from msgspec import Struct
from msgspec.structs import asdict

from supervisor.control.degraded import Degraded
from supervisor.control.view import PlanView, ZoneView, override_view
from supervisor.domain.errors import NotFoundError
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import SLOT_S, Plan
from supervisor.web import people, tokens
from supervisor.web.allowed import ADMIN, ADMIN_PERSON, COMMAND, LOOK, OWN, SESSIONS, Need
from supervisor.web.body import BODY_MAX_BYTES, json_answer, read_struct
from supervisor.web.guard import Handler, drop_cookie
from supervisor.web.keys import SERVICES, SESSION
from supervisor.web.party import party
from supervisor.web.problems import RequestError
from supervisor.web.rates import RATES
from supervisor.web.schema import (
    FeederAnswer,
    LinkAnswer,
    LinkRequest,
    OverrideAnswer,
    OverrideRequest,
    PersonAnswer,
    PersonSession,
    PlanAnswer,
    SessionAnswer,
    SlotAnswer,
    TokenAnswer,
    TokenMade,
    TokenRequest,
)

__all__ = ["BODY_MAX_BYTES", "ROUTES", "Route"]


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
    need: Need | None = None  # None: LOOK, for reading only
    limited: bool = False  # counts against what one person or program may do in a short time

    def __post_init__(self) -> None:
        """Raises ValueError where a change does not say who may make it."""
        if self.need is None and self.method != "GET":
            raise ValueError(f"{self.method} {self.path}: give the role and scope that it needs")

    @property
    def needs(self) -> Need:
        """The role and scope that are needed."""
        return self.need or LOOK


def known_zone(request: web.Request, zone: str) -> str:
    """The zone; raises NotFoundError where there is none of that id."""
    if zone not in request.app[SERVICES].live.zones:
        raise NotFoundError("unknown zone", where=zone[:80], remedy="GET /api/v1/zones lists them", code="unknown-zone")
    return zone


def zone_id(request: web.Request) -> str:
    """The zone of the path; raises NotFoundError."""
    return known_zone(request, request.match_info["zone"])


def _override_id(request: web.Request) -> int:
    text = request.match_info["override"]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFoundError("unknown override", where=text[:80], code="unknown-override")
    return int(text)


def session_answer(request: web.Request) -> SessionAnswer:
    """Who is signed in, and where."""
    session, services = request[SESSION], request.app[SERVICES]
    return SessionAnswer(
        user=session.user,
        role=session.role,
        csrf=session.csrf,
        expires_utc_s=session.expires_utc_s,
        site=services.site.name,
        timezone=services.site.timezone,
        utc_s=services.clock.utc_s(),
        contract_w=services.contract_w,
        feeders=[
            FeederAnswer(each.id, round(1000 * each.contract_kw), round(1000 * each.breaker_kw))
            for each in services.feeders
        ],
        passkeys=party(services.public_url) is not None,
        attributions=services.attributions,
    )


async def get_session(request: web.Request) -> web.Response:
    return json_answer(session_answer(request))


async def delete_session(request: web.Request) -> web.Response:
    """Sign out. The last administrator is asked first: `?last-admin=yes` is the answer."""
    sure = request.query.get("last-admin") == "yes"
    await request.app[SERVICES].sessions.end(request[SESSION], keep_an_admin=not sure)
    response = web.Response(status=204)
    drop_cookie(request, response)
    return response


async def get_zones(request: web.Request) -> web.Response:
    return json_answer(request.app[SERVICES].live.snapshot())


async def get_zone(request: web.Request) -> web.Response:
    return json_answer(request.app[SERVICES].live.view(zone_id(request)))


async def get_degraded(request: web.Request) -> web.Response:
    return json_answer(request.app[SERVICES].degraded_now())


def plan_answer(plan: Plan, view: PlanView) -> PlanAnswer:
    """A plan with its run-length slots made absolute; the last one ends with the lease, or after one slot."""
    end_s = plan.start_utc_s + max(plan.lease_s, (plan.slots[-1].start_s + SLOT_S) if plan.slots else 0)
    starts = [plan.start_utc_s + slot.start_s for slot in plan.slots]
    return PlanAnswer(
        **asdict(view),
        zone=plan.zone,
        end_utc_s=end_s,
        lease_s=plan.lease_s,
        slots=[
            SlotAnswer(start, end, slot.setpoint_mc / 1000, slot.duty_permille)
            for slot, start, end in zip(plan.slots, starts, [*starts[1:], end_s], strict=False)
        ],
    )


async def get_plan(request: web.Request) -> web.Response:
    zone = zone_id(request)
    live = request.app[SERVICES].live
    plan, view = live.zones[zone].plan, live.view(zone).plan
    if plan is None or view is None:
        raise NotFoundError(
            "no plan yet", where=zone, remedy="The board's local rule decides meanwhile", code="no-plan"
        )
    return json_answer(plan_answer(plan, view))


def override_answer(request: web.Request, override: Override) -> OverrideAnswer:
    live = request.app[SERVICES].live
    zone = live.view(override.zone) if override.zone in live.zones else None
    shown = zone.override if zone is not None else None
    failed_step = shown.failed_step if shown is not None and shown.id == override.id else None
    return OverrideAnswer(
        **asdict(override_view(override, failed_step)),
        zone=override.zone,
        not_heating=zone.not_heating if zone is not None and zone.blocked else None,
    )


async def post_override(request: web.Request) -> web.Response:
    session = request[SESSION]
    zone = zone_id(request)
    wanted = await read_struct(request, OverrideRequest)
    overrides = request.app[SERVICES].overrides
    if not request.app[RATES].take(session.user):  # not `limited`: what is not off yet can always be switched off
        now = overrides.live_for(zone)
        if wanted.mode is not OverrideMode.OFF or (now is not None and now.mode is OverrideMode.OFF):
            raise RequestError(
                "too-fast", remedy="Wait a minute. A road that is not off yet can always be switched off"
            )
    override = await overrides.request(zone, wanted.mode.value, wanted.minutes, wanted.reason, session.user)
    return json_answer(override_answer(request, override), status=201)


async def get_override(request: web.Request) -> web.Response:
    return json_answer(override_answer(request, request.app[SERVICES].overrides.get(_override_id(request))))


async def delete_override(request: web.Request) -> web.Response:
    session = request[SESSION]
    override = await request.app[SERVICES].overrides.cancel(_override_id(request), session.user)
    return json_answer(override_answer(request, override))


BODY: Final = ("bad-json", "not-json", "too-large", "invalid", "timeout")
# With an idempotency key the body is read whether it is used or not.
MUTATION: Final = ("bad-origin", "bad-csrf", "bad-request", "key-reused", "too-large", "timeout", "forbidden")

ROUTES: Final = (
    Route("GET", "/api/v1/session", get_session, "Who is signed in", SessionAnswer),
    Route("DELETE", "/api/v1/session", delete_session, "Sign out", None, 204,
          problems=(*MUTATION, "last-admin"), need=OWN),
    Route("POST", "/api/v1/links", people.post_link, "Invite a person: a one-time sign-in link (role admin)",
          LinkAnswer, 201, LinkRequest, ("name-taken", "other-role", "last-admin", *MUTATION, *BODY), ADMIN, True),
    Route("DELETE", "/api/v1/links/{link}", people.revoke_link, "Make a pending link void (role admin)", None, 204,
          problems=("not-found", *MUTATION), need=ADMIN),
    Route("GET", "/api/v1/people", people.get_people, "Who may sign in, with sessions and pending links (role admin)",
          list[PersonAnswer], problems=("forbidden",), need=ADMIN),
    Route("DELETE", "/api/v1/people/{person}", people.revoke_person,
          "End all sessions and links of a person (role admin)", None, 204,
          problems=("not-found", "last-admin", *MUTATION), need=ADMIN),
    Route("GET", "/api/v1/sessions", people.get_sessions, "Where one is signed in oneself", list[PersonSession],
          need=OWN),
    Route("DELETE", "/api/v1/sessions", people.end_other_sessions, "Sign out on every other device", None, 204,
          problems=MUTATION, need=OWN),
    Route("DELETE", "/api/v1/sessions/{session}", people.revoke_session,
          "End one's own session on a device (role admin: anybody's)",
          None, 204, problems=("not-found", "last-admin", *MUTATION), need=SESSIONS),
    Route("GET", "/api/v1/tokens", tokens.get_tokens, "API tokens of programs, without their secrets (role admin)",
          list[TokenAnswer], problems=("forbidden",), need=ADMIN),
    Route("POST", "/api/v1/tokens", tokens.post_token, "Make an API token; it is shown this once (role admin)",
          TokenMade, 201, TokenRequest, ("name-taken", *MUTATION, *BODY), ADMIN_PERSON, True),
    Route("DELETE", "/api/v1/tokens/{token}", tokens.revoke_token, "Make an API token void, by id or name (role admin)",
          None, 204, problems=("not-found", *MUTATION), need=ADMIN),
    Route("GET", "/api/v1/zones", get_zones, "All zones as they are now", list[ZoneView]),
    Route("GET", "/api/v1/degraded", get_degraded, "What the service goes on with in a lesser form", list[Degraded]),
    Route("GET", "/api/v1/zones/{zone}", get_zone, "One zone as it is now", ZoneView, problems=("unknown-zone",)),
    Route("GET", "/api/v1/zones/{zone}/plan", get_plan, "What the zone will do and why", PlanAnswer,
          problems=("unknown-zone", "no-plan")),
    Route("POST", "/api/v1/zones/{zone}/overrides", post_override,
          "Command a zone for a limited time, with a reason (role crew); the newest command wins",
          OverrideAnswer, 201, OverrideRequest,
          ("unknown-zone", "command", "electric-danger", "store", "too-fast", *MUTATION, *BODY), COMMAND),
    Route("GET", "/api/v1/overrides/{override}", get_override, "How far a command has come", OverrideAnswer,
          problems=("not-found", "unknown-override")),
    Route("DELETE", "/api/v1/overrides/{override}", delete_override, "End a command now (role crew)", OverrideAnswer,
          problems=("not-found", "unknown-override", "electric-danger", "store", *MUTATION), need=COMMAND),
)  # fmt: skip
