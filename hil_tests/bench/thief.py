"""Somebody with one board's key, who speaks of other boards' zones, of impossible power and impossible times."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import aiohttp
import msgspec

from firmware.rh import VERSION
from supervisor.config import Config
from supervisor.wire.messages import Hello, Telemetry, ZoneSample
from tools.bench.fuzz_city import Link

_WALL_S = 10.0
_LIFE = "f" * 16  # its own: the board's own boots count on
_TOO_MUCH = 4_000_000_000  # W and Wh


def _frames(zones: tuple[str, ...], utc_s: int) -> Iterator[Telemetry]:
    """More than the cable can draw, for hours in one record, in the past and in the future."""
    for q, (utc, dt_s, watts) in enumerate(
        ((utc_s, 10, _TOO_MUCH), (utc_s, 65_535, 50_000), (utc_s + 86_400, 10, 50_000), (1, 10, 50_000)), start=1
    ):
        samples = tuple(ZoneSample(zone, 15_000, 80_000, 0, 10, watts, watts, 1000, 3, 0) for zone in zones)
        yield Telemetry(boot=1, q=q, utc=utc, up=10 * q, dt=dt_s, bad=0, z=samples)


async def _speak(config: Config, board: str, utc_s: int) -> None:
    others = tuple(zone.id for zone in config.zone if zone.board != board)[:2]
    async with aiohttp.ClientSession() as http:
        link = Link(http, config, board)
        await link.dial(Hello(board, VERSION, 1, 0, 0, 10, utc_s, others, _LIFE))
        await link.receive()  # the clock: the key is known
        for frame in _frames(others, utc_s):
            await link.send(msgspec.json.encode(frame))
        with contextlib.suppress(TimeoutError, ConnectionError):
            await asyncio.wait_for(link.receive(), 0.2)
        await link.close()


def misuse(config: Config, board: str, utc_s: float) -> None:
    """Dial in with the key of `board`, say it all, and go. The board loses its session for it, and comes back."""
    over = (TimeoutError, ConnectionError, aiohttp.ClientError)
    with contextlib.suppress(*over):  # refused or cut off: what is wanted
        asyncio.run(asyncio.wait_for(_speak(config, board, int(utc_s)), _WALL_S))
