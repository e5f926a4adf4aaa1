"""`roadheat bench fuzz`: one board with a valid key sends arbitrary frames; others must not be affected.

The real service runs as a process of its own. Honest boards send their telemetry and get a crew's overrides all the
while; how long both take is measured before, during and after the attack, in the same run.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import aiohttp
import click
import msgspec

from hil_tests.bench.city import working_folder, write_city
from supervisor import terminal
from supervisor.config import Config, load
from supervisor.store import DATABASE_NAME
from supervisor.store.tick import decode_zones
from supervisor.weather.design_storm import design_storm
from supervisor.wire.messages import Ack, Hello, Telemetry
from tools.bench.energy import Figure, print_figures
from tools.bench.fuzz_city import Honest, Latencies, Link, Service
from tools.bench.fuzz_frames import FrameFuzz

HOSTILE = "b01"
BOARDS, ZONES_PER_BOARD = 4, 2
BURST = 32  # hostile frames between two whose answer is awaited: below what floods a session
OVERRIDE_EACH_S = 0.25
HOSTILE_BOOT = 1000
SLACK_S = 900.0  # uptime that a board may claim beyond what has passed: the service's slack, and counters rounded up


async def attack(link: Link, fuzz: FrameFuzz, zones: tuple[str, ...], frames: int, rate: float) -> tuple[int, int]:
    """Send so many frames, at most `rate` a second. Returns the frames sent and the sessions that took."""
    sent = sessions = 0
    began = time.monotonic()
    boot = said = HOSTILE_BOOT
    while sent < frames:
        up_s = int(time.monotonic() - began)
        try:
            if link.ws is None or link.ws.closed:
                sessions += 1
                boot += 1
                # Its record begins with boot 0: there is no boot before it whose journal could be late.
                changes = fuzz.greeting(up_s, boot) if sessions > 1 else {"boot": 0, "up": 0}
                said = changes["boot"]
                await link.dial(
                    Hello(link.board, "0.1.0", **{"ep": 0, "q": 0, "up": 0, "utc": 0, "z": zones} | changes)
                )
            for _ in range(min(BURST, frames - sent)):
                sent += 1
                await link.send(fuzz.payload(up_s, int(time.time()), said))
            mark = 3_000_000 + sent
            await link.send(msgspec.json.encode(Telemetry(0, mark, 0, 10, 10, 0, ())))
            while not (isinstance(command := await link.receive(), Ack) and mark in command.q):
                pass
        except (ConnectionError, TimeoutError, aiohttp.ClientError):
            await link.close()
        await asyncio.sleep(max(0.0, began + sent / rate - time.monotonic()))
    await link.close()
    return sent, sessions


async def run(folder: Path, frames: int, rate: float, quiet_s: float, seed: int) -> list[Figure]:
    """The whole run; its figures."""
    now = int(time.time()) // 3600 * 3600
    path = write_city(folder, design_storm(now - 24 * 3600, 96, 1), boards=BOARDS, zones_per_board=ZONES_PER_BOARD)
    config = load(path)
    zones = {board.id: tuple(zone.id for zone in config.zones_of(board.id)) for board in config.board}
    own, others = zones[HOSTILE], tuple(zone for board in zones if board != HOSTILE for zone in zones[board])
    service = Service(config, path, folder / "service.log")
    await service.start()
    phases = [Latencies([], []) for _ in range(3)]
    began = time.monotonic()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await service.sign_in(http)
        boards = [Honest(Link(http, config, board), zones[board], phases[0]) for board in zones if board != HOSTILE]
        tasks = [asyncio.create_task(board.run()) for board in boards]
        tasks.append(asyncio.create_task(_command(service, http, boards)))
        await asyncio.sleep(quiet_s)
        _measure(boards, phases[1])
        hostile = Link(http, config, HOSTILE)
        sent, sessions = await attack(hostile, FrameFuzz(seed, own, others), own, frames, rate)
        _measure(boards, phases[2])
        await asyncio.sleep(quiet_s)
        failed = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        truth = {zone: board.wh for board in boards for zone in board.zones}
        for board in boards:
            await board.link.close()
    alive = service.process is not None and service.process.returncode is None
    status = await service.stop()
    took_s = time.monotonic() - began
    before, during, after = phases
    noise = {which: max(before.p99_ms(which), after.p99_ms(which)) for which in ("acknowledged", "commanded")}
    log = service.log.read_text(errors="replace")
    errors = len(re.findall(r'"level":"(?:error|critical)"|Traceback', log))
    figures = [
        Figure("hostile frames sent", sent, "", frames, at_most=False),
        Figure("hostile sessions", sessions, ""),
        Figure("service ended", 0 if alive and status == 0 else 1, "", 0),
        Figure("errors in its log", errors, "", 0),
        Figure("honest boards or crew cut off", failed, "", 0),
    ]
    figures += books(config, truth, own, took_s)
    for which, name in (("acknowledged", "telemetry to acknowledgement"), ("commanded", "override to its board")):
        figures += [
            Figure(f"{name}, p99 before and after", noise[which], "ms"),
            Figure(f"{name}, p99 under attack", during.p99_ms(which), "ms"),
            Figure(f"{name}, samples under attack", len(getattr(during, which)), "", 1, at_most=False),
        ]
    return figures


def _measure(boards: list[Honest], phase: Latencies) -> None:
    for board in boards:
        board.waited = phase


async def _command(service: Service, http: aiohttp.ClientSession, boards: list[Honest]) -> None:
    """Overrides for one honest zone after the other, for ever."""
    await asyncio.sleep(2.0)  # the boards are there
    while True:
        for board in boards:
            for zone in board.zones:
                board.asked[zone] = time.perf_counter()
                await service.override(http, zone)
                await asyncio.sleep(OVERRIDE_EACH_S)


def books(config: Config, truth_wh: dict[str, int], own: tuple[str, ...], took_s: float) -> list[Figure]:
    """What the record says in the end."""
    with closing(sqlite3.connect(config.state_dir / DATABASE_NAME)) as db:
        totals = dict(db.execute("SELECT zone, total_wh FROM zone_total"))
        hours = dict(db.execute("SELECT zone, sum(wh0 + wh1 + wh2 + wh3) FROM zone_1h GROUP BY zone"))
        loops = db.execute("SELECT count(*) FROM alarm WHERE code = 'loop-failed'").fetchone()[0]
        foreign = 0
        booked: dict[str, int] = {}
        for blob, board in db.execute("SELECT zones, board FROM tick"):
            for zone in decode_zones(blob):
                booked[zone.sample.zone] = booked.get(zone.sample.zone, 0) + zone.delta_wh
                foreign += board == HOSTILE and zone.sample.zone not in own
        future = db.execute("SELECT count(*) FROM tick WHERE start_utc_s > received_utc_s").fetchone()[0]
        ancient = db.execute("SELECT count(*) FROM tick WHERE start_utc_s < 1577836800").fetchone()[0]
    wrong = sum(abs(totals.get(zone, 0) - wh) > 10 for zone, wh in truth_wh.items())
    most_wh = max(zone.power_w for zone in config.zone) * 1.1 * (took_s + SLACK_S) / 3600
    return [
        Figure("loops that failed", loops, "", 0),
        Figure("samples of foreign zones in the record", foreign, "", 0),
        Figure("zones of others with a wrong total", wrong, "", 0),
        Figure("zones whose hours, records and total differ", sum(
            not totals[zone] == hours.get(zone) == booked.get(zone, 0) for zone in totals
        ), "", 0),
        Figure("records stamped after receipt or before 2020", future + ancient, "", 0),
        Figure("most booked for a hostile zone", max((totals.get(zone, 0) for zone in own), default=0), "Wh", most_wh),
    ]  # fmt: skip


@click.command()
@click.option("--frames", default=200_000, show_default=True, help="Frames of the hostile board.")
@click.option("--rate", default=500.0, show_default=True, help="Of them a second: an honest board sends 0.1.")
@click.option("--quiet", "quiet_s", default=30.0, show_default=True, help="Seconds measured before and after.")
@click.option("--seed", default=1, show_default=True)
def fuzz(frames: int, rate: float, quiet_s: float, seed: int) -> None:
    """One board with a valid key sends frames with free counters, times, names and structure, beside honest boards."""
    with working_folder() as folder:
        figures = asyncio.run(run(folder, frames, rate, quiet_s, seed))
    print_figures(terminal.console(), figures, "One hostile board")
    if any(figure.holds is False for figure in figures):
        raise SystemExit(1)
