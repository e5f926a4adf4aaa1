"""The planning problem of one feeder, the same for every solver.

    minimise    Σ_t price_t·Δt·Σ_z P_z u_zt + demand price·(p − peak so far) + Σ_z Σ_t φ_zt((G_z u_z)_t)
    subject to  0 ≤ u ≤ 1,  Σ_z P_z u_zt ≤ p in slots whose peak is billed, else ≤ contract,  peak so far ≤ p ≤ contract

φ(v) = weight·Δt·mean over members of worth_k·(1 − v/max(r_k, 1 K))⁺ folds an ensemble into one convex piecewise-linear
function per slot; r = required − free temperature, −inf where that member sees no hazard. A slot is icy (v < r) or not;
heat only warms (v ≥ 0), and on 0 ≤ v ≤ r the largest convex function below that step is its chord. Temperature is soft
and power is hard, so there is always a plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from supervisor.domain.errors import PlanError
from supervisor.domain.plan import PlanLabel
from supervisor.domain.zone import Feeder, Zone
from supervisor.planner.solve.penalty import SLOT_H, Array, Penalty, fold_penalty

MIN_HORIZON_SLOTS = 6 * 4  # a shorter look ahead cannot preheat a slab: +3 % regret at 6 h, far more below
_SURE_K = 1.0  # a road that is to be warmer by less may as well stay free: the model errs by a third of it and more


@dataclass(frozen=True)
class ZoneProblem:
    """One zone's part. N slots, K members."""

    zone: Zone
    power_kw: float
    kernel: Array  # (N, N) [K per unit duty]: lift at the end of slot i for duty in slot j ≤ i
    shortfall_k: Array  # (K, N) [K]: required − free temperature; −inf without hazard
    weight: float  # of an ice-free hour [currency/h]
    fixed_duty: Array  # (N,): nan where free, else what an override or an outage dictates
    worth: Array | None = None  # (K, N): time of ice that a slot's heat saves, in slots; None: one each

    @cached_property
    def penalty(self) -> Penalty:
        """φ by slot: ice is there or not, and φ is the convex envelope of its price between the free road and a road
        that is warm enough, so a member's slope is the price of an hour of ice by the kelvins that keep it away.
        """
        per_k = 1.0 / np.maximum(self.shortfall_k, _SURE_K)
        worth = per_k if self.worth is None else self.worth * per_k
        return fold_penalty(self.shortfall_k, self.weight, SLOT_H, worth)

    @cached_property
    def free(self) -> npt.NDArray[np.bool_]:
        return np.isnan(self.fixed_duty)

    @property
    def at_risk(self) -> bool:
        """Whether any member sees a shortfall that costs something."""
        return bool((self.penalty.start_k > 0.0).any())

    def check(self, n_slots: int) -> None:
        """Raises PlanError naming zone and fault."""
        n, where = n_slots, f"zone {self.zone.id}"
        if self.kernel.shape != (n, n) or self.fixed_duty.shape != (n,):
            raise PlanError(
                f"kernel {self.kernel.shape} and duty {self.fixed_duty.shape} for {n} slots",
                where=where,
                code="plan-shape",
            )
        if self.shortfall_k.ndim != 2 or self.shortfall_k.shape[1] != n or not len(self.shortfall_k):
            raise PlanError(
                f"members of shape {self.shortfall_k.shape} for {n} slots", where=where, code="plan-members"
            )
        if not np.isfinite(self.weight) or self.weight < 0:
            raise PlanError(
                f"weight {self.weight}", where=where, remedy="The price of ice is 0 or more", code="plan-weight"
            )
        bad = np.isnan(self.shortfall_k).any() or np.isposinf(self.shortfall_k).any()
        if bad or not np.isfinite(self.kernel).all():
            raise PlanError("not a number in shortfall or kernel", where=where, code="plan-nan")
        if not np.isfinite(self.power_kw) or self.power_kw <= 0:
            raise PlanError(f"power {self.power_kw} kW", where=where, code="plan-power")


@dataclass(frozen=True)
class FeederProblem:
    """Zones that share a supply."""

    feeder: Feeder
    start_utc_s: float
    price: Array  # (N,) [currency/kWh]
    demand_price: float  # [currency/kW] of raising the billed peak
    peak_so_far_kw: float
    contract_kw: float  # [kW] 15-min mean that the plan may use
    zones: tuple[ZoneProblem, ...]
    peak_billed: npt.NDArray[np.bool_] | None = None  # (N,): whether a peak in that slot is billed; None: in all

    @property
    def n_slots(self) -> int:
        return int(self.price.size)

    @cached_property
    def billed(self) -> npt.NDArray[np.bool_]:
        """Slots whose peak is billed, (N,)."""
        return np.ones(self.n_slots, dtype=bool) if self.peak_billed is None else self.peak_billed

    @property
    def least_peak_kw(self) -> float:
        """The lowest peak that a plan can have: paid for already, or dictated [kW]."""
        dictated = np.where(self.billed, self.fixed_kw, 0.0)
        return max(self.floor_kw, float(dictated.max(initial=0.0)))

    @cached_property
    def power_kw(self) -> Array:
        return np.array([zone.power_kw for zone in self.zones])

    @cached_property
    def fixed_kw(self) -> Array:
        """Load that the plan cannot change, shape (N,) [kW]."""
        fixed = np.array([np.nan_to_num(zone.fixed_duty) for zone in self.zones]).reshape(-1, self.n_slots)
        return np.asarray(self.power_kw @ fixed)

    @property
    def floor_kw(self) -> float:
        """Peak that is paid for already [kW]."""
        return min(self.peak_so_far_kw, self.contract_kw)

    def check(self) -> None:
        """Raises PlanError where the problem is malformed or an override alone is over the contract."""
        where = f"feeder {self.feeder.id}"
        if self.n_slots < MIN_HORIZON_SLOTS:
            raise PlanError(
                f"horizon of {self.n_slots * SLOT_H:g} h", where=where, remedy="Plan at least 6 h", code="plan-horizon"
            )
        if not np.isfinite(self.price).all():
            raise PlanError("a price is not a number", where=where, code="plan-price")
        if not self.demand_price >= 0 or not self.peak_so_far_kw >= 0 or not self.contract_kw >= 0:
            raise PlanError("demand price, peak and contract are 0 or more", where=where, code="plan-power")
        if self.billed.shape != (self.n_slots,):
            raise PlanError(f"{self.billed.shape} slots with billed peaks", where=where, code="plan-shape")
        for zone in self.zones:
            zone.check(self.n_slots)
        if (over := float(self.fixed_kw.max(initial=0.0))) > self.contract_kw + 1e-6:
            raise PlanError(
                f"overrides need {over:.0f} kW of {self.contract_kw:.0f} kW",
                where=where,
                remedy="End an override or raise contract_kw",
                code="plan-cap-below-override",
            )

    def lift_k(self, duty: Array) -> Array:
        """Temperature lift of the zones, (Z, N) → (Z, N) [K]."""
        return np.array([zone.kernel @ d for zone, d in zip(self.zones, duty, strict=True)]).reshape(duty.shape)

    def energy_cost(self, duty: Array) -> float:
        return float(self.price @ (self.power_kw @ duty)) * SLOT_H

    def objective(self, duty: Array) -> float:
        """What the plan costs [currency]: energy, raised peak and shortfall."""
        load = self.power_kw @ duty
        raised = max(0.0, float(load[self.billed].max(initial=0.0)) - self.floor_kw)
        lift = self.lift_k(duty)
        short = sum(float(z.penalty.cost(v).sum()) for z, v in zip(self.zones, lift, strict=True))
        return float(self.price @ load) * SLOT_H + self.demand_price * raised + short

    def feasible(self, duty: Array) -> Array:
        """The nearest duty that keeps every hard limit: clipped, fixed values set, free zones scaled under the cap."""
        free = np.array([zone.free for zone in self.zones]).reshape(duty.shape)
        fixed = np.array([np.nan_to_num(zone.fixed_duty) for zone in self.zones]).reshape(duty.shape)
        out = np.where(free, np.clip(duty, 0.0, 1.0), fixed)
        load = self.power_kw @ np.where(free, out, 0.0)
        room = np.maximum(self.contract_kw - self.fixed_kw, 0.0)
        scale = np.where(load > room, room / np.maximum(load, 1e-12), 1.0)
        return np.where(free, out * scale, out)


@dataclass(frozen=True)
class FeederSolution:
    """Duties with their price and the proof of how good they are."""

    duty: Array  # (Z, N)
    objective: float  # [currency]
    bound: float  # no plan is cheaper than this [currency]
    label: PlanLabel
    multipliers: tuple[Array, ...] = field(default=())  # of the shortfall rows, per zone (N,), to warm-start

    @property
    def gap(self) -> float:
        """Relative distance to the bound; 0 is optimal."""
        return max(0.0, self.objective - self.bound) / max(abs(self.objective), 1e-9)


def dual_bound(problem: FeederProblem, multipliers: tuple[Array, ...]) -> float:
    """A lower bound of the objective from any multipliers y_z ≥ 0 of φ's slope (clipped into its range).

    Fenchel: φ(v) ≥ −y·v − φ*(−y). What is left is linear in u with the power rows: relaxing the peak by its price
    gives a fractional knapsack per slot.
    """
    n = problem.n_slots
    total = 0.0
    gain = np.empty((len(problem.zones), n))  # reduced cost per unit duty
    for i, (zone, y) in enumerate(zip(problem.zones, multipliers, strict=True)):
        pen = zone.penalty
        y = np.clip(y, 0.0, pen.slope[:, -1])
        # −φ*(−y): φ(v) + y v minimised over v lies at the breakpoint where the slope passes y.
        passed = np.where((y[:, None] > pen.slope) & np.isfinite(pen.width_k), pen.width_k, 0.0)
        total += float((passed * (pen.slope - y[:, None])).sum() + y @ pen.start_k)
        gain[i] = problem.price * SLOT_H * zone.power_kw - y @ zone.kernel
    return total + _cheapest_load(problem, gain)


def _cheapest_load(problem: FeederProblem, gain: Array) -> float:
    """min over 0 ≤ u ≤ 1 and peak p of Σ gain·u + demand price·(p − floor): p priced by a one-dimensional search."""
    free = np.array([zone.free for zone in problem.zones]).reshape(gain.shape)
    fixed = np.array([np.nan_to_num(zone.fixed_duty) for zone in problem.zones]).reshape(gain.shape)
    constant = float((np.where(free, 0.0, gain) * fixed).sum())
    power = problem.power_kw[:, None]
    per_kw = np.where(free, np.minimum(gain, 0.0) / power, 0.0)
    order = np.argsort(per_kw, axis=0)
    value = np.take_along_axis(per_kw, order, axis=0)  # most worth first
    width = np.take_along_axis(np.where(per_kw < 0, np.broadcast_to(power, gain.shape), 0.0), order, axis=0)
    edge = np.cumsum(width, axis=0)

    def at(peak_kw: float) -> float:
        cap_kw = np.where(problem.billed, peak_kw, problem.contract_kw)
        room = np.maximum(cap_kw - problem.fixed_kw, 0.0)
        used = np.clip(room - (edge - width), 0.0, width)
        return float((used * value).sum()) + problem.demand_price * (peak_kw - problem.floor_kw)

    # Convex and piecewise linear in p with breaks only where one more zone fits: search the breaks by thirds.
    low, high = problem.least_peak_kw, problem.contract_kw
    if problem.demand_price == 0.0 or high - low < 1e-9:
        return constant + at(max(high, low))
    candidates = np.unique(np.clip((edge + problem.fixed_kw)[:, problem.billed].ravel(), low, high))
    candidates = np.concatenate([[low], candidates, [high]])
    a, b = 0, candidates.size - 1
    while b - a > 2:
        third = (b - a) // 3
        if at(candidates[a + third]) <= at(candidates[b - third]):
            b -= third
        else:
            a += third
    return constant + min(at(float(p)) for p in candidates[a : b + 1])
