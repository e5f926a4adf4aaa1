"""`roadheat bench cluster`: what it costs to serve boards through gateways.

The same boards tell the same at one process, then at a core and gateways with NATS and haproxy between, in one run:
the factor between the two is what counts. Boards, roles and servers share the machine.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import click
import numpy as np

from hil_tests.bench.city import working_folder, write_city
from supervisor import terminal
from supervisor.config import load
from supervisor.config.listen import split_listen
from supervisor.net.handles import raise_limit
from supervisor.weather.design_storm import design_storm
from tools.bench.energy import Figure, print_figures
from tools.bench.fleet import all_ready, cpu_s
from tools.bench.fleet_boards import TELEMETRY_EACH_S, FleetBoard
from tools.bench.fuzz_city import Link, Service
from tools.bench.role_process import DISTRICT, Role
from tools.servers import free_port, running_haproxy, running_nats

FACTOR_MAX = 2.5  # of CPU for a board
SETTLE_S = 2 * TELEMETRY_EACH_S  # after the last board has been served: plans have been sent and answered


@dataclass(frozen=True)
class Cost:
    """Of one way to serve the boards."""

    acknowledged_s: list[float]
    busy: Mapping[str, float]  # by process, cores

    def quantile_ms(self, share: float) -> float:
        return float(np.quantile(self.acknowledged_s, share)) * 1000 if self.acknowledged_s else float("nan")

    @property
    def cores(self) -> float:
        return sum(self.busy.values())


async def hold(service: Service, folder: Path, pids: Mapping[str, int], hold_s: float) -> Cost:
    """Let all boards of the city at `folder` tell for `hold_s`, once they are served and have their plans."""
    config = load(folder / "city.toml")
    tls = ssl.create_default_context(cafile=config.pki_dir / "ca.pem")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        boards = [FleetBoard(Link(http, config, zone.board, tls), (zone.id,)) for zone in config.zone]
        tasks = [asyncio.create_task(board.run(TELEMETRY_EACH_S)) for board in boards]
        try:
            await all_ready(boards)
            served = sum(board.ready.is_set() for board in boards)
            if served < len(boards):
                raise click.ClickException(f"{served} of {len(boards)} boards are served; see {service.log}")
            await asyncio.sleep(SETTLE_S)
            for board in boards:
                board.acknowledged_s.clear()
            before, began_s = {name: cpu_s(pid) for name, pid in pids.items()}, time.monotonic()
            await asyncio.sleep(hold_s)
            held_s = time.monotonic() - began_s
            busy = {name: (cpu_s(pid) - before[name]) / held_s for name, pid in pids.items()}
            return Cost([s for board in boards for s in board.acknowledged_s], busy)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def single(folder: Path, hold_s: float) -> Cost:
    """One process."""
    service = Service(load(folder / "city.toml"), folder / "city.toml", folder / "service.log")
    await service.start()
    try:
        assert service.process is not None
        return await hold(service, folder, {"service": service.process.pid}, hold_s)
    finally:
        await service.stop()


async def roles(folder: Path, hold_s: float, gateways: int) -> Cost:
    """A core and gateways."""
    config = load(folder / "city.toml")
    ports = [(free_port(), free_port()) for _ in range(gateways)]
    dialled = split_listen(config.boards.listen)[1]
    with ExitStack() as stack:
        nats = stack.enter_context(running_nats(folder))
        core = Service(
            config, folder / "city.toml", folder / "core.log",
            "--role", "core", "--nats", nats.address, "--district", DISTRICT,
        )  # fmt: skip
        await core.start()
        try:
            started = {}
            for number, (own, health) in enumerate(ports, 1):
                listen = ("--listen", f"127.0.0.1:{own}", "--metrics", f"127.0.0.1:{health}")
                role = Role(nats, folder / "gateway.log", "--role", "gateway", *listen)
                stack.callback(role.kill)
                role.start()
                started[f"gateway {number}"] = role.pid
            haproxy = stack.enter_context(running_haproxy(folder, ports, dialled))
            assert core.process is not None
            pids = {"core": core.process.pid, **started, "NATS": nats.pid, "haproxy": haproxy.pid}
            return await hold(core, folder, pids, hold_s)
        finally:
            await core.stop()


async def measure(folder: Path, count: int, hold_s: float, gateways: int) -> list[Figure]:
    """Both ways, one after the other."""
    costs: list[Cost] = []
    for name in ("single", "roles"):
        now = int(time.time()) // 3600 * 3600
        own = folder / name
        write_city(own, design_storm(now - 24 * 3600, 96, 1), boards=count, zones_per_board=1,
                   feeders=max(1, count // 20))  # fmt: skip
        costs.append(await (single(own, hold_s) if name == "single" else roles(own, hold_s, gateways)))
    one, many = costs
    figures = []
    for name, cost in (("one process", one), ("roles", many)):
        figures += [
            Figure(f"{name}: telemetry acknowledged", len(cost.acknowledged_s), ""),
            Figure(f"{name}: round trip, p50", cost.quantile_ms(0.5), "ms"),
            Figure(f"{name}: round trip, p99", cost.quantile_ms(0.99), "ms"),
            Figure(f"{name}: CPU for a board-hour", 3600 * cost.cores / count, "s"),
            *(Figure(f"{name}: {part}", 100 * busy, "% of a core") for part, busy in cost.busy.items()),
        ]
    figures.append(Figure("CPU of the roles over that of one process", many.cores / one.cores, "", FACTOR_MAX))
    return figures


@click.command()
@click.option("--boards", default=300, show_default=True, type=click.IntRange(1, 10_000), help="One zone each.")
@click.option(
    "--hold", "hold_s", default=60.0, show_default=True, type=click.FloatRange(5), help="Seconds of telemetry."
)
@click.option("--gateways", default=2, show_default=True, type=click.IntRange(1, 16))
def cluster(boards: int, hold_s: float, gateways: int) -> None:
    """The same boards at one process, then at core and gateways: round trips and CPU."""
    raise_limit()
    with working_folder() as folder:
        figures = asyncio.run(measure(folder, boards, hold_s, gateways))
    print_figures(terminal.console(), figures, f"{boards} boards, a frame every {TELEMETRY_EACH_S:g} s")
    if any(figure.holds is False for figure in figures):
        raise SystemExit(1)
