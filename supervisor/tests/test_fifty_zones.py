"""A district of fifty zones on 25 boards: what a new forecast takes to reach them as plans."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest

from supervisor.app import Service, running
from supervisor.config import Config, load
from supervisor.control import plan_loop, plan_pool
from supervisor.domain.plan import PlanLabel
from supervisor.gateway.tests.board_client import BoardClient, hello
from supervisor.runtime import work
from supervisor.runtime.clock import SystemClock
from supervisor.runtime.process import OwnProcess
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.files import write_weather_csv
from supervisor.wire.keys import load_key
from supervisor.wire.messages import OverrideCommand, PlanCommand

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "city.toml"
ZONES, A_FEEDER, A_BOARD = 50, 10, 2
PUBLISHED_S = 2.0
TRIES = 3  # other work on the machine may make one slow, not all


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The example's site and tariff with fifty zones, an ensemble of 20 and snow in ten hours."""
    monkeypatch.setattr(plan_loop, "SPACING_S", 0.0)
    now = time.time() // 3600 * 3600
    write_weather_csv(tmp_path / "weather.csv", design_storm(now - 24 * 3600, hours=96, snow_start_h=34))
    head = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", EXAMPLE.read_text().split("[[feeder]]")[0])
    text = re.sub(r"(?m)^horizon_h = 30$", "horizon_h = 30\nmembers = 20", head)
    for f in range(ZONES // A_FEEDER):
        text += f'[[feeder]]\nid = "f{f}"\ncontract_kw = 420\nbreaker_kw = 600\ndemand_price_per_kw = 500.0\n'
    for b in range(ZONES // A_BOARD):
        text += f'[[board]]\nid = "b{b:02d}"\n'
    for z in range(ZONES):
        text += (
            f'[[zone]]\nid = "z{z:02d}"\nname = "street {z}"\nboard = "b{z // A_BOARD:02d}"\nrelay = {z % A_BOARD}\n'
            f'feeder = "f{z // A_FEEDER}"\npower_w = {50_000 + 200 * z}\narea_m2 = 200\npriority = {1 + z % 3}\n'
            f'layers = [{{ material = "asphalt", thickness_m = {0.08 + 0.001 * z:.3f} }}, '
            f'{{ material = "base", thickness_m = 0.3 }}]\n'
        )
    (tmp_path / "city.toml").write_text(text)
    return load(tmp_path / "city.toml")


@dataclass
class District:
    """The running service and its boards, with when each zone last got a plan and each override came."""

    service: Service
    planned: dict[str, float] = field(default_factory=dict)
    overridden: dict[str, float] = field(default_factory=dict)

    async def listen(self, board: BoardClient) -> None:
        while True:
            command = await board.receive()
            if isinstance(command, PlanCommand):
                self.planned[command.z] = time.monotonic()
            elif isinstance(command, OverrideCommand):
                self.overridden[command.z] = time.monotonic()

    async def quiet(self) -> None:
        """Every zone has a plan, and no more are coming."""
        while len(self.planned) < ZONES or time.monotonic() - max(self.planned.values()) < 1.5:  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    def forecast(self, warmer_k: float) -> float:
        """A new forecast arrives, now."""
        forecasts = self.service.plan_loop._snapshot._forecasts
        known = forecasts.latest
        assert known is not None
        members = tuple(replace(member, air_c=member.air_c + warmer_k) for member in known.members)
        forecasts.latest = replace(known, members=members)
        now = time.monotonic()
        for listener in forecasts.changed:
            listener(forecasts.latest)
        return now

    async def all_planned(self, since: float) -> float:
        """Seconds until every zone's board has its new plan."""
        while min(self.planned.values()) <= since:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return max(self.planned.values()) - since

    async def cpu_s(self) -> float:
        """Of service, boards and planners."""
        own = time.process_time()
        asked = [asyncio.wrap_future(worker.submit(time.process_time)) for worker in self.workers()]
        return own + sum(await asyncio.gather(*asked))

    def workers(self) -> list[OwnProcess]:
        return [worker for worker in self.service.plan_loop._pool._workers if isinstance(worker, OwnProcess)]


@asynccontextmanager
async def district(config: Config) -> AsyncIterator[District]:
    async with running(config, SystemClock()) as service, aiohttp.ClientSession() as http:
        made = District(service)
        tls = ssl.create_default_context(cafile=config.pki_dir / "ca.pem")
        listening = []
        for b, board in enumerate(config.board):
            key = load_key(config.board_key_path(board.id))
            client = await BoardClient.dial(http, service.board_address, tls, key)
            await client.send(hello(board.id, zones=(f"z{A_BOARD * b:02d}", f"z{A_BOARD * b + 1:02d}")))
            listening.append(asyncio.create_task(made.listen(client)))
        try:
            await made.quiet()
            yield made
        finally:
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)


async def test_new_forecast_reaches_all_boards_as_plans_within_two_seconds(config: Config) -> None:
    """By the clock, or on a machine that others use by the processor's time: one free core is then enough."""
    async with district(config) as found:
        took: list[tuple[float, float]] = []
        for k in range(TRIES):
            before = await found.cpu_s()
            wall_s = await found.all_planned(found.forecast(0.1 + 0.1 * k))
            took.append((wall_s, plan_loop.SETTLE_S + await found.cpu_s() - before))
            await found.quiet()
        labels = {zone.plan.label for zone in found.service.live.zones.values() if zone.plan is not None}
        assert labels == {PlanLabel.OPTIMAL}
        assert min(min(one) for one in took) <= PUBLISHED_S, took


async def test_planner_that_hangs_delays_no_override_and_only_its_own_feeders(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_pool, "PATIENCE_S", 1.0)
    async with district(config) as found:
        pool = found.service.plan_loop._pool
        if len(pool.groups) < 2:
            pytest.skip("one core, one planner")
        pool._timeout_s = 4.0
        hung = found.workers()[0].process
        os.kill(hung.pid or 0, signal.SIGSTOP)
        began = found.forecast(0.2)
        while not work.pending:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        pool._timeout_s = 60.0  # the next process may take its time to start
        asked = time.monotonic()
        await found.service.overrides.request("z03", "on", 30, "ice on the bend", "kim")
        while "z03" not in found.overridden:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert found.overridden["z03"] - asked < 2.0
        await found.all_planned(began)
        by_feeder = {zone.zone.feeder: zone.plan for zone in found.service.live.zones.values()}
        labels = {feeder: plan.label for feeder, plan in by_feeder.items() if plan is not None}
        lost = set(pool.groups[0])
        assert {labels[feeder] for feeder in lost} == {PlanLabel.SHIFTED}
        assert {labels[feeder] for feeder in set(labels) - lost} == {PlanLabel.OPTIMAL}
        assert "plan" in {alarm.code for alarm in found.service.alarms.standing()}
        # The override's own plan, by the new process; it may be there already.
        while {zone.plan.label for zone in found.service.live.zones.values() if zone.plan} != {PlanLabel.OPTIMAL}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
