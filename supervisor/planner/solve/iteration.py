"""The first-order iteration that both solvers begin with: primal–dual hybrid gradient on a batch of feeders.

PDHG (Chambolle and Pock 2011) with diagonal steps, over-relaxed (Condat 2013). φ's proximal step has a closed form:
y ← max(0, max_j min(slope_j, z + σ·b_j)), b_j the breakpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supervisor.planner.solve.batch import Batch, Single

RELAXATION = 1.8  # below 2; half the iterations of restarted averages at the same gap


@dataclass
class Point:
    """Where the iteration is: F feeders, Z zones, M slots of a batch."""

    u: Single  # (Z, M) duties
    y: Single  # (Z, M) multipliers of φ [currency per K and slot]
    nu: Single  # (F, M) multipliers of the feeders' limits [currency per kW and slot]
    p: Single  # (F, 1) peaks [kW]


def origin(b: Batch) -> Point:
    """No heat, nothing worth anything, the peak as it is."""
    zones, m = b.cost.shape
    zero = np.zeros((zones, m), np.float32)
    return Point(zero, zero.copy(), np.zeros_like(b.fixed_kw), b.low_kw.copy())


def settle(b: Batch, point: Point) -> None:
    """Put in place what no duty can change: idle columns, and the multipliers of rows out of reach."""
    point.u *= b.most
    np.copyto(point.y, b.settled, where=b.settled > 0.0)


def iterate(b: Batch, start: Point, iterations: int) -> Point:
    """PDHG; returns the last step's end. Buffers are reused: at this size allocation would cost as much."""
    u, y, nu, p = start.u.copy(), start.y.copy(), start.nu.copy(), start.p.copy()
    lift, heat = np.empty((*u.shape, 1), np.float32), np.empty((len(u), 1, u.shape[1]), np.float32)
    ahead, u1, y1, trial = np.empty_like(u), np.empty_like(u), np.empty_like(u), np.empty_like(u)
    pushed = b.step_y * b.breaks
    by_segment = np.empty_like(pushed)
    power_t = np.ascontiguousarray(b.power.T)
    relax = np.float32(RELAXATION)
    nu1, p1 = nu, p
    for _ in range(iterations):
        np.matmul(y[:, None, :], b.kernel, out=heat)
        np.matmul(power_t, nu, out=u1)
        u1 += b.cost
        u1 -= heat[:, 0]
        u1 *= b.step_u
        np.subtract(u, u1, out=u1)
        np.maximum(u1, 0.0, out=u1)
        np.minimum(u1, b.most, out=u1)
        p1 = p - b.step_p * (b.demand - (b.billed * nu).sum(axis=1, keepdims=True))
        p1 = np.minimum(np.maximum(p1, b.low_kw), b.high_kw)

        np.subtract(u1, u, out=trial)
        np.add(u1, trial, out=ahead)
        trial *= relax
        u += trial
        np.matmul(b.kernel, ahead[:, :, None], out=lift)
        lifted = lift[:, :, 0]
        lifted *= b.step_y
        np.subtract(y, lifted, out=lifted)
        np.add(pushed, lifted, out=by_segment)
        np.minimum(by_segment, b.slopes, out=by_segment)
        np.maximum.reduce(by_segment, axis=0, out=y1)
        np.maximum(y1, 0.0, out=y1)
        over = b.power @ ahead + b.fixed_kw - b.cap_kw - b.billed * (2.0 * p1 - p)
        nu1 = np.maximum(nu + b.step_nu * over, 0.0)

        np.subtract(y1, y, out=trial)
        trial *= relax
        y += trial
        nu += relax * (nu1 - nu)
        p += relax * (p1 - p)
    return Point(u1, y1, nu1, p1)
