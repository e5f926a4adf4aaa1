"""Pages for residents: the state of each road in words, open to everybody, without cookies or scripts.

A page is made at most once in `FRESH_S`, however many people ask for it. Who reports ice is not asked, and not kept: an
address only counts as a number that means nothing outside this process.
"""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from html import escape
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import segno
from aiohttp import web

from supervisor.control.residents import IceReports, RoadNews, RoadState, news
from supervisor.domain.errors import NotFoundError, StoreError
from supervisor.net.connections import address_group
from supervisor.web.guard import ROADS as PREFIX
from supervisor.web.keys import SERVICES
from supervisor.web.login import Failures
from supervisor.web.pages import LANGUAGES, language
from supervisor.web.problems import RequestError

FRESH_S: Final = 10.0
REPORTS_MAX: Final = 4  # of one address in a quarter of an hour
_TEXTS: Final = {
    one: json.loads((Path(__file__).with_name("i18n") / f"{one}.json").read_text(encoding="utf-8")) for one in LANGUAGES
}
_ORDER: Final = tuple(RoadState)


@dataclass
class Residents:
    """What the pages need. `proxies`: addresses that many people share."""

    reports: IceReports
    proxies: Collection[str] = ()
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    counts: Failures = field(default_factory=Failures)
    pages: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)  # made when, by road and language


async def get_roads(request: web.Request) -> web.Response:
    """Every road, the worst first."""
    request.app[SERVICES].count("residents view")
    return _page(request, "")


async def get_road(request: web.Request) -> web.Response:
    """One road, with a button to report ice; the address of a cabinet's QR code."""
    request.app[SERVICES].count("residents view")
    return _page(request, _zone(request))


async def post_ice(request: web.Request) -> web.Response:
    """Ice reported: an alarm and an event. The page opens again and says so."""
    residents, zone = _residents(request), _zone(request)
    address = request.remote or ""
    if address not in residents.proxies:
        mark = blake2b(address_group(address).encode(), key=residents.salt, digest_size=12).hexdigest()
        if residents.counts.note(mark, request.app[SERVICES].clock.monotonic_s()) > REPORTS_MAX:
            raise RequestError("too-many", remedy="Wait a quarter of an hour")
    try:
        new = await residents.reports.report(zone)
    except StoreError:  # the alarm stands, only its event is missing
        new = True
    said = "yes" if new else "known"
    back = f"{PREFIX}/{zone}?said={said}&lang={_language(request)}"
    return web.Response(status=303, headers={"Location": back})


async def get_qr(request: web.Request) -> web.Response:
    """The QR code of a road's page, to be printed for its cabinet."""
    zone, public = _zone(request), request.app[SERVICES].public_url
    if not public:
        raise NotFoundError(
            "the address of these pages is not known", where="web.public_url", remedy="Set it in city.toml"
        )
    out = io.BytesIO()
    segno.make(f"{public.rstrip('/')}{PREFIX}/{zone}", error="q").save(out, kind="svg", scale=10, border=4)
    headers = {"Cache-Control": "public, max-age=86400"}
    return web.Response(body=out.getvalue(), content_type="image/svg+xml", headers=headers)


def _residents(request: web.Request) -> Residents:
    residents = request.app[SERVICES].residents
    if residents is None:
        raise NotFoundError("no such page", where=request.path[:80])
    return residents


def _zone(request: web.Request) -> str:
    _residents(request)
    zone = request.match_info["zone"]
    if zone not in request.app[SERVICES].live.zones:
        raise NotFoundError("unknown road", where=zone[:80], remedy=f"{PREFIX} lists them", code="unknown-zone")
    return zone


def _language(request: web.Request) -> str:
    wanted = request.query.get("lang", "")
    return wanted if wanted in LANGUAGES else language(request)


def _page(request: web.Request, zone: str) -> web.Response:
    residents, services = _residents(request), request.app[SERVICES]
    spoken, now_s = _language(request), services.clock.monotonic_s()
    made_s, text = residents.pages.get((zone, spoken), (-FRESH_S, ""))
    if not text or now_s - made_s >= FRESH_S:
        made = [news(view) for view in services.live.snapshot()]
        text = _text(made, zone, spoken, services.site.name, ZoneInfo(services.site.timezone), services.clock.utc_s())
        residents.pages[zone, spoken] = now_s, text
    said = {"yes": "thanks", "known": "known"}.get(request.query.get("said", ""))
    note = f'<p class="said" role="status">{escape(_TEXTS[spoken][said])}</p>' if said else ""
    headers = {"Cache-Control": "public, max-age=30", "Vary": "Accept-Language"}
    return web.Response(text=text.replace("<!--said-->", note), content_type="text/html", headers=headers)


def _text(roads: list[RoadNews], zone: str, spoken: str, site: str, zone_info: ZoneInfo, now_utc_s: float) -> str:
    words = _TEXTS[spoken]

    def clock(utc_s: float) -> str:
        return datetime.fromtimestamp(utc_s, zone_info).strftime("%H:%M")

    def name(road: RoadNews) -> str:
        return escape((road.name_ko if spoken == "ko" else "") or road.name)

    def times(road: RoadNews) -> str:
        parts = [words["since"].format(time=clock(road.since_utc_s))] if road.since_utc_s else []
        parts += [words["until"].format(time=clock(road.until_utc_s))] if road.until_utc_s else []
        return " · ".join(parts)

    other = next(one for one in LANGUAGES if one != spoken)
    title = escape(words["title"].format(site=site))
    here = next((road for road in roads if road.zone == zone), None)
    rest = sorted((road for road in roads if road is not here), key=lambda road: _ORDER.index(road.state))
    parts = [
        f'<!doctype html><html lang="{spoken}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="60">'
        f"<title>{title}</title>"
        '<link rel="icon" href="/static/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/static/roads.css">'
        f'</head><body><header><a href="?lang={other}" hreflang="{other}">{words["language"]}</a><p>{title}</p>'
        f"<h1>{name(here) if here else escape(words['all'])}</h1></header><!--said-->"
    ]  # fmt: skip
    if here is not None:
        parts.append(
            f'<section class="road here {here.state}"><strong>{escape(words[here.state])}</strong>'
            f"<span>{times(here)}</span><p>{escape(words[f'{here.state}.text'])}</p></section>"
            f'<form method="post" action="{PREFIX}/{here.zone}/ice?lang={spoken}">'
            f'<button>{escape(words["report"])}</button></form><p class="small">{escape(words["anonymous"])}</p>'
        )
    heading = escape(words["others"]) if here else ""
    parts.append(
        f'<div class="others"><h2>{heading}</h2><span>{words["asof"].format(time=clock(now_utc_s))}</span></div>'
    )
    parts += [
        f'<a class="road {road.state}" href="{PREFIX}/{road.zone}?lang={spoken}"><b>{name(road)}</b>'
        f"<strong>{escape(words[road.state])}</strong><span>{times(road)}</span></a>"
        for road in rest
    ]
    parts.append(f'<p class="small">{escape(words["emergency"])}<br>{escape(words["refresh"])}</p></body></html>\n')
    return "".join(parts)


ROUTES: Final = (
    ("GET", PREFIX, get_roads),
    ("GET", PREFIX + "/{zone}", get_road),
    ("GET", PREFIX + "/{zone}/qr.svg", get_qr),
    ("POST", PREFIX + "/{zone}/ice", post_ice),
)
