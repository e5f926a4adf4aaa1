"""What `roadheat bench fuzz` sets up: the real service as a process, honest boards, and a person who is signed in."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import ssl
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import click
import msgspec
import numpy as np
from msgspec import Struct

from supervisor.config import Config
from supervisor.wire.authentication import open_command, seal_report
from supervisor.wire.keys import load_key
from supervisor.wire.messages import Ack, Hello, Nonce, OverrideCommand, ResultFrame, Telemetry, ToBoard, ZoneSample

TELEMETRY_EACH_S = 0.2  # of an honest board: fifty times as often as in use, for enough samples
OVERRIDE_EACH_S = 0.25
ANSWER_S = 30.0  # longest wait for an acknowledgement or a command

_decode = msgspec.json.Decoder(ToBoard).decode


class Latencies(Struct):
    """What honest boards and the crew have waited for [s]."""

    acknowledged: list[float]
    commanded: list[float]

    def p99_ms(self, which: str) -> float:
        values = getattr(self, which)
        return float(np.percentile(values, 99)) * 1000 if values else float("nan")


class Link:
    """The session of one board, simulated in Python."""

    def __init__(
        self, http: aiohttp.ClientSession, config: Config, board: str, tls: ssl.SSLContext | None = None
    ) -> None:
        """`tls`: a context that many boards share; default one of its own."""
        self._http, self._config, self.board = http, config, board
        self._key = load_key(config.board_key_path(board))
        self._tls = tls or ssl.create_default_context(cafile=config.pki_dir / "ca.pem")
        self._nonce = ""
        self.ws: aiohttp.ClientWebSocketResponse | None = None

    async def dial(self, hello: Hello) -> None:
        await self.close()
        url = f"https://{self._config.boards.listen}/board/v1"
        self.ws = await self._http.ws_connect(url, ssl=self._tls, server_hostname=self._config.boards.server_name)
        self._nonce = msgspec.json.decode(await self.ws.receive_str(), type=Nonce).n
        await self.send(msgspec.json.encode(hello))

    async def close(self) -> None:
        if self.ws is not None:
            await self.ws.close()
            self.ws = None

    async def send(self, payload: bytes) -> None:
        await self.send_raw(self.seal(payload))

    def seal(self, payload: bytes) -> bytes:
        return seal_report(self._key, self._nonce, payload)

    async def send_raw(self, frame: bytes) -> None:
        """Whatever it is."""
        assert self.ws is not None
        await self.ws.send_bytes(frame)

    async def receive(self) -> Any:
        """The next command; raises ConnectionError where the session is over."""
        assert self.ws is not None
        message = await self.ws.receive(ANSWER_S)
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise ConnectionError("the session is over")
        data = message.data if isinstance(message.data, bytes) else message.data.encode()
        return _decode(open_command(self._key, data))


class Honest:
    """An honest board of two zones, ten seconds in each record however fast they come."""

    def __init__(self, link: Link, zones: tuple[str, ...], waited: Latencies) -> None:
        self.link, self.zones, self.waited = link, zones, waited
        self.wh = 0
        self._q = 0
        self._sent: dict[int, float] = {}
        self.asked: dict[str, float] = {}  # zone → when a person asked for its override
        self._began = time.time()

    async def run(self) -> None:
        await self.link.dial(Hello(self.link.board, "0.1.0", 1, 0, 0, 0, 0, self.zones))
        await asyncio.gather(self._tell(), self._listen())

    async def _tell(self) -> None:
        while True:
            self._q += 1
            up_s = int(time.time() - self._began)
            self.wh = up_s * 5  # 18 kW
            samples = tuple(ZoneSample(zone, 1500, 4200, 300, 0, 18_000, self.wh, 500, 4, 0) for zone in self.zones)
            self._sent[self._q] = time.perf_counter()
            await self.link.send(msgspec.json.encode(Telemetry(1, self._q, 0, up_s, 0, 0, samples)))
            await asyncio.sleep(TELEMETRY_EACH_S)

    async def _listen(self) -> None:
        while True:
            command = await self.link.receive()
            now = time.perf_counter()
            if isinstance(command, Ack):
                self.waited.acknowledged += [now - self._sent.pop(q) for q in command.q if q in self._sent]
                continue
            if isinstance(command, OverrideCommand) and command.m != "cancel" and command.z in self.asked:
                self.waited.commanded.append(now - self.asked.pop(command.z))
            if not isinstance(command, Nonce):
                await self.link.send(msgspec.json.encode(ResultFrame(command.ep, command.q, 0)))


class Service:
    """`roadheat serve` as a process, and a person who is signed in."""

    def __init__(self, config: Config, path: Path, log: Path, *arguments: str) -> None:
        """`arguments` are added to the command."""
        self._config, self._path, self.log, self._arguments = config, path, log, arguments
        self.process: asyncio.subprocess.Process | None = None
        self.url = f"http://{config.web.listen}"
        self._csrf = ""

    async def start(self) -> None:
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "supervisor.cli", "serve", "--config", str(self._path), *self._arguments,
                stdout=log, stderr=log, env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        deadline = time.monotonic() + 120
        while "login?token=" not in self.log.read_text(errors="replace"):
            if self.process.returncode is not None or time.monotonic() > deadline:
                raise click.ClickException(f"the service did not start: {self.log.read_text(errors='replace')[-2000:]}")
            await asyncio.sleep(0.1)

    async def sign_in(self, http: aiohttp.ClientSession) -> None:
        (link, *_) = re.findall(r"/login\?token=[\w-]+", self.log.read_text())
        await (await http.get(self.url + link)).read()
        async with http.get(f"{self.url}/api/v1/session") as answer:
            self._csrf = (await answer.json())["csrf"]

    async def override(self, http: aiohttp.ClientSession, zone: str) -> Any:
        """Command a zone ON; the answer."""
        body = {"mode": "on", "minutes": 30, "reason": "ice reported"}
        headers = {"X-CSRF-Token": self._csrf, "Origin": self.url}
        async with http.post(f"{self.url}/api/v1/zones/{zone}/overrides", json=body, headers=headers) as answer:
            return await answer.json()

    async def stop(self) -> int:
        """End it as an operator does; its status."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 60)


def measure(boards: list[Honest], phase: Latencies) -> None:
    """From now on what boards wait for belongs to `phase`."""
    for board in boards:
        board.waited = phase


async def command(service: Service, http: aiohttp.ClientSession, boards: list[Honest]) -> None:
    """Overrides for one honest zone after the other, for ever."""
    await asyncio.sleep(2.0)  # the boards are there
    while True:
        for board in boards:
            for zone in board.zones:
                board.asked[zone] = time.perf_counter()
                await service.override(http, zone)
                await asyncio.sleep(OVERRIDE_EACH_S)
