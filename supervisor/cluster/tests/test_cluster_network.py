"""The network between a gateway and the core fails in one direction, or is slow: boards find a gateway that has a core,
and what is acknowledged is in the record."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import msgspec
import pytest

from supervisor.cluster import core_link, hub, membership
from supervisor.cluster.tests.district import core, dial, gateway
from supervisor.cluster.tests.relay import Relay
from supervisor.config import Config
from supervisor.domain.alarm import AlarmCode
from supervisor.gateway.tests.board_client import hello, sample, telemetry, until
from supervisor.tests.test_service import client, next_of
from supervisor.tests.test_service import config as config
from supervisor.wire.messages import Ack, ClockCommand
from tools.servers import Nats

pytestmark = [pytest.mark.nats, pytest.mark.timeout(90)]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of a fifth and less: the same order of them."""
    for module in (core_link, hub, membership):
        for name, wait_s in (("GONE_S", 3.0), ("ANSWER_S", 1.0), ("BEAT_S", 1.0), ("AWAY_S", 2.0), ("LOOK_S", 0.5)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, wait_s)


@pytest.mark.parametrize("direction", ["there", "back"])
async def test_one_direction_fails_and_the_board_comes_through_another_gateway(
    direction: str, config: Config, nats_server: Nats
) -> None:
    nats = nats_server.address
    async with (
        Relay(nats_server.port).running() as relay,
        core(config, nats) as service,
        gateway(relay.address) as cut,
        gateway(nats) as whole,
        client() as http,
    ):
        board = await dial(config, http, cut, hello())
        await next_of(board, ClockCommand)
        await board.send(telemetry(1, sample(dev_wh=100), up=22))
        assert (await next_of(board, Ack)).q == (1,)
        setattr(relay, direction, False)
        await board.send(telemetry(2, sample(dev_wh=200), up=32))
        assert await asyncio.wait_for(board.closed(), 30) == 1008  # sent away
        again = await dial(config, http, whole, hello(up=40, ep=1, q=30))
        await next_of(again, ClockCommand)
        for q in (2, 3):  # what was not acknowledged is sent again
            await again.send(telemetry(q, sample(dev_wh=100 * q), up=12 + 10 * q))
            assert (await next_of(again, Ack)).q == (q,)
        assert (await service.store.telemetry.zone_totals())["z01"] == 300
        setattr(relay, direction, True)
        while cut.link.membership.core is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await again.send(telemetry(4, sample(dev_wh=400), up=52))  # the first gateway has taken nothing back
        assert (await next_of(again, Ack)).q == (4,)


async def test_a_slow_network_costs_time_only(config: Config, nats_server: Nats) -> None:
    async with Relay(nats_server.port).running() as relay, core(config, nats_server.address) as service:
        relay.delay_s = 0.3
        async with gateway(relay.address) as edge, client() as http:
            board = await dial(config, http, edge, hello())
            await next_of(board, ClockCommand)
            for q in range(1, 6):
                await board.send(telemetry(q, sample(dev_wh=10 * q), up=12 + 10 * q))
            kept: set[int] = set()
            while len(kept) < 5:
                kept |= set((await next_of(board, Ack)).q)
            assert (await service.store.telemetry.zone_totals())["z01"] == 50


async def test_two_cores_that_could_not_hear_each_other(config: Config, nats_server: Nats, tmp_path: Path) -> None:
    """Once it hears of the other, the one with the lower epoch serves no gateway; boards stay with the newer."""
    nats = nats_server.address
    async with core(config, nats):
        pass
    shutil.copytree(config.state_dir, tmp_path / "other")
    service = msgspec.structs.replace(config.service, state_dir=str(tmp_path / "other"))
    other = msgspec.structs.replace(config, service=service)
    async with core(other, nats):  # its epoch is one more at its next start
        pass
    async with (
        Relay(nats_server.port).running() as relay,
        core(config, relay.address) as older,
        gateway(nats) as edge,
        client() as http,
    ):
        board = await dial(config, http, edge, hello())
        first = await next_of(board, ClockCommand)
        relay.there = relay.back = False
        async with core(other, nats):
            second = await asyncio.wait_for(next_of(board, ClockCommand), 30)  # the board need not dial again
            assert second.ep > first.ep
            relay.there = relay.back = True
            await asyncio.wait_for(until(lambda: older.alarms.stands(AlarmCode.NEWER_SUPERVISOR, "")), 30)
            await board.send(telemetry(1, sample(dev_wh=100), up=22))
            assert (await next_of(board, Ack)).q == (1,)
            assert await older.store.telemetry.zone_totals() == {}
            assert edge.link.membership.core is not None
            assert edge.link.membership.core.epoch == second.ep
