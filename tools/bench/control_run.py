"""The closed loop: weather → plant → sensors → controllers → contactors → plant, minute by minute, and its count."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from supervisor.domain.errors import RoadheatError
from supervisor.domain.plan import SLOT_S, Plan
from supervisor.planner.contract import keep_contract, with_headroom
from supervisor.planner.foresee.physics import Physics, foresee_apart
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.pipeline import PlanOutcome, plan_fleet
from supervisor.planner.pose import horizon_slots
from supervisor.planner.quarter import ZoneNow
from supervisor.planner.solve.demand import CircuitNow, given_way, who_gives_way
from supervisor.road import Forcing
from supervisor.weather.resample import at_steps, forecast_at_steps
from tools.bench.control_boards import COLD_CUTOFF_C, Board, Circuit, Named, Rule, rule_named
from tools.bench.control_count import WET_MM, Count, Score, month_of
from tools.bench.control_planners import Planner, Record, Strategy, Watch
from tools.bench.control_plant import MINUTE_S, QUIET_S, Plant, draw_faults, true_pavements
from tools.bench.control_setting import Chance, Fleet, Forecaster, Stretch

HOUR_S = 3600
ESTIMATE_S = 300  # telemetry drawn together: the estimator runs every five minutes
REPLAN_S = 900
QUIET_REPLAN_S = 3600  # while no member sees a hazard: observations come every hour


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
        self.circuits = [[Circuit(_rule(s, cold_cutoff_c), s.ideal_switch) for _ in zones] for s in strategies]
        self.planners = [Planner(s, i) for i, s in enumerate(strategies) if s.plan]
        self.watches = self._watches()
        self.record = Record(self.watches, zones, pavements, air0) if self.watches else None
        self.count = Count(zones, feeders, len(strategies))
        self.scores, self.trace = self.count.scores, self.count.trace
        self.power_kw = np.array([zone.power_w / 1000.0 for zone in zones])
        self.feeder_of = np.array([[zone.feeder == f.id for zone in zones] for f in feeders])
        self._on = np.zeros((len(strategies), len(zones)), dtype=np.float64)
        snow = self.forcing.snow_mm_h[:, 0]
        self._precipitation = snow + self.forcing.rain_mm_h[:, 0]
        within_5h = np.convolve((snow > 0).astype(float), np.ones(300))[299 : 299 + snow.size] > 0
        self._snow_ahead = [within_5h if not s.ahead else self._foreseen(s) for s in strategies]

    def _watches(self) -> list[Watch]:
        """Planners by what they see."""
        alike: dict[tuple[object, ...], list[Planner]] = {}
        for one in self.planners:
            s = one.strategy
            alike.setdefault((s.forecast, s.settings.horizon_h, s.settings.required_c), []).append(one)
        return [Watch(group) for group in alike.values()]

    def _foreseen(self, strategy: Strategy) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether the newest forecast of each hour has snow within the rule's lead, by minute."""
        lead_s = strategy.baseline.preheat_s if strategy.baseline else 0.0
        hours = np.zeros(self.hours, dtype=bool)
        for hour in range(self.hours if lead_s else 0):
            now = self.start_s + hour * HOUR_S
            member = self.forecasters[strategy.ahead](now, lead_s).members[0]
            falls = member.precipitation_mm_h * member.snow_fraction >= WET_MM
            hours[hour] = bool((falls & (member.time_utc_s > now) & (member.time_utc_s <= now + lead_s)).any())
        return np.repeat(hours, 60)

    def run(self, progress: Callable[[int, int], None] | None = None) -> list[Score]:
        """The whole season; returns a score per strategy."""
        for hour in range(self.hours):
            t = hour * HOUR_S
            self._plan_due(t)
            self._hour(hour, QUIET_S if self._quiet(hour) else MINUTE_S)
            if progress:
                progress(hour + 1, self.hours)
        for i, row in enumerate(self.circuits):
            self.scores[i].starts = sum(circuit.starts for circuit in row)
        return self.scores

    def _quiet(self, hour: int) -> bool:
        """Dry roads, no precipitation in sight, no plan that heats: ten-minute steps give the same result."""
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
                self._plan_due(t)
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
        for s, circuits in enumerate(self.circuits):
            ahead = bool(self._snow_ahead[s][row])
            for z, circuit in enumerate(circuits):
                self._on[s, z] = circuit.tick(t, mc[s][z], moisture[s][z], air_mc, ahead)
        power = self.plant.heat_w_m2 * self._on.ravel()
        if self.record is None:
            return
        self.record.see(reading, power, dt_s)
        if t % ESTIMATE_S == 0:
            self.record.estimate(weather)
            for watch in self.watches:
                watch.listen(self.start_s + t, self.record.wet_share(watch))

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
        """The demand guard of one strategy's feeders."""
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

    def _plan_due(self, t: int) -> None:
        """All of a watch's planners plan when any is due: every 15 min while one of their members sees a hazard.

        Watches that are due together, with as many members and slots, foresee their roads in one batch.
        """
        now = self.start_s + t
        groups: dict[tuple[object, ...], list[tuple[Watch, PlanInputs]]] = {}
        for watch in self.watches:
            if t < watch.next_s:
                continue
            inputs = self._inputs(watch, now)
            times = inputs.forecast.members[0].time_utc_s
            key = (watch.first.settings.horizon_h, watch.first.settings.required_c, len(watch.planners))
            groups.setdefault((*key, len(inputs.forecast.members), times.size, times[-1]), []).append((watch, inputs))
        for group in groups.values():
            before = time.process_time()
            physics = self._foresee(group)
            shared_cpu_s = (time.process_time() - before) / sum(len(watch.planners) for watch, _ in group)
            for (watch, inputs), part in zip(group, physics, strict=True):
                self._plan_all(watch, inputs, part, t, shared_cpu_s)

    def _inputs(self, watch: Watch, now: float) -> PlanInputs:
        """What a watch's planners share: their lanes of the record one after the other."""
        assert self.record is not None
        first = watch.first
        forecast = self.forecasters[first.forecast](now, first.settings.horizon_h * HOUR_S)
        return PlanInputs(
            now_utc_s=now,
            zones=self.zones * len(watch.planners),
            feeders=self.usable,
            roads=self.record.roads_of([watch]),
            state=self.record.state_of([watch]),
            forecast=watch.corrected(forecast),
            tariff=self.tariff,
            site=self.site,
            settings=first.settings,
        )

    def _foresee(self, group: list[tuple[Watch, PlanInputs]]) -> list[Physics | None]:
        """None where the weather ends: each plan then says so itself and keeps the last."""
        assert self.record is not None
        watches = [watch for watch, _ in group]
        first = group[0][1]
        start = first.now_utc_s - first.now_utc_s % SLOT_S
        heat = np.array([zone.heat_w_m2 for _, inputs in group for zone in inputs.zones])
        try:
            n = min(horizon_slots(inputs, start) for _, inputs in group)
            weathers = [forecast_at_steps(inputs.forecast, start, SLOT_S, n, self.site) for _, inputs in group]
            roads, state = self.record.roads_of(watches), self.record.state_of(watches)
            physics = foresee_apart(roads, state, weathers, heat, first.settings.required_c)
        except RoadheatError:
            return [None] * len(group)
        each = len(first.zones)
        parts = [slice(i * each, (i + 1) * each) for i in range(len(group))]
        return [Physics(physics.outlooks[part], physics.kernels[part]) for part in parts]

    def _plan_all(
        self, watch: Watch, together: PlanInputs, physics: Physics | None, t: int, shared_cpu_s: float
    ) -> None:
        hazard, n = False, len(self.zones)
        for place, p in enumerate(watch.planners):
            mine = slice(place * n, (place + 1) * n)
            part = physics and Physics(physics.outlooks[mine], physics.kernels[mine])
            one = replace(together, zones=self.zones, physics=part, state=together.state.take(mine))
            outcome = self._plan(p, one, t)
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


def _rule(strategy: Strategy, cold_cutoff_c: float) -> Rule:
    if strategy.baseline is not None:
        return Named(strategy.baseline)
    return rule_named(strategy.rule, strategy.on_c, cold_cutoff_c)


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
