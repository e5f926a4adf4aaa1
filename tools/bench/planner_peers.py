"""The same nights through other optimisers, each in an environment of its own made by `uv run --with`.

CVXPY gets the identical programme. do-mpc gets an easier one (one zone, one thermal state, no feeder): the table says
so.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
from rich.table import Table

from supervisor.planner.exact import solve_exact
from supervisor.planner.fleet import solve_fleet
from supervisor.planner.pipeline import feeder_problems
from supervisor.planner.problem import SLOT_H, FeederProblem
from tools.bench.planner_data import ZONES_PER_FEEDER, make_inputs

FEEDERS = 3
PEERS = {
    "CVXPY + HiGHS (same programme)": ("planner_peer_cvxpy.py", ("cvxpy>=1.6,<2", "highspy>=1.10,<2", "numpy>=2")),
    "do-mpc (one zone, one state, no feeder)": ("planner_peer_dompc.py", ("do-mpc>=5,<6", "numpy>=1.26")),
}
TIMEOUT_S = 900.0


class Answer(msgspec.Struct):
    """What a peer's job writes."""

    ms_per_zone: float
    objective: list[float] = []  # by feeder, where it solved our programme


def compare_peers(members: int, slots: int) -> Table:
    """CPU-ms per zone of each peer beside ours, on the same feeders."""
    inputs = make_inputs(FEEDERS * ZONES_PER_FEEDER, members, slots=slots)
    problems = feeder_problems(inputs)
    zones = sum(len(problem.zones) for problem in problems)
    before = time.process_time()
    best = [solve_exact(problem).objective for problem in problems]
    exact_ms = 1000.0 * (time.process_time() - before) / zones
    _, warm = solve_fleet(problems)
    before = time.process_time()
    ours, _ = solve_fleet(problems, warm)
    fleet_ms = 1000.0 * (time.process_time() - before) / zones
    table = Table(title=f"Peers, K={members}, N={slots}, solve only")
    for head in ("who", "CPU-ms per zone", "times ours (warm)", "cost above the optimum"):
        table.add_column(head, justify="left" if head == "who" else "right")
    above = sum(s.objective for s in ours) / sum(best) - 1.0
    table.add_row("roadheat, fleet, warm", f"{fleet_ms:.2f}", "1", f"{100 * above:.2f} %")
    table.add_row("roadheat, exact", f"{exact_ms:.2f}", f"{exact_ms / fleet_ms:.0f}", "0")
    for name, (script, packages) in PEERS.items():
        answer = _run(script, packages, problems)
        if isinstance(answer, str):
            table.add_row(name, "–", "–", answer)
            continue
        cost = "another problem"
        if answer.objective:
            cost = f"{100 * (sum(answer.objective) / sum(best) - 1):.2f} %"
        table.add_row(name, f"{answer.ms_per_zone:.1f}", f"{answer.ms_per_zone / fleet_ms:.0f}", cost)
    return table


def _run(script: str, packages: tuple[str, ...], problems: list[FeederProblem]) -> Answer | str:
    """What the peer measured, or one line on why it could not be run."""
    uv = shutil.which("uv")
    if uv is None:
        return "not run: uv is not on the PATH"
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "problems.npz", Path(folder) / "out.json"
        np.savez(given, **_arrays(problems))  # type: ignore[arg-type]
        job = Path(__file__).with_name(script)
        command = [
            uv,
            "run",
            "--no-project",
            *(f"--with={p}" for p in packages),
            "python",
            str(job),
            str(given),
            str(out),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return f"not run: longer than {TIMEOUT_S:.0f} s"
        if done.returncode or not out.exists():
            last = (done.stderr.strip().splitlines() or ["no output"])[-1]
            return f"not run: {last[:80]}"
        return msgspec.json.decode(out.read_bytes(), type=Answer)


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
        out[f"slope{f}"] = np.stack([_pad(zone.penalty.slope, width, 0.0) for zone in problem.zones])
    return out


def _pad(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], width: int, fill: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=fill)
