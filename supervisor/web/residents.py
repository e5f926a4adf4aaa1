"""Pages for residents: the state of each road in words, open to everybody, without cookies; scripts are not needed.

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
_PATHS: Final = {
    "ice": "M12 2.5 21 12l-9 9.5L3 12ZM12 7.5v5.5M12 16.2v.3",
    "lock": "M6 11h12v9.5H6ZM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11",
    "snow": "M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9M9.6 4.6 12 7l2.4-2.4M9.6 19.4 12 17l2.4 2.4",
    "melt": "M7.5 20c0-2 1.5-2.3 1.5-4.3s-1.5-2.7-1.5-4.7M12 20c0-2 1.5-2.3 1.5-4.3S12 13 12 11M16.5 20c0-2 1.5-2.3"
    " 1.5-4.3S16.5 13 16.5 11M12 2.5v5.5M9.6 3.9l4.8 2.7M14.4 3.9 9.6 6.6",
    "unknown": "M9 9a3 3 0 1 1 4.4 2.6c-.9.5-1.4 1.1-1.4 2.4M12 17.5v.4",
    "wet": "M12 3c3.6 4.4 6 7.4 6 11a6 6 0 0 1-12 0c0-3.6 2.4-6.6 6-11Z",
    "clear": "M5 12.5 10 17.5 19.5 7",
}
_SIGNS: Final = {
    RoadState.OUT_OF_SERVICE: "lock", RoadState.SWITCHED_OFF: "snow", RoadState.SLIPPERY: "ice",
    RoadState.UNKNOWN: "unknown", RoadState.MELTING: "melt", RoadState.STOPPED: "lock", RoadState.WET: "wet",
    RoadState.CLEAR: "clear",
}  # fmt: skip


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


def _icon(name: str, size: int) -> str:
    return (
        f'<svg viewBox="0 0 24 24" width="{size}" height="{size}" aria-hidden="true"><path d="{_PATHS[name]}"/></svg>'
    )


def _square(state: RoadState, size: int) -> str:
    """A sign beside the words, so that a state is told by its shape too."""
    return f'<i class="sign">{_icon(_SIGNS[state], size)}</i>'


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
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title>"
        '<link rel="icon" href="/static/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/static/roads.css">'
        '<script type="module" src="/static/roads.js"></script>'
        f'</head><body><main><header><a href="?lang={other}" hreflang="{other}">{words["language"]}</a><p>{title}</p>'
        f"<h1>{name(here) if here else escape(words['all'])}</h1></header><!--said-->"
    ]  # fmt: skip
    if here is not None:
        parts.append(
            f'<section class="road here {here.state}">{_square(here.state, 44)}'
            f"<strong>{escape(words[here.state])}</strong>"
            f"<span>{times(here)}</span><p>{escape(words[f'{here.state}.text'])}</p></section>"
            f'<form method="post" action="{PREFIX}/{here.zone}/ice?lang={spoken}">'
            f"<button>{_icon('ice', 24)}{escape(words['report'])}</button></form>"
            f'<p class="small">{escape(words["anonymous"])}</p>'
        )
    heading = f"<h2>{escape(words['others'])}</h2>" if here else ""
    parts.append(f'<div class="others">{heading}<span>{words["asof"].format(time=clock(now_utc_s))}</span></div>')
    parts += [
        f'<a class="road {road.state}" href="{PREFIX}/{road.zone}?lang={spoken}">'
        f"{_square(road.state, 28)}<b>{name(road)}</b>"
        f"<strong>{escape(words[road.state])}</strong><span>{times(road)}</span></a>"
        for road in rest
    ]
    again = f'<a href="?lang={spoken}">{escape(words["again"])}</a>'
    parts.append(f'<p class="small">{escape(words["emergency"])}<br>{again}</p></main></body></html>\n')
    return "".join(parts)


ROUTES: Final = (
    ("GET", PREFIX, get_roads),
    ("GET", PREFIX + "/{zone}", get_road),
    ("GET", PREFIX + "/{zone}/qr.svg", get_qr),
    ("POST", PREFIX + "/{zone}/ice", post_ice),
)
