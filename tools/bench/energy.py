"""`roadheat bench energy`: the record's way from a frame to InfluxDB, against the bars of the design (docs/energy.md).

CPU is the process's own (threads included), so that a busy machine does not change it; rates over wall time do change
with the machine, and the table says which is which.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

import click
import msgspec
import numpy as np
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from supervisor import terminal
from supervisor.commands import OutputPath
from supervisor.energy.endpoint import Target, connect
from supervisor.energy.shipper import Shipper
from supervisor.runtime.clock import SystemClock
from supervisor.store import DATABASE_NAME, SPOOL_CAP_BYTES, Store, database, telemetry
from supervisor.store.labels import Labels
from supervisor.store.meter import Meter
from supervisor.store.tick import Tick, ZoneTick, tick_lines
from supervisor.wire.messages import Telemetry
from tools.bench.energy_outage import drained
from tools.bench.energy_page import beating, held_up
from tools.bench.telemetry_load import DT_S, T0_UTC_S, Load
from tools.servers import Influxd, Server, ServerError, find_program, running_influxd, running_victoria

LOAD = Load(boards=10, zones=10)  # 100 zones
LABELS = Labels("seongbuk", {sample.zone: ((0, "f1"),) for b in range(10) for sample in LOAD.frame(b, 1).z})
DRAIN_POINTS = 200_000  # an hour and a half of 100 zones: forty requests
# A command that says its most memory [kB] last: what wait4 returns counts the bench itself too, from before the exec.
MEASURED = """import sys
from supervisor.cli import main
try:
    main()
finally:
    with open("/proc/self/status") as status:
        sys.stderr.write(status.read().split("VmHWM:")[1].split()[0])
"""
PAGE_STALL_MS = 150  # as with 2,000 boards
PLANS_P99_MS = 1000  # plans go out every five minutes


class Figure(Struct, frozen=True):
    """One line of the table. `bar` None: no bar, for information."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    at_most: bool = True

    @property
    def holds(self) -> bool | None:
        if self.bar is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar


class _Wanted(NamedTuple):
    """A server that the bench ships to where it is installed."""

    api: Literal["v1", "v2"]
    name: str
    program: str
    running: Callable[[Path], AbstractContextManager[Server]]


SERVERS = (
    _Wanted("v1", "InfluxDB 1.6", "influxd", running_influxd),
    _Wanted("v2", "VictoriaMetrics", "victoria-metrics", running_victoria),
)


def _there(program: str, console: Console) -> bool:
    """Whether a server's program is installed; a line says at once that its figures will be missing."""
    found = find_program(program) is not None
    if not found:
        console.print(f"left out: {program} is not installed", style="yellow")
    return found


@click.command()
@click.option("--minutes", default=10, show_default=True, help="Telemetry of 100 zones to record and ship.")
@click.option("--outage-days", default=0.1, show_default=True, help="Days of 100 zones that wait for InfluxDB 1.6.")
@click.option("--json", "json_path", type=OutputPath(), help="Write the figures to this file too.")
def energy(minutes: int, outage_days: float, json_path: Path | None) -> None:
    """Serialising, commit latency, loop stall, shipping and draining, on real servers where they are installed."""
    console = terminal.console()
    present = [server for server in SERVERS if _there(server.program, console)]
    figures = [serialising()]
    with tempfile.TemporaryDirectory() as folder:
        figures += asyncio.run(committing(Path(folder), minutes * 60 // DT_S))
        for wanted in present:
            try:
                with wanted.running(Path(folder)) as server:
                    if wanted.api == "v1":
                        server.get("/query", q="CREATE DATABASE bench")
                    figures += asyncio.run(shipping(Path(folder), wanted.api, server.url, wanted.name))
                    if isinstance(server, Influxd):
                        figures += outage(Path(folder) / "outage", server, outage_days)
            except ServerError as error:
                console.print(f"left out: {error}", style="yellow")
        figures += reports(Path(folder))
        wall_s, stall_s = asyncio.run(held_up(Path(folder) / "page"))
        figures.append(Figure("app's season of 500 roads", wall_s, "s wall"))
        figures.append(Figure("app's season, event loop held up", stall_s * 1000, "ms, the longest", PAGE_STALL_MS))
    print_figures(console, figures, "Energy record")
    if json_path is not None:
        json_path.write_text(json.dumps({figure.name: figure.value for figure in figures}, indent=1), encoding="utf-8")


def serialising() -> Figure:
    """Lines per CPU second."""
    frame = LOAD.frame(1, 1000)
    meter = Meter(1_000_000, 0, 1, 10_000, 50_000, 50_000)
    zones = tuple(ZoneTick(sample, 111, meter) for sample in frame.z)
    tick = Tick("b01", 0, 1, frame.up, frame.q, T0_UTC_S, DT_S, T0_UTC_S, -2500, zones)
    rounds = 5_000
    cpu_s = _cpu(lambda: [tick_lines(LABELS, tick, zones) for _ in range(rounds)])
    return Figure("serialise", rounds * LOAD.zones / cpu_s, "points/CPU s", 80_000, at_most=False)


async def committing(folder: Path, records: int) -> list[Figure]:
    """Ten boards commit at once, again and again, as fast as the disk lets them."""
    store = _open(folder)
    waits_s: list[float] = []
    stalls_s: list[float] = []

    frames = [[LOAD.frame(board, q) for board in range(LOAD.boards)] for q in range(1, records + 1)]

    async def commit(board: int, frame: Telemetry) -> None:
        before = time.perf_counter()
        await store.telemetry.commit(f"b{board:02}", frame, frame.utc, frame.utc - DT_S, -2.5)
        waits_s.append(time.perf_counter() - before)

    async with beating(stalls_s):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        for tick in frames:
            await asyncio.gather(*(commit(board, frame) for board, frame in enumerate(tick)))
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    await store.close()
    points = records * LOAD.boards * LOAD.zones
    p50, p99 = np.percentile(waits_s, [50, 99]) * 1000
    return [
        Figure("commit p50", float(p50), "ms (10 boards at once)"),
        Figure("commit p99", float(p99), "ms (10 boards at once)", 25),
        Figure("loop stall p99", _p99_ms(stalls_s), "ms", 10),
        Figure("commit", cpu_s / points * 1e6, "µs CPU/point"),
        Figure("commit rate", points / wall_s, "points/s wall"),
    ]


async def shipping(folder: Path, api: Literal["v1", "v2"], url: str, name: str) -> list[Figure]:
    """Drain the spool as it stands after `committing` into a real server."""
    store = _open(folder)
    totals = await store.telemetry.zone_totals()
    await store.write(lambda db: db.execute("DELETE FROM spool"))
    ticks = await store.read(lambda db: list(telemetry.ticks(db, 0, 2**40)))
    span_s = max(tick.start_utc_s for tick in ticks) - T0_UTC_S + DT_S
    rounds = -(-DRAIN_POINTS // (len(ticks) * LOAD.zones))  # the same again, later: starting up must not count
    lines = [
        tick_lines(LABELS, msgspec.structs.replace(tick, start_utc_s=tick.start_utc_s + n * span_s), tick.zones)
        for n in range(rounds)
        for tick in ticks
    ]
    await store.write(
        lambda db: db.executemany("INSERT INTO spool (points, lines) VALUES (10, ?)", [(x,) for x in lines])
    )
    endpoint = connect(Target(api=api, url=url, database="bench", bucket="bench", org="bench", token="bench"))
    shipper = Shipper(store.spool, endpoint, SystemClock(), lambda *_: None)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    pause_s = await shipper.ship()
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    await endpoint.close()
    await store.close()
    if pause_s or not totals:
        raise ServerError(shipper.state.trouble or "nothing to ship", where=name)
    points = shipper.state.delivered_points
    return [
        Figure(f"shipper, {api}", cpu_s / points * 1e6, "µs CPU/point", 6),
        Figure(f"drain, {api} into {name}", points / wall_s, "points/s wall", 15_000, at_most=False),
    ]


def outage(folder: Path, influxd: Influxd, days: float) -> list[Figure]:
    """What waited drains while boards commit and plans are recorded: nothing is lost, and nobody waits for it."""
    folder.mkdir()
    found = asyncio.run(drained(folder, influxd, days))
    name = f"after {days:g} days without InfluxDB"
    return [
        Figure(f"{name}, waiting", found.spool_bytes / 1e6, "MB"),
        Figure(f"{name}, drain", found.points / found.drain_s, "points/s wall", 15_000, at_most=False),
        Figure(f"{name}, dropped or lost", found.dropped + found.lost, "points", 0),
        Figure(f"{name}, commit p99", _p99_ms(found.commits_s), "ms (all of 10 boards)"),
        Figure(f"{name}, plans of all zones p99", _p99_ms(found.plans_s), "ms", PLANS_P99_MS),
        Figure(f"{name}, loop stall p99", _p99_ms(found.stalls_s), "ms"),
    ]


def _p99_ms(times_s: list[float]) -> float:
    return float(np.percentile(times_s, 99)) * 1000


def reports(folder: Path) -> list[Figure]:
    """`roadheat energy --by day` as a process of its own: a year of 100 zones and a season of 500."""
    figures = []
    seasons = (("a year of 100 zones", 100, 365, 1.0), ("a season of 500 zones", 500, 151, 2.0))
    for name, zones, days, bar_s in seasons:
        state = folder / name.replace(" ", "-")
        state.mkdir()
        _fill(state / DATABASE_NAME, zones, days * 24)
        begin = datetime.fromtimestamp(T0_UTC_S, UTC).date()
        asked = ["energy", "--state", str(state), "--by", "day", "--from", str(begin), "--to"]
        one_day_s, _ = _measured(*asked, str(begin + timedelta(1)))  # most of it is the start of Python
        cpu_s, peak_mb = _measured(*asked, str(begin + timedelta(days + 1)))
        figures.append(Figure(f"{name}, report", cpu_s, "CPU s, start of Python included", bar_s))
        figures.append(Figure(f"{name}, memory", peak_mb, "MB", 150))
    figures.append(Figure("report of one day", one_day_s, "CPU s"))
    return figures


def _fill(path: Path, zones: int, hours: int) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    database.migrate(db)
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO zone_1h VALUES (?, ?, 1, 2, 3, 4, 5, 3600, 7, 8, 9, 0)",
        ((T0_UTC_S // 3600 * 3600 + hour * 3600, f"z{zone:03}") for hour in range(hours) for zone in range(zones)),
    )
    db.execute("COMMIT")
    db.close()


def _measured(*arguments: str) -> tuple[float, float]:
    """CPU [s] and the most memory [MB] of one `roadheat` command. Raises ServerError where it fails."""
    command = [sys.executable, "-c", MEASURED, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ServerError(f"`roadheat {' '.join(arguments)}` ended with status {process.returncode}", where="bench")
    return used.ru_utime + used.ru_stime, int(said.split()[-1]) / 1024


def _open(folder: Path) -> Store:
    return Store.open(folder / DATABASE_NAME, SystemClock(), site="seongbuk", spool_cap_bytes=SPOOL_CAP_BYTES)


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def print_figures(console: Console, figures: list[Figure], title: str) -> None:
    """A table of figures, each with its bar and whether it holds."""
    table = Table(title=title)
    for column in ("", "measured", "unit", "bar", ""):
        table.add_column(column, justify="right" if column in ("measured", "bar") else "left")
    for figure in figures:
        bar = "" if figure.bar is None else f"{'≤' if figure.at_most else '≥'} {figure.bar:,.4g}"
        verdict = {None: "", True: "holds", False: "MISSED"}[figure.holds]
        table.add_row(figure.name, f"{figure.value:,.4g}", figure.unit, bar, verdict)
    console.print(table)
