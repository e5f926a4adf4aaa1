"""Runs in its own environment (see `planner_peers`): zones as one thermal state each in do-mpc (CasADi and IPOPT).

From easy to the same job but for the one state: one zone under one forecast; a feeder's ten zones under its contract;
one zone under the ensemble, one plan for all members (multi-stage, open loop); the feeder under the ensemble. What is
timed is a step from a warm start with another temperature; the first one and the set-up are given apart.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

HOURS = 6.0  # time constant of the one state


def controller(data: Any, zones: int, members: int) -> Any:
    """dT/dt = (gain · u − T) / 6 h per zone, soft lower limits by member, price by time, Σ P u ≤ contract."""
    import casadi  # type: ignore[import-not-found,unused-ignore]
    import do_mpc  # type: ignore[import-not-found,unused-ignore]

    slot_h, price = float(data["slot_h"][0]), data["price0"]
    n, power_kw = price.size, data["power0"][:zones]
    need = data["members0"][:zones, :members] if members > 1 else data["need0"][:zones, None]
    model = do_mpc.model.Model("continuous")
    lift = model.set_variable("_x", "lift", (zones, 1))
    duty = model.set_variable("_u", "duty", (zones, 1))
    cost = model.set_variable("_tvp", "cost")
    needed = [model.set_variable("_tvp", f"need{z}", (members, 1)) for z in range(zones)]
    member = model.set_variable("_p", "member", (members, 1))
    gain = casadi.DM(data["kernel0"][:zones].sum(axis=2).max(axis=1))
    model.set_rhs("lift", (gain * duty - lift) / HOURS)
    model.setup()
    mpc = do_mpc.controller.MPC(model)
    mpc.set_param(
        n_horizon=n, t_step=slot_h, store_full_solution=False, n_robust=1 if members > 1 else 0, open_loop=members > 1
    )
    mpc.settings.supress_ipopt_output()
    energy = casadi.dot(casadi.DM(power_kw), duty)
    mpc.set_objective(mterm=casadi.DM(0), lterm=cost * slot_h * energy)
    mpc.set_rterm(duty=1e-6)
    mpc.bounds["lower", "_u", "duty"] = 0.0
    mpc.bounds["upper", "_u", "duty"] = 1.0
    weight = float(data["slope0"].max())
    for z in range(zones):
        short = casadi.dot(needed[z], member) - lift[z]
        mpc.set_nl_cons(f"short{z}", short, ub=0.0, soft_constraint=True, penalty_term_cons=weight)
    if zones > 1:
        mpc.set_nl_cons("contract", energy - float(data["limits0"][2]), ub=0.0)
    times, scenarios = mpc.get_tvp_template(), mpc.get_p_template(members)

    def values(_: float) -> Any:
        for k in range(n + 1):
            times["_tvp", k, "cost"] = float(price[min(k, n - 1)])
            for z in range(zones):
                times["_tvp", k, f"need{z}"] = np.maximum(need[z, :, min(k, n - 1)], 0.0)
        return times

    for m in range(members):
        scenarios["_p", m] = np.eye(members)[m]
    mpc.set_tvp_fun(values)
    mpc.set_p_fun(lambda _: scenarios)
    mpc.setup()
    mpc.x0 = np.zeros((zones, 1))
    mpc.set_initial_guess()
    return mpc


def measure(data: Any, zones: int, members: int) -> dict[str, Any]:
    begin = time.process_time()
    mpc = controller(data, zones, members)
    mpc.make_step(np.zeros((zones, 1)))
    warm = time.process_time()
    mpc.make_step(np.full((zones, 1), 0.1))
    end = time.process_time()
    if not mpc.solver_stats["success"]:
        raise SystemExit(f"IPOPT says {mpc.solver_stats['return_status']}")
    what, seen = "feeder" if zones > 1 else "one zone", "ensemble" if members > 1 else "one forecast"
    return {
        "name": "do-mpc",
        "problem": f"easier: {what}, one state, {seen}",
        "ms_per_zone": 1000 * (end - warm) / zones,
        "first_ms_per_zone": 1000 * (warm - begin) / zones,
    }


def main(given: str, out: str) -> None:
    data = np.load(given)
    zones, members = data["members0"].shape[:2]
    rows = []
    for case in ((1, 1), (zones, 1), (1, members), (zones, members)):
        rows.append(measure(data, *case))
        Path(out).write_text(json.dumps(rows))  # kept, in case the next takes too long


if __name__ == "__main__":
    main(*sys.argv[1:3])
