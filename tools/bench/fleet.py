"""`roadheat bench fleet`: thousands of boards dial in, tell, take commands, and all reconnect at once.

The service is a process of its own; the boards are this process: TLS, the real protocol, a key for each. Both share the
machine, so its CPU is reported too. What the service says of itself is read from /metrics before and after a phase.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import click
import numpy as np

from hil_tests.bench.city import working_folder, write_city
from supervisor import terminal
from supervisor.config import Config, load
from supervisor.net.handles import raise_limit
from supervisor.weather.design_storm import design_storm
from tools.bench.energy import Figure, print_figures
from tools.bench.fleet_boards import FleetBoard
from tools.bench.fuzz_city import Link, Service

SPREAD_PER_BOARD_S = 0.01  # of the first dial: twice what a core takes for a handshake
COMMANDS_PER_S = 2.0  # of one person: below the service's limit for the length of the measurement
POLL_S = 0.02
CONVERGES_S = 600.0  # longest wait for all boards
SMALL, LARGE = 2_000, 10_000
_BUCKET = re.compile(r'roadheat_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)')


@dataclass(frozen=True)
class Bars:
    """What a fleet of that size must reach; None: for information."""

    connected_s: float | None
    lag_s: float | None


def bars_of(boards: int) -> Bars:
    """The bars of 2,000 hold for fewer, those of 10,000 up to there."""
    if boards <= SMALL:
        return Bars(30.0, 0.15)
    return Bars(150.0, 0.3) if boards <= LARGE else Bars(None, None)


def lag_quantile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """Quantile [s] of the lags between two readings of the histogram, linear within a bucket; NaN without any."""
    edges = sorted(after)
    counts = [after[edge] - before.get(edge, 0.0) for edge in edges]
    wanted = share * counts[-1]
    if not counts[-1]:
        return float("nan")
    low, below = 0.0, 0.0
    for edge, count in zip(edges, counts, strict=True):
        if count >= wanted and count > below:
            return low if edge == float("inf") else low + (edge - low) * (wanted - below) / (count - below)
        low, below = edge, count
    return low


def cpu_s(pid: int) -> float:
    """Computing time of a process [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Measured:
    """The service from outside: memory, CPU, loop lag."""

    def __init__(self, service: Service, http: aiohttp.ClientSession) -> None:
        self._service, self._http = service, http

    async def lags(self) -> dict[float, float]:
        """Upper bound of each bucket → lags up to there since the service started."""
        async with self._http.get(f"{self._service.url}/metrics") as answer:
            return {float(edge): float(count) for edge, count in _BUCKET.findall(await answer.text())}

    @property
    def _proc(self) -> Path:
        assert self._service.process is not None
        return Path("/proc") / str(self._service.process.pid)

    def resident_kb(self) -> int:
        found = re.search(r"VmRSS:\s+(\d+) kB", (self._proc / "status").read_text())
        return int(found[1]) if found else 0

    def cpu_s(self) -> float:
        """Of the service's main process, without the planners beside it."""
        assert self._service.process is not None
        return cpu_s(self._service.process.pid)


async def all_ready(boards: list[FleetBoard]) -> float:
    """Seconds until every board has been served."""
    began = time.monotonic()
    with suppress(TimeoutError):
        async with asyncio.timeout(CONVERGES_S):
            await asyncio.gather(*(board.ready.wait() for board in boards))
    return time.monotonic() - began


async def command_all(service: Service, http: aiohttp.ClientSession, zones: list[str], hold_s: float) -> list[float]:
    """Overrides for one zone after the other for `hold_s`; seconds until each is seen as confirmed by its board."""
    waited: list[float] = []
    until = time.monotonic() + hold_s
    for zone in zones:
        began = time.monotonic()
        if began > until:
            break
        made = await service.override(http, zone)
        while made["state"] in ("requested", "sent"):
            if time.monotonic() - began > 10:
                break
            await asyncio.sleep(POLL_S)
            async with http.get(f"{service.url}/api/v1/overrides/{made['id']}") as answer:
                made = await answer.json()
        waited.append(time.monotonic() - began)
        await asyncio.sleep(max(0.0, 1 / COMMANDS_PER_S - waited[-1]))
    return waited


def p99_ms(values: list[float]) -> float:
    return float(np.percentile(values, 99)) * 1000 if values else float("nan")


async def measure(folder: Path, count: int, hold_s: float, spread_s: float, storm: bool) -> list[Figure]:
    """All phases, one after the other."""
    now = int(time.time()) // 3600 * 3600
    path = write_city(folder, design_storm(now - 24 * 3600, 96, 1), boards=count, zones_per_board=1,
                      feeders=max(1, count // 20))  # fmt: skip
    config = load(path)
    service = Service(config, path, folder / "service.log")
    await service.start()
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)  # the service ends idle connections itself
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), connector=connector) as http:
            await service.sign_in(http)
            figures = await _phases(config, service, http, hold_s, spread_s, storm)
    finally:  # its process must not outlive this one
        began = time.monotonic()
        status = await service.stop()
    errors = len(re.findall(r'"level":"(?:error|critical)"|Traceback', service.log.read_text(errors="replace")))
    return [
        *figures,
        Figure("stop with all boards connected", time.monotonic() - began, "s", 5.0),
        Figure("service ended badly", abs(status), "", 0),
        Figure("errors in its log", errors, "", 0),
    ]


async def _phases(
    config: Config, service: Service, http: aiohttp.ClientSession, hold_s: float, spread_s: float, storm: bool
) -> list[Figure]:
    tls, bars, seen = (
        ssl.create_default_context(cafile=config.pki_dir / "ca.pem"),
        bars_of(len(config.board)),
        Measured(service, http),
    )
    boards = [FleetBoard(Link(http, config, zone.board, tls), (zone.id,)) for zone in config.zone]
    began, began_cpu, empty_kb = time.monotonic(), time.process_time(), seen.resident_kb()
    at_start = await seen.lags()
    tasks = [asyncio.create_task(board.run(spread_s)) for board in boards]
    connected_s = await all_ready(boards)
    failures = sum(board.failures for board in boards)
    served, before, cpu_s, held = (
        sum(board.ready.is_set() for board in boards),
        await seen.lags(),
        seen.cpu_s(),
        time.monotonic(),
    )
    commands = await command_all(service, http, [zone.id for zone in config.zone], hold_s)
    await asyncio.sleep(max(0.0, held + hold_s - time.monotonic()))
    after, held_s = await seen.lags(), time.monotonic() - held
    acknowledged = [s for board in boards for s in board.acknowledged_s]
    figures = [
        Figure("boards served", served, "", len(boards), at_most=False),
        Figure("all connected after", connected_s, "s", bars.connected_s),
        Figure("failures until then", failures, "", 0),
        Figure("loop lag while connecting, p99", 1000 * lag_quantile(at_start, before, 0.99), "ms"),
        Figure("loop lag, p50", 1000 * lag_quantile(before, after, 0.5), "ms"),
        Figure("loop lag, p99", 1000 * lag_quantile(before, after, 0.99), "ms", bars.lag_s and 1000 * bars.lag_s),
        Figure("commands", len(commands), ""),
        Figure("command round trip, p99", p99_ms(commands), "ms", 500.0),
        Figure("telemetry acknowledged", len(acknowledged), ""),
        Figure("acknowledgement, p99", p99_ms(acknowledged), "ms"),
        Figure("memory of the service for a board", (seen.resident_kb() - empty_kb) / len(boards), "kB", 80.0),
        Figure("service's CPU", 100 * (seen.cpu_s() - cpu_s) / held_s, "% of a core"),
        Figure("failures while connected", sum(board.failures for board in boards) - failures, "", 0),
    ]
    if storm:
        failures = sum(board.failures for board in boards)
        for board in boards:
            board.drop()
        figures.append(Figure("storm without jitter: all connected after", await all_ready(boards), "s", CONVERGES_S))
        figures.append(
            Figure("storm without jitter: dials that failed", sum(board.failures for board in boards) - failures, "")
        )
    share = (time.process_time() - began_cpu) / (time.monotonic() - began)
    figures.append(Figure("these boards' own CPU", 100 * share, "% of a core"))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return figures


@click.command()
@click.option("--boards", default=SMALL, show_default=True, type=click.IntRange(1, 50_000), help="One zone each.")
@click.option("--hold", "hold_s", default=60.0, show_default=True, help="Seconds of telemetry and commands.")
@click.option(
    "--spread", "spread_s", type=click.FloatRange(0), help="Seconds over which they dial; default 10 ms each."
)
@click.option("--storm/--no-storm", default=True, show_default=True, help="At the end all reconnect at once.")
def fleet(boards: int, hold_s: float, spread_s: float | None, storm: bool) -> None:
    """Thousands of boards against the service: connecting, telemetry, commands, a storm."""
    limit = raise_limit()
    if limit < boards + 200:
        raise click.ClickException(
            f"{boards} boards need {boards + 200} open files, the limit is {limit}: `ulimit -Hn`"
        )
    spread_s = boards * SPREAD_PER_BOARD_S if spread_s is None else spread_s
    with working_folder() as folder:
        figures = asyncio.run(measure(folder, boards, hold_s, spread_s, storm))
    print_figures(terminal.console(), figures, f"{boards} boards")
    if any(figure.holds is False for figure in figures):
        raise SystemExit(1)
