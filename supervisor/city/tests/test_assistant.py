"""The MCP server, asked by the library's own client: over standard input and output, and in one process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from click.testing import CliRunner
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.types import ElicitRequestParams, ElicitResult

from supervisor.city.assistant.server import make_server
from supervisor.city.assistant.service import check_address, connect
from supervisor.city.briefing import Briefings
from supervisor.city.documents import Documents
from supervisor.city.registry import City
from supervisor.cli import main
from supervisor.domain.errors import CommandError
from supervisor.domain.scope import Scope
from supervisor.runtime.clock import ManualClock
from supervisor.web.keys import SERVICES

COMMAND = {"zone": "z03", "mode": "on", "minutes": 30, "reason": "ice on the bend"}


class Person:
    """Who sits before the client."""

    def __init__(self, action: str = "accept", send: bool = True) -> None:
        self.action, self.send, self.asked = action, send, []

    async def answer(self, _context: Any, asked: ElicitRequestParams) -> ElicitResult:
        self.asked.append(asked.message)
        return ElicitResult(action=self.action, content={"send": self.send} if self.action == "accept" else None)


@pytest.fixture
async def url(city: City, district: Any, aiohttp_client: Any) -> str:
    briefings = Briefings(city.readings, district.app[SERVICES].site, 400_000, lambda: None)
    object.__setattr__(district.app[SERVICES], "documents", Documents(briefings=briefings))
    client = await aiohttp_client(district.app)
    return str(client.make_url("")).rstrip("/")


async def token(district: Any, *scopes: Scope) -> str:
    return (await district.sessions.tokens.make("Kim", list(scopes), 1, "test"))[0]


@asynccontextmanager
async def talking(
    district: Any, url: str, *scopes: Scope, person: Person | None = None, clock: Any = None
) -> AsyncIterator[ClientSession]:
    async with (
        connect(url, await token(district, *scopes)) as service,
        create_connected_server_and_client_session(
            make_server(service, clock or district.clock)._mcp_server,
            elicitation_callback=person.answer if person is not None else None,
        ) as session,
    ):
        yield session


async def call(session: ClientSession, tool: str, **values: Any) -> tuple[bool, Any]:
    """Whether it is an error, and the text or the JSON."""
    found = await session.call_tool(tool, values)
    text = "".join(part.text for part in found.content)
    return bool(found.isError), text if found.isError else json.loads(text)


async def test_a_client_starts_the_command_and_reads_the_district(district: Any, url: str) -> None:
    environment = {"ROADHEAT_TOKEN": await token(district, Scope.READ), "PATH": os.environ["PATH"]}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "supervisor.cli", "mcp", "--url", url], env=environment
    )
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(tools) == {
            "briefing", "roads", "plan", "outlook", "ice_outlook", "energy", "alarms", "preview_command", "send_command"
        }  # fmt: skip
        assert all(tool.description for tool in tools.values())
        _, briefing = await call(session, "briefing", language="en")
        assert briefing["facts"]["roads"] == 8
        _, roads = await call(session, "roads")
        assert [road["id"] for road in roads["roads"]] == list(district.live.zones)
        _, plan = await call(session, "plan", zone="z02")
        assert plan["why"][0]["code"] == "melt-snow"
        _, outlook = await call(session, "outlook", zone="z02")
        assert outlook["stage"]["stage"] == "none"
        _, energy = await call(session, "energy", hours=6)
        assert energy["until_utc_s"] - energy["from_utc_s"] >= 0
        assert energy["used"]["wh"] == 0
        assert (await call(session, "alarms"))[1] == {"alarms": []}
        failed, text = await call(session, "plan", zone="z99")
        assert failed
        assert "unknown zone" in text
        failed, text = await call(session, "preview_command", **COMMAND)
        assert failed  # the token may only read
        assert "has not the scope command" in text


async def test_a_command_is_previewed_confirmed_by_a_person_and_sent_once(district: Any, url: str) -> None:
    person = Person()
    async with talking(district, url, Scope.READ, Scope.COMMAND, person=person) as session:
        failed, shown = await call(session, "preview_command", **COMMAND)
        assert not failed, shown
        assert shown["road"] == "성북로31길"
        assert shown["preview"]["zones"][0]["zone"] == "z03"
        assert district.overrides.live_for("z03") is None
        failed, sent = await call(session, "send_command", number=shown["number"])
        assert (failed, sent["state"]) == (False, "requested")
        assert person.asked == ["성북로31길 (z03): on for 30 min. Reason: ice on the bend"]
        held = district.overrides.live_for("z03")
        assert (held.user, held.mode, held.reason) == ("token:Kim", "on", "ice on the bend")
        failed, text = await call(session, "send_command", number=shown["number"])
        assert (failed, "call preview_command again" in text) == (True, True)


@pytest.mark.parametrize("person", [Person("decline"), Person("cancel"), Person("accept", send=False), None])
async def test_nothing_is_sent_that_no_person_has_confirmed(district: Any, url: str, person: Person | None) -> None:
    async with talking(district, url, Scope.READ, Scope.COMMAND, person=person) as session:
        _, shown = await call(session, "preview_command", **COMMAND)
        failed, text = await call(session, "send_command", number=shown["number"])
        assert failed
        assert ("cannot ask a person" if person is None else "has not confirmed") in text
        assert district.overrides.live_for("z03") is None


async def test_an_old_preview_and_an_invented_number_send_nothing(district: Any, url: str) -> None:
    person, clock = Person(), ManualClock()
    async with talking(district, url, Scope.READ, Scope.COMMAND, person=person, clock=clock) as session:
        _, shown = await call(session, "preview_command", **COMMAND)
        clock.advance(301)
        for number in (shown["number"], "00000000"):
            assert (await call(session, "send_command", number=number))[0]
        for wrong in ({"minutes": 0}, {"mode": "hot"}, {"zone": "../people"}, {"reason": ""}):
            assert (await call(session, "preview_command", **COMMAND | wrong))[0], wrong
        assert person.asked == []
        assert district.overrides.live_for("z03") is None


async def test_a_service_that_is_gone_or_is_none_is_said(district: Any, aiohttp_client: Any, url: str) -> None:
    async with connect("http://127.0.0.1:9", "rh_x") as service:
        with pytest.raises(CommandError, match="Look whether the service runs"):
            await service.get("/api/v1/zones")
    async with connect(url, "rh_wrong") as service:
        with pytest.raises(CommandError, match="unknown, revoked or expired"):
            await service.get("/api/v1/zones")
    async with connect(url, await token(district, Scope.READ)) as service:
        with pytest.raises(CommandError, match="not JSON"):
            await service.get("/static/icon.svg")


def test_the_token_goes_over_tls_only() -> None:
    assert check_address("https://roads.example/") == "https://roads.example"
    assert check_address("http://[::1]:8080") == "http://[::1]:8080"
    for wrong in ("http://roads.example", "ftp://x", "roads", "https://u:p@x", "http://[", "https://x?y=1"):
        with pytest.raises(CommandError):
            check_address(wrong)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROADHEAT_TOKEN", raising=False)
    done = CliRunner().invoke(main, ["mcp", "--url", "https://x.example"])
    assert (done.exit_code, "ROADHEAT_TOKEN: no API token" in done.output) == (2, True)
    monkeypatch.setitem(sys.modules, "mcp", None)
    done = CliRunner().invoke(main, ["mcp", "--url", "https://x.example"])
    assert (done.exit_code, "Install roadheat[mcp]" in done.output) == (2, True)
