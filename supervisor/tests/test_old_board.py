"""Boards of release 0.1 run with this service unchanged: frames as one of them sent them, without `life`."""

from __future__ import annotations

import json
import ssl
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from supervisor.config import Config
from supervisor.gateway.tests.board_client import BoardClient
from supervisor.tests.test_service import client, config, next_of, service
from supervisor.wire.authentication import seal_report
from supervisor.wire.keys import load_key
from supervisor.wire.messages import Ack, ClockCommand, FromBoard, Hello, PlanCommand

__all__ = ["config"]  # a fixture
RECORDED = Path(__file__).with_name("board_0_1.jsonl").read_bytes().splitlines()


def frames() -> tuple[bytes, list[dict[str, Any]]]:
    """The hello as it was sent, and telemetry moved to today."""
    telemetry = [frame for frame in map(json.loads, RECORDED) if frame["t"] == "tel"]
    shift_s = int(time.time()) - telemetry[-1]["utc"]
    return RECORDED[0], [{**frame, "utc": frame["utc"] + shift_s} for frame in telemetry]


async def test_a_board_of_the_last_release_is_served(config: Config) -> None:
    greeting, telemetry = frames()
    assert b"life" not in greeting
    async with service(config) as started, client() as http:
        tls = ssl.create_default_context(cafile=config.pki_dir / "ca.pem")
        board = await BoardClient.dial(http, started.board_address, tls, load_key(config.board_key_path("b01")))

        async def send(payload: bytes) -> None:
            await board.ws.send_str(seal_report(board.key, board.nonce, payload).decode())

        await send(greeting)
        clock = await next_of(board, ClockCommand)
        await send(json.dumps({"ep": clock.ep, "t": "result", "q": clock.q, "rc": 0}).encode())
        plan = await next_of(board, PlanCommand)
        assert plan.z == "z01"
        for frame in telemetry:
            await send(json.dumps(frame).encode())
        waiting = {frame["q"] for frame in telemetry}
        while waiting:
            ack = await next_of(board, Ack)
            assert ack.boot == 1
            waiting -= set(ack.q)
        view = started.live.view("z01")
        assert view.online
        assert view.flags == telemetry[-1]["z"][0][-1]


@pytest.mark.parametrize("life", [None, "", "0123456789abcdef"])
def test_hello_with_and_without_a_life(life: str | None) -> None:
    raw = json.loads(RECORDED[0])
    if life is not None:
        raw["life"] = life
    hello = msgspec.json.decode(json.dumps(raw).encode(), type=FromBoard)
    assert isinstance(hello, Hello)
    assert hello.life == (life or "")
