"""GET /api/v1/stream: zones as they change, by server-sent events.

On connect `zones`, `alarms` and `degraded` (the full lists, which are also the resume), then `zone` for each that
changed (with `?changes=1`: `change`, its id and the fields that differ), the other lists when one of theirs begins,
changes or ends, and `clock` as heartbeat. Changes are merged by zone while a client is slow; one that takes nothing
for `STALLED_S` is closed.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from aiohttp import web

from supervisor.control.alarms import Alarm
from supervisor.control.live import Subscription
from supervisor.control.view import ZoneView
from supervisor.domain.errors import StoreError
from supervisor.web.guard import find_session, give_cookie, note_use
from supervisor.web.keys import RENEWED, SERVICES, SESSION
from supervisor.web.pace import Pace
from supervisor.web.packing import Packing, event
from supervisor.web.problems import RequestError
from supervisor.web.schema import ClockEvent

logger = logging.getLogger(__name__)

FLUSH_S: Final = 0.25  # faster is not visible, and a demo changes a thousand times a second
HEARTBEAT_S: Final = 15.0  # below the usual 30–60 s after which proxies and NATs forget a silent connection
HEARTBEAT_FAST_S: Final = 1.0  # in a demo the clock deviates within a second
SESSION_CHECK_S: Final = 4.0  # with a stalled write before it, a revoked session's stream ends within 15 s
STALLED_S: Final = 10.0  # a phone that reads nothing for that long has lost its signal
BUFFER_BYTES: Final = 64 * 1024  # about one full list of a district; more would be out of date

PACE: Final = web.AppKey("pace", Pace)
# Open streams by person or program, the oldest first.
STREAMS: Final = web.AppKey[dict[str, list[Subscription]]]("streams", dict)
PER_USER: Final = 16  # windows and devices of one person; a further one ends the oldest, which may be a dead phone's


def _clock(app: web.Application) -> bytes:
    return event("clock", ClockEvent(utc_s=app[SERVICES].clock.utc_s(), rate=round(app[PACE].rate(), 2)))


def _lists(app: web.Application) -> dict[str, bytes]:
    """The events of the lists beside the zones, as they are now, by name."""
    safety = app[SERVICES].safety
    alarms: list[Alarm] = safety.alarms.standing() if safety is not None else []
    return {"alarms": event("alarms", alarms), "degraded": event("degraded", app[SERVICES].degraded_now())}


async def _next(subscription: Subscription, timeout_s: float) -> list[ZoneView]:
    """Zones that changed within `timeout_s` of the loop, or none; raises StopAsyncIteration when closed."""
    try:
        async with asyncio.timeout(max(timeout_s, 0.0)):
            return await anext(subscription)
    except TimeoutError:
        return []


async def _may_go_on(request: web.Request) -> bool:
    """False once the session has been revoked or has expired, and where it is due for a longer life.

    In the last case the app connects again at once, and that answer carries the renewed cookie.
    """
    try:
        session = await find_session(request)
    except StoreError as error:  # a disk that fails ends no stream
        logger.warning("session of a stream not checked: %s", error)
        return True
    if session is None or session.renew_until_utc_s is not None:
        return False
    note_use(request, session)
    return True


async def _send_all(
    request: web.Request, response: web.StreamResponse, subscription: Subscription, packing: Packing
) -> None:
    services, pace = request.app[SERVICES], request.app[PACE]
    beat_s = checked_s = pace.wall_s()
    lists = _lists(request.app)
    first = b"retry: 3000\n\n" + _clock(request.app) + packing.all(services.live.snapshot())
    first += b"".join(lists.values())
    await pace.within(STALLED_S, response.write(packing.pack(first)))
    while True:
        interval_s = HEARTBEAT_S if pace.rate() < 1.5 else HEARTBEAT_FAST_S
        flushed_s = pace.wall_s()
        due_s = min(beat_s + interval_s, checked_s + SESSION_CHECK_S)
        changed = await _next(subscription, pace.loop_s(due_s - flushed_s))
        if pace.wall_s() >= checked_s + SESSION_CHECK_S:
            if not await _may_go_on(request):
                return
            checked_s = pace.wall_s()
        data = packing.zones(changed)
        known, lists = lists, _lists(request.app)
        data += b"".join(now for name, now in lists.items() if now != known[name])
        if pace.wall_s() >= beat_s + interval_s:
            beat_s = pace.wall_s()
            data += _clock(request.app)
        if data:
            await pace.within(STALLED_S, response.write(packing.pack(data)))
            await pace.until(flushed_s + FLUSH_S)


async def stream(request: web.Request) -> web.StreamResponse:
    """Handler of the stream; ends with the client, its session or the service."""
    subscription = request.app[SERVICES].live.subscribe()
    if subscription is None:
        raise RequestError("busy", remedy="Close other windows of the app or try again shortly")
    packing = Packing.wanted(request)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    response.headers["Vary"] = "Accept-Encoding"
    if packing.packed:
        response.headers["Content-Encoding"] = "gzip"
    if request[RENEWED]:
        give_cookie(request, response, request[SESSION])
    own = request.app[STREAMS].setdefault(request[SESSION].user, [])
    own.append(subscription)
    for oldest in own[:-PER_USER]:
        oldest.close()
    try:
        await response.prepare(request)
        if request.transport is not None:
            request.transport.set_write_buffer_limits(high=BUFFER_BYTES)
        await _send_all(request, response, subscription, packing)
    except StopAsyncIteration:
        pass  # the service stops, or this reader is too far behind
    except (ConnectionError, TimeoutError):
        logger.info("stream client lost")
        if request.transport is not None:
            request.transport.abort()  # a regular close would wait for the bytes that cannot be sent
    except Exception as error:
        if not response.prepared:
            raise
        logger.error("stream failed, the client connects again", exc_info=error)  # too late for an error page
    finally:
        subscription.close()
        own.remove(subscription)
        if not own:
            request.app[STREAMS].pop(request[SESSION].user, None)
    return response


async def close_streams(app: web.Application) -> None:
    """On shutdown: end every stream, so that none delays the shutdown."""
    streams: dict[str, list[Subscription]] = app[STREAMS]
    for own in streams.values():
        for subscription in own:
            subscription.close()
