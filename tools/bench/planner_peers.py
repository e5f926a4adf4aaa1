"""The same nights through other optimisers, each in an environment of its own that uv makes, versions pinned.

CVXPY gets the identical programme. EMHASS and do-mpc get easier ones (one thermal state a zone, see their files): the
table says so. Solving only: their free responses would have to be computed as well. All with one thread.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from rich.table import Table

from supervisor.domain.errors import CommandError
from supervisor.domain.plan import SLOT_S
from supervisor.planner.pose import feeder_problems
from supervisor.planner.solve.exact import solve_exact
from supervisor.planner.solve.fleet import Warm, solve_fleet
from supervisor.planner.solve.penalty import SLOT_H
from supervisor.planner.solve.problem import FeederProblem
from tools.bench.planner_data import ZONES_PER_FEEDER, make_inputs

FEEDERS = 3
# casadi 3.7 no longer has what do-mpc 5.1 needs.
PEERS = {
    "CVXPY": ("planner_peer_cvxpy.py", ("cvxpy==1.7.5", "highspy==1.15.1", "numpy==2.2.6")),
    "EMHASS": ("planner_peer_emhass.py", ("emhass==0.18.7",)),
    "do-mpc": ("planner_peer_dompc.py", ("do-mpc==5.1.1", "casadi==3.6.7", "numpy==2.2.6")),
}
BAR = {"CVXPY": "≥ 20", "EMHASS": "≥ 20", "do-mpc": "≥ 1,000"}
TIMEOUT_S = 900.0
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Row(msgspec.Struct):
    """What a peer's job writes for each thing that it timed."""

    name: str
    problem: str
    ms_per_zone: float
    first_ms_per_zone: float | None = None  # with building the problem, once
    objective: list[float] = []  # by feeder, where it solved our programme


def require_uv() -> Path:
    """The uv that makes the peers' environments; raises CommandError where there is none."""
    uv = shutil.which("uv") or _own_uv()
    if uv is None:
        raise CommandError("needs uv", where="--peers", remedy="Put uv on PATH, or get one with tools/get_uv.sh")
    return Path(uv)


def compare_peers(members: int, slots: int) -> Table:
    """CPU-ms per zone of each peer beside ours, on the same feeders."""
    inputs = make_inputs(FEEDERS * ZONES_PER_FEEDER, members, slots=slots)
    problems = feeder_problems(inputs)
    best = [solve_exact(problem).objective for problem in problems]
    fleet_ms, first_ms, objective = _ours(members, slots)
    table = Table(title=f"Peers, K={members}, N={slots}, solve only, CPU-ms per zone")
    for head in ("who", "what it solves", "first", "again", "times ours", "bar", "cost above the optimum"):
        table.add_column(head, justify="left" if head in ("who", "what it solves") else "right")
    table.add_row(
        "roadheat, fleet",
        "ensemble, feeders",
        f"{first_ms:.2f}",
        f"{fleet_ms:.2f}",
        "1",
        "",
        f"≤ {100 * objective:.2f} %",
    )
    for name, (script, packages) in PEERS.items():
        rows, failed = _run(script, packages, problems)
        for row in rows:
            cost = f"{100 * (sum(row.objective) / sum(best) - 1):.2f} %" if row.objective else "another problem"
            first = "" if row.first_ms_per_zone is None else f"{row.first_ms_per_zone:.0f}"
            times = f"{row.ms_per_zone / fleet_ms:.0f}"
            table.add_row(row.name, row.problem, first, f"{row.ms_per_zone:.1f}", times, BAR[name], cost)
        if failed:
            table.add_row(name, "", "", "", "", BAR[name], f"not run: {failed}")
    return table


def _ours(members: int, slots: int) -> tuple[float, float, float]:
    """Warm and cold milliseconds per zone, φ folded anew each time as in a cycle; and the certified gap."""
    inputs = make_inputs(200, members, slots=slots)
    warm: dict[str, Warm] = {}
    took: list[float] = []
    gap = 0.0
    for cycle in range(4):
        problems = feeder_problems(replace(inputs, now_utc_s=inputs.now_utc_s + cycle * SLOT_S))
        before = time.process_time()
        solutions, warm = solve_fleet(problems, warm)
        took.append(1000.0 * (time.process_time() - before) / len(inputs.zones))
        gap = 1.0 - sum(s.bound for s in solutions) / sum(s.objective for s in solutions)
    return min(took[1:]), took[0], gap


def _run(script: str, packages: tuple[str, ...], problems: list[FeederProblem]) -> tuple[list[Row], str]:
    """What the peer measured, and one line on why there is not more."""
    uv = str(require_uv())
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "problems.npz", Path(folder) / "out.json"
        np.savez(given, **_arrays(problems))  # type: ignore[arg-type]
        job = Path(__file__).with_name(script)
        wanted = [f"--with={package}" for package in packages]
        command = [uv, "run", "--no-project", "--python=3.11", *wanted, "python", str(job), str(given), str(out)]
        failed = ""
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=os.environ | _ONE_THREAD
            )
            if done.returncode:
                failed = (done.stderr.strip().splitlines() or ["no output"])[-1][:80]
        except subprocess.TimeoutExpired:
            failed = f"the next took longer than {TIMEOUT_S:.0f} s"
        rows = msgspec.json.decode(out.read_bytes(), type=list[Row]) if out.exists() else []
        return rows, failed


def _own_uv() -> str | None:
    own = Path(__file__).parents[2] / ".cache" / "uv" / "bin" / "uv"
    return str(own) if own.exists() else None


def _arrays(problems: list[FeederProblem]) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Feeders as plain arrays, numbered."""
    out = {"feeders": np.array([float(len(problems))]), "slot_h": np.array([SLOT_H])}
    for f, problem in enumerate(problems):
        width = max(zone.penalty.slope.shape[1] for zone in problem.zones)
        out[f"kernel{f}"] = np.stack([zone.kernel for zone in problem.zones])
        out[f"power{f}"] = problem.power_kw
        out[f"price{f}"] = problem.price
        out[f"limits{f}"] = np.array([problem.demand_price, problem.floor_kw, problem.contract_kw])
        out[f"start{f}"] = np.stack([zone.penalty.start_k for zone in problem.zones])
        out[f"width{f}"] = np.stack([_pad(zone.penalty.width_k, width, 0.0) for zone in problem.zones])
        short = np.stack([np.where(np.isfinite(z.shortfall_k), z.shortfall_k, 0.0) for z in problem.zones])
        out[f"members{f}"] = short
        out[f"need{f}"] = short.mean(axis=1)
        out[f"slope{f}"] = np.stack([_pad(zone.penalty.slope, width, 0.0) for zone in problem.zones])
    return out


def _pad(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], width: int, fill: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=fill)
