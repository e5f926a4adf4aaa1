"""What a closed-loop run shows: a table, figures at equal risk and equal cost, JSON, plots."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from supervisor.domain.zone import Zone
from supervisor.planner.inputs import PlanSettings
from tools.bench.control_count import Score
from tools.bench.control_planners import Strategy
from tools.bench.control_run import Season

_LOG_FROM = 5.0  # heating all winter costs so much more that the points of the others would coincide


@dataclass(frozen=True)
class Row:
    """One strategy's season, per zone where not said otherwise."""

    name: str
    kwh_m2: float
    energy_cost: float
    base_charge: float
    peak_kw: float
    ice_minutes: float  # mean of the zones
    late_minutes: float
    shortfall_kh: float  # mean of the zones
    priced_ice: float  # ice-free hours that were missed, at what each zone's are worth
    starts: int
    plans: int
    duty_changed_h_per_plan: float
    plan_cpu_ms: float
    contract_violations: int
    breaker_violations: int

    @property
    def cost(self) -> float:
        return self.energy_cost + self.base_charge

    @property
    def total(self) -> float:
        """Cost and priced ice: what a planner at that price minimises."""
        return self.cost + self.priced_ice


def rows_of(season: Season, demand_price: float, price_per_ice_free_hour: float) -> list[Row]:
    """Scores → rows. Ice is priced as the strategy's own planner prices it, a rule's as given."""
    rows = []
    for strategy, score in zip(season.strategies, season.scores, strict=True):
        settings = strategy.settings if strategy.plan else PlanSettings(price_per_ice_free_hour=price_per_ice_free_hour)
        weights = np.array([settings.price_of(zone) for zone in season.zones])
        rows.append(row_of(strategy, score, season.zones, demand_price, weights))
    return rows


def regrets(rows: Sequence[Row]) -> dict[str, float]:
    """By how much each planner costs more than foresight at the same price of ice, as a part of foresight's total."""
    best = {_factor(r.name): r.total for r in rows if r.name.split("×")[0] == "foresight" and r.total > 0}
    return {r.name: r.total / best[_factor(r.name)] - 1.0 for r in rows if _factor(r.name) in best}


def _factor(name: str) -> str:
    return name.partition("×")[2]


def row_of(
    strategy: Strategy,
    score: Score,
    zones: Sequence[Zone],
    demand_price: float,
    weights: np.ndarray[Any, np.dtype[np.float64]],
) -> Row:
    area = sum(zone.area_m2 for zone in zones)
    months = {month for _, month in score.peak_kw}
    by_month = [sum(v for (_, m), v in score.peak_kw.items() if m == month) for month in months]
    plans = max(score.plans, 1)
    return Row(
        name=strategy.name,
        kwh_m2=float(score.kwh.sum()) / area,
        energy_cost=float(score.energy_cost.sum()),
        base_charge=demand_price * float(sum(by_month)),
        peak_kw=max(by_month, default=0.0),
        ice_minutes=float(score.ice_minutes.mean()),
        late_minutes=float(score.late_minutes.mean()),
        shortfall_kh=float(score.shortfall_kh.mean()),
        priced_ice=float(weights @ score.ice_minutes) / 60.0,
        starts=score.starts,
        plans=score.plans,
        duty_changed_h_per_plan=score.plan_changes_duty_h / plans,
        plan_cpu_ms=1000.0 * score.plan_cpu_s / plans,
        contract_violations=int(score.contract_violation_slots),
        breaker_violations=score.breaker_violation_minutes,
    )


def table_of(rows: Sequence[Row], currency: str) -> Table:
    table = Table(title=f"Closed loop, per zone means, {currency}")
    for head in (
        "strategy", "kWh/m²", "energy", "base", "cost", "peak kW", "ice min", "late", "K·h", "starts",
        "Δduty h/plan", "ms/plan", "over contract", "over breaker",
    ):  # fmt: skip
        table.add_column(head, justify="left" if head == "strategy" else "right")
    for r in rows:
        table.add_row(
            r.name, f"{r.kwh_m2:.2f}", f"{r.energy_cost:,.0f}", f"{r.base_charge:,.0f}", f"{r.cost:,.0f}",
            f"{r.peak_kw:.0f}", f"{r.ice_minutes:.0f}", f"{r.late_minutes:.0f}", f"{r.shortfall_kh:.2f}", str(r.starts),
            f"{r.duty_changed_h_per_plan:.2f}", f"{r.plan_cpu_ms:.0f}", str(r.contract_violations),
            str(r.breaker_violations),
        )  # fmt: skip
    return table


@dataclass(frozen=True)
class Comparison:
    """A rule against the planner's frontier; None where the frontier does not reach."""

    rule: str
    cost_saved_at_equal_ice: float | None  # part of the rule's cost
    ice_left_at_equal_cost: float | None  # part of the rule's ice minutes


def compare(rule: Row, frontier: Sequence[Row]) -> Comparison:
    """Interpolates the frontier (planner at several prices of ice) to the rule's ice minutes and to its cost.

    A frontier point that beats the rule on both axes stands in where the frontier ends short of the rule: the figure is
    then a lower bound of the saving.
    """
    points = sorted((r.ice_minutes, r.cost) for r in frontier)
    ice = np.array([p[0] for p in points])
    cost = np.minimum.accumulate(
        np.array([p[1] for p in points])
    )  # more ice never costs more: one may always heat less
    saved = left = None
    if rule.cost > 0 and ice[0] <= rule.ice_minutes:
        saved = 1.0 - float(np.interp(rule.ice_minutes, ice, cost)) / rule.cost
    affordable = [i for i, c in zip(ice, cost, strict=True) if c <= rule.cost]
    if rule.ice_minutes > 0 and affordable:
        left = (
            float(np.interp(-rule.cost, -cost, ice)) / rule.ice_minutes
            if cost[0] > rule.cost
            else float(ice[0]) / rule.ice_minutes
        )
    return Comparison(rule.name, saved, left)


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    table = Table(title="Planner's frontier against each rule")
    for head in ("rule", "cost saved at equal ice minutes", "ice minutes left at equal cost"):
        table.add_column(head, justify="right")
    for c in comparisons:
        saved = "–" if c.cost_saved_at_equal_ice is None else f"{100 * c.cost_saved_at_equal_ice:.1f} %"
        left = "–" if c.ice_left_at_equal_cost is None else f"{100 * c.ice_left_at_equal_cost:.0f} %"
        table.add_row(c.rule, saved, left)
    return table


def plot(season: Season, rows: Sequence[Row], folder: Path, names: Sequence[str]) -> list[Path]:
    """The frontier, and the three storms in which the first strategy named had most ice."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    figure, axis = plt.subplots(figsize=(8, 5), layout="constrained")
    for name, line in _lines(rows).items():
        axis.plot([r.ice_minutes for r in line], [r.cost for r in line], "o-" if name == "plan" else "s--", label=name)
    axis.set(xlabel="ice minutes per zone", ylabel="cost", title="Cost against ice: prices and thresholds swept")
    if _spread([r.cost for r in rows]) > _LOG_FROM:
        axis.set_yscale("log")
    else:
        axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    written.append(folder / "frontier.png")
    figure.savefig(written[-1], dpi=120)
    plt.close(figure)

    order = [s.name for s in season.strategies]
    time_s = np.array(season.trace.time_utc_s)
    frozen, surface = np.array(season.trace.frozen_mm), np.array(season.trace.surface_c)
    load = np.array(season.trace.load_kw)
    for i, first in enumerate(worst_storms(time_s, frozen[:, order.index(names[0])].mean(axis=1))):
        part = (time_s >= first - 6 * 3600) & (time_s < first + 30 * 3600)
        hours = (time_s[part] - first) / 3600
        figure, axes = plt.subplots(3, 1, figsize=(9, 7), sharex=True, layout="constrained")
        for name in names:
            s = order.index(name)
            for axis, values in zip(
                axes, (surface.mean(axis=2)[part, s], frozen.mean(axis=2)[part, s], load[part, s]), strict=True
            ):
                axis.plot(hours, values, "-" if name.startswith("plan") else "--", label=name)
        for axis, label in zip(axes, ("surface °C", "snow and ice mm", "power kW"), strict=True):
            axis.set_ylabel(label)
            axis.grid(alpha=0.3)
        axes[0].legend()
        axes[0].set_title(f"Storm of {np.datetime64(int(first), 's').astype('datetime64[D]')}, mean of the zones")
        axes[-1].set_xlabel("hours of the day, UTC")
        written.append(folder / f"storm{i + 1}.png")
        figure.savefig(written[-1], dpi=120)
        plt.close(figure)
    return written


def _lines(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by strategy, from least ice to most: a planner at its prices, a rule at its thresholds."""
    lines: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda r: r.ice_minutes):
        lines.setdefault(re.split("[@×]", row.name)[0], []).append(row)
    return lines


def _spread(costs: Sequence[float]) -> float:
    paid = [cost for cost in costs if cost > 0]
    return max(paid) / min(paid) if paid else 1.0


def worst_storms(
    time_s: np.ndarray[Any, np.dtype[np.float64]], frozen_mm: np.ndarray[Any, np.dtype[np.float64]], count: int = 3
) -> list[float]:
    """Beginnings of the 24 h with most ice, two days apart at least."""
    if not time_s.size:
        return []
    days = np.floor(time_s / 86_400)
    icy = [(float((frozen_mm[days == d] >= 0.1).sum()), float(d) * 86_400) for d in np.unique(days)]
    chosen: list[float] = []
    for minutes, day in sorted(icy, reverse=True):
        if minutes > 0 and all(abs(day - other) >= 2 * 86_400 for other in chosen) and len(chosen) < count:
            chosen.append(day)
    return chosen
