"""The other half of the protocol in Python: a board of which only the link is real. For tests."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import msgspec

from firmware.rh import VERSION
from supervisor.wire.authentication import open_command, seal_report
from supervisor.wire.messages import FromBoard, Hello, Nonce, Telemetry, ToBoard, ZoneSample

_decode = msgspec.json.Decoder(ToBoard).decode


@dataclass
class BoardClient:
    """One session as the board sees it."""

    ws: aiohttp.ClientWebSocketResponse
    key: bytes
    nonce: str

    @classmethod
    async def dial(
        cls, http: aiohttp.ClientSession, address: tuple[str, int], tls: ssl.SSLContext, key: bytes
    ) -> BoardClient:
        """Connect and take the nonce."""
        url = f"https://{address[0]}:{address[1]}/board/v1"
        ws = await http.ws_connect(url, ssl=tls, server_hostname="roadheat")
        return cls(ws, key, msgspec.json.decode(await ws.receive_str(), type=Nonce).n)

    def seal(self, message: FromBoard) -> str:
        return seal_report(self.key, self.nonce, msgspec.json.encode(message)).decode()

    async def send(self, message: FromBoard) -> None:
        await self.ws.send_str(self.seal(message))

    async def receive(self) -> ToBoard:
        """The next command, its MAC verified."""
        return _decode(open_command(self.key, (await self.ws.receive_str()).encode()))

    async def closed(self) -> int | None:
        """Wait for the other side to end it; returns the close code."""
        over = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)
        while (await self.ws.receive()).type not in over:
            pass
        return self.ws.close_code


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until `condition` holds; the test's time-out is the bound."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


def hello(board: str = "b01", *, zones: tuple[str, ...] = ("z01", "z02"), **changes: int) -> Hello:
    """What a board says that has never been commanded."""
    return Hello(b=board, fw=VERSION, boot=changes.get("boot", 3), ep=changes.get("ep", 0), q=changes.get("q", 0),
                 up=changes.get("up", 12), utc=changes.get("utc", 0), z=zones)  # fmt: skip


def sample(zone: str = "z01", **changes: int) -> ZoneSample:
    """Ten seconds of a zone that heats by plan."""
    values = {"surface_mc": 1500, "cable_mc": 4200, "moisture_permille": 300, "on_s": 10, "power_w": 60_000,
              "dev_wh": 166, "duty_permille": 1000, "who": 4, "flags": 0} | changes  # fmt: skip
    return ZoneSample(zone, **values)


def telemetry(q: int, *samples: ZoneSample, utc: int = 0, up: int | None = None, boot: int = 3) -> Telemetry:
    """Ten seconds of a board; without a clock unless told."""
    return Telemetry(
        boot=boot, q=q, utc=utc, up=12 + 10 * q if up is None else up, dt=10, bad=0, z=samples or (sample(),)
    )
