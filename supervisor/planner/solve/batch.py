"""Feeders side by side as dense arrays in single precision, for the fleet solver's iterations.

A batch is small enough for the processor's cache (100 kernels of 96² are 3.7 MB); products of a batch of small dense
matrices with vectors then cost half of what a sparse matrix costs, and nothing has to be assembled. Only slots up to
the last one at risk are kept. The certificate of a plan (`certificate`) is worked out in double precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from supervisor.planner.solve.penalty import SLOT_H, Array
from supervisor.planner.solve.problem import FeederProblem, ZoneProblem

Single = npt.NDArray[np.float32]

_DEMAND_FLOOR = 1e-9
_TINY = 1e-12
# Of the geometric mean of what lifting costs and what shortfall costs, per kelvin: about as large are the multipliers.
# Within a factor of 3 it makes no difference, at prices of cold ten times apart (K = 1 and 20).
_BALANCE = 0.25


@dataclass(frozen=True)
class Segments:
    """φ of all zones, segments first: (S, Z, N); what a zone has fewer of is padded with width 0."""

    start_k: Array  # (Z, N)
    before_k: Array  # (S, Z, N) depth at which a segment begins
    width_k: Array
    slope: Array


@dataclass(frozen=True)
class Batch:
    """F feeders of Z zones in all; arrays end with the last slot at risk, M ≤ N. Steps are diagonal (see `_steps`)."""

    problems: tuple[FeederProblem, ...]
    zones: tuple[ZoneProblem, ...]
    first: npt.NDArray[np.int64]  # (F,) each feeder's first zone
    segments: Segments  # over all N slots
    free: npt.NDArray[np.bool_]  # (Z, N)
    fixed: Array  # (Z, N) duty that is dictated, else 0
    power_kw: Array  # (F, Z), 0 for the zones of other feeders
    power: Single  # the same
    kernel: Single  # (Z, M, M); rows without risk and columns without freedom are 0
    cost: Single  # (Z, M) [currency per unit duty]
    most: Single  # (Z, M) highest duty: 1 where free and of use, else 0
    breaks: Single  # (S, Z, M) lift at which a segment of φ ends, less what fixed duty gives
    slopes: Single  # (S, Z, M)
    settled: Single  # (Z, M) multipliers where no free duty reaches: out of service, or before an override ends
    fixed_kw: Single  # (F, M)
    billed: Single  # (F, M) 1 in slots whose peak is billed, else 0
    cap_kw: Single  # (F, M) the contract in the others, else 0
    demand: Single  # (F, 1)
    low_kw: Single
    high_kw: Single
    step_u: Single  # (Z, M)
    step_y: Single
    step_nu: Single  # (F, M)
    step_p: Single  # (F, 1)

    @property
    def slots(self) -> int:
        return int(self.kernel.shape[1])


def assemble(problems: Sequence[FeederProblem]) -> Batch:
    """A batch of feeders with the same number of slots."""
    zones = tuple(zone for problem in problems for zone in problem.zones)
    counts = np.array([len(problem.zones) for problem in problems])
    feeder_of = np.repeat(np.arange(len(problems)), counts)
    n = problems[0].n_slots
    segments = _segments(zones, n)
    fixed_duty = np.array([zone.fixed_duty for zone in zones]).reshape(-1, n)
    free = np.isnan(fixed_duty)
    fixed = np.where(free, 0.0, fixed_duty)

    at_risk = segments.start_k > 0.0
    last = np.where(at_risk.any(axis=1), n - np.argmax(at_risk[:, ::-1], axis=1), 0)  # by zone, heat after it is wasted
    m = max(int(last.max(initial=0)), 1)
    most = (free & (np.arange(n) < last[:, None]))[:, :m]
    kernel = np.empty((len(zones), m, m), dtype=np.float32)
    offset = np.zeros((len(zones), m))
    for z, zone in enumerate(zones):
        kernel[z] = zone.kernel[:m, :m]
        if not free[z].all():
            offset[z] = zone.kernel[:m] @ fixed[z]
    kernel *= at_risk[:, :m, None]
    if not free.all():
        kernel *= most[:, None, :]
    power_kw = np.array([zone.power_kw for zone in zones])
    price = np.array([problem.price[:m] for problem in problems])
    cost = price[feeder_of] * SLOT_H * power_kw[:, None]
    power = np.zeros((len(problems), len(zones)))
    power[feeder_of, np.arange(len(zones))] = power_kw

    ends = segments.start_k - segments.before_k
    high = np.array([problem.contract_kw for problem in problems])
    low = np.array([problem.least_peak_kw for problem in problems])
    billed = np.array([problem.billed[:m] for problem in problems])
    demand = np.array([problem.demand_price for problem in problems])
    low = np.where(demand <= _DEMAND_FLOOR, high, np.minimum(low, high))  # a peak that costs nothing is not planned
    steep = (segments.slope[-1] * at_risk).sum(axis=1) / np.maximum(at_risk.sum(axis=1), 1)
    steps = _steps(kernel, power, most, cost, steep)
    return Batch(
        tuple(problems),
        zones,
        np.concatenate([[0], np.cumsum(counts)[:-1]]),
        segments,
        free,
        fixed,
        power,
        _single(power),
        kernel,
        _single(cost),
        _single(most),
        _single(ends[:, :, :m] - offset),
        _single(segments.slope[:, :, :m]),
        _single(_settled(zones, kernel, offset)),
        _single(np.array([problem.fixed_kw[:m] for problem in problems])),
        _single(billed),
        _single(np.where(billed, 0.0, high[:, None])),
        _single(demand[:, None]),
        _single(low[:, None]),
        _single(high[:, None]),
        *(_single(step) for step in steps),
    )


def _single(values: npt.NDArray[np.generic]) -> Single:
    return np.ascontiguousarray(values, dtype=np.float32)


def _settled(zones: Sequence[ZoneProblem], kernel: Single, offset: Array) -> Array:
    out = np.zeros_like(offset)
    for z, zone in enumerate(zones):
        if not zone.free.all():
            lift = np.zeros(zone.free.size)
            lift[: offset.shape[1]] = offset[z]
            slope = zone.penalty.slope_at(lift)[: offset.shape[1]]
            out[z] = np.where(kernel[z].any(axis=1), 0.0, slope)
    return out


def _segments(zones: Sequence[ZoneProblem], n: int) -> Segments:
    penalties = [zone.penalty for zone in zones]
    count = max((pen.slope.shape[1] for pen in penalties), default=1)
    width = np.zeros((count, len(zones), n))
    slope = np.zeros((count, len(zones), n))
    start = np.zeros((len(zones), n))
    for z, pen in enumerate(penalties):
        s = pen.slope.shape[1]
        start[z], width[:s, z], slope[:s, z] = pen.start_k, pen.width_k.T, pen.slope.T
        slope[s:, z] = slope[s - 1, z]  # a segment of no width after the endless one: nothing is ever in it
    before = np.zeros_like(width)
    np.cumsum(np.where(np.isfinite(width[:-1]), width[:-1], 0.0), axis=0, out=before[1:])
    return Segments(start, before, width, slope)


def _steps(
    kernel: Single, power: Array, most: npt.NDArray[np.bool_], cost: Array, steep: Array
) -> tuple[Array, Array, Array, Array]:
    """Diagonal steps (Pock and Chambolle 2011, α = 1) of the scaled matrix [[G, 0], [A, −1]].

    How large multipliers are beside duties, by zone and feeder, balances the two sides; `steep` (Z,) is φ's steepest
    slope.
    """
    by_column, by_row = kernel.sum(axis=1, dtype=np.float64), kernel.sum(axis=2, dtype=np.float64)
    used = np.maximum(most.sum(axis=1), 1)
    lifting = (cost * most).sum(axis=1) / np.maximum(by_column.sum(axis=1), _TINY)  # (Z,)
    ratio = _BALANCE * np.sqrt(lifting * steep)
    ratio = np.where(ratio > _TINY, ratio, 1.0)
    slots = most.sum(axis=1)
    installed = power @ slots
    ratio_f = np.where(installed > 0, power @ (slots * ratio) / np.maximum(installed, _TINY), 1.0)
    mean_kw = np.array([row[row > 0].mean() if (row > 0).any() else 1.0 for row in power])
    lift = max(float((by_column.sum(axis=1) / used).mean()), 1e-9)
    feeder_row = (np.sqrt(ratio_f) * lift / mean_kw)[:, None]  # a feeder's row weighs about as much as a kernel column
    of_peak = (mean_kw / np.sqrt(ratio_f))[:, None]
    used_slot = (power @ most) > 0
    columns = by_column + (power.T @ feeder_row) / np.sqrt(ratio)[:, None]
    feeder_rows = feeder_row * (power @ (most / np.sqrt(ratio)[:, None]) + of_peak)
    peaks = of_peak * feeder_row * used_slot.sum(axis=1)[:, None]
    return (
        1.0 / ratio[:, None] / np.maximum(columns, _TINY) * most,
        np.where(by_row > _TINY, ratio[:, None] / np.maximum(by_row, _TINY), 0.0),
        np.where(used_slot, feeder_row**2 / np.maximum(feeder_rows, _TINY), 0.0),
        np.where(installed[:, None] > 0, of_peak**2 / np.maximum(peaks, _TINY), 0.0),
    )
