"""What others notice of a hostile board that sends as fast as the service, as shipped, lets it: quiet phases and
attacks take turns in one run, since a machine's own noise comes and goes.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import aiohttp
import numpy as np
from msgspec import Struct

from hil_tests.bench.city import write_city
from supervisor.config import Config, load
from supervisor.weather.design_storm import design_storm
from tools.bench.energy import Figure
from tools.bench.fuzz_city import Honest, Latencies, Link, Service, command, measure
from tools.bench.fuzz_hostile import KINDS

HOSTILE = "b01"
BOARDS, ZONES_PER_BOARD = 4, 2
WARM_S = 5.0
# Within noise: the median of the attacks' p99 is no more than this beyond what a quarter of the quiet phases exceeds.
# The worst quiet phase says nothing: on a machine with other work one of them is always bad.
NOISE_FACTOR, NOISE_MS = 1.25, 5.0
READ_EACH_S = 25.0  # frames of one board a second, see supervisor.gateway.pace
CPU_MAX = 10.0  # of a core, which an attack may cost the service [%]
WAITS = (("acknowledged", "telemetry to acknowledgement"), ("commanded", "override to its board"))


class Phase(Struct):
    """One phase; `kind` "quiet" or one of `KINDS`."""

    kind: str
    waited: Latencies
    cpu_percent: float = 0.0  # of a core, by the service
    sent: int = 0


def cpu_s(pid: int) -> float:
    """Processor time that a process has used [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def undisturbed(folder: Path, rounds: int, phase_s: float, seed: int) -> list[Figure]:
    """So many rounds of a quiet phase and an attack of each kind; the figures."""
    now = int(time.time()) // 3600 * 3600
    path = write_city(folder, design_storm(now - 24 * 3600, 96, 1), boards=BOARDS, zones_per_board=ZONES_PER_BOARD)
    config = load(path)
    service = Service(config, path, folder / "service.log")
    try:
        return await _phases(service, config, path, rounds, phase_s, seed)
    finally:
        await service.stop()


async def _phases(service: Service, config: Config, path: Path, rounds: int, phase_s: float, seed: int) -> list[Figure]:
    await service.start()
    assert service.process is not None
    phases: list[Phase] = []
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await service.sign_in(http)
        zones = {board.id: tuple(zone.id for zone in config.zones_of(board.id)) for board in config.board}
        nobody = Latencies([], [])
        boards = [Honest(Link(http, config, board), zones[board], nobody) for board in zones if board != HOSTILE]
        tasks = [asyncio.create_task(board.run()) for board in boards]
        tasks.append(asyncio.create_task(command(service, http, boards)))
        hostile = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tools.bench.fuzz_hostile", str(path), HOSTILE, str(seed),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert hostile.stdin is not None
        assert hostile.stdout is not None
        await hostile.stdout.readline()
        await asyncio.sleep(WARM_S)
        for kind in [kind for _ in range(rounds) for attack in KINDS for kind in ("quiet", attack)] + ["quiet"]:
            hostile.stdin.write(f"{kind}\n".encode())
            sent = int(await hostile.stdout.readline())
            if phases:
                phases[-1].sent = sent
            await asyncio.sleep(1.0)  # what is under way of the phase before
            phases.append(Phase(kind, Latencies([], [])))
            measure(boards, phases[-1].waited)
            used_s, began = cpu_s(service.process.pid), time.monotonic()
            await asyncio.sleep(phase_s)
            phases[-1].cpu_percent = 100 * (cpu_s(service.process.pid) - used_s) / (time.monotonic() - began)
            measure(boards, nobody)
        hostile.kill()
        await hostile.wait()
        failed = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        for board in boards:
            await board.link.close()
    status = await service.stop()
    return [
        Figure("service ended", status, "", 0),
        Figure("honest boards or crew cut off", failed, "", 0),
        *_figures(phases, rounds * phase_s),
    ]


def _figures(phases: list[Phase], attacked_s: float) -> list[Figure]:
    quiet = [phase for phase in phases if phase.kind == "quiet"]
    idle = float(np.median([phase.cpu_percent for phase in quiet]))
    figures = [Figure("service without an attack", idle, "% of a core")]
    for which, name in WAITS:
        p99s = [phase.waited.p99_ms(which) for phase in quiet]
        figures += [
            Figure(f"{name}, p99, quiet: median of {len(p99s)}", float(np.median(p99s)), "ms"),
            Figure(f"{name}, p99, quiet: upper quartile", float(np.percentile(p99s, 75)), "ms"),
        ]
    for kind in KINDS:
        attacks = [phase for phase in phases if phase.kind == kind]
        least = 1.0 if kind == "sessions" else READ_EACH_S * attacked_s  # less than what is read is no attack
        figures.append(Figure(f"{kind}: sent", sum(phase.sent for phase in attacks), "", least, at_most=False))
        cost = float(np.median([phase.cpu_percent for phase in attacks])) - idle
        figures.append(Figure(f"{kind}: cost to the service", cost, "% of a core", CPU_MAX))
        for which, name in WAITS:
            upper = float(np.percentile([phase.waited.p99_ms(which) for phase in quiet], 75))
            most = upper * NOISE_FACTOR + NOISE_MS
            p99 = float(np.median([phase.waited.p99_ms(which) for phase in attacks]))
            figures.append(Figure(f"{kind}: {name}, p99", p99, "ms", most))
    return figures
