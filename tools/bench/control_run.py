"""The closed loop: weather → plant → sensors → controllers → contactors → plant, minute by minute, and its count."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from supervisor.domain.errors import RoadheatError
from supervisor.domain.plan import SLOT_S, Plan
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Feeder, Site, Zone
from supervisor.planner.contract import keep_contract, with_headroom
from supervisor.planner.foresee.physics import Physics
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.pipeline import PlanOutcome, plan_fleet
from supervisor.planner.pose import foresee_inputs
from supervisor.planner.quarter import ZoneNow
from supervisor.planner.solve.demand import CircuitNow, given_way, who_gives_way
from supervisor.road import Forcing, Pavement
from supervisor.tariff.kind import Tariff
from supervisor.weather.resample import at_steps, between
from tools.bench.control_boards import COLD_CUTOFF_C, Board, Circuit, rule_named
from tools.bench.control_count import WET_MM, Count, Score, month_of
from tools.bench.control_planners import Planner, Strategy, Watch
from tools.bench.control_plant import MINUTE_S, QUIET_S, SPREAD, Plant, draw_faults, true_pavements

HOUR_S = 3600
ESTIMATE_S = 300  # telemetry drawn together: the estimator runs every five minutes
REPLAN_S = 900
QUIET_REPLAN_S = 3600  # while no member sees a hazard: observations come every hour

Forecaster = Callable[[float, float], Forecast]


@dataclass(frozen=True)
class Stretch:
    """The weather that is replayed, from the full hour before `start_utc_s`, and where it was."""

    weather: WeatherSeries
    start_utc_s: float
    end_utc_s: float
    site: Site | None = None


@dataclass(frozen=True)
class Fleet:
    """What is heated and what it pays."""

    zones: Sequence[Zone]
    feeders: Sequence[Feeder]
    tariff: Tariff


@dataclass(frozen=True)
class Chance:
    """What no controller knows: how far each road is from its data sheet, and when sensors lie."""

    seed: int = 1
    spread: float = SPREAD
    faults_per_zone_month: float = 0.0


class Season:
    """Runs all strategies side by side on one stretch of weather."""

    def __init__(
        self,
        stretch: Stretch,
        fleet: Fleet,
        strategies: Sequence[Strategy],
        forecasters: dict[str, Forecaster],
        chance: Chance | None = None,
        cold_cutoff_c: float = COLD_CUTOFF_C,
    ) -> None:
        zones, feeders, chance = tuple(fleet.zones), tuple(fleet.feeders), chance or Chance()
        self.zones, self.feeders, self.tariff, self.site = zones, feeders, fleet.tariff, stretch.site
        self.usable = with_headroom(self.feeders, self.zones)
        self.strategies, self.forecasters = tuple(strategies), forecasters
        self.start_s = stretch.start_utc_s - stretch.start_utc_s % HOUR_S
        self.hours = int((stretch.end_utc_s - self.start_s) // HOUR_S)
        rng = np.random.default_rng(chance.seed)
        pavements = true_pavements(zones, rng, chance.spread)
        self.forcing: Forcing = at_steps(stretch.weather, self.start_s, MINUTE_S, self.hours * 60, stretch.site)
        air0 = float(self.forcing.air_c[:1440].mean())
        self.plant = Plant(pavements, zones, len(strategies), air0, chance.seed + 1)
        self.plant.faults = draw_faults(len(zones), self.hours * HOUR_S, chance.faults_per_zone_month, rng)
        self.circuits = [
            [Circuit(rule_named(s.rule, s.on_c, cold_cutoff_c), s.ideal_switch) for _ in zones] for s in strategies
        ]
        self.planners = [Planner(s, i) for i, s in enumerate(strategies) if s.plan]
        self.watches = self._watches(pavements, air0)
        self.count = Count(zones, feeders, len(strategies))
        self.scores, self.trace = self.count.scores, self.count.trace
        self.power_kw = np.array([zone.power_w / 1000.0 for zone in zones])
        self.feeder_of = np.array([[zone.feeder == f.id for zone in zones] for f in feeders])
        self._on = np.zeros((len(strategies), len(zones)), dtype=np.float64)
        snow = self.forcing.snow_mm_h[:, 0]
        self._precipitation = snow + self.forcing.rain_mm_h[:, 0]
        self._snow_within_5h = np.convolve((snow > 0).astype(float), np.ones(300))[299 : 299 + snow.size] > 0

    def _watches(self, pavements: Sequence[Pavement], air_c: float) -> list[Watch]:
        """Planners that see the same share what they see."""
        alike: dict[tuple[object, ...], list[Planner]] = {}
        for one in self.planners:
            s = one.strategy
            alike.setdefault((s.forecast, s.settings.horizon_h, s.settings.required_c), []).append(one)
        return [Watch(group, self.zones, pavements, air_c) for group in alike.values()]

    def run(self, progress: Callable[[int, int], None] | None = None) -> list[Score]:
        """The whole season; returns a score per strategy."""
        for hour in range(self.hours):
            t = hour * HOUR_S
            for watch in self.watches:
                self._maybe_plan(watch, t)
            self._hour(hour, QUIET_S if self._quiet(hour) else MINUTE_S)
            if progress:
                progress(hour + 1, self.hours)
        for i, row in enumerate(self.circuits):
            self.scores[i].starts = sum(circuit.starts for circuit in row)
        return self.scores

    def _quiet(self, hour: int) -> bool:
        """Dry roads, no precipitation in sight, no plan that heats: ten-minute steps tell the same story."""
        rows = slice(hour * 60, hour * 60 + 120)
        state = self.plant.state
        return bool(
            self._precipitation[rows].max() <= 0.0
            and state.frozen_mm.max() <= 0.0
            and state.water_mm.max() < 0.5 * WET_MM
            and not any(p.heats_from(self.start_s + hour * HOUR_S) for p in self.planners)
        )

    def _hour(self, hour: int, dt_s: float) -> None:
        step = round(dt_s / MINUTE_S)
        weather = self.forcing[hour * 60 : hour * 60 + 60]
        if step > 1:
            weather = weather.joined(step)
        prepared = self.plant.prepare(weather)
        price = self.tariff.prices(self.start_s + hour * HOUR_S, 4)
        for i in range(prepared.shape[0]):
            minute = i * step
            t = hour * HOUR_S + minute * 60
            if minute % 15 == 0 and minute and step == 1:
                for watch in self.watches:
                    self._maybe_plan(watch, t)
            self.plant.run(prepared[i], self._on.ravel(), dt_s)
            row = hour * 60 + minute
            falling = bool(self._precipitation[row] > 0.05)
            self.count.add(self.plant.state, self._on, falling, float(price[minute // 15]), dt_s)
            self._decide(row, t + round(dt_s), weather[i : i + 1], dt_s)
            if (minute + step) % (15 if step == 1 else 30) == 0:
                self.count.close_slot(self.start_s + t + round(dt_s), self.plant.state)
            elif step == 1:
                for planner in self.planners:
                    self._guard(planner, t + 60)

    def _decide(self, row: int, t: int, weather: Forcing, dt_s: float) -> None:
        reading = self.plant.read(float(t))
        surface_mc = np.round(reading.surface_c * 1000 / 62.5) * 62.5  # DS18B20's steps
        mc = surface_mc.astype(np.int64).reshape(self._on.shape).tolist()
        moisture = reading.moisture_permille.reshape(self._on.shape).tolist()
        air_mc = int(1000 * self.forcing.air_c[row, 0])
        ahead = bool(self._snow_within_5h[row])
        for s, circuits in enumerate(self.circuits):
            for z, circuit in enumerate(circuits):
                self._on[s, z] = circuit.tick(t, mc[s][z], moisture[s][z], air_mc, ahead)
        power = self.plant.heat_w_m2 * self._on.ravel()
        for watch in self.watches:
            watch.see(reading, power, dt_s)
            if t % ESTIMATE_S == 0:
                watch.estimate(weather)
                watch.listen(self.start_s + t)

    def _send(self, circuit: Circuit, plan: Plan, t: int) -> None:
        assert isinstance(circuit.rule, Board)
        circuit.rule.accept(plan, int(self.start_s), t)
        circuit.phase_s = plan.phase_s

    def _zones_now(self, strategy: int) -> dict[str, ZoneNow]:
        """What the service knows of a strategy's zones when it sends plans."""
        return {
            zone.id: ZoneNow(zone, circuit.surface_mc / 1000, circuit.wet or circuit.relay.on)
            for zone, circuit in zip(self.zones, self.circuits[strategy], strict=True)
        }

    def _guard(self, p: Planner, t: int) -> None:
        """The demand guard's look at one strategy's feeders."""
        index = p.index
        for f, feeder in enumerate(self.feeders):
            mine = np.flatnonzero(self.feeder_of[f]).tolist()
            if self.power_kw[mine].sum() <= feeder.contract_kw or not self._on[index, mine].any():
                continue
            row = self.circuits[index]
            now = [
                CircuitNow(
                    self.zones[z], row[z].surface_mc / 1000, row[z].duty / 1000, row[z].relay.on, row[z].phase_s, True
                )
                for z in mine
            ]
            used_kws = float(self.count.slot_kwh[index, f]) * 3600.0
            for zone in who_gives_way(feeder.contract_kw, used_kws, now, self.count.slot_s):
                z = next(i for i in mine if self.zones[i].id == zone)
                plan = given_way(p.plans[z], self.start_s + t)
                p.plans = (*p.plans[:z], plan, *p.plans[z + 1 :])
                self._send(row[z], plan, t)

    def _maybe_plan(self, watch: Watch, t: int) -> None:
        """All of a watch's planners plan when any is due: every 15 min while one of their members sees a hazard."""
        if t < watch.next_s:
            return
        now = self.start_s + t
        first = watch.first
        before = time.process_time()
        forecast = self.forecasters[first.forecast](now, first.settings.horizon_h * HOUR_S)
        together = PlanInputs(
            now_utc_s=now,
            zones=watch.zones,
            feeders=self.usable,
            roads=watch.roads,
            state=watch.estimator.state,
            forecast=watch.corrected(forecast),
            tariff=self.tariff,
            site=self.site,
            settings=first.settings,
        )
        try:
            physics = foresee_inputs(together, now - now % SLOT_S)[0]
        except RoadheatError:  # each plan says so itself and keeps the last: the weather ends
            physics = None
        shared_cpu_s = (time.process_time() - before) / len(watch.planners)
        hazard = False
        for place, p in enumerate(watch.planners):
            mine = watch.mine(place)
            part = physics and Physics(physics.outlooks[mine], physics.kernels[mine])
            outcome = self._plan(p, replace(together, zones=self.zones, physics=part), t)
            self.scores[p.index].plan_cpu_s += shared_cpu_s
            hazard |= bool(outcome.errors) or any(trace.probability.any() for trace in outcome.traces.values())
        watch.next_s = t + (REPLAN_S if hazard else QUIET_REPLAN_S)

    def _plan(self, p: Planner, inputs: PlanInputs, t: int) -> PlanOutcome:
        score = self.scores[p.index]
        month = month_of(inputs.now_utc_s)
        peaks = {f.id: score.peak_kw.get((f.id, month), 0.0) for f in self.feeders}
        before = time.process_time()
        outcome = plan_fleet(replace(inputs, peak_so_far_kw=peaks, previous=p.plans, settings=p.strategy.settings))
        score.plan_cpu_s += time.process_time() - before
        score.plans += 1
        score.plan_changes_duty_h += _changed(p.last, outcome)
        p.plans = keep_contract(outcome.plans, self._zones_now(p.index), self.usable)
        for circuit, plan in zip(self.circuits[p.index], p.plans, strict=True):
            self._send(circuit, plan, t)
        p.last = outcome
        return outcome


def _changed(last: PlanOutcome | None, now: PlanOutcome) -> float:
    """Duty-hours of the next 6 h that differ from what was planned before, all zones."""
    if last is None:
        return 0.0
    shift = round((now.start_utc_s - last.start_utc_s) / SLOT_S)
    total = 0.0
    for zone, trace in now.traces.items():
        if zone in last.traces:
            before = last.traces[zone].duty[shift : shift + 24]
            total += float(np.abs(trace.duty[: before.size] - before).sum()) / 4.0
    return total


def perfect(weather: WeatherSeries) -> Forecaster:
    """The true weather as forecast."""

    def forecast(now_utc_s: float, horizon_s: float) -> Forecast:
        return Forecast(
            now_utc_s, (between(weather, now_utc_s - HOUR_S, now_utc_s + horizon_s + 2 * HOUR_S),), "perfect"
        )

    return forecast
