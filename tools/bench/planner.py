"""`roadheat bench planner`: what a planning cycle costs, by stage, with the certified gap."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.table import Table

from supervisor.domain.plan import SLOT_S
from supervisor.planner.exact import solve_exact
from supervisor.planner.fleet import solve_fleet
from supervisor.planner.pipeline import feeder_problems, plan_fleet
from tools.bench.planner_data import make_inputs

T = TypeVar("T")

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one CPU a worker

SHARD = 500  # zones of one worker; more are planned in turns, as the service's sticky shards do
EXACT_SAMPLE = 20  # feeders that the exact solver is timed on


@dataclass
class Timing:
    """CPU milliseconds per zone, gaps relative."""

    zones: int
    members: int
    slots: int
    physics_ms: float
    solve_cold_ms: float
    solve_warm_ms: float
    exact_ms: float
    pack_ms: float
    end_to_end_ms: float  # physics + warm solve + pack
    wall_ms: float
    zones_per_s: float  # of CPU, one process
    gap_cold: float  # Σ(objective − bound) / Σ objective
    gap_warm: float
    gap_worst: float
    memory_mb: float  # highest resident size of this process so far


@click.command()
@click.option("--zones", default="1,100,1000", show_default=True, help="comma-separated")
@click.option("--members", default=20, show_default=True)
@click.option("--slots", default=96, show_default=True)
@click.option("--peers", is_flag=True, help="also time peers that are installed here")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), default=None)
def planner(zones: str, members: int, slots: int, peers: bool, json_file: Path | None) -> None:
    """Time planning cycles: a cold one, then the next a quarter of an hour later from its warm start."""
    timings = [measure(int(count), members, slots) for count in zones.split(",")]
    console = Console(width=None if os.isatty(1) else 140)
    table = Table(title=f"Planning cycle, K={members}, N={slots}, CPU-ms per zone")
    for head in (
        "zones", "physics", "solve cold", "warm", "exact", "pack", "end to end", "zones/s", "gap cold", "gap warm",
        "worst", "MB",
    ):  # fmt: skip
        table.add_column(head, justify="right")
    for t in timings:
        table.add_row(
            str(t.zones), f"{t.physics_ms:.2f}", f"{t.solve_cold_ms:.2f}", f"{t.solve_warm_ms:.2f}",
            f"{t.exact_ms:.2f}", f"{t.pack_ms:.2f}", f"{t.end_to_end_ms:.2f}", f"{t.zones_per_s:.0f}",
            f"{100 * t.gap_cold:.2f} %", f"{100 * t.gap_warm:.2f} %",
            f"{100 * t.gap_worst:.2f} %", f"{t.memory_mb:.0f}",
        )  # fmt: skip
    console.print(table)
    if peers:
        from tools.bench.planner_peers import compare_peers

        console.print(compare_peers(members, slots))
    if json_file is not None:
        json_file.write_text(json.dumps([asdict(t) for t in timings], indent=1))


def measure(zones: int, members: int, slots: int) -> Timing:
    """One cold and one warm cycle of `zones` zones, in shards."""
    total = dict.fromkeys(("physics", "cold", "warm", "exact", "pack", "wall"), 0.0)
    cold_gap, warm_gap, objective, warm_objective, worst = 0.0, 0.0, 0.0, 0.0, 0.0
    exact_zones = 0
    for first in range(0, zones, SHARD):
        count = min(SHARD, zones - first)
        inputs = make_inputs(count, members, seed=first + 1, slots=slots)
        wall = time.perf_counter()
        problems = _timed(total, "physics", partial(feeder_problems, inputs))
        cold, warm = _timed(total, "cold", partial(solve_fleet, problems))
        total["wall"] += time.perf_counter() - wall
        later = feeder_problems(replace(inputs, now_utc_s=inputs.now_utc_s + SLOT_S))
        again, _ = _timed(total, "warm", partial(solve_fleet, later, warm))
        outcome = plan_fleet(inputs)
        total["pack"] += outcome.cpu_s["pack"]
        for problem in problems[:EXACT_SAMPLE]:
            _timed(total, "exact", partial(solve_exact, problem))
            exact_zones += len(problem.zones)
        objective += sum(s.objective for s in cold)
        warm_objective += sum(s.objective for s in again)
        cold_gap += sum(s.objective - s.bound for s in cold)
        warm_gap += sum(s.objective - s.bound for s in again)
        worst = max([worst, *(s.gap for s in again)])
    per_zone = {name: 1000.0 * seconds / zones for name, seconds in total.items()}
    end_to_end = per_zone["physics"] + per_zone["warm"] + per_zone["pack"]
    return Timing(
        zones=zones, members=members, slots=slots, physics_ms=per_zone["physics"], solve_cold_ms=per_zone["cold"],
        solve_warm_ms=per_zone["warm"], exact_ms=1000.0 * total["exact"] / max(exact_zones, 1),
        pack_ms=per_zone["pack"], end_to_end_ms=end_to_end, wall_ms=per_zone["wall"], zones_per_s=1000.0 / end_to_end,
        gap_cold=cold_gap / max(objective, 1e-9), gap_warm=warm_gap / max(warm_objective, 1e-9),
        gap_worst=worst, memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    )  # fmt: skip


def _timed(total: dict[str, float], name: str, work: Callable[[], T]) -> T:
    before = time.process_time()
    result = work()
    total[name] += time.process_time() - before
    return result
