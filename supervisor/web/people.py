"""Handlers for administrators: who may sign in, invitations, and how to end them."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from supervisor.domain.names import clean_name
from supervisor.domain.role import Role
from supervisor.store.access import SessionInfo
from supervisor.web.body import json_answer, read_struct
from supervisor.web.keys import SERVICES, SESSION
from supervisor.web.once import SECRET
from supervisor.web.passkeys import answer
from supervisor.web.schema import LinkAnswer, LinkRequest, PendingLink, PersonAnswer, PersonSession


def _sessions(found: Iterable[SessionInfo], own: str) -> list[PersonSession]:
    return [PersonSession(s.id, s.device, s.created_utc_s, s.seen_utc_s, s.expires_utc_s, s.id == own) for s in found]


async def get_people(request: web.Request) -> web.Response:
    own = request[SESSION].id
    return json_answer(
        [
            PersonAnswer(
                name=person.name,
                role=person.role,
                sessions=_sessions(person.sessions, own),
                links=[PendingLink(x.id, x.made_by, x.made_utc_s, x.expires_utc_s) for x in person.links],
                passkeys=[answer(each) for each in person.passkeys],
                seen_utc_s=person.seen_utc_s or None,
            )
            for person in await request.app[SERVICES].sessions.people()
        ]
    )


async def post_link(request: web.Request) -> web.Response:
    session = request[SESSION]
    wanted = await read_struct(request, LinkRequest)
    token, expires_utc_s = await request.app[SERVICES].sessions.invite(
        wanted.user, wanted.role, session.user, change_role=wanted.change_role
    )
    path = f"/login?token={token}"
    made = json_answer(LinkAnswer(clean_name(wanted.user), wanted.role, path, expires_utc_s), status=201)
    made[SECRET] = True
    return made


async def revoke_link(request: web.Request) -> web.Response:
    session = request[SESSION]
    await request.app[SERVICES].sessions.revoke_link(request.match_info["link"], session.user)
    return web.Response(status=204)


async def get_sessions(request: web.Request) -> web.Response:
    session = request[SESSION]
    return json_answer(_sessions(await request.app[SERVICES].sessions.own(session.user), session.id))


async def revoke_session(request: web.Request) -> web.Response:
    """One's own; an administrator, or a program with that scope, ends anybody's."""
    session = request[SESSION]
    of = None if session.role == Role.ADMIN or session.scopes is not None else session.user
    await request.app[SERVICES].sessions.revoke_session(request.match_info["session"], session.user, of)
    return web.Response(status=204)


async def end_other_sessions(request: web.Request) -> web.Response:
    await request.app[SERVICES].sessions.end_others(request[SESSION])
    return web.Response(status=204)


async def revoke_person(request: web.Request) -> web.Response:
    session = request[SESSION]
    await request.app[SERVICES].sessions.revoke_person(request.match_info["person"], session.user)
    return web.Response(status=204)
