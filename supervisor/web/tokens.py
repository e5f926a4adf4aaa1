"""Handlers for API tokens: what programs of the city sign in with."""

from __future__ import annotations

from aiohttp import web
from msgspec.structs import asdict

from supervisor.store.tokens import ApiToken
from supervisor.web.body import json_answer, read_struct
from supervisor.web.keys import SERVICES, SESSION
from supervisor.web.once import SECRET
from supervisor.web.schema import TokenAnswer, TokenMade, TokenRequest


def _answer(token: ApiToken) -> TokenAnswer:
    return TokenAnswer(
        id=token.id, name=token.name, scopes=list(token.scopes), by=token.made_by, made_utc_s=token.made_utc_s,
        expires_utc_s=token.expires_utc_s, used_utc_s=token.used_utc_s or None,
    )  # fmt: skip


async def get_tokens(request: web.Request) -> web.Response:
    return json_answer([_answer(token) for token in await request.app[SERVICES].sessions.tokens.all()])


async def post_token(request: web.Request) -> web.Response:
    wanted = await read_struct(request, TokenRequest)
    token, made = await request.app[SERVICES].sessions.tokens.make(
        wanted.name, wanted.scopes, wanted.days, request[SESSION].user
    )
    answer = json_answer(TokenMade(token=token, **asdict(_answer(made))), status=201)
    answer[SECRET] = True
    return answer


async def revoke_token(request: web.Request) -> web.Response:
    await request.app[SERVICES].sessions.tokens.revoke(request.match_info["token"], request[SESSION].user)
    return web.Response(status=204)
