"""`roadheat bench fuzz`: one board with a valid key sends arbitrary frames; others must not be affected.

The real service runs as a process of its own; honest boards send their telemetry and get a crew's overrides all the
while. First many frames with free values, of several hostile boards since each is read at its pace, and what is on
record then. After that, how long others wait while one board attacks (`fuzz_noise`).
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
from tools.bench.fuzz_city import Honest, Latencies, Link, Service, command
from tools.bench.fuzz_frames import FrameFuzz
from tools.bench.fuzz_noise import WAITS, WARM_S, ZONES_PER_BOARD, undisturbed

BURST = 32  # hostile frames between two whose answer is awaited: below what floods a session
HOSTILE_BOOT = 1000
HOSTILE_BOARDS, HONEST_BOARDS = 16, 3
ASKED = ("/healthz", "/api/v1/session", "/api/v1/zones", "/api/v1/alarms", "/api/v1/shift")
ASK_EACH_S = 0.1
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
                sealed = link.seal(fuzz.payload(up_s, int(time.time()), said))
                spoilt = fuzz.spoilt(sealed)
                await link.send_raw(sealed if spoilt is None else spoilt)
            mark = 3_000_000 + sent
            await link.send(msgspec.json.encode(Telemetry(0, mark, 0, 10, 10, 0, ())))
            while not (isinstance(command := await link.receive(), Ack) and mark in command.q):
                pass
        except (ConnectionError, TimeoutError, aiohttp.ClientError):
            await link.close()
        await asyncio.sleep(max(0.0, began + sent / rate - time.monotonic()))
    await link.close()
    return sent, sessions


async def watch_answers(url: str, http: aiohttp.ClientSession, statuses: list[int]) -> None:
    """Ask what the app asks for, one after the other, for ever; every answer's status is added."""
    while True:
        for path in ASKED:
            async with http.get(url + path) as answer:
                await answer.read()
                statuses.append(answer.status)
            await asyncio.sleep(ASK_EACH_S)


async def correct(
    folder: Path, frames: int, rate: float, seed: int, hostile_boards: int = HOSTILE_BOARDS
) -> list[Figure]:
    """Frames with free values beside honest boards, and what is on record then."""
    now = int(time.time()) // 3600 * 3600
    storm = design_storm(now - 24 * 3600, 96, 1)
    path = write_city(folder, storm, boards=hostile_boards + HONEST_BOARDS, zones_per_board=ZONES_PER_BOARD)
    config = load(path)
    zones = {board.id: tuple(zone.id for zone in config.zones_of(board.id)) for board in config.board}
    hostile = list(zones)[:hostile_boards]
    every = [zone.id for zone in config.zone]
    service = Service(config, path, folder / "service.log")
    await service.start()
    waited = Latencies([], [])
    statuses: list[int] = []
    began = time.monotonic()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await service.sign_in(http)
        boards = [Honest(Link(http, config, board), zones[board], waited) for board in zones if board not in hostile]
        tasks = [asyncio.create_task(board.run()) for board in boards]
        tasks.append(asyncio.create_task(command(service, http, boards)))
        tasks.append(asyncio.create_task(watch_answers(service.url, http, statuses)))
        done = await asyncio.gather(*(
            attack(
                Link(http, config, board),
                FrameFuzz(seed + n, zones[board], tuple(zone for zone in every if zone not in zones[board])),
                zones[board], -(-frames // hostile_boards), rate,
            )
            for n, board in enumerate(hostile)
        ))  # fmt: skip
        sent, sessions = (sum(counts) for counts in zip(*done, strict=True))
        await asyncio.sleep(WARM_S)
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
    log = service.log.read_text(errors="replace")
    errors = len(re.findall(r'"level":"(?:error|critical)"|Traceback', log))
    figures = [
        Figure("hostile frames sent", sent, "", frames, at_most=False),
        Figure("hostile sessions", sessions, ""),
        Figure("service ended", 0 if alive and status == 0 else 1, "", 0),
        Figure("errors in its log", errors, "", 0),
        Figure("honest boards or crew cut off", failed, "", 0),
        Figure("answers to people", len(statuses), "", 1, at_most=False),
        Figure("of them other than 200", sum(status != 200 for status in statuses), "", 0),
    ]
    figures += books(config, truth, {board: zones[board] for board in hostile}, took_s)
    figures += [Figure(f"{name}, samples", len(getattr(waited, which)), "", 1, at_most=False) for which, name in WAITS]
    return figures


def books(config: Config, truth_wh: dict[str, int], own: dict[str, tuple[str, ...]], took_s: float) -> list[Figure]:
    """What the record says in the end. `own`: zones of the hostile boards."""
    with closing(sqlite3.connect(config.state_dir / DATABASE_NAME)) as db:
        totals = dict(db.execute("SELECT zone, total_wh FROM zone_total"))
        hours = dict(db.execute("SELECT zone, sum(wh0 + wh1 + wh2 + wh3) FROM zone_1h GROUP BY zone"))
        loops = db.execute("SELECT count(*) FROM alarm WHERE code = 'loop-failed'").fetchone()[0]
        foreign = 0
        booked: dict[str, int] = {}
        for blob, board in db.execute("SELECT zones, board FROM tick"):
            for zone in decode_zones(blob):
                booked[zone.sample.zone] = booked.get(zone.sample.zone, 0) + zone.delta_wh
                foreign += board in own and zone.sample.zone not in own[board]
        future = db.execute("SELECT count(*) FROM tick WHERE start_utc_s > received_utc_s").fetchone()[0]
        ancient = db.execute("SELECT count(*) FROM tick WHERE start_utc_s < 1577836800").fetchone()[0]
    wrong = sum(abs(totals.get(zone, 0) - wh) > 10 for zone, wh in truth_wh.items())
    most_booked_wh = max(totals.get(zone, 0) for zones in own.values() for zone in zones)
    most_wh = max(zone.power_w for zone in config.zone) * 1.1 * (took_s + SLACK_S) / 3600
    return [
        Figure("loops that failed", loops, "", 0),
        Figure("samples of foreign zones in the record", foreign, "", 0),
        Figure("zones of others with a wrong total", wrong, "", 0),
        Figure("zones whose hours, records and total differ", sum(
            not totals[zone] == hours.get(zone) == booked.get(zone, 0) for zone in totals
        ), "", 0),
        Figure("records stamped after receipt or before 2020", future + ancient, "", 0),
        Figure("most booked for a hostile zone", most_booked_wh, "Wh", most_wh),
    ]  # fmt: skip


@click.command()
@click.option("--frames", default=200_000, show_default=True, help="Frames of all hostile boards.")
@click.option("--rate", default=500.0, show_default=True, help="Of a board a second; it is read at 25.")
@click.option(
    "--rounds", default=4, show_default=True, help="Attacks of each kind that others' waiting is measured in."
)
@click.option("--phase", "phase_s", default=20.0, show_default=True, help="Seconds of each attack and quiet phase.")
@click.option("--seed", default=1, show_default=True)
def fuzz(frames: int, rate: float, rounds: int, phase_s: float, seed: int) -> None:
    """A board with a valid key sends frames with free counters, times, names and structure; others must not notice."""
    with working_folder() as folder:
        record = asyncio.run(correct(folder, frames, rate, seed))
    print_figures(terminal.console(), record, "One hostile board: the record")
    with working_folder() as folder:
        noticed = asyncio.run(undisturbed(folder, rounds, phase_s, seed))
    print_figures(terminal.console(), noticed, "One hostile board: what others notice")
    if any(figure.holds is False for figure in (*record, *noticed)):
        raise SystemExit(1)
