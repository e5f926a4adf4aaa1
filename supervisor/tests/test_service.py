"""The whole service: a board over TLS, a crew over REST, a storm in the forecast; and its restarts."""

from __future__ import annotations

import os
import re
import resource
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any

import aiohttp
import msgspec
import pytest

from supervisor.app import Service, running
from supervisor.config import Config, load
from supervisor.domain.danger import DangerKind
from supervisor.gateway.tests.board_client import BoardClient, hello, sample, telemetry
from supervisor.net.tests.sockets import crowd
from supervisor.runtime.clock import SystemClock
from supervisor.store.place import Place, Server
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.files import write_weather_csv
from supervisor.wire.keys import load_key
from supervisor.wire.messages import Ack, ClockCommand, Hello, OverrideCommand, PlanCommand, ResultFrame, ToBoard

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "city.toml"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    now = time.time() // 3600 * 3600
    write_weather_csv(tmp_path / "weather.csv", design_storm(now - 24 * 3600, hours=96, snow_start_h=30))
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", EXAMPLE.read_text())
    (tmp_path / "city.toml").write_text(text)
    return load(tmp_path / "city.toml")


def on(config: Config, place: Place) -> Config:
    """The same district with its record at `place`."""
    if isinstance(place, Server):
        with config.path.open("a") as file:
            file.write(f'\n[database]\naddress = "{place.address}"\ndistrict = "{place.district}"\n')
    return load(config.path)


@asynccontextmanager
async def service(config: Config) -> AsyncIterator[Service]:
    async with running(config, SystemClock(), planner_executor=lambda: ThreadPoolExecutor(1)) as started:
        yield started


async def dial(config: Config, http: aiohttp.ClientSession, address: tuple[str, int], who: Hello) -> BoardClient:
    tls = ssl.create_default_context(cafile=config.pki_dir / "ca.pem")
    client = await BoardClient.dial(http, address, tls, load_key(config.board_key_path(who.b)))
    await client.send(who)
    return client


def client() -> aiohttp.ClientSession:
    """Keeps cookies of an IP address too."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def next_of(board: BoardClient, kind: type[Any]) -> Any:
    """The next command of that kind; the board accepts all others on the way."""
    while True:
        command: ToBoard = await board.receive()
        if isinstance(command, kind):
            return command


class Crew:
    """A phone that has opened the admin link."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http, self.url, self.csrf = http, url, ""

    async def sign_in(self, link: str) -> None:
        async with self.http.get(link) as response:
            assert response.status == 200
        async with self.http.get(f"{self.url}/api/v1/session") as response:
            self.csrf = (await response.json())["csrf"]

    async def post(self, path: str, body: object) -> tuple[int, Any]:
        headers = {"X-CSRF-Token": self.csrf, "Origin": self.url}
        async with self.http.post(f"{self.url}{path}", json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def get(self, path: str) -> Any:
        async with self.http.get(f"{self.url}{path}") as response:
            assert response.status == 200, await response.text()
            return await response.json()


async def test_one_storm_from_forecast_to_board_and_back_to_the_record(config: Config, service_place: Place) -> None:
    config = on(config, service_place)
    async with service(config) as started, client() as http:
        assert started.admin_link is not None
        board = await dial(config, http, started.board_address, hello())
        clock = await next_of(board, ClockCommand)
        assert abs(clock.utc - time.time()) < 5
        plan = await next_of(board, PlanCommand)
        assert (plan.ep, plan.z, plan.lease <= 21_600) == (clock.ep, "z01", True)
        assert any(duty > 0 for _, _, duty in plan.s)  # it will snow
        await board.send(ResultFrame(ep=plan.ep, q=plan.q, rc=0))
        await board.send(telemetry(1, sample(dev_wh=1000), up=22))
        assert (await next_of(board, Ack)).q == (1,)
        await board.send(telemetry(2, sample(dev_wh=1166), up=32))
        assert (await next_of(board, Ack)).q == (2,)
        assert (await started.store.telemetry.zone_totals())["z01"] >= 166

        crew = Crew(http, started.web_url)
        async with http.get(f"{started.web_url}/api/v1/zones") as response:
            assert response.status == 401  # nothing is open by default
        await crew.sign_in(started.admin_link)
        status, made = await crew.post(
            "/api/v1/zones/z02/overrides", {"mode": "on", "minutes": 30, "reason": "ice on the bend"}
        )
        assert (status, made["state"]) == (201, "requested")
        override = await next_of(board, OverrideCommand)
        assert (override.z, override.m, override.id) == ("z02", "on", made["id"])
        assert 1795 <= override.dur <= 1800
        await board.send(ResultFrame(ep=override.ep, q=override.q, rc=0))
        await board.send(telemetry(3, sample("z02", who=3), up=42))
        await next_of(board, Ack)
        by_id = {zone["id"]: zone for zone in await crew.get("/api/v1/zones")}
        assert by_id["z01"]["plan"]["state"] in ("accepted", "measured")
        assert by_id["z01"]["online"]
        assert by_id["z02"]["override"]["user"] == "admin"
        status, problem = await crew.post("/api/v1/zones/z02/overrides", {"mode": "on", "minutes": 30, "reason": ""})
        assert 400 <= status < 500
        assert problem["type"].startswith("urn:roadheat:problem:")


async def test_with_an_ensemble_the_metrics_tell_how_forecasts_do(config: Config) -> None:
    ensemble = msgspec.structs.replace(config, planner=msgspec.structs.replace(config.planner, members=4))
    async with service(ensemble) as started, client() as http:
        assert started.admin_link is not None
        await Crew(http, started.web_url).sign_in(started.admin_link)
        async with http.get(f"{started.web_url}/metrics") as response:
            assert "# HELP roadheat_forecast_crps " in await response.text()


async def test_restart_has_a_new_epoch_and_knows_plans_and_overrides(config: Config) -> None:
    async with client() as http:
        async with service(config) as first:
            board = await dial(config, http, first.board_address, hello())
            plan = await next_of(board, PlanCommand)
            made = await first.overrides.request("z01", "off", 60, "cable works", "kim")
            override = await next_of(board, OverrideCommand)
        assert await board.closed() is not None
        async with service(config) as second:
            newest = max((plan.ep, plan.q), (override.ep, override.q))
            board = await dial(config, http, second.board_address, hello(ep=newest[0], q=newest[1]))
            commands = [await board.receive() for _ in range(4)]
            kinds = [ClockCommand, OverrideCommand, PlanCommand, PlanCommand]
            assert [type(command) for command in commands] == kinds
            assert isinstance(commands[1], OverrideCommand)
            assert (commands[1].id, commands[1].m) == (made.id, "off")
            assert all(c.ep > newest[0] for c in commands if not isinstance(c, Ack))


@contextmanager
def process(config: Config, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """`roadheat serve` as an operator starts it."""
    command = [sys.executable, "-m", "supervisor.cli", "serve", "--config", str(config.path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def board_address(child: subprocess.Popen[bytes]) -> tuple[str, int]:
    """What the first line on its output says; skips to the last line before returning."""
    assert child.stdout is not None
    address = ("", 0)
    for raw in child.stdout:
        line = raw.decode()
        if found := re.search(r"boards dial in at ([\d.]+):(\d+)", line):
            address = found[1], int(found[2])
        if "one-time admin link" in line:
            return address
    raise AssertionError("the service ended")


async def test_sigkill_loses_nothing_that_was_acknowledged_and_sigterm_ends_cleanly(
    config: Config, tmp_path: Path
) -> None:
    with (tmp_path / "log").open("ab") as log:
        async with client() as http:
            with process(config, log) as child:
                board = await dial(config, http, board_address(child), hello())
                clock = await next_of(board, ClockCommand)
                for q in range(1, 31):
                    await board.send(telemetry(q, sample(dev_wh=1000 + 100 * q), up=12 + 10 * q))
                acknowledged: list[int] = []
                while len(acknowledged) < 20:
                    acknowledged += (await next_of(board, Ack)).q
                child.send_signal(signal.SIGKILL)
            with process(config, log) as child:
                board = await dial(config, http, board_address(child), hello(ep=clock.ep, q=99))
                assert (await next_of(board, ClockCommand)).ep == clock.ep + 1
                for q in range(1, 31):  # the board cannot know which of the rest were kept
                    await board.send(telemetry(q, sample(dev_wh=1000 + 100 * q), up=12 + 10 * q))
                again: set[int] = set()
                while len(again) < 30:
                    again.update((await next_of(board, Ack)).q)
                child.send_signal(signal.SIGTERM)
                assert child.wait(timeout=30) == 0
    async with service(config) as started:
        totals = await started.store.telemetry.zone_totals()
    assert totals["z01"] in (2900, 4000)  # 30 intervals once each; the first with or without what came before it


def few_handles() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 300))


async def test_with_few_file_handles_crowds_at_both_listeners_lock_out_neither_boards_nor_crew(
    config: Config, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "supervisor.cli", "serve", "--config", str(config.path)]
    with (
        (tmp_path / "log").open("ab") as log,
        subprocess.Popen(  # noqa: ASYNC220  (it starts in milliseconds)
            command, stdout=subprocess.PIPE, stderr=log, preexec_fn=few_handles
        ) as child,
    ):
        try:
            assert child.stdout is not None
            lines = [child.stdout.readline().decode() for _ in range(3)]
            boards, web = (re.search(r"([\d.]+):(\d+)", line) for line in lines[:2])
            assert boards is not None
            assert web is not None
            board_address, web_address = ((found[1], int(found[2])) for found in (boards, web))
            async with crowd(board_address, 300), crowd(web_address, 300), client() as http:
                crew = Crew(http, f"http://{web_address[0]}:{web_address[1]}")
                await crew.sign_in(lines[2].partition("link: ")[2].strip())
                board = await dial(config, http, board_address, hello())
                await next_of(board, ClockCommand)
                assert len(await crew.get("/api/v1/zones")) == len(config.zone)
        finally:
            child.kill()


def test_too_few_file_handles_for_the_boards_are_said_at_start(config: Config) -> None:
    command = [sys.executable, "-m", "supervisor.cli", "serve", "--config", str(config.path)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200)),
    )  # fmt: skip
    assert done.returncode == 2
    assert "6 boards need" in done.stderr
    assert "LimitNOFILE" in done.stderr


async def next_override(board: BoardClient) -> OverrideCommand:
    """The next override, answered like the board would."""
    command: OverrideCommand = await next_of(board, OverrideCommand)
    await board.send(ResultFrame(ep=command.ep, q=command.q, rc=0))
    return command


async def test_electric_danger_goes_to_the_board_and_stands_over_a_restart_until_two_people_clear_it(
    config: Config,
) -> None:
    async with service(config) as started, client() as http:
        assert started.admin_link is not None
        board = await dial(config, http, started.board_address, hello())
        crew = Crew(http, started.web_url)
        await crew.sign_in(started.admin_link)
        feeder = (await crew.get("/api/v1/zones"))[0]["feeder"]
        status, danger = await crew.post(f"/api/v1/feeders/{feeder}/danger", None)
        assert status == 200
        assert {zone["zone"] for zone in danger["zones"]} >= {"z01", "z02"}
        told = [await next_override(board) for _ in range(2)]
        assert {(one.z, one.m) for one in told} == {("z01", "off"), ("z02", "off")}
        for q, w in ((1, 0), (2, 0)):
            await board.send(telemetry(q, sample(power_w=w, who=3), sample("z02", power_w=w, who=3), up=12 + 10 * q))
            assert (await next_of(board, Ack)).q == (q,)
        view = await crew.get("/api/v1/zones/z01")
        assert (view["off_reach"], view["not_heating"]) == ("measured", "electric-danger")
        assert (await crew.post(f"/api/v1/feeders/{feeder}/danger/clear", None))[1]["cleared_by"] == "admin"
    async with service(config) as started, client() as http:
        assert [alarm.code for alarm in started.alarms.standing() if alarm.subject == feeder] == ["electric-danger"]
        board = await dial(config, http, started.board_address, hello(boot=4))
        told = [await next_override(board) for _ in range(2)]
        assert {(one.z, one.m) for one in told} == {("z01", "off"), ("z02", "off")}
        danger = await started.dangers.clear(DangerKind.FEEDER, feeder, "park")
        assert not danger.stands
        told = [await next_override(board) for _ in range(2)]
        assert {(one.z, one.m) for one in told} == {("z01", "cancel"), ("z02", "cancel")}
