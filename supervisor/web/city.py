"""REST handlers for other systems of the city: open data, the district in words, road surfaces, observations."""

from __future__ import annotations

from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import asdict

from supervisor.city.briefing import LANGUAGES, Briefing
from supervisor.city.eyes import DrainOutcome
from supervisor.city.observations import Observation, Outcome
from supervisor.city.open_data import Published
from supervisor.city.traffic import RoadWeather, Traffic
from supervisor.domain.errors import NotFoundError
from supervisor.domain.observed import stale
from supervisor.domain.panel import RANGES, PanelReading
from supervisor.web.allowed import OBSERVE, OPEN
from supervisor.web.api import BODY, MUTATION, Route, known_zone
from supervisor.web.body import json_answer, read_struct
from supervisor.web.keys import SERVICES, SESSION
from supervisor.web.problems import RequestError

Chance = Annotated[float, Meta(ge=0, le=1)]


class ObservationRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """What one program sees of a road. The three probabilities sum up to 1."""

    zone: Annotated[str, Meta(max_length=16)]
    snow_or_ice: Chance
    wet: Chance
    dry: Chance
    obstructed: bool
    observed_utc_s: Annotated[int, Meta(ge=0, le=2**33)]


class DrainRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """How full the storm drain below a road is."""

    zone: Annotated[str, Meta(max_length=16)]
    level_permille: Annotated[int, Meta(ge=0, le=1000)]
    observed_utc_s: Annotated[int, Meta(ge=0, le=2**33)]


class UpwindRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether it snows at a place of `[city.upwind]`."""

    place: Annotated[str, Meta(max_length=40)]
    snowing: bool
    observed_utc_s: Annotated[int, Meta(ge=0, le=2**33)]


class UpwindOutcome(Struct, frozen=True):
    """When snow from there may be here; null: none is seen."""

    here_utc_s: int | None


class PanelRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a panel's meters say; at least one of the four values."""

    zone: Annotated[str, Meta(max_length=16)]
    observed_utc_s: Annotated[int, Meta(ge=0, le=2**33)]
    voltage_v: float | None = None
    current_a: float | None = None
    leakage_ma: float | None = None
    panel_c: float | None = None


class Kept(Struct, frozen=True):
    """Whether a reading is new: one of the same road, moment and source is kept once."""

    new: bool


PANEL_AGE_MAX_S: Final = 35 * 86_400  # what was read at a round may be entered later
FRESH_S: Final = 3600  # of files that change at midnight


async def _published(request: web.Request) -> Published:
    open_data = request.app[SERVICES].documents.open_data
    if open_data is None:
        raise NotFoundError("no open data is published here", where=request.path[:80])
    return await open_data.today()


def _answer(request: web.Request, made: Published, body: bytes, content_type: str) -> web.Response:
    """Cached by everybody; one that is up to date is not sent again."""
    etag = f'"{made.etag}"'
    headers = {"Cache-Control": f"public, max-age={FRESH_S}", "ETag": etag, "Access-Control-Allow-Origin": "*",
               "Cross-Origin-Resource-Policy": "cross-origin"}  # fmt: skip
    if request.headers.get("If-None-Match", "").strip() == etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)


async def get_zones_csv(request: web.Request) -> web.Response:
    made = await _published(request)
    request.app[SERVICES].count("open_data get csv")
    answer = _answer(request, made, made.csv, "text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="heated-roads-{made.day.isoformat()}.csv"'
    return answer


async def get_zones_json(request: web.Request) -> web.Response:
    made = await _published(request)
    request.app[SERVICES].count("open_data get json")
    return _answer(request, made, made.json, "application/json")


async def get_briefing(request: web.Request) -> web.Response:
    briefings = request.app[SERVICES].documents.briefings
    if briefings is None:
        raise NotFoundError("no briefing is made here", where=request.path[:80])
    language = request.query.get("lang", LANGUAGES[0])
    if language not in LANGUAGES:
        raise RequestError("invalid", f"no language {language[:20]!r}", where="lang", remedy="Use ko or en")
    return json_answer(briefings.now(language))


def _traffic(request: web.Request) -> Traffic:
    traffic = request.app[SERVICES].documents.traffic
    if traffic is None:
        raise NotFoundError("nothing is published for traffic centres here", where=request.path[:80])
    return traffic


async def get_datex(request: web.Request) -> web.Response:
    return web.Response(body=_traffic(request).datex(), content_type="application/xml", charset="utf-8")


async def get_ntcip(request: web.Request) -> web.Response:
    return json_answer(_traffic(request).ntcip())


async def post_observation(request: web.Request) -> web.Response:
    observations = request.app[SERVICES].documents.observations
    if observations is None:
        raise NotFoundError("no observations are taken here", where=request.path[:80])
    sent = await read_struct(request, ObservationRequest)
    known_zone(request, sent.zone)
    outcome = await observations.take(Observation(**asdict(sent)), request[SESSION].user)
    return json_answer(outcome, status=201)


async def post_drain(request: web.Request) -> web.Response:
    drains = request.app[SERVICES].documents.drains
    if drains is None:
        raise NotFoundError("no drains are followed here", where=request.path[:80])
    sent = await read_struct(request, DrainRequest)
    known_zone(request, sent.zone)
    return json_answer(drains.take(sent.zone, sent.level_permille, sent.observed_utc_s), status=201)


async def post_upwind(request: web.Request) -> web.Response:
    upwind = request.app[SERVICES].documents.upwind
    if upwind is None:
        raise NotFoundError("no places upwind are followed here", where=request.path[:80])
    sent = await read_struct(request, UpwindRequest)
    return json_answer(UpwindOutcome(upwind.take(sent.place, sent.snowing, sent.observed_utc_s)), status=201)


async def post_panel(request: web.Request) -> web.Response:
    services, sent = request.app[SERVICES], await read_struct(request, PanelRequest)
    if services.record is None:
        raise NotFoundError("no readings are kept here", where=request.path[:80])
    known_zone(request, sent.zone)
    if stale(sent.observed_utc_s, services.clock.utc_s(), PANEL_AGE_MAX_S):
        raise RequestError("stale", "not of the last 35 days", where="observed_utc_s", remedy="Look at the clock")
    reading = PanelReading(
        utc_s=sent.observed_utc_s, zone=sent.zone, source=request[SESSION].user, voltage_v=sent.voltage_v,
        current_a=sent.current_a, leakage_ma=sent.leakage_ma, panel_c=sent.panel_c,
    )  # fmt: skip
    wrong = reading.impossible
    if wrong is not None:
        low, high = RANGES.get(wrong, (0.0, 0.0))
        said = f"outside {low:g} to {high:g}" if wrong else "nothing was measured"
        raise RequestError("invalid", said, where=wrong or "voltage_v", remedy="Send what the meter shows")
    return json_answer(Kept(await services.record.health.add_reading(reading)), status=201)


ROUTES: Final = (
    Route("GET", "/api/v1/datex2", get_datex,
          "Road surfaces as XML: a MeasuredDataPublication of DATEX II v3 with RoadSurfaceConditionInformation", None,
          problems=("not-found",)),
    Route("GET", "/api/v1/ntcip1204", get_ntcip, "Road surfaces by the names of NTCIP 1204", list[RoadWeather],
          problems=("not-found",)),
    Route("POST", "/api/v1/observations", post_observation,
          "What a camera sees of a road: three probabilities. It commands nothing (role crew)", Outcome, 201,
          ObservationRequest, ("not-found", "unknown-zone", "stale", "store", *MUTATION, *BODY), OBSERVE, True),
    Route("POST", "/api/v1/drain-readings", post_drain,
          "How full the storm drain below a road is (role crew)", DrainOutcome, 201,
          DrainRequest, ("not-found", "unknown-zone", "stale", *MUTATION, *BODY), OBSERVE, True),
    Route("POST", "/api/v1/upwind", post_upwind,
          "Whether it snows at a place from which weather comes (role crew)", UpwindOutcome, 201,
          UpwindRequest, ("not-found", "stale", "invalid", *MUTATION, *BODY), OBSERVE, True),
    Route("POST", "/api/v1/panel-readings", post_panel,
          "What a road's panel meters say: voltage, current, leakage, temperature inside (role crew)", Kept, 201,
          PanelRequest, ("not-found", "unknown-zone", "stale", "invalid", "store", *MUTATION, *BODY), OBSERVE, True),
    Route("GET", "/api/v1/briefing", get_briefing,
          "The district in sentences made from facts, and the facts: `?lang=ko` (default) or `en`", Briefing,
          problems=("not-found", "invalid")),
    Route("GET", "/open-data/zones.csv", get_zones_csv, "Open data: the heated roads as CSV, made daily", None,
          problems=("not-found",), need=OPEN),
    Route("GET", "/open-data/zones.json", get_zones_json, "Open data: the heated roads as JSON, made daily",
          dict[str, Any], problems=("not-found",), need=OPEN),
)  # fmt: skip
