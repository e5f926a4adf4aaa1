"""`roadheat bench planner`: what a planning cycle costs, end to end and by stage, in the service's own processes.

A cold cycle, then the next ones each a quarter of an hour later from its warm start, by processes of the kind that the
service plans with: splitting the city, sending and receiving are part of the figures. CPU time is compared, as it
does not depend on other load of the machine.
"""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
from rich.table import Table

from supervisor import terminal
from supervisor.commands import OutputPath
from supervisor.domain.plan import SLOT_S
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.pipeline import FeederOutcome, PlanOutcome
from supervisor.planner.pose import feeder_problems
from supervisor.planner.shares import Group, Parts, group_feeders, merge, plan_as
from supervisor.planner.solve.exact import solve_exact
from supervisor.runtime.process import OwnProcess, cores
from tools.bench.planner_data import make_inputs

WARM_CYCLES = 3  # other load of the machine only adds
EXACT_SAMPLE = 10  # feeders that the exact solver is timed on
BARS = {
    "solve": "≤ 0.40", "exact": "≤ 3.5", "end": "≤ 2.5", "rate": "≥ 600", "gap": "≤ 0.5 %", "memory": "≤ 300 at 1,000",
}  # fmt: skip


@dataclass
class Cycle:
    """One planning cycle; CPU milliseconds per zone of all processes together."""

    physics_ms: float
    solve_ms: float
    pack_ms: float
    around_ms: float  # splitting, sending, receiving, putting together
    end_to_end_ms: float
    wall_s: float
    gap: float  # Σ(objective − bound) / Σ objective of the plans as published
    worst_gap: float


@dataclass
class Timing:
    """A city of `zones`."""

    zones: int
    members: int
    slots: int
    processes: int
    cold: Cycle
    warm: Cycle
    zones_per_s: float  # warm, by the clock, on all processes
    worker_mb: float  # highest resident size of the largest worker
    worker_zones: int  # that it planned


def _sizes(_context: click.Context, _option: click.Parameter, text: str) -> list[int]:
    """ "1,100" as numbers of zones."""
    sizes = [int(part) for part in text.split(",") if part.strip().isdecimal()]
    if len(sizes) != text.count(",") + 1 or min(sizes) < 1:
        raise click.BadParameter(f"'{text}' is not a list of whole numbers such as 1,100,1000.")
    return sizes


@click.command()
@click.option("--zones", default="1,100,1000,10000", show_default=True, callback=_sizes, help="comma-separated")
@click.option("--members", type=click.IntRange(1), default=20, show_default=True)
@click.option("--slots", type=click.IntRange(1), default=96, show_default=True)
@click.option("--processes", type=click.IntRange(0), default=0, help="0: as many as cores")
@click.option("--peers", is_flag=True, help="also time other optimisers, each in an environment of its own")
@click.option("--json", "json_file", type=OutputPath(), default=None)
def planner(zones: list[int], members: int, slots: int, processes: int, peers: bool, json_file: Path | None) -> None:
    """Time planning cycles: a cold one, then the next a quarter of an hour later from its warm start."""
    if peers:
        from tools.bench.planner_peers import compare_peers, require_uv

        require_uv()
    console = terminal.console(width=None if os.isatty(1) else 140)
    timings = [measure(count, members, slots, processes or cores()) for count in zones]
    console.print(_table(timings))
    if json_file is not None:
        json_file.write_text(json.dumps([asdict(t) for t in timings], indent=1))
    for count in dict.fromkeys((1, members)):
        console.print(f"exact solver, K={count}: {exact_ms(count, slots):.2f} CPU-ms per zone (bar {BARS['exact']})")
    if peers:
        console.print(compare_peers(members, slots))


def measure(zones: int, members: int, slots: int, processes: int) -> Timing:
    """A cold and some warm cycles of `zones` zones by the fleet solver; of the warm ones the least counts."""
    inputs = replace(make_inputs(zones, members, slots=slots), fleet=True)
    groups = group_feeders(inputs.feeders, inputs.zones, processes)
    workers = [OwnProcess() for _ in groups]
    try:
        for worker in workers:  # imports are over before the first cycle begins
            worker.submit(plan_as, (0, 0), make_inputs(1, 1, slots=slots)).result()
        cold, outcome = _cycle(workers, groups, inputs)
        warm = []
        for later in range(1, WARM_CYCLES + 1):
            again = replace(inputs, now_utc_s=inputs.now_utc_s + later * SLOT_S, previous=outcome.plans)
            cycle, outcome = _cycle(workers, groups, again)
            warm.append(cycle)
        peak_kb = [worker.submit(_peak_kb).result() for worker in workers]
    finally:
        for worker in workers:
            worker.end()
    largest = max(sum(zone.feeder in group for zone in inputs.zones) for group in groups)
    rate = zones / min(cycle.wall_s for cycle in warm)
    least = min(warm, key=lambda cycle: cycle.end_to_end_ms)
    return Timing(zones, members, slots, len(groups), cold, least, rate, max(peak_kb) / 1024.0, largest)


def _peak_kb() -> int:
    """Highest resident size of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _cycle(workers: Sequence[OwnProcess], groups: Sequence[Group], inputs: PlanInputs) -> tuple[Cycle, PlanOutcome]:
    before, wall = _cpu_s(workers), time.perf_counter()
    asked = [
        w.submit(plan_as, (1, i), Parts(inputs).of(group))
        for i, (w, group) in enumerate(zip(workers, groups, strict=True))
    ]
    outcome = merge(inputs, [future.result() for future in asked])
    wall = time.perf_counter() - wall
    cpu = _cpu_s(workers) - before
    if outcome.errors:
        raise click.ClickException(str(outcome.errors[0]))
    each = 1000.0 / len(inputs.zones)
    stages = outcome.cpu_s
    return Cycle(
        stages["physics"] * each, stages["solve"] * each, stages["pack"] * each,
        (cpu - sum(stages.values())) * each, cpu * each, wall, *_gaps(outcome.feeders),
    ), outcome  # fmt: skip


def _cpu_s(workers: Sequence[OwnProcess]) -> float:
    """Of this process and all planners."""
    return time.process_time() + sum(worker.submit(time.process_time).result() for worker in workers)


def _gaps(feeders: Sequence[FeederOutcome]) -> tuple[float, float]:
    total = sum(one.objective for one in feeders)
    return sum(one.gap * one.objective for one in feeders) / max(total, 1e-9), max(one.gap for one in feeders)


def exact_ms(members: int, slots: int) -> float:
    """CPU milliseconds per zone of the exact solver."""
    problems = feeder_problems(make_inputs(EXACT_SAMPLE * 10, members, slots=slots))
    for problem in problems:
        solve_exact(problem)  # once, so that φ is folded: the fleet solver's figures hold that too, but not twice
    took = []
    for _ in range(WARM_CYCLES):
        before = time.process_time()
        for problem in problems:
            solve_exact(problem)
        took.append(time.process_time() - before)
    return 1000.0 * min(took) / sum(len(problem.zones) for problem in problems)


def _table(timings: Sequence[Timing]) -> Table:
    first = timings[0]
    table = Table(title=f"Planning cycle, K={first.members}, N={first.slots}; CPU-ms per zone of all processes")
    for head in (
        "zones", "processes", "cycle", "physics", "solve", "pack", "around", "end to end", "wall s", "zones/s",
        "gap", "worst", "MB a worker",
    ):  # fmt: skip
        table.add_column(head, justify="left" if head == "cycle" else "right")
    for t in timings:
        for name, cycle in (("cold", t.cold), ("warm", t.warm)):
            warm = name == "warm"
            table.add_row(
                str(t.zones) if not warm else "", str(t.processes) if not warm else "", name,
                f"{cycle.physics_ms:.2f}", f"{cycle.solve_ms:.2f}", f"{cycle.pack_ms:.2f}", f"{cycle.around_ms:.2f}",
                f"{cycle.end_to_end_ms:.2f}", f"{cycle.wall_s:.2f}", f"{t.zones_per_s:.0f}" if warm else "",
                f"{100 * cycle.gap:.2f} %", f"{100 * cycle.worst_gap:.2f} %",
                f"{t.worker_mb:.0f} ({t.worker_zones})" if warm else "",
            )  # fmt: skip
    table.add_section()
    table.add_row(
        "bar", "2", "warm", "", BARS["solve"], "", "", BARS["end"], "", BARS["rate"], BARS["gap"], "", BARS["memory"]
    )
    return table
