"""Boards at gateways, the core in another part: telemetry is committed before it is answered, commands arrive, keys and
certificates follow the core's."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
import msgspec
import pytest

from supervisor.cluster import core_link, membership
from supervisor.cluster.core_keys import CoreKeys
from supervisor.cluster.tests.district import core, dial, gateway
from supervisor.config import Config
from supervisor.control.board_link import BoardLink
from supervisor.control.intake import Intake
from supervisor.domain.errors import ConfigError
from supervisor.gateway import gateway as listener
from supervisor.gateway.tests.board_client import hello, sample, telemetry, until
from supervisor.tests.test_service import Crew, client, next_of
from supervisor.tests.test_service import config as config
from supervisor.wire.messages import Ack, ClockCommand, Hello, OverrideCommand, PlanCommand, ResultFrame
from tools.servers import Nats, free_port

pytestmark = [pytest.mark.nats, pytest.mark.timeout(90)]


async def test_one_storm_through_a_gateway(config: Config, nats_server: Nats) -> None:
    nats = nats_server.address
    async with core(config, nats) as service, gateway(nats) as edge, client() as http:
        board = await dial(config, http, edge, hello())
        clock = await next_of(board, ClockCommand)
        assert abs(clock.utc - time.time()) < 5
        plan = await next_of(board, PlanCommand)
        assert (plan.ep, plan.z) == (clock.ep, "z01")
        await board.send(ResultFrame(ep=plan.ep, q=plan.q, rc=0))
        await board.send(telemetry(1, sample(dev_wh=1000), up=22))
        assert (await next_of(board, Ack)).q == (1,)
        await board.send(telemetry(2, sample(dev_wh=1166), up=32))
        assert (await next_of(board, Ack)).q == (2,)
        assert (await service.store.telemetry.zone_totals())["z01"] >= 166  # in the record before it was answered

        assert service.admin_link is not None
        crew = Crew(http, service.web_url)
        await crew.sign_in(service.admin_link)
        body = {"mode": "on", "minutes": 30, "reason": "ice on the bend"}
        status, made = await crew.post("/api/v1/zones/z02/overrides", body)
        assert (status, made["state"]) == (201, "requested")
        override = await next_of(board, OverrideCommand)
        assert (override.z, override.m) == ("z02", "on")
        await board.send(ResultFrame(ep=override.ep, q=override.q, rc=0))
        by_id = {zone["id"]: zone for zone in await crew.get("/api/v1/zones")}
        assert by_id["z01"]["plan"]["state"] in ("accepted", "measured")
        assert by_id["z01"]["online"]
        assert (edge.boards, edge.metrics.boards._value.get()) == (len(config.board), 1)


async def test_a_board_that_comes_through_another_gateway_leaves_the_first(config: Config, nats_server: Nats) -> None:
    nats = nats_server.address
    async with core(config, nats), gateway(nats) as one, gateway(nats) as two, client() as http:
        first = await dial(config, http, one, hello())
        assert (await next_of(first, ClockCommand)).q == 1
        second = await dial(config, http, two, hello(ep=1, q=40))
        clock = await next_of(second, ClockCommand)
        assert clock.q == 41 or clock.ep > 1  # its sequence goes on where the board is
        assert await asyncio.wait_for(first.closed(), 5) == 1008
        await second.send(telemetry(1, up=22))
        assert (await next_of(second, Ack)).q == (1,)


async def test_a_key_that_is_removed_ends_the_session(
    config: Config, nats_server: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CoreKeys, "LOOK_S", 0.1)
    monkeypatch.setattr(listener, "REVOKE_CHECK_S", 0.1)
    nats = nats_server.address
    async with core(config, nats), gateway(nats) as edge, client() as http:
        board = await dial(config, http, edge, hello())
        await next_of(board, ClockCommand)
        config.board_key_path("b01").unlink()
        assert await asyncio.wait_for(board.closed(), 10) == 1008


async def test_a_renewed_certificate_is_served_and_never_written(config: Config, nats_server: Nats) -> None:
    nats = nats_server.address
    async with core(config, nats) as service, gateway(nats) as edge, client() as http:
        assert service.board_address[1] == 0
        renewed: list[object] = []
        edge.link.membership.renewed.append(renewed.append)
        own = config.pki_dir / "server.pem"
        own.write_bytes(own.read_bytes() + b"\n")
        await asyncio.wait_for(until(lambda: bool(renewed)), 20)
        await next_of(await dial(config, http, edge, hello()), ClockCommand)


async def test_an_unknown_board_and_a_wrong_key_are_refused(config: Config, nats_server: Nats) -> None:
    nats = nats_server.address
    async with core(config, nats), gateway(nats) as edge, client() as http:
        board = await dial(config, http, edge, hello())
        board.key = bytes(32)
        await board.send(telemetry(1))
        assert await asyncio.wait_for(board.closed(), 5) == 1008
        refused = edge.metrics.registry.get_sample_value("roadheat_frames_refused_total", {"reason": "bad-mac"})
        assert refused == 1


async def test_a_second_core_of_a_district_is_refused(config: Config, nats_server: Nats, tmp_path: Path) -> None:
    async with core(config, nats_server.address):
        service = msgspec.structs.replace(config.service, state_dir=str(tmp_path / "other"))
        with pytest.raises(ConfigError, match="another core has this district") as refused:
            async with core(msgspec.structs.replace(config, service=service), nats_server.address):
                pass
        assert refused.value.where == "--district"


async def test_boards_stay_over_a_restart_of_the_core(config: Config, nats_server: Nats) -> None:
    """10,000 boards need not dial again: the gateway tells the next core of them."""
    nats = nats_server.address
    async with client() as http:
        async with core(config, nats):
            edge_context = gateway(nats)
            edge = await edge_context.__aenter__()
            board = await dial(config, http, edge, hello())
            before = await next_of(board, ClockCommand)
        try:
            async with core(config, nats):
                after = await asyncio.wait_for(next_of(board, ClockCommand), 20)
                assert after.ep > before.ep
                await board.send(telemetry(1, up=22))
                assert (await next_of(board, Ack)).q == (1,)
        finally:
            await edge_context.__aexit__(None, None, None)


async def test_without_a_core_boards_are_sent_away_and_health_says_so(
    config: Config, nats_server: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_link, "AWAY_S", 0.5)
    monkeypatch.setattr(core_link, "LOOK_S", 0.1)
    monkeypatch.setattr(membership, "NOBODY_S", 0.5)
    monkeypatch.setattr(membership, "BEAT_S", 0.2)
    nats, port = nats_server.address, free_port()

    async def health(http: aiohttp.ClientSession) -> int:
        async with http.get(f"http://127.0.0.1:{port}/healthz") as answer:
            return answer.status

    async with client() as http:
        async with core(config, nats):
            edge_context = gateway(nats, f"127.0.0.1:{port}")
            edge = await edge_context.__aenter__()
            board = await dial(config, http, edge, hello())
            await next_of(board, ClockCommand)
            assert await health(http) == 200
        try:
            assert await asyncio.wait_for(board.closed(), 10) == 1008
            assert await health(http) == 503
            async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
                assert "roadheat_gateway_core 0.0" in await answer.text()
        finally:
            await edge_context.__aexit__(None, None, None)


async def test_a_board_that_control_cannot_take_costs_no_other_one(
    config: Config, nats_server: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = Intake.attach

    def fails_for_one(self: Intake, link: BoardLink, who: Hello) -> None:
        if who.b == "b01":
            raise ValueError("a fault of the program")
        attach(self, link, who)

    monkeypatch.setattr(Intake, "attach", fails_for_one)
    nats = nats_server.address
    async with core(config, nats), gateway(nats) as edge, client() as http:
        other = next(board.id for board in config.board if board.id != "b01")
        zones = tuple(zone.id for zone in config.zones_of(other))
        bad = await dial(config, http, edge, hello())
        good = await dial(config, http, edge, hello(other, zones=zones))
        await next_of(good, ClockCommand)
        assert await asyncio.wait_for(bad.closed(), 10) == 1008
        await good.send(telemetry(1, sample(zones[0], dev_wh=100), up=22))
        assert (await next_of(good, Ack)).q == (1,)
