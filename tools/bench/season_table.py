"""Results of many storms: sums by winter, rules tuned on other winters, figures by forecast seed with their spread."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from rich.table import Table

DEARER = (1.1, 1.25)  # times the rule's cost at which ice is compared


@dataclass(frozen=True)
class Result:
    """One storm; `rows` as `control_report.Row`, with `cost`."""

    winter: str
    place: str
    scored: bool
    start_utc_s: float
    hours: float
    currency: str
    cpu_s: float
    rows: list[dict[str, Any]]

    @classmethod
    def load(cls, path: Path) -> Result:
        return cls(**json.loads(path.read_text()))

    def save(self, path: Path) -> None:
        """Whole or not at all: an interrupted run leaves no part of a file."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), indent=1))
        part.rename(path)


@dataclass(frozen=True)
class Point:
    """A strategy's winter."""

    cost: float
    ice: float


Line = dict[str, Point]


@dataclass(frozen=True)
class Figures:
    """One scored winter against the rule at its best; by forecast seed where a list."""

    winter: str
    currency: str
    hours: float
    reactive: Point
    rule: str  # the best rule by the place's other winters
    best: Point  # what it did here
    plan: list[Point]  # at the default price
    foresight: Point
    saved: list[float | None]  # cost at the rule's ice, part of the rule's
    ice_at: dict[float, list[float | None]]  # ice at so many times the rule's cost, part of the rule's
    foresight_at: dict[float, float | None]
    regret: list[float]
    worse: int  # seeds whose plan at the default price is worse than the best or the local rule on both axes
    violations: int


def summary(results: Sequence[Result]) -> list[Figures]:
    """Figures of the winters that are scored and have others of their place to tune rules on."""
    winters: dict[str, list[Result]] = {}
    for result in results:
        winters.setdefault(result.winter, []).append(result)
    sums = {name: _sum(storms) for name, storms in winters.items()}
    out = []
    for name, storms in winters.items():
        others = [w for w, found in winters.items() if w != name and found[0].place == storms[0].place]
        if storms[0].scored and others:
            trained = {
                rule: Point(sum(sums[w][rule].cost for w in others), sum(sums[w][rule].ice for w in others))
                for rule in sums[name]
                if _is_rule(rule)
            }
            out.append(_figures(name, storms, sums[name], trained))
    return out


def best_rule(trained: Line) -> str:
    """The cheapest rule that leaves no more ice than Seoul's did on the winters that it may be tuned on."""
    most = trained["reactive"].ice
    return min((rule for rule in trained if trained[rule].ice <= most), key=lambda rule: trained[rule].cost)


def _figures(name: str, storms: Sequence[Result], here: Line, trained: Line) -> Figures:
    rule = best_rule(trained)
    best = here[rule]
    seeds = sorted({key.partition("/")[2] for key in here if key.startswith("plan×")})
    lines = [_line(here, "plan×", f"/{seed}") for seed in seeds]
    ahead = _line(here, "foresight×")
    plans = [here[f"plan×1/{seed}"] for seed in seeds]
    totals = {r["name"]: 0.0 for r in storms[0].rows}
    for storm in storms:
        for row in storm.rows:
            totals[row["name"]] += row["cost"] + row["priced"]
    local = here["local"]
    return Figures(
        name,
        storms[0].currency,
        sum(storm.hours for storm in storms),
        here["reactive"],
        rule,
        best,
        plans,
        here["foresight×1"],
        [_saved(best, line) for line in lines],
        {times: [_left(best, line, times) for line in lines] for times in DEARER},
        {times: _left(best, ahead, times) for times in DEARER},
        [totals[f"plan×1/{seed}"] / totals["foresight×1"] - 1.0 for seed in seeds],
        sum(any(p.cost > r.cost and p.ice > r.ice for r in (best, local)) for p in plans),
        sum(row["contract_violations"] + row["breaker_violations"] for storm in storms for row in storm.rows),
    )


def _is_rule(name: str) -> bool:
    return name == "reactive" or name.startswith("rule@")


def _sum(storms: Sequence[Result]) -> Line:
    names = [row["name"] for row in storms[0].rows]
    rows = [{row["name"]: row for row in storm.rows} for storm in storms]
    return {n: Point(sum(r[n]["cost"] for r in rows), sum(r[n]["ice_minutes"] for r in rows)) for n in names}


def _line(here: Line, begins: str, ends: str = "") -> list[Point]:
    """A planner's frontier, least ice first; more ice never costs more, since one may always heat less."""
    points = sorted(
        (p for k, p in here.items() if k.startswith(begins) and k.endswith(ends)), key=lambda p: (p.ice, p.cost)
    )
    cheapest = np.minimum.accumulate([p.cost for p in points])
    return [Point(float(c), p.ice) for c, p in zip(cheapest, points, strict=True)]


def _saved(rule: Point, line: Sequence[Point]) -> float | None:
    """None where the line has more ice everywhere."""
    if not line or line[0].ice > rule.ice or rule.cost <= 0:
        return None
    return 1.0 - float(np.interp(rule.ice, [p.ice for p in line], [p.cost for p in line])) / rule.cost


def _left(rule: Point, line: Sequence[Point], times: float) -> float | None:
    """None where the line costs more everywhere, or the rule leaves no ice."""
    most = rule.cost * times
    if not line or rule.ice <= 0 or line[-1].cost > most:
        return None
    if line[0].cost <= most:
        return line[0].ice / rule.ice
    return float(np.interp(-most, [-p.cost for p in line], [p.ice for p in line])) / rule.ice


def tables(figures: Sequence[Figures]) -> list[Table]:
    """Means over the forecast seeds, and the lowest and highest where there are several."""
    costs = Table(title="Winters: cost / ice minutes, sums of the storms")
    for head in (
        "winter", "hours", "reactive", "reactive-best", "its cost / ice", "plan", "foresight", "regret",
        "worse on both",
    ):  # fmt: skip
        costs.add_column(head, justify="right")
    against = Table(title="Plan's frontier against the rule at its best")
    heads = [f"ice at {times:g}× its cost" for times in DEARER for _ in (0,)]
    for head in ("winter", "cost saved at equal ice", *(h for x in heads for h in (x, "foresight")), "violations"):
        against.add_column(head, justify="right")
    for f in figures:
        costs.add_row(
            f.winter, f"{f.hours:.0f}", _pair(f.reactive), f.rule, _pair(f.best),
            f"{mean(p.cost for p in f.plan):,.0f} / {_range([p.ice for p in f.plan])}", _pair(f.foresight),
            _range([100 * r for r in f.regret], " %"), f"{f.worse} of {len(f.plan)}",
        )  # fmt: skip
        cells = []
        for times in DEARER:
            one = f.foresight_at[times]
            cells += [_parts(f.ice_at[times]), "–" if one is None else f"{100 * one:.0f} %"]
        against.add_row(f.winter, _parts(f.saved), *cells, str(f.violations))
    return [costs, against]


def _pair(point: Point) -> str:
    return f"{point.cost:,.0f} / {point.ice:.0f}"


def _parts(values: Sequence[float | None]) -> str:
    known = [100 * v for v in values if v is not None]
    missing = f", {len(values) - len(known)} –" if known and len(known) < len(values) else ""
    return _range(known, " %") + missing if known else "–"


def _range(values: Sequence[float], unit: str = "") -> str:
    spread = f" ({min(values):.1f}…{max(values):.1f})" if len(values) > 1 else ""
    return f"{mean(values):.1f}{unit}{spread}"
