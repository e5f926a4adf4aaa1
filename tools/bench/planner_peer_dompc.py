"""Runs in its own environment (see `planner_peers`): one zone as one thermal state in do-mpc, easier than ours."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def controller(n: int, slot_h: float, gain_k: float, price: Any, needed_k: Any, power_kw: float) -> Any:
    """First-order lift: dT/dt = (gain · u − T) / 6 h, soft lower limit, price by time."""
    import do_mpc  # type: ignore[import-not-found,unused-ignore]

    model = do_mpc.model.Model("continuous")
    lift = model.set_variable("_x", "lift")
    duty = model.set_variable("_u", "duty")
    cost, need = model.set_variable("_tvp", "cost"), model.set_variable("_tvp", "need")
    model.set_rhs("lift", (gain_k * duty - lift) / 6.0)
    model.setup()
    mpc = do_mpc.controller.MPC(model)
    mpc.set_param(n_horizon=n, t_step=slot_h, store_full_solution=False)
    mpc.settings.supress_ipopt_output()
    mpc.set_objective(mterm=0 * lift, lterm=cost * power_kw * slot_h * duty)
    mpc.set_rterm(duty=1e-6)
    mpc.bounds["lower", "_u", "duty"] = 0.0
    mpc.bounds["upper", "_u", "duty"] = 1.0
    mpc.set_nl_cons("short", need - lift, ub=0.0, soft_constraint=True, penalty_term_cons=1500.0)
    template = mpc.get_tvp_template()

    def values(_: float) -> Any:
        for k in range(n + 1):
            template["_tvp", k, "cost"] = float(price[min(k, n - 1)])
            template["_tvp", k, "need"] = float(needed_k[min(k, n - 1)])
        return template

    mpc.set_tvp_fun(values)
    mpc.setup()
    mpc.x0 = np.array([[0.0]])
    mpc.set_initial_guess()
    return mpc


def main(given: str, out: str) -> None:
    data = np.load(given)
    slot_h, price, zones = float(data["slot_h"][0]), data["price0"], 3
    seconds = 0.0
    for z in range(zones):
        kernel = data["kernel0"][z]
        mpc = controller(
            price.size, slot_h, float(kernel[-1].sum()), price, data["start0"][z], float(data["power0"][z])
        )
        mpc.make_step(np.array([[0.0]]))
        before = time.process_time()
        mpc.make_step(np.array([[0.0]]))
        seconds += time.process_time() - before
    Path(out).write_text(json.dumps({"ms_per_zone": 1000 * seconds / zones}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
