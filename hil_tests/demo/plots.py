"""The report's pictures: SVG by matplotlib."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hil_tests.demo.record import MINUTE_S, Run
from hil_tests.demo.story import Story
from supervisor.domain.plan import SLOT_S
from supervisor.road import ICE_MM

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLAN, REACTIVE, LIMIT, SNOW, RAIN, HAND = "#1f6fb4", "#d95f02", "#b00020", "#7aa6c2", "#3f7d5a", "#8a6fb0"
COLUMNS = 3
WIDTH_IN = 15.6
POINTS = 450  # per line: more than a screen shows of a panel
SMALL, LARGE = 8.5, 10.5
# Text stays text (small, to be found and copied); ids do not change from run to run.
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "roadheat",
    "font.size": SMALL,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": LARGE,
    "axes.titlelocation": "left",
    "legend.frameon": False,
}


def pictures(story: Story) -> list[tuple[str, str]]:
    """Headings and SVGs in the page's order."""
    import matplotlib as mpl

    drawings: tuple[tuple[str, Callable[[Story], Figure]], ...] = (
        ("The weather", _weather),
        ("Road by road: ice minutes, energy, cost", _bars),
        ("Surface temperature, and what lies on the road", _surface),
        ("Power against contract and breaker", _power),
        ("The whole district", _totals),
    )
    with mpl.rc_context(STYLE):
        return [(heading, _svg(draw(story))) for heading, draw in drawings]


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def _figure(height_in: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_IN, height_in))


def _local(story: Story, utc_s: Any) -> Any:
    """Local wall-clock times for an axis, as datetime64."""
    return np.array([story.local(float(s)).replace(tzinfo=None) for s in utc_s], dtype="datetime64[s]")


def _hours(axes: Axes) -> None:
    """Hours below the axis, the date at midnight."""
    import matplotlib.dates

    dates: Any = matplotlib.dates  # its functions carry no types
    locator = dates.AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        dates.ConciseDateFormatter(
            locator,
            formats=["%Y", "%b", "%a %d", "%H:%M", "%H:%M", "%S"],
            zero_formats=["", "%Y", "%b", "%a %d", "%H:%M", "%H:%M"],
            show_offset=False,
        )
    )


def _legend_above(figure: Figure, panels: Iterable[Axes]) -> Figure:
    """One legend for all panels, clear of every line."""
    entries = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    inches = figure.get_size_inches()[1]
    figure.legend(
        entries.values(), entries.keys(), loc="upper left", ncols=5, bbox_to_anchor=(0.12, 0.88 + 0.62 / inches)
    )
    return figure


def _thin(run: Run) -> slice:
    """Every nth minute, so that a line has about `POINTS`."""
    return slice(None, None, max(1, run.minutes // POINTS))


def _sides(story: Story) -> tuple[tuple[Run, str], ...]:
    return (story.reactive, REACTIVE), (story.plan, PLAN)


def _weather(story: Story) -> Figure:
    """Air, dew point, and what falls."""
    weather, run = story.weather, story.plan
    end_utc_s = run.start_utc_s + MINUTE_S * run.minutes
    inside = (weather.time_utc_s >= run.start_utc_s) & (weather.time_utc_s <= end_utc_s)
    times = _local(story, weather.time_utc_s[inside])
    figure = _figure(2.4)
    left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.12})
    left.axhline(0.0, color="#aaa", lw=0.8)
    left.plot(times, weather.air_c[inside], color="#333", lw=1.4, label="air")
    left.plot(times, weather.dew_point_c[inside], color="#333", lw=1.0, ls=":", label="dew point")
    left.set_title("temperature, °C")
    falling = weather.precipitation_mm_h[inside]
    snow = falling * weather.snow_fraction[inside]
    right.fill_between(times, snow, step="pre", color=SNOW, lw=0, label="snow")
    right.fill_between(times, snow, falling, step="pre", color=RAIN, lw=0, label="rain")
    right.set_ylim(0.0, max(0.5, 1.1 * float(falling.max(initial=0.0))))
    right.set_title("falling, mm of water per hour")
    for axes in (left, right):
        axes.legend(ncols=2, loc="upper right")
        _hours(axes)
    return figure


def _bars(story: Story) -> Figure:
    """Each road's three figures, both controllers."""
    zones = story.plan.zones
    name, unit = story.money
    figure = _figure(0.36 * len(zones) + 0.8)
    panels = (("ice_minutes", "minutes with ice or snow", 1.0), ("kwh", "energy, kWh", 1.0), ("cost", name, unit))
    place = np.arange(len(zones), dtype=np.float64)
    for axes, (key, title, by) in zip(figure.subplots(1, COLUMNS, sharey=True), panels, strict=True):
        for offset, colour, label, side in (
            (-0.2, PLAN, "plan", story.plan_figures),
            (0.2, REACTIVE, "reactive", story.reactive_figures),
        ):
            values = [side.zones[zone.id][key] / by for zone in zones]
            bars = axes.barh(place + offset, values, height=0.38, color=colour, label=label)
            axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=7.5)
        axes.margins(x=0.12, y=0.01)
        axes.set_xlim(0.0, max(1.0, axes.get_xlim()[1]))
        axes.set_title(f"energy cost, {title}" if key == "cost" else title)
        axes.set_yticks(place, [f"{zone.id} {zone.name}" for zone in zones])
        axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.invert_yaxis()
    figure.subplots_adjust(wspace=0.06)
    return _legend_above(figure, [axes])


def _surface(story: Story) -> Figure:
    """Per road: surface temperature of both controllers above, what lies on the road below; one scale for all."""
    zones = story.plan.zones
    rows = -(-len(zones) // COLUMNS)
    figure = _figure(3.0 * rows)
    grid = figure.add_gridspec(rows, COLUMNS, hspace=0.34, wspace=0.12)
    drawn = [(run, colour, np.array(run.surface_c), np.array(run.lying_mm)) for run, colour in _sides(story)]
    coldest, warmest = min(s.min() for *_, s, _ in drawn), max(s.max() for *_, s, _ in drawn)
    deepest = max(ICE_MM * 5, *(lying.max() for *_, lying in drawn))
    for index, zone in enumerate(zones):
        pair = grid[index // COLUMNS, index % COLUMNS].subgridspec(2, 1, height_ratios=(2, 1), hspace=0.08)
        top = figure.add_subplot(pair[0])
        low = figure.add_subplot(pair[1], sharex=top)
        top.axhline(0.0, color="#aaa", lw=0.8)
        low.axhline(ICE_MM, color=LIMIT, lw=0.8, ls=":", label=f"icy from {ICE_MM} mm")
        for run, colour, surface, lying in drawn:
            thin = _thin(run)
            times = _local(story, run.time_utc_s[thin])
            top.plot(times, surface[thin, index], color=colour, lw=1.3, label=run.label)
            low.fill_between(times, lying[thin, index], color=colour, alpha=0.3, lw=0)
            low.plot(times, lying[thin, index], color=colour, lw=0.9)
        for command in story.overrides:
            if command.zone == zone.id:
                ends = _local(story, (command.created_utc_s, command.expires_utc_s))
                top.axvspan(*ends, color=HAND, alpha=0.2, lw=0, label=f"override {command.mode}")
        top.set_ylim(coldest - 1.0, warmest + 1.0)
        low.set_ylim(0.0, 1.1 * deepest)
        top.set_xlim(*_local(story, (story.plan.start_utc_s, story.plan.start_utc_s + MINUTE_S * story.plan.minutes)))
        top.set_title(f"{zone.id}  {zone.name}")
        top.tick_params(labelbottom=False)
        if index % COLUMNS == 0:
            top.set_ylabel("surface, °C")
            low.set_ylabel("lying, mm")
        else:
            top.tick_params(labelleft=False)
            low.tick_params(labelleft=False)
        _hours(low)
    return _legend_above(figure, figure.axes)


def _power(story: Story) -> Figure:
    """Per feeder: 15-min means of both controllers against the contract, and what the breaker carries."""
    figure = _figure(3.2)
    panels = figure.subplots(1, len(story.plan.feeders), sharey=True, squeeze=False)[0]
    for column, (axes, feeder) in enumerate(zip(panels, story.plan.feeders, strict=True)):
        for run, colour in _sides(story):
            load = run.feeder_kw()[:, column]
            edges = run.start_utc_s + SLOT_S * np.arange(len(load) + 1)
            label = f"{run.label}, 15-min mean"
            axes.stairs(load, _local(story, edges), color=colour, lw=1.3, label=label)
        axes.axhline(feeder.contract_kw, color=LIMIT, lw=1.1, ls="--", label="contract")
        axes.axhline(feeder.breaker_kw, color=LIMIT, lw=1.1, ls=":", label="breaker")
        axes.set_title(f"{feeder.id}: contract {feeder.contract_kw:g} kW, breaker {feeder.breaker_kw:g} kW")
        _hours(axes)
    panels[0].set_ylabel("kW")
    panels[0].set_ylim(0.0, 1.05 * panels[0].get_ylim()[1])
    figure.subplots_adjust(wspace=0.06)
    return _legend_above(figure, panels[:1])


def _totals(story: Story) -> Figure:
    """The whole district: energy so far and roads with ice, over time."""
    figure = _figure(3.0)
    left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.12})
    for run, colour in _sides(story):
        thin = _thin(run)
        times = _local(story, run.time_utc_s[thin])
        kwh = np.array(run.energy_wh).sum(axis=1).cumsum() / 1000.0
        icy = (np.array(run.lying_mm) >= ICE_MM).sum(axis=1)
        left.plot(times, kwh[thin], color=colour, lw=1.5, label=run.label)
        right.plot(times, icy[thin], drawstyle="steps-post", color=colour, lw=1.5, label=run.label)
    left.set_title("energy so far, kWh")
    left.yaxis.set_major_formatter("{x:,.0f}")
    right.set_title(f"roads with ice or snow (≥{ICE_MM} mm), of {len(story.plan.zones)}")
    for axes in (left, right):
        axes.set_ylim(0.0, max(1.0, axes.get_ylim()[1]))
        axes.legend(loc="upper left")
        _hours(axes)
    return figure
