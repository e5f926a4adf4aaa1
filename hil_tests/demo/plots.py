"""The report's pictures: SVG by matplotlib, one per question that a reader has."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from hil_tests.demo.record import Run
from supervisor.domain.plan import SLOT_S
from supervisor.road import ICE_MM

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLAN, REACTIVE, CAP = "#1f77b4", "#d95f02", "#b00020"
COLUMNS = 3


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight")
    text = out.getvalue()
    return text[text.index("<svg") :]


def _local(timezone: str, utc_s: Any) -> Any:
    """Local wall-clock times for an axis, as datetime64."""
    zone = ZoneInfo(timezone)
    local = [datetime.fromtimestamp(float(second), UTC).astimezone(zone).replace(tzinfo=None) for second in utc_s]
    return np.array(local, dtype="datetime64[s]")


def _hours(axes: Axes) -> None:
    import matplotlib.dates

    dates: Any = matplotlib.dates  # its functions carry no types
    locator = dates.AutoDateLocator(minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def surface(plan: Run, reactive: Run, timezone: str) -> str:
    """Per zone: surface temperature of both controllers above, what lies on the road below."""
    from matplotlib.figure import Figure

    rows = -(-len(plan.zones) // COLUMNS)
    figure = Figure(figsize=(5.2 * COLUMNS, 2.9 * rows))
    grid = figure.add_gridspec(rows, COLUMNS, hspace=0.45, wspace=0.22)
    for index, zone in enumerate(plan.zones):
        pair = grid[index // COLUMNS, index % COLUMNS].subgridspec(2, 1, height_ratios=(2, 1), hspace=0.08)
        top = figure.add_subplot(pair[0])
        low = figure.add_subplot(pair[1], sharex=top)
        for run, colour in ((reactive, REACTIVE), (plan, PLAN)):
            times = _local(timezone, run.time_utc_s)
            top.plot(times, np.array(run.surface_c)[:, index], color=colour, lw=1.2, label=run.label)
            lying = np.array(run.lying_mm)[:, index]
            low.fill_between(times, lying, step="post", color=colour, alpha=0.35, lw=0)
            low.plot(times, lying, color=colour, lw=0.8)
        top.axhline(0.0, color="#888", lw=0.7)
        low.axhline(ICE_MM, color=CAP, lw=0.7, ls=":")
        top.set_title(f"{zone.id}  {zone.name}", fontsize=10, loc="left")
        top.tick_params(labelbottom=False, labelsize=8)
        low.tick_params(labelsize=8)
        if index % COLUMNS == 0:
            top.set_ylabel("surface °C", fontsize=8)
            low.set_ylabel("lying mm", fontsize=8)
        if index == 0:
            top.legend(fontsize=8, frameon=False, loc="best")
        _hours(low)
    return _svg(figure)


def power(plan: Run, reactive: Run, timezone: str) -> str:
    """Per feeder: 15-min mean of both controllers against the contract."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * COLUMNS, 3.0))
    columns = len(plan.feeders)
    for column, feeder in enumerate(plan.feeders):
        axes = figure.add_subplot(1, columns, column + 1)
        for run, colour in ((reactive, REACTIVE), (plan, PLAN)):
            load = run.feeder_kw()[:, column]
            starts = run.start_utc_s + SLOT_S * np.arange(len(load))
            axes.step(_local(timezone, starts), load, where="post", color=colour, lw=1.2, label=run.label)
        axes.axhline(feeder.contract_kw, color=CAP, lw=1.0, ls="--", label="contract")
        axes.set_title(f"{feeder.id}  contract {feeder.contract_kw:g} kW", fontsize=10, loc="left")
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=8)
        if column == 0:
            axes.set_ylabel("kW, 15-min mean", fontsize=8)
            axes.legend(fontsize=8, frameon=False)
        _hours(axes)
    return _svg(figure)


def totals(plan: Run, reactive: Run, timezone: str) -> str:
    """The whole district: energy so far and zones with ice, over time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * COLUMNS, 3.0))
    left, right = figure.subplots(1, 2)
    for run, colour in ((reactive, REACTIVE), (plan, PLAN)):
        times = _local(timezone, run.time_utc_s)
        kwh = np.array(run.energy_wh).sum(axis=1).cumsum() / 1000.0
        icy = (np.array(run.lying_mm) >= ICE_MM).sum(axis=1)
        left.plot(times, kwh, color=colour, lw=1.4, label=run.label)
        right.step(times, icy, where="post", color=colour, lw=1.4, label=run.label)
    left.set_title("energy so far, kWh", fontsize=10, loc="left")
    right.set_title(f"roads with ice or snow (≥{ICE_MM} mm), of {len(plan.zones)}", fontsize=10, loc="left")
    for axes in (left, right):
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=8)
        axes.legend(fontsize=8, frameon=False)
        _hours(axes)
    return _svg(figure)
