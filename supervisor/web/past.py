"""REST handlers for what has happened and is foreseen: a zone's day, the history, the audit log."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from msgspec import Struct

from supervisor.control.history import History, HistoryKind, history
from supervisor.control.zone_day import ZoneDay, ZoneDays
from supervisor.domain.errors import NotFoundError, StoreError
from supervisor.domain.role import Role
from supervisor.store.audit import AuditRecord
from supervisor.store.store import Store
from supervisor.web.allowed import ADMIN
from supervisor.web.api import Route, known_zone, zone_id
from supervisor.web.body import json_answer
from supervisor.web.keys import SERVICES, SESSION
from supervisor.web.problems import RequestError

DAY_S: Final = 86_400
PAGE: Final = 200  # entries of the audit log at once
UTC_MAX: Final = 2**33


class AuditAnswer(Struct):
    """A page of the audit log, newest first."""

    entries: list[AuditRecord]


class AuditVerdict(Struct):
    """Whether the hash chain holds. Length and head, noted elsewhere, also reveal entries that were cut off."""

    unaltered: bool
    length: int
    head: str
    where: str = ""  # the first entry that is not as it was


def record_of(request: web.Request) -> Store:
    """The record; raises NotFoundError where none is read."""
    record = request.app[SERVICES].record
    if record is None:
        raise NotFoundError("no record is read here", where=request.path[:80])
    return record


def _days(request: web.Request) -> ZoneDays:
    days = request.app[SERVICES].days
    if days is None:
        raise NotFoundError("no record is read here", where=request.path[:80])
    return days


def query_number(request: web.Request, name: str, otherwise: int) -> int:
    """A number of the query; raises RequestError."""
    text = request.query.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= UTC_MAX):
        raise RequestError("invalid", f"{text[:40]!r} is no whole number", where=name, remedy="Give UTC seconds")
    return int(text)


async def get_day(request: web.Request) -> web.Response:
    zone = zone_id(request)
    return json_answer(await _days(request).day(zone))


def _kinds(request: web.Request) -> set[HistoryKind]:
    """The wanted kinds; all but plans where none is named. Sign-ins are for administrators."""
    names = request.query.getall("kind", [])
    unknown = [name for name in names if name not in tuple(HistoryKind)]
    if unknown:
        raise RequestError(
            "invalid", f"unknown kind {unknown[0][:40]!r}", where="kind", remedy="Use " + ", ".join(HistoryKind)
        )
    kinds = {HistoryKind(name) for name in names} or set(HistoryKind) - {HistoryKind.PLAN}
    session = request[SESSION]
    return kinds if session.role == Role.ADMIN else kinds - {HistoryKind.SIGN_IN}


async def get_history(request: web.Request) -> web.Response:
    services, record = request.app[SERVICES], record_of(request)
    now = int(services.clock.utc_s())
    period = query_number(request, "from", now - DAY_S), query_number(request, "to", now + 1)
    kinds, zone = _kinds(request), request.query.get("zone")
    live = services.live.zones
    zones = [one.zone for one in live.values()] if zone is None else [live[known_zone(request, zone)].zone]
    return json_answer(await record.read(lambda db: history(db, zones, kinds, period, zone is not None)))


async def get_audit(request: web.Request) -> web.Response:
    before = query_number(request, "before", 0)
    audit = record_of(request).audit
    return json_answer(AuditAnswer(await audit.newest(before or None, PAGE)))


async def get_verdict(request: web.Request) -> web.Response:
    """Every entry is read: some thousands a second."""
    try:
        length, head = await record_of(request).audit.verify()
    except StoreError as error:
        if error.code != "audit-altered":
            raise
        return json_answer(AuditVerdict(False, 0, "", error.where))
    return json_answer(AuditVerdict(True, length, head))


ROUTES: Final = (
    Route("GET", "/api/v1/zones/{zone}/day", get_day,
          "A zone's last and next 24 hours: measured, planned, unheated, precipitation, commands, alarms and works",
          ZoneDay, problems=("not-found", "unknown-zone", "store")),
    Route("GET", "/api/v1/history", get_history,
          "What happened, newest first: `?zone=`, `?kind=` (several), `?from=` and `?to=` in UTC seconds; default the "
          "last 24 h without plan reasons. Sign-ins for administrators", History,
          problems=("not-found", "unknown-zone", "invalid", "command", "store")),
    Route("GET", "/api/v1/audit", get_audit,
          "The audit log, newest first, 200 entries: `?before=` the id of the last one seen (role admin)", AuditAnswer,
          problems=("not-found", "invalid", "store"), need=ADMIN),
    Route("GET", "/api/v1/audit/verdict", get_verdict, "Whether the hash chain of the audit log holds (role admin)",
          AuditVerdict, problems=("not-found", "store"), need=ADMIN),
)  # fmt: skip
