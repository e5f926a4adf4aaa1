"""The planning strategies of a closed loop: their settings, their memory, and what those with one forecast share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from firmware.rh.zone import WET_PERMILLE
from supervisor.domain.plan import Plan
from supervisor.domain.weather import Forecast
from supervisor.domain.zone import Zone
from supervisor.energy.baselines import Baseline
from supervisor.planner.inputs import PlanSettings
from supervisor.planner.pipeline import PlanOutcome
from supervisor.planner.plans import unpack
from supervisor.road import Forcing, Pavement, Roads, State, StateEstimator, build_roads
from supervisor.road.pavement import NODES
from supervisor.weather.nowcast import WetOnset, bring_forward
from tools.bench.control_plant import Array, Reading


@dataclass(frozen=True)
class Strategy:
    """A named controller. Without `plan` a rule of today; with it a planner that sees the given forecast."""

    name: str
    rule: str = "local"
    on_c: float | None = None  # the rule's threshold, where it is not its own
    baseline: Baseline | None = None  # the rule itself, where it is none of those with a name
    ahead: str = ""  # forecaster that tells the rule of snow within its `preheat_s`; else it knows the next five hours
    plan: bool = False
    forecast: str = "perfect"  # key of the forecasters
    settings: PlanSettings = field(default_factory=PlanSettings)
    true_physics: bool = False  # the planner knows the plant's parameters
    ideal_switch: bool = False  # duty as it is asked for, without contactor


@dataclass
class Planner:
    """One planning strategy's memory."""

    strategy: Strategy
    index: int  # its place among the strategies
    plans: tuple[Plan, ...] = ()
    last: PlanOutcome | None = None

    def heats_from(self, utc_s: float) -> bool:
        """Whether any plan heats within the hour from `utc_s`."""
        return any((unpack(plan, 4, utc_s)[0] > 0).any() for plan in self.plans)


class Watch:
    """Planners that see the same forecast over the same horizon."""

    def __init__(self, planners: Sequence[Planner]) -> None:
        self.planners = tuple(planners)
        self.first = planners[0].strategy  # forecast, horizon and required temperature are the same for all
        self.next_s = 0.0
        self._wet_share = 0.0  # of the first planner's zones, which stand for a district's
        self._onset = WetOnset(lambda: self._wet_share)
        self._began_utc_s: float | None = None

    def listen(self, now_utc_s: float, wet_share: float) -> None:
        """Plan next when the roads say that precipitation has begun; to be called with each estimate."""
        self._wet_share = wet_share
        began = self._onset.look(now_utc_s)
        if began is not None and began != self._began_utc_s:
            self.next_s = 0.0
        self._began_utc_s = began

    def corrected(self, forecast: Forecast) -> Forecast:
        """What the service makes of a forecast while its roads know better; the truth stays as it is."""
        if self._began_utc_s is None or self.first.forecast == "perfect":
            return forecast
        return bring_forward(forecast, self._began_utc_s)


class Record:
    """What is known of all planners' roads from their sensors: one estimator, watch by watch."""

    def __init__(self, watches: Sequence[Watch], zones: Sequence[Zone], true: Sequence[Pavement], air_c: float) -> None:
        planners = [one for watch in watches for one in watch.planners]
        n = len(zones)
        known = [replace(p, nodes=NODES) for p in true], [Pavement.from_zone(zone) for zone in zones]
        self.roads = build_roads([p for one in planners for p in known[not one.strategy.true_physics]])
        self.estimator = StateEstimator(self.roads, air_c, max(air_c, 4.0))
        self.lanes = np.concatenate([np.arange(one.index * n, (one.index + 1) * n) for one in planners])
        ends = np.cumsum([n * len(watch.planners) for watch in watches]).tolist()
        self._place = {
            id(watch): range(end - n * len(watch.planners), end) for watch, end in zip(watches, ends, strict=True)
        }
        self._zones = n
        self._roads_of: dict[tuple[int, ...], Roads] = {}
        # summed since the last estimate
        self.power, self.surface, self.moist = np.zeros((3, self.lanes.size))
        self.since_s = 0.0
        self._moist_now = np.zeros(self.lanes.size)

    def roads_of(self, watches: Sequence[Watch]) -> Roads:
        """Of the watches' planners, kept: what was worked out for them serves all their cycles."""
        lanes = self._lanes_of(watches)
        if lanes not in self._roads_of:
            self._roads_of[lanes] = self.roads.take(lanes)
        return self._roads_of[lanes]

    def state_of(self, watches: Sequence[Watch]) -> State:
        """Of the watches' planners, copied."""
        return self.estimator.state.take(list(self._lanes_of(watches)))

    def _lanes_of(self, watches: Sequence[Watch]) -> tuple[int, ...]:
        return tuple(lane for watch in watches for lane in self._place[id(watch)])

    def see(self, reading: Reading, power_w_m2: Array, dt_s: float) -> None:
        self._moist_now = reading.moisture_permille[self.lanes]
        self.surface += reading.surface_c[self.lanes] * dt_s
        self.moist += self._moist_now * dt_s
        self.power += power_w_m2[self.lanes] * dt_s
        self.since_s += dt_s

    def wet_share(self, watch: Watch) -> float:
        """Part of the zones of the watch's first planner whose sensors say wet."""
        first = self._place[id(watch)].start
        return float((self._moist_now[first : first + self._zones] >= WET_PERMILLE).mean())

    def estimate(self, weather: Forcing) -> None:
        k = self.since_s
        self.estimator.update(weather, self.surface / k, self.power / k, k, np.clip(self.moist / k / 1000, 0, 1))
        self.surface[:], self.power[:], self.moist[:], self.since_s = 0.0, 0.0, 0.0, 0.0
