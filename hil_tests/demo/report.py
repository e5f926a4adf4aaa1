"""The storm's report: a table in the terminal, an HTML page with pictures, JSON for programs."""

from __future__ import annotations

import html
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table

from hil_tests.demo import plots
from hil_tests.demo.record import Figures, Run

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2rem auto;padding:0 1rem;color:#1a1d21}
h1{font-size:1.5rem;margin-bottom:.2rem} h2{font-size:1.1rem;margin-top:2rem} svg{width:100%;height:auto}
table{border-collapse:collapse;margin:1rem 0} th,td{padding:.25rem .8rem;text-align:right;border-bottom:1px solid #ddd}
th:first-child,td:first-child{text-align:left} .note{color:#555} .bad{color:#b00020;font-weight:600}
"""


@dataclass(frozen=True)
class Story:
    """Everything that the report tells."""

    title: str
    timezone: str
    currency: str
    plan: Run
    reactive: Run
    plan_figures: Figures
    reactive_figures: Figures
    speed: dict[str, float]  # simulated_s, wall_s, ratio
    metered_kwh: float  # what the service has on record
    seed: int
    violations: list[str]  # invariants broken, one line each; empty when all held
    overrides: list[str]  # what people did meanwhile
    finished: bool  # False: stopped by hand

    def as_json(self) -> dict[str, Any]:
        """The figures, the shape that `--json` writes."""
        return {
            "title": self.title,
            "currency": self.currency,
            "from": _iso(self.plan.start_utc_s),
            "to": _iso(self.plan.start_utc_s + 60 * self.plan.minutes),
            "seed": self.seed,
            "finished": self.finished,
            "speed": self.speed,
            "metered_kwh": self.metered_kwh,
            "invariant_violations": self.violations,
            "overrides": self.overrides,
            "plan": asdict(self.plan_figures),
            "reactive": asdict(self.reactive_figures),
        }


def _iso(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rows(story: Story) -> list[tuple[str, ...]]:
    rows = []
    for zone in story.plan.zones:
        ours, theirs = story.plan_figures.zones[zone.id], story.reactive_figures.zones[zone.id]
        cells = [f"{side[key]:,.0f}" for key in ("ice_minutes", "kwh", "cost") for side in (ours, theirs)]
        rows.append((f"{zone.id} {zone.name}", *cells))
    return rows


def _total(story: Story) -> tuple[str, ...]:
    ours, theirs = story.plan_figures, story.reactive_figures
    pairs = ((ours.ice_minutes, theirs.ice_minutes), (ours.kwh, theirs.kwh), (ours.cost, theirs.cost))
    return ("all zones", *(f"{value:,.0f}" for pair in pairs for value in pair))


def _headings(story: Story) -> tuple[str, ...]:
    pairs = ("ice min", "kWh", story.currency)
    return ("zone", *(f"{name} {side}" for name in pairs for side in ("plan", "reactive")))


def _facts(story: Story) -> list[str]:
    ours, theirs = story.plan_figures, story.reactive_figures
    facts = [
        f"peak of all feeders, 15-min mean: {ours.peak_kw:,.0f} kW planned, {theirs.peak_kw:,.0f} kW reactive",
        f"base charge for that peak, one month: {story.currency} {ours.demand_cost:,.0f} / {theirs.demand_cost:,.0f}",
        f"contract or breaker exceeded: {ours.feeder_cap_violations} times / {theirs.feeder_cap_violations}",
        f"safety invariants broken: {len(story.violations)}",
        f"energy on record {story.metered_kwh:,.1f} kWh, drawn by the roads {ours.kwh:,.1f} kWh",
        f"simulated {story.speed['simulated_s']:,.0f} s in {story.speed['wall_s']:,.1f} s: "
        f"{story.speed['ratio']:,.0f} simulated seconds per wall second; seed {story.seed}",
    ]
    return facts + [f"override: {line}" for line in story.overrides]


def print_text(story: Story, console: Console) -> None:
    """The report as text."""
    table = Table(title=story.title + ("" if story.finished else "  (stopped early)"), title_justify="left")
    for index, heading in enumerate(_headings(story)):
        table.add_column(heading, justify="left" if index == 0 else "right", no_wrap=index == 0, min_width=4)
    for row in _rows(story):
        table.add_row(*row)
    table.add_section()
    table.add_row(*_total(story))
    console.print(table)
    for fact in _facts(story):
        console.print(f"  {fact}", highlight=False, soft_wrap=True)
    for line in story.violations[:20]:
        console.print(f"  [red]violation[/red] {line}", soft_wrap=True)


def write_html(story: Story, path: Path) -> None:
    """The report as one self-contained page."""
    plan, reactive, timezone = story.plan, story.reactive, story.timezone
    begin = datetime.fromtimestamp(plan.start_utc_s, UTC).astimezone(ZoneInfo(timezone))
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in _headings(story))
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in [*_rows(story), _total(story)]
    )
    facts = "".join(f"<li>{html.escape(fact)}</li>" for fact in _facts(story))
    broken = "".join(f"<li class='bad'>{html.escape(line)}</li>" for line in story.violations)
    pictures = (
        ("Surface temperature, and what lies on the road", plots.surface(plan, reactive, timezone)),
        ("Power against the contract", plots.power(plan, reactive, timezone)),
        ("The whole district", plots.totals(plan, reactive, timezone)),
    )
    sections = "".join(f"<h2>{html.escape(name)}</h2>{svg}" for name, svg in pictures)
    path.write_text(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(story.title)}</title>"
        f"<style>{_STYLE}</style><h1>{html.escape(story.title)}</h1>"
        f"<p class='note'>{begin:%Y-%m-%d %H:%M} local time, {plan.minutes / 60:.1f} h. <b>Plan</b>: the supervisor "
        "and the boards' firmware. <b>Reactive</b>: the same roads and weather, heated at ≤2 °C and wet.</p>"
        f"<table><tr>{head}</tr>{body}</table><ul>{facts}{broken}</ul>{sections}</html>",
        encoding="utf-8",
    )


def write_json(story: Story, path: Path) -> None:
    """The figures for programs."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(story.as_json()), indent=2))
