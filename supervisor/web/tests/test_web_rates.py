"""One person or program that runs wild takes nothing from the others."""

from __future__ import annotations

import asyncio
from typing import Any

from supervisor.domain.scope import Scope
from supervisor.runtime.clock import ManualClock
from supervisor.runtime.rates import BURST, Rates
from supervisor.web import stream
from supervisor.web.rates import RATES
from supervisor.web.routes import ALL_ROUTES
from supervisor.web.tests.test_web_api import OVERRIDE, problem


async def test_one_person_has_so_many_streams_and_a_further_one_ends_the_oldest(district: Any, sign_in: Any) -> None:
    greedy, other = await sign_in("viewer"), await sign_in("crew")
    open_streams = []
    for _ in range(stream.PER_USER + 3):
        answer = await greedy.client.get("/api/v1/stream")
        await answer.content.readline()
        open_streams.append(answer)
    async with asyncio.timeout(5):
        for answer in open_streams[:3]:
            await answer.content.read()  # has ended
    assert len(district.live.subscriptions) == stream.PER_USER
    async with other.client.get("/api/v1/stream") as answer:
        assert answer.status == 200
        await answer.content.readline()
        assert len(district.live.subscriptions) == stream.PER_USER + 1
    for answer in open_streams:
        answer.close()
    async with asyncio.timeout(5):
        while district.app[stream.STREAMS]:
            district.live.touch("z01")
            await asyncio.sleep(0.02)


def test_a_large_district_may_switch_every_road_twice() -> None:
    rates = Rates(ManualClock(), 500)
    assert [rates.take("Kim") for _ in range(1_001)] == [True] * 1_000 + [False]
    assert rates.take("Lee")


async def test_commands_are_limited_and_off_is_not(district: Any, sign_in: Any, aiohttp_client: Any) -> None:
    crew = await sign_in("crew")
    token, _ = await district.sessions.tokens.make("runs wild", [Scope.COMMAND], 1, "test")
    program, headers = await aiohttp_client(district.app), {"Authorization": f"Bearer {token}"}
    path = "/api/v1/zones/z03/overrides"

    async def command(mode: str, zone: str = "z03") -> tuple[int, Any]:
        wanted = OVERRIDE | {"mode": mode}
        url = f"/api/v1/zones/{zone}/overrides"
        async with program.post(url, json=wanted, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    for _ in range(BURST - 1):
        assert district.app[RATES].take("token:runs wild")
    assert (await command("on"))[0] == 201
    problem(await command("on"), 429, "too-fast")
    problem(await command("boost"), 429, "too-fast")
    assert (await command("off"))[0] == 201  # always
    problem(await command("off"), 429, "too-fast")  # it is off already
    assert (await command("off", "z04"))[0] == 201
    assert (await crew.ask("POST", path, json=OVERRIDE))[0] == 201  # others are not concerned
    seen = {"code": "forecast", "subject": ""}
    async with program.post("/api/v1/alarms/acknowledge", json=seen, headers=headers) as answer:
        problem((answer.status, await answer.json(content_type=None)), 429, "too-fast")
    district.clock.advance(60)
    assert [(await command("on"))[0] for _ in range(3)] == [201] * 3


async def test_previews_use_up_nothing_of_what_may_be_commanded(district: Any, sign_in: Any) -> None:
    crew, path = await sign_in("crew"), "/api/v1/zones/z03/overrides"
    wanted = {"mode": "on", "minutes": 60}
    rates = district.app[RATES]
    for _ in range(BURST - 1):
        assert rates.take("preview by kim-crew")
    assert (await crew.ask("POST", f"{path}/preview", json=wanted))[0] == 200
    problem(await crew.ask("POST", f"{path}/preview", json=wanted), 429, "too-fast")
    group = {**wanted, "zones": ["z03"]}
    problem(await crew.ask("POST", "/api/v1/overrides/preview", json=group), 429, "too-fast")
    assert [rates.take("kim-crew") for _ in range(BURST - 1)] == [True] * (BURST - 1)
    assert (await crew.ask("POST", path, json=OVERRIDE))[0] == 201


def test_what_is_not_limited_is_safety_or_takes_something_away() -> None:
    """A new operation that adds something to the record is limited, or belongs here with a reason."""
    free = {f"{route.method} {route.path}" for route in ALL_ROUTES if route.method == "POST" and not route.limited}
    safety = {path for path in free if path.endswith(("/danger", "/danger/clear", "/broken-cable/clear"))}
    own_limit = {"POST /api/v1/zones/{zone}/overrides", "POST /api/v1/overrides"}  # OFF is always taken
    own_limit |= {f"POST /api/v1/{path}overrides/preview" for path in ("", "zones/{zone}/")}  # beside that of commands
    signing_in = {path for path in free if path.startswith("POST /login/")}  # counted by address
    ends = {"POST /api/v1/push/end"}
    nothing_kept = {"POST /api/v1/passkeys/options"}
    assert free == safety | own_limit | signing_in | ends | nothing_kept
