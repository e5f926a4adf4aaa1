"""Whether the service lives and works, for process managers and load balancers: open, and it tells nothing else."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from supervisor.domain.alarm import NOT_READY
from supervisor.web.body import json_answer
from supervisor.web.keys import SERVICES

LIVE: Final = "/healthz"
READY: Final = "/readyz"


async def get_live(request: web.Request) -> web.Response:
    """The event loop answers: a process manager need not restart it."""
    return json_answer({"live": True})


async def get_ready(request: web.Request) -> web.Response:
    """200 while it records and every loop runs, else 503 with the codes of the alarms that say so."""
    safety = request.app[SERVICES].safety
    standing = {alarm.code for alarm in safety.alarms.standing()} if safety is not None else set()
    why = [code.value for code in NOT_READY if code in standing]
    return json_answer({"ready": not why, "why": why}, status=503 if why else 200)
