"""Content of the demo's report, for the terminal, the page and the JSON alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from hil_tests.demo.record import MINUTE_S, Figures, Run
from supervisor.domain.override import Override
from supervisor.domain.weather import WeatherSeries

THOUSANDS_FROM = 100_000  # costs of a district from here on are given in thousands: more digits are not significant


class Measure(NamedTuple):
    """One line of the comparison."""

    name: str  # with its unit
    plan: float
    reactive: float

    @property
    def change(self) -> str:
        """Plan against reactive, in percent."""
        if not self.reactive or not self.plan:
            return ""
        return f"{100.0 * (self.plan / self.reactive - 1.0):+.0f} %".replace("-", "−")


@dataclass(frozen=True)
class Story:
    """Everything in the report."""

    title: str
    timezone: str
    currency: str
    weather: WeatherSeries
    plan: Run
    reactive: Run
    plan_figures: Figures
    reactive_figures: Figures
    speed: dict[str, float]  # simulated_s, wall_s, ratio
    metered_kwh: float  # what the service has on record
    drawn_kwh: float  # what the cables drew
    seed: int
    violations: list[str]  # invariants broken, one line each; empty when all held
    overrides: list[Override]  # what people did meanwhile
    finished: bool  # False: stopped by hand
    later_s: float = 0.0  # how much later than measured the weather was played

    def as_json(self) -> dict[str, Any]:
        """The figures, the shape that `--json` writes."""
        return {
            "title": self.title,
            "currency": self.currency,
            "from": self._iso(self.plan.start_utc_s),
            "to": self._iso(self.plan.start_utc_s + MINUTE_S * self.plan.minutes),
            "played_later_s": self.later_s,
            "seed": self.seed,
            "finished": self.finished,
            "speed": self.speed,
            "metered_kwh": self.metered_kwh,
            "drawn_kwh": self.drawn_kwh,
            "invariant_violations": self.violations,
            "overrides": msgspec.to_builtins(self.overrides),
            "plan": asdict(self.plan_figures),
            "reactive": asdict(self.reactive_figures),
        }

    def local(self, utc_s: float) -> datetime:
        """Local time as the weather was measured, of a time as played."""
        return datetime.fromtimestamp(utc_s - self.later_s, UTC).astimezone(ZoneInfo(self.timezone))

    def _iso(self, utc_s: float) -> str:
        return datetime.fromtimestamp(utc_s - self.later_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def heading(self) -> str:
        return self.title if self.finished else f"{self.title} (stopped early)"

    @property
    def period(self) -> str:
        """Local times of begin and end."""
        begin, end = (self.local(self.plan.start_utc_s + s) for s in (0, MINUTE_S * self.plan.minutes))
        return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({self.timezone}), {self.plan.minutes / 60:.1f} h"

    @property
    def money(self) -> tuple[str, float]:
        """Unit of costs per road, and how much of the currency it is."""
        large = max(self.plan_figures.cost, self.reactive_figures.cost) >= THOUSANDS_FROM
        return (f"1,000 {self.currency}", 1000.0) if large else (self.currency, 1.0)

    def district(self) -> list[Measure]:
        """The whole district, plan beside reactive."""
        ours, theirs = self.plan_figures, self.reactive_figures
        pairs = (
            ("ice or snow on a road, minutes of all roads", ours.ice_minutes, theirs.ice_minutes),
            ("energy, kWh", ours.kwh, theirs.kwh),
            (f"energy cost, {self.currency}", ours.cost, theirs.cost),
            ("highest load, 15-min mean, kW", ours.peak_kw, theirs.peak_kw),
            (f"base charge of that load, {self.currency} a month", ours.demand_cost, theirs.demand_cost),
            ("times over a contract or a breaker", ours.feeder_cap_violations, theirs.feeder_cap_violations),
        )
        return [Measure(name, float(plan), float(reactive)) for name, plan, reactive in pairs]

    def groups(self) -> tuple[str, str, str]:
        """What the table of roads counts; each twice, planned and reactive."""
        return "ice minutes", "kWh", self.money[0]

    def roads(self) -> list[tuple[str, ...]]:
        """Per road: name and six figures; the last line is the sum."""
        unit = self.money[1]
        rows = []
        for zone in self.plan.zones:
            ours, theirs = self.plan_figures.zones[zone.id], self.reactive_figures.zones[zone.id]
            cells = [(ours[key] / by, theirs[key] / by) for key, by in (("ice_minutes", 1), ("kwh", 1), ("cost", unit))]
            rows.append((f"{zone.id} {zone.name}", *(f"{value:,.0f}" for pair in cells for value in pair)))
        ours_all, theirs_all = self.plan_figures, self.reactive_figures
        total = (
            *(ours_all.ice_minutes, theirs_all.ice_minutes, ours_all.kwh, theirs_all.kwh),
            *(ours_all.cost / unit, theirs_all.cost / unit),
        )
        return [*rows, ("all roads", *(f"{value:,.0f}" for value in total))]

    def feeders(self) -> list[tuple[str, ...]]:
        """Per feeder: contract, breaker, both controllers' highest quarter of an hour and instant [kW]."""
        rows = []
        for feeder in self.plan.feeders:
            ours, theirs = self.plan_figures.feeders[feeder.id], self.reactive_figures.feeders[feeder.id]
            values = (
                *(feeder.contract_kw, ours["peak_kw"], theirs["peak_kw"]),
                *(feeder.breaker_kw, ours["breaker_peak_kw"], theirs["breaker_peak_kw"]),
            )
            rows.append((feeder.id, *(f"{value:,.0f}" for value in values)))
        return rows

    def commands(self) -> list[str]:
        """A line per override."""
        return [
            f"{one.zone} {one.mode.upper()} by {one.user}, {self.local(one.created_utc_s):%a %H:%M} to "
            f"{self.local(one.expires_utc_s):%a %H:%M}, “{one.reason}”: {one.state}"
            for one in self.overrides
        ]

    def facts(self) -> list[str]:
        """Facts by which to judge the figures."""
        held = f"{len(self.violations)} broken" if self.violations else "all held, at every tick"
        speed = self.speed
        played = [f"played {self.later_s / (365.25 * 86_400):.0f} years later: boards take no older clock"]
        return [
            *(played if self.later_s else []),
            f"safety invariants: {held}",
            f"energy on record {self.metered_kwh:,.1f} kWh, drawn by the roads {self.drawn_kwh:,.1f} kWh",
            f"{speed['simulated_s']:,.0f} s in {speed['wall_s']:,.1f} s: {speed['ratio']:,.0f} simulated seconds per "
            f"wall second; seed {self.seed}",
        ]


def write_json(story: Story, path: Path) -> None:
    """The figures for programs."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(story.as_json()), indent=2))
