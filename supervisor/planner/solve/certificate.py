"""What the fleet solver's plans cost and how good they surely are: all feeders of a batch at once, double precision.

The same figures as `FeederProblem.objective` and `problem.dual_bound`, feeder by feeder; the tests compare them.
"""

from __future__ import annotations

import numpy as np

from supervisor.planner.solve.batch import Batch
from supervisor.planner.solve.penalty import SLOT_H, Array


def feasible(b: Batch, duty: Array) -> tuple[Array, Array]:
    """The nearest duties (Z, N) that keep every hard limit, and the feeders' load (F, N) [kW]."""
    free = np.where(b.free, np.clip(duty, 0.0, 1.0), 0.0)
    fixed_kw = np.array([problem.fixed_kw for problem in b.problems])
    contract = np.array([problem.contract_kw for problem in b.problems])[:, None]
    load, room = b.power_kw @ free, np.maximum(contract - fixed_kw, 0.0)
    scale = np.where(load > room, room / np.maximum(load, 1e-12), 1.0)
    counts = np.diff(np.append(b.first, len(b.zones)))
    out = free * np.repeat(scale, counts, axis=0) + b.fixed
    return out, load * scale + fixed_kw


def objectives(b: Batch, duty: Array, load_kw: Array) -> Array:
    """What feasible duties cost [currency], (F,): energy, raised peak and shortfall."""
    lift = np.array([zone.kernel @ u for zone, u in zip(b.zones, duty, strict=True)]).reshape(duty.shape)
    seg = b.segments
    depth = np.maximum(seg.start_k - lift, 0.0)
    short = np.zeros_like(depth)
    for before, width, slope in zip(seg.before_k, seg.width_k, seg.slope, strict=True):
        short += np.minimum(np.maximum(depth - before, 0.0), width) * slope
    price = np.array([problem.price for problem in b.problems])
    floor = np.array([problem.floor_kw for problem in b.problems])
    demand = np.array([problem.demand_price for problem in b.problems])
    billed = np.array([problem.billed for problem in b.problems])
    raised = np.maximum(np.where(billed, load_kw, 0.0).max(axis=1, initial=0.0) - floor, 0.0)
    energy = np.einsum("fn,fn->f", price, load_kw) * SLOT_H
    return np.asarray(energy + demand * raised + _by_feeder(b, short.sum(axis=1)))


def bounds(b: Batch, slope: Array) -> Array:
    """Lower bounds of the objectives (F,) from multipliers (Z, N) of φ; see `problem.dual_bound`."""
    seg = b.segments
    y = np.clip(slope, 0.0, seg.slope[-1])
    worth = y * seg.start_k
    for width, steep in zip(seg.width_k[:-1], seg.slope[:-1], strict=True):
        above = np.maximum(y - steep, 0.0)  # only segments that end are passed; the last one has the highest slope
        worth -= np.where(above > 0.0, width, 0.0) * above
    gain = -np.array([u @ zone.kernel for zone, u in zip(b.zones, y, strict=True)]).reshape(y.shape)
    counts = np.diff(np.append(b.first, len(b.zones)))
    price = np.repeat(np.array([problem.price for problem in b.problems]), counts, axis=0)
    kw = np.array([zone.power_kw for zone in b.zones])[:, None]
    gain += price * SLOT_H * kw
    dictated = (gain * b.fixed).sum(axis=1)
    per_kw = np.where(b.free, np.minimum(gain, 0.0) / kw, 0.0)
    return np.asarray(_by_feeder(b, worth.sum(axis=1) + dictated) + _cheapest_load(b, per_kw, kw))


def _cheapest_load(b: Batch, per_kw: Array, kw: Array) -> Array:
    """min over duties and peak p of Σ gain·u + demand price·(p − floor), (F,).

    Per slot a fractional knapsack, the best zone first; in p convex with corners where one more zone fits. Corners in
    order, the slope in p is known at each by adding up, so the lowest is found without a search.
    """
    feeders, n = len(b.problems), per_kw.shape[1]
    counts = np.diff(np.append(b.first, len(b.zones)))
    most = int(counts.max())
    place = np.arange(len(b.zones)) - np.repeat(b.first, counts)
    of = np.repeat(np.arange(feeders), counts)
    value, width = np.zeros((feeders, most, n)), np.zeros((feeders, most, n))
    value[of, place] = per_kw
    width[of, place] = np.where(per_kw < 0.0, kw, 0.0)
    order = np.argsort(value, axis=1)
    value, width = np.take_along_axis(value, order, axis=1), np.take_along_axis(width, order, axis=1)
    edge = np.cumsum(width, axis=1)
    fixed_kw = np.array([problem.fixed_kw for problem in b.problems])
    floor = np.array([problem.floor_kw for problem in b.problems])
    demand = np.array([problem.demand_price for problem in b.problems])
    high = np.array([problem.contract_kw for problem in b.problems])
    low = np.minimum(np.array([problem.least_peak_kw for problem in b.problems]), high)
    billed = np.array([problem.billed for problem in b.problems])
    tied = np.where(billed[:, None, :], value, 0.0)  # only these follow the peak

    # d/dp rises at each corner by what the next zone is worth less; below all corners it is the best zones' worth.
    corner = (edge + fixed_kw[:, None, :]).reshape(feeders, -1)
    rise = (np.concatenate([tied[:, 1:], np.zeros((feeders, 1, n))], axis=1) - tied).reshape(feeders, -1)
    at = np.argsort(corner, axis=1)
    slope = demand[:, None] + tied[:, 0].sum(axis=1)[:, None] + np.cumsum(np.take_along_axis(rise, at, axis=1), axis=1)
    slope[:, -1] = np.maximum(slope[:, -1], 0.0)  # it ends at the demand price, but for rounding
    first = np.argmax(slope >= 0.0, axis=1)
    peak = np.take_along_axis(corner, np.take_along_axis(at, first[:, None], axis=1), axis=1)[:, 0]
    peak = np.where(demand > 0.0, np.clip(peak, low, high), np.maximum(high, low))
    cap_kw = np.where(billed, peak[:, None], high[:, None])
    room = np.maximum(cap_kw - fixed_kw, 0.0)[:, None, :]
    used = np.clip(room - (edge - width), 0.0, width)
    return np.asarray((used * value).sum(axis=(1, 2)) + demand * (peak - floor))


def _by_feeder(b: Batch, values: Array) -> Array:
    return np.add.reduceat(values, b.first)
