"""The whole service is killed under load, again and again: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from supervisor.config import Config
from supervisor.gateway.tests.board_client import BoardClient, hello, sample, telemetry
from supervisor.store import database, place_of
from supervisor.store.integrity import look
from supervisor.store.place import Place
from supervisor.store.tick import decode_zones
from supervisor.tests.test_service import Crew, client, dial, on, process
from supervisor.tests.test_service import config as config
from supervisor.wire.messages import Ack, Nonce, ResultFrame

KILLS = int(os.environ.get("ROADHEAT_KILLS", "3"))  # the bar is 60: some ten minutes
RAN_S = 90_000  # uptime of the boards at the beginning: their journals hold 9,000 records of 10 s
WINDOW = 8
WH_EACH = 20


class Board:
    """Remembers what was acknowledged and sends the rest of its journal, 8 under way, as a board does."""

    def __init__(self, board: str, zones: tuple[str, ...]) -> None:
        self.id, self.zones = board, zones
        self.acknowledged: Counter[int] = Counter()
        self.sent: set[int] = set()  # in any session
        self._began = time.monotonic()

    async def live(self, config: Config, http: aiohttp.ClientSession, address: tuple[str, int]) -> None:
        """One session, until the service is gone."""
        up_s = RAN_S + int(time.monotonic() - self._began)
        with suppress(OSError, aiohttp.ClientError, TypeError):  # TypeError: aiohttp's, where a session has ended
            link = await dial(config, http, address, hello(self.id, zones=self.zones, up=up_s))
            await self._drain(link)

    async def _drain(self, link: BoardClient) -> None:
        left = iter([q for q in range(1, RAN_S // 10) if q not in self.acknowledged])
        under_way: set[int] = set()
        while True:
            command = await link.receive()
            if isinstance(command, Ack):
                self.acknowledged.update(command.q)
                under_way.difference_update(command.q)
            elif not isinstance(command, Nonce):
                await link.send(ResultFrame(command.ep, command.q, 0))
            while len(under_way) < WINDOW:
                q = next(left)
                under_way.add(q)
                self.sent.add(q)
                samples = [sample(zone, dev_wh=WH_EACH * q, power_w=7200) for zone in self.zones]
                await link.send(telemetry(q, *samples, up=10 * q))


class Phone:
    """A person who switches zones all the while, and knows what was confirmed."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.csrf = ""
        self.confirmed: dict[int, str] = {}
        self._asked = 0

    async def live(self, url: str, link: str, zones: list[str]) -> None:
        crew = Crew(self.http, url)
        with suppress(OSError, aiohttp.ClientError):
            if link:
                await crew.sign_in(link)
                self.csrf = crew.csrf
            crew.csrf = self.csrf
            while True:
                self._asked += 1
                reason = f"asked {self._asked}"
                body = {"mode": "on", "minutes": 30, "reason": reason}
                status, made = await crew.post(f"/api/v1/zones/{zones[self._asked % len(zones)]}/overrides", body)
                assert status == 201, made
                self.confirmed[made["id"]] = reason
                await asyncio.sleep(0.05)


def addresses(child: subprocess.Popen[bytes], *, signed_in: bool) -> tuple[tuple[str, int], str, str]:
    """Where boards and people find the service, and the link of the first start."""
    assert child.stdout is not None
    text = ""
    while not re.search(r"link: \S+" if not signed_in else r"http://[\d.]+:\d+", text):
        line = child.stdout.readline().decode()
        assert line, "the service ended"
        text += line
    boards = re.search(r"boards dial in at ([\d.]+):(\d+)", text)
    web = re.search(r"http://[\d.]+:\d+", text)
    link = re.search(r"link: (\S+)", text)
    assert boards is not None
    assert web is not None
    return (boards[1], int(boards[2])), web[0], link[1] if link else ""


def nothing_lost_or_doubled(config: Config, boards: Sequence[Board]) -> sqlite3.Connection:
    """The record has what was acknowledged, each row once and its energy once; returns it."""
    place = place_of(config)
    if isinstance(place, Path):
        assert look(place, thorough=True) == ((), True)
    db = database.connect_read_only(place)
    assert db.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)
    for board in boards:
        rows = db.execute("SELECT q, zones FROM tick WHERE board = ? ORDER BY q", (board.id,)).fetchall()
        kept = [q for q, _ in rows]
        assert len(kept) == len(set(kept))
        assert set(board.acknowledged) <= set(kept) <= board.sent
        for zone in board.zones:
            booked = sum(part.delta_wh for _, blob in rows for part in decode_zones(blob) if part.sample.zone == zone)
            (total,) = db.execute("SELECT total_wh FROM zone_total WHERE zone = ?", (zone,)).fetchone()
            (hours,) = db.execute(
                "SELECT sum(wh0 + wh1 + wh2 + wh3) FROM zone_1h WHERE zone = ?", (zone,)
            ).fetchone()  # fmt: skip
            assert total == booked == hours == WH_EACH * max(kept)
    return db


@pytest.mark.timeout(300 + 30 * KILLS)
async def test_the_service_killed_under_load_loses_and_doubles_nothing(
    config: Config, service_place: Place, tmp_path: Path
) -> None:
    config = on(config, service_place)
    rng = random.Random(60)
    boards = [Board(board.id, tuple(zone.id for zone in config.zones_of(board.id))) for board in config.board]
    zones = [zone.id for zone in config.zone]
    with (tmp_path / "log").open("ab") as log:
        async with client() as http:
            phone = Phone(http)
            for life in range(KILLS):
                with process(config, log) as child:
                    address, url, link = await asyncio.to_thread(addresses, child, signed_in=life > 0)
                    tasks = [asyncio.create_task(board.live(config, http, address)) for board in boards]
                    tasks.append(asyncio.create_task(phone.live(url, link, zones)))
                    known = sum(len(board.acknowledged) for board in boards)
                    deadline = time.monotonic() + 60
                    while sum(len(board.acknowledged) for board in boards) < known + 30:
                        assert time.monotonic() < deadline, (tmp_path / "log").read_text()[-2000:]
                        await asyncio.sleep(0.01)
                    await asyncio.sleep(rng.uniform(0, 1.0))
                    child.send_signal(signal.SIGKILL)
                    await asyncio.to_thread(child.wait)
                    await asyncio.gather(*tasks)
    assert phone.confirmed
    db = nothing_lost_or_doubled(config, boards)
    recorded = dict(db.execute("SELECT id, reason FROM override WHERE reason LIKE 'asked %'").fetchall())
    assert len(recorded) == len(set(recorded.values()))
    assert phone.confirmed.items() <= recorded.items()
    print(f"{KILLS} kills, {sum(len(b.acknowledged) for b in boards)} records and {len(phone.confirmed)} overrides")
