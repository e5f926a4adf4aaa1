"""REST handlers for the roster, times of maintenance and notifications."""

from __future__ import annotations

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from supervisor.control.notify.duty import NAME_MAX, RANKS, REASON_MAX, ROWS_MAX, UTC_MAX
from supervisor.control.notify.opening import Telling
from supervisor.control.notify.push_desk import name_of
from supervisor.domain.duty import Maintenance, Shift
from supervisor.domain.errors import NotFoundError, NotifyError
from supervisor.domain.role import Role
from supervisor.notify.kind import Language
from supervisor.notify.push import ENDPOINT_MAX, Subscription
from supervisor.store.people import digest
from supervisor.web.allowed import ON_SITE, OWN, Need
from supervisor.web.api import BODY, MUTATION, Route
from supervisor.web.body import json_answer, read_struct
from supervisor.web.keys import SERVICES, SESSION
from supervisor.web.problems import RequestError

Utc = Annotated[int, Meta(ge=0, le=UTC_MAX)]


class NewShift(Struct, forbid_unknown_fields=True):
    """A person's time on duty."""

    person: Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
    from_utc_s: Utc
    until_utc_s: Utc
    rank: Annotated[int, Meta(ge=RANKS[0], le=RANKS[1])] = 1  # of several at the same time the lower is told first


class NewShifts(Struct, forbid_unknown_fields=True):
    """Added together, or not at all."""

    shifts: Annotated[list[NewShift], Meta(min_length=1, max_length=ROWS_MAX)]


class RosterAnswer(Struct):
    """The roster: shifts that end later than a week ago."""

    shifts: list[Shift]
    on_duty: list[str]  # in the order in which they are told now
    hole_from_utc_s: float | None  # the first time without anybody within the next day
    hole_until_utc_s: float | None


class NewMaintenance(Struct, forbid_unknown_fields=True):
    """Alarms of `subject` are expected until the end: nobody is notified of them."""

    until_utc_s: Utc
    reason: Annotated[str, Meta(min_length=1, max_length=REASON_MAX)]
    subject: Annotated[str, Meta(max_length=40)] = ""  # id of a road, board or supply; "": everything
    from_utc_s: Utc = 0  # 0: now


class PushAnswer(Struct):
    """What a browser needs to subscribe, and who can be tried."""

    public_key: str  # applicationServerKey, base64url
    receivers: list[str]
    language: Language | None  # of the own newest browser; None: none is subscribed


class NewSubscription(Struct, forbid_unknown_fields=True):
    """`PushSubscription.toJSON()` of the browser, flattened."""

    endpoint: Annotated[str, Meta(min_length=1, max_length=ENDPOINT_MAX)]
    p256dh: Annotated[str, Meta(max_length=100)]
    auth: Annotated[str, Meta(max_length=40)]
    language: Language = "ko"


class Unsubscribed(Struct, forbid_unknown_fields=True):
    endpoint: Annotated[str, Meta(min_length=1, max_length=ENDPOINT_MAX)]


class Tried(Struct, forbid_unknown_fields=True):
    """A receiver that is to get a test message."""

    receiver: Annotated[str, Meta(min_length=1, max_length=80)]


def _telling(request: web.Request) -> Telling:
    telling = request.app[SERVICES].telling
    if telling is None:
        raise NotFoundError("nobody is notified of alarms here", where=request.path[:80])
    return telling


def _number(request: web.Request) -> int:
    text = request.match_info["number"]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else -1


async def get_roster(request: web.Request) -> web.Response:
    duty, now_s = _telling(request).duty, request.app[SERVICES].clock.utc_s()
    hole = duty.hole(now_s) or (None, None)
    return json_answer(RosterAnswer(duty.shifts(), duty.chain(now_s), *hole))


async def post_shifts(request: web.Request) -> web.Response:
    session, wanted = request[SESSION], await read_struct(request, NewShifts)
    shifts = [Shift(0, one.person, one.rank, one.from_utc_s, one.until_utc_s) for one in wanted.shifts]
    await _telling(request).duty.add_shifts(shifts, session.user)
    return await get_roster(request)


async def delete_shift(request: web.Request) -> web.Response:
    session = request[SESSION]
    await _telling(request).duty.remove_shift(_number(request), session.user)
    return web.Response(status=204)


async def get_maintenance(request: web.Request) -> web.Response:
    return json_answer(_telling(request).duty.windows())


async def post_maintenance(request: web.Request) -> web.Response:
    session, wanted = request[SESSION], await read_struct(request, NewMaintenance)
    begin = wanted.from_utc_s or int(request.app[SERVICES].clock.utc_s())
    window = Maintenance(0, wanted.subject, begin, wanted.until_utc_s, wanted.reason, session.user)
    return json_answer(await _telling(request).duty.add_window(window, session.user, Role(session.role)), status=201)


async def end_maintenance(request: web.Request) -> web.Response:
    session = request[SESSION]
    await _telling(request).duty.end_window(_number(request), session.user)
    return web.Response(status=204)


async def get_push(request: web.Request) -> web.Response:
    telling, user = _telling(request), request[SESSION].user
    names = telling.names(user)
    own = next((receiver for receiver, _ in telling.push.receivers.values() if receiver.person == user), None)
    return json_answer(PushAnswer(telling.push.public_key, names, own.language if own is not None else None))


async def post_push(request: web.Request) -> web.Response:
    telling, session = _telling(request), request[SESSION]
    wanted = await read_struct(request, NewSubscription)
    subscription = Subscription(wanted.endpoint, wanted.p256dh, wanted.auth, wanted.language)
    await telling.push.subscribe(session.user, digest(session.token), subscription)
    return web.Response(status=204)


async def delete_push(request: web.Request) -> web.Response:
    telling, wanted = _telling(request), await read_struct(request, Unsubscribed)
    await telling.push.unsubscribe(request[SESSION].user, wanted.endpoint)
    return web.Response(status=204)


async def post_push_test(request: web.Request) -> web.Response:
    """To the own browsers."""
    return await _test(_telling(request), name_of(request[SESSION].user))


async def post_receiver_test(request: web.Request) -> web.Response:
    """To a receiver of the configuration."""
    telling, wanted = _telling(request), await read_struct(request, Tried)
    if wanted.receiver not in telling.receivers:
        raise NotFoundError("no such receiver", where=wanted.receiver, code="no-receiver")
    return await _test(telling, wanted.receiver)


async def _test(telling: Telling, receiver: str) -> web.Response:
    try:
        await telling.test(receiver)
    except NotifyError as error:
        raise RequestError("notify", error.message, where=error.where, remedy=error.remedy) from error
    return web.Response(status=204)


ENGINEERS: Final = Need(Role.ENGINEER, None)
ROUTES: Final = (
    Route("GET", "/api/v1/roster", get_roster, "Who is on duty, in the order in which they are told", RosterAnswer,
          problems=("not-found",)),
    Route("POST", "/api/v1/roster", post_shifts, "Add shifts: all, or none (role engineer)", RosterAnswer,
          request=NewShifts, problems=("not-found", "command", "on-duty", *MUTATION, *BODY), need=ENGINEERS,
          limited=True),
    Route("DELETE", "/api/v1/roster/{number}", delete_shift, "Remove a shift (role engineer)", None, 204,
          problems=("no-shift", *MUTATION), need=ENGINEERS),
    Route("GET", "/api/v1/maintenance", get_maintenance, "Times in which alarms are expected", list[Maintenance],
          problems=("not-found",)),
    Route("POST", "/api/v1/maintenance", post_maintenance,
          "Work on a road, board or supply: until its end nobody is notified of its alarms, except electric danger and "
          "welded contactors (role crew: one road or board, a day; engineer: a supply or everything, 14 days)",
          Maintenance, 201, NewMaintenance,
          ("not-found", "command", *MUTATION, *BODY), ON_SITE, True),
    Route("DELETE", "/api/v1/maintenance/{number}", end_maintenance, "End it now (role crew)", None, 204,
          problems=("no-maintenance", *MUTATION), need=ON_SITE),
    Route("GET", "/api/v1/push", get_push, "What a browser needs to be notified of alarms", PushAnswer,
          problems=("not-found",), need=OWN),
    Route("POST", "/api/v1/push", post_push, "Tell this browser of alarms from now on, while it is signed in",
          None, 204, NewSubscription, ("not-found", "no-push-service", *MUTATION, *BODY), OWN, True),
    Route("POST", "/api/v1/push/end", delete_push, "Tell this browser no more", None, 204, Unsubscribed,
          ("not-found", *MUTATION, *BODY), OWN),
    Route("POST", "/api/v1/push/test", post_push_test, "Send a test message to the own browsers", None, 204,
          problems=("no-receiver", "notify", *MUTATION), need=OWN, limited=True),
    Route("POST", "/api/v1/receivers/test", post_receiver_test,
          "Send a test message to a receiver of the configuration (role engineer)", None, 204, Tried,
          ("no-receiver", "notify", *MUTATION, *BODY), ENGINEERS, True),
)  # fmt: skip
