"""The price of cold: the members' shortfalls folded into one convex piecewise-linear function per slot."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from supervisor.domain.plan import SLOT_S

Array = npt.NDArray[np.float64]

SLOT_H = SLOT_S / 3600.0
_SEGMENTS = 8  # of φ: more make the solvers slower and the plan no better
_MERGE_K = 0.02  # breakpoints of φ nearer than this are one: far below the model's error


@dataclass(frozen=True)
class Penalty:
    """φ of one zone: convex, piecewise linear, by slot.

    From `start_k` (N,) downwards the cost rises; segment s is `width_k[:, s]` wide (the last one endless) and
    `slope[:, s]` steep [currency per K and slot], shapes (N, S). Slots without any hazard have slope 0.
    """

    start_k: Array
    width_k: Array
    slope: Array

    def cost(self, lift_k: Array) -> Array:
        """φ at a temperature lift (G u), shape (N,) in and out [K] → [currency]."""
        depth = np.maximum(self.start_k - lift_k, 0.0)[:, None]
        inside = np.minimum(np.maximum(depth - self._before_k, 0.0), self.width_k)
        return np.asarray(np.einsum("ns,ns->n", inside, self.slope))

    def slope_at(self, lift_k: Array) -> Array:
        """How steep φ is at a lift, (N,): the multiplier of a slot that no duty can change."""
        depth = (self.start_k - lift_k)[:, None]
        passed = np.where((depth > self._before_k) & (self.width_k > 0.0), self.slope, 0.0)
        return np.asarray(passed.max(axis=1))

    @cached_property
    def _before_k(self) -> Array:
        """Depth at which each segment begins, (N, S)."""
        out = np.zeros_like(self.width_k)
        np.cumsum(self.width_k[:, :-1], axis=1, out=out[:, 1:])
        return out


def fold_penalty(
    shortfall_k: Array, weight: Array | float, slot_h: float = SLOT_H, worth: Array | None = None
) -> Penalty:
    """φ from the members' shortfalls, shape (K, N) [K], and the price of a K·h, one or by slot (N,); `worth` (K, N)
    multiplies it by member.

    Exact up to 8 members. Of more, neighbours in rank are taken together at their mean, which lowers φ only within the
    kelvin or so between them; breakpoints that are nearer than 0.02 K in every slot are one.
    """
    members, n = shortfall_k.shape
    if not np.max(weight) > 0:
        return Penalty(np.zeros(n), np.full((n, 1), np.inf), np.zeros((n, 1)))
    size = -(-members // _SEGMENTS)
    order = np.argsort(-shortfall_k, axis=0)  # descending
    ranked = np.take_along_axis(shortfall_k, order, axis=0)
    share = np.ones_like(ranked) if worth is None else np.take_along_axis(worth, order, axis=0)
    fill = np.full((-members % size, n), -np.inf)
    ranked = np.concatenate([ranked, fill]).reshape(-1, size, n)
    known = np.isfinite(ranked)
    share = np.where(known, np.concatenate([share, fill]).reshape(-1, size, n), 0.0)
    count = share.sum(axis=1)  # (groups, N)
    level = (np.maximum(np.where(known, ranked, 0.0), 0.0) * share).sum(axis=1) / np.maximum(count, 1e-9)
    gap = level[:-1] - level[1:]
    keep = [*np.flatnonzero((gap > _MERGE_K).any(axis=1)).tolist(), len(level) - 1]
    edges = np.concatenate([level[:1], level[[k + 1 for k in keep[:-1]]]])
    width = np.concatenate([edges[:-1] - edges[1:], np.full((1, n), np.inf)])
    slope = weight * slot_h / members * np.cumsum(count, axis=0)[keep]
    return Penalty(level[0], width.T, slope.T.astype(np.float64))


def with_road_error(shortfall_k: Array, worth: Array, sigma_k: float) -> tuple[Array, Array]:
    """The members' shortfalls, (K, N), spread by the error of the road model: (K or up to 8, N) [K], and their
    worth.

    Roads differ a little from their models. Rows shifted by the quantiles of a normal error make the
    price of cold rise gently through zero: the margin over freezing is then what it is worth at today's price of power,
    and the first that a full feeder gives up. Members keep their number where there are eight or more.
    """
    if sigma_k <= 0:
        return shortfall_k, worth
    members = len(shortfall_k)
    copies = -(-_SEGMENTS // members)
    rows = members * copies
    quantile = ndtri((np.arange(rows) + 0.5) / rows)
    # Neighbouring members are alike (they are perturbations in pairs): assign the quantiles by a stride without
    # a common divisor, so that error and weather do not go together.
    stride = next(s for s in range(max(2, round(0.618 * rows)), 2 * rows + 2) if np.gcd(s, rows) == 1)
    dealt = quantile[(stride * np.arange(rows)) % rows]
    return np.repeat(shortfall_k, copies, axis=0) + sigma_k * dealt[:, None], np.repeat(worth, copies, axis=0)
