"""The planner's one entry: weather and states in, plans out. Pure and picklable, so it runs in any process.

    foresee hazards (physics) → one problem per feeder (problem) → solve (exact, fleet) → phases → plans with reasons

A feeder that cannot be planned keeps its last plan, moved on, and the error is handed back with the plans: there is
always a plan for every zone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from supervisor.domain.errors import PlanError, RoadheatError
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import SLOT_S, Plan, PlanLabel
from supervisor.domain.weather import Forecast
from supervisor.domain.zone import Feeder, Site, Zone
from supervisor.planner.exact import TIME_LIMIT_S, solve_exact
from supervisor.planner.explain import say, to_reasons
from supervisor.planner.fallback import LAST_GOOD_S, shifted_plan
from supervisor.planner.fleet import Warm, solve_fleet
from supervisor.planner.outlook import Array, stack
from supervisor.planner.phases import keep_phases, limit_instants
from supervisor.planner.physics import Physics, foresee
from supervisor.planner.plans import slot_values, to_plan
from supervisor.planner.problem import MIN_HORIZON_SLOTS, FeederProblem, FeederSolution, ZoneProblem, with_road_error
from supervisor.planner.stability import keep_if_as_good
from supervisor.planner.tariff import Tariff
from supervisor.road import Roads, State
from supervisor.weather.resample import forecast_at_steps

PRIORITY_FACTOR = {1: 2.0, 2: 1.0, 3: 0.5}  # of the price of a K·h: the steepest road counts twice
FLEET_ZONES = 200  # from here the fleet solver is quicker than feeders one by one
_CAPPED = 0.98  # part of the feeder's limit from which a slot counts as full


@dataclass(frozen=True)
class PlanSettings:
    """The numbers that people may turn."""

    horizon_h: float = 30.0
    price_per_kelvin_hour: float = 20_000.0  # [currency per K·h of shortfall], per 100 m² at priority 2
    required_c: float = 0.1  # surface temperature that a road in danger must have; more costs 4 % per 0.2 K
    road_error_k: float = 0.35  # standard error of the model an hour or two ahead, on a road known to ±20 %
    # Local rule in standby slots. Seoul's 2 °C and 3 °C make up for having no forecast (docs/decisions/0012, 0025). A
    # board without a lease goes back to 2 and 3, and to an hour.
    standby_on_c: float = 1.0
    standby_off_c: float = 2.0
    # An hour dries what a lone board cannot know of; the plan knows the film, and counts what is left as a hazard.
    standby_after_run_s: float = 300.0
    # A peak is billed once and serves every storm of the month: one storm decides with its share of the base charge.
    # Seoul counts some 25 days of snow a winter.
    storms_per_billing_month: float = 6.0
    time_limit_s: float = TIME_LIMIT_S  # per feeder
    demand_price_per_kw: Mapping[str, float] = field(default_factory=dict)  # by feeder, instead of the feeder's own


@dataclass(frozen=True)
class PlanInputs:
    """All that a plan is made from. `zones` are in the lanes' order of `roads` and `state`."""

    now_utc_s: float
    zones: tuple[Zone, ...]
    feeders: tuple[Feeder, ...]
    roads: Roads  # one lane a zone, with its calibration
    state: State  # estimate of now
    forecast: Forecast
    tariff: Tariff
    site: Site | None = None  # with it the sun's path is followed inside coarse weather intervals
    overrides: tuple[Override, ...] = ()  # live ones
    out_of_service: frozenset[str] = frozenset()  # zones that do not heat
    peak_so_far_kw: Mapping[str, float] = field(default_factory=dict)  # by feeder, of this billing month
    previous: tuple[Plan, ...] = ()
    warm: Mapping[str, Warm] = field(default_factory=dict)  # of the last outcome
    fleet: bool | None = None  # plan by the fleet solver; None: if there are many zones
    settings: PlanSettings = field(default_factory=PlanSettings)


@dataclass(frozen=True)
class FeederOutcome:
    """What the plan means for a supply."""

    feeder: str
    label: PlanLabel
    load_kw: Array  # (N,) planned 15-min means
    objective: float  # energy + raised peak + priced shortfall [currency]
    energy_cost: float
    gap: float  # certified relative distance to the best possible plan
    error: RoadheatError | None = None


@dataclass(frozen=True)
class ZoneTrace:
    """The planned future of a zone, for the app: arrays (N,) from `PlanOutcome.start_utc_s` on."""

    duty: Array
    surface_c: Array  # mean of the members, with the planned heat
    unheated_c: Array
    probability: Array  # of a hazard


@dataclass(frozen=True)
class PlanOutcome:
    """Plans for every zone, in the zones' order."""

    start_utc_s: float
    plans: tuple[Plan, ...]
    feeders: tuple[FeederOutcome, ...]
    traces: dict[str, ZoneTrace]
    errors: tuple[RoadheatError, ...]
    cpu_s: dict[str, float]  # by stage: physics, solve, pack
    warm: dict[str, Warm] = field(default_factory=dict)  # hand it back as `PlanInputs.warm`


def plan_fleet(inputs: PlanInputs) -> PlanOutcome:
    """Plan all feeders from now. Never raises for bad weather, tariff or problem: such feeders keep their last plan."""
    start = inputs.now_utc_s - inputs.now_utc_s % SLOT_S
    clock = [time.process_time()]
    errors: list[RoadheatError] = []
    physics, price = None, np.zeros(0)
    try:
        physics, price = _foresee(inputs, start)
    except RoadheatError as error:
        errors.append(error)
    clock.append(time.process_time())

    plans: dict[str, Plan] = {}
    traces: dict[str, ZoneTrace] = {}
    outcomes: dict[str, FeederOutcome] = {}
    problems: list[tuple[list[int], FeederProblem]] = []
    for feeder in inputs.feeders:
        lanes = [i for i, zone in enumerate(inputs.zones) if zone.feeder == feeder.id]
        if not lanes:
            continue
        try:
            if physics is None:
                raise errors[0]
            problem = _problem(inputs, feeder, lanes, physics, price, start)
            problem.check()
            problems.append((lanes, problem))
        except RoadheatError as error:
            if error not in errors:
                errors.append(error)
            outcomes[feeder.id] = _keep_last(inputs, feeder, lanes, start, plans, error)
    solutions, warm = _solve(inputs, [problem for _, problem in problems])
    clock.append(time.process_time())
    for (lanes, problem), solution in zip(problems, solutions, strict=True):
        assert physics is not None
        kept = keep_if_as_good(problem, solution, inputs.previous)
        outcomes[problem.feeder.id] = _publish(inputs, problem, kept, lanes, physics, plans, traces)
    clock.append(time.process_time())
    cpu = {name: b - a for name, a, b in zip(("physics", "solve", "pack"), clock, clock[1:], strict=False)}
    return PlanOutcome(
        start,
        tuple(plans[zone.id] for zone in inputs.zones if zone.id in plans),
        tuple(outcomes[feeder.id] for feeder in inputs.feeders if feeder.id in outcomes),
        traces,
        tuple(errors),
        cpu,
        warm,
    )


def keep_all(inputs: PlanInputs, error: RoadheatError) -> PlanOutcome:
    """Every feeder's last plan moved on: what is left when no planner answers."""
    start = inputs.now_utc_s - inputs.now_utc_s % SLOT_S
    plans: dict[str, Plan] = {}
    outcomes = []
    for feeder in inputs.feeders:
        if lanes := [i for i, zone in enumerate(inputs.zones) if zone.feeder == feeder.id]:
            outcomes.append(_keep_last(inputs, feeder, lanes, start, plans, error))
    kept = tuple(plans[zone.id] for zone in inputs.zones)
    return PlanOutcome(start, kept, tuple(outcomes), {}, (error,), {})


def _solve(inputs: PlanInputs, problems: list[FeederProblem]) -> tuple[list[FeederSolution], dict[str, Warm]]:
    """A city by the fleet solver, a district feeder by feeder, exactly."""
    many = sum(len(problem.zones) for problem in problems) >= FLEET_ZONES
    if many if inputs.fleet is None else inputs.fleet:
        return solve_fleet(problems, inputs.warm)
    return [solve_exact(problem, inputs.settings.time_limit_s) for problem in problems], {}


def _horizon(inputs: PlanInputs, start_utc_s: float) -> int:
    """Slots that forecast and settings allow; raises PlanError for a stale or short forecast or unequal members."""
    members = inputs.forecast.members
    if not members:
        raise PlanError("the forecast has no member", where=inputs.forecast.source, code="plan-members")
    if len({len(member) for member in members}) > 1:
        raise PlanError("members of unequal length", where=inputs.forecast.source, code="plan-members")
    age_s = inputs.now_utc_s - inputs.forecast.issued_utc_s
    if age_s > LAST_GOOD_S:
        raise PlanError(
            f"forecast is {age_s / 3600:.1f} h old",
            where=inputs.forecast.source,
            remedy="Check the weather provider; the last plan is kept for 6 h, then boards follow the local rule",
            code="forecast-stale",
        )
    reach = min(float(member.time_utc_s[-1]) for member in members) - start_utc_s
    n = int(min(inputs.settings.horizon_h * 3600, reach) // SLOT_S)
    if n < MIN_HORIZON_SLOTS:
        raise PlanError(
            f"forecast reaches {max(reach, 0) / 3600:.1f} h ahead",
            where=inputs.forecast.source,
            remedy="At least 6 h are needed",
            code="plan-horizon",
        )
    return n


def fixed_duty(
    zone: Zone, overrides: Sequence[Override], out_of_service: frozenset[str], start_utc_s: float, n_slots: int
) -> Array:
    """Duty that people dictate, nan where the plan is free, shape (n_slots,). An outage beats an override."""
    out = np.full(n_slots, np.nan)
    slot = start_utc_s + SLOT_S * np.arange(n_slots)
    for override in overrides:
        if override.zone == zone.id:
            mine = (slot + SLOT_S > override.created_utc_s) & (slot < override.expires_utc_s)
            out[mine] = 0.0 if override.mode is OverrideMode.OFF else 1.0
    if zone.id in out_of_service:
        out[:] = 0.0
    return out


def feeder_problems(inputs: PlanInputs) -> list[FeederProblem]:
    """The problems of a cycle, unsolved: for benchmarks and inspection. Raises RoadheatError on bad input."""
    start = inputs.now_utc_s - inputs.now_utc_s % SLOT_S
    physics, price = _foresee(inputs, start)
    problems = []
    for feeder in inputs.feeders:
        lanes = [i for i, zone in enumerate(inputs.zones) if zone.feeder == feeder.id]
        problems.append(_problem(inputs, feeder, lanes, physics, price, start))
    return problems


def _foresee(inputs: PlanInputs, start: float) -> tuple[Physics, Array]:
    n = _horizon(inputs, start)
    price = np.maximum(inputs.tariff.prices(start, n), 0.0)  # being paid to burn power is no reason to heat a dry road
    weather = forecast_at_steps(inputs.forecast, start, SLOT_S, n, inputs.site)
    heat = np.array([zone.heat_w_m2 for zone in inputs.zones])
    return foresee(inputs.roads, inputs.state, weather, heat, inputs.settings.required_c), price


def _problem(
    inputs: PlanInputs, feeder: Feeder, lanes: list[int], physics: Physics, price: Array, start: float
) -> FeederProblem:
    zones = []
    for lane in lanes:
        zone, outlook = inputs.zones[lane], physics.outlooks[lane]
        weight = inputs.settings.price_per_kelvin_hour * zone.area_m2 / 100.0 * PRIORITY_FACTOR.get(zone.priority, 1.0)
        fixed = fixed_duty(zone, inputs.overrides, inputs.out_of_service, start, price.size)
        short = with_road_error(outlook.shortfall_k, inputs.settings.road_error_k)
        zones.append(ZoneProblem(zone, zone.power_w / 1000.0, physics.kernels[lane], short, weight, fixed))
    installed = sum(zone.power_kw for zone in zones)
    limit = feeder.contract_kw
    if installed > feeder.breaker_kw:  # instants pass the mean by up to the largest zone
        limit = min(limit, feeder.breaker_kw - max(zone.power_kw for zone in zones))
    demand = inputs.settings.demand_price_per_kw.get(feeder.id, feeder.demand_price_per_kw)
    demand /= inputs.settings.storms_per_billing_month
    peak = inputs.peak_so_far_kw.get(feeder.id, 0.0)
    return FeederProblem(feeder, start, price, demand, peak, max(limit, 0.0), tuple(zones))


def _publish(
    inputs: PlanInputs,
    problem: FeederProblem,
    solution: FeederSolution,
    lanes: list[int],
    physics: Physics,
    plans: dict[str, Plan],
    traces: dict[str, ZoneTrace],
) -> FeederOutcome:
    """Plans and traces of one feeder's zones."""
    duty, power = solution.duty, problem.power_kw
    last = {plan.zone: plan.phase_s for plan in inputs.previous}
    before = [last[zone.zone.id] for zone in problem.zones if zone.zone.id in last]
    phases = keep_phases(duty, power, before, problem.feeder.breaker_kw)
    order = sorted(range(len(lanes)), key=lambda i: (-inputs.zones[lanes[i]].priority, i))  # least important first
    breaker = problem.feeder.breaker_kw
    sheddable = [i for i in order if not (problem.zones[i].fixed_duty > 0).any()]
    duty = limit_instants(duty, power, phases, breaker, sheddable)
    load = power @ duty
    lift = problem.lift_k(duty)
    capped = (load >= _CAPPED * problem.contract_kw) & (power.sum() > problem.contract_kw + 1e-6)
    outlook = stack([physics.outlooks[lane] for lane in lanes])
    off = np.array([zone.zone.id in inputs.out_of_service for zone in problem.zones])
    fixed = ~np.array([zone.free for zone in problem.zones])
    slots = slot_values(outlook, duty, lift, capped, fixed, off)
    code, at = say(outlook, duty, lift, capped=capped, suppressed=slots.suppressed, fixed=fixed, off=off)
    probability, unheated = outlook.probability, outlook.free_c.mean(axis=1)
    for i, zone in enumerate(problem.zones):
        name = zone.zone.id
        plans[name] = to_plan(
            name,
            slots[i],
            inputs.now_utc_s,
            problem.start_utc_s,
            phase_s=phases[i],
            on_mc=round(1000 * inputs.settings.standby_on_c),
            off_mc=round(1000 * inputs.settings.standby_off_c),
            after_run_s=round(inputs.settings.standby_after_run_s),
            label=solution.label,
            reasons=to_reasons(code[i], at[i], probability[i], fixed[i], problem.start_utc_s),
        )
        traces[name] = ZoneTrace(duty[i], unheated[i] + lift[i], unheated[i], probability[i])
    return FeederOutcome(
        problem.feeder.id, solution.label, load, solution.objective, problem.energy_cost(duty), solution.gap
    )


def _keep_last(
    inputs: PlanInputs, feeder: Feeder, lanes: list[int], start: float, plans: dict[str, Plan], error: RoadheatError
) -> FeederOutcome:
    """The feeder's last plans moved on, within what overrides leave of the contract."""
    last = {plan.zone: plan for plan in inputs.previous}
    now = [fixed_duty(inputs.zones[i], inputs.overrides, inputs.out_of_service, start, 1)[0] for i in lanes]
    taken = sum(inputs.zones[i].power_w / 1000.0 * d for i, d in zip(lanes, now, strict=True) if d > 0)
    room = float(np.clip((feeder.contract_kw - taken) / max(feeder.contract_kw, 1e-9), 0.0, 1.0))
    labels = []
    for lane in lanes:
        zone = inputs.zones[lane]
        plan = shifted_plan(last.get(zone.id), zone.id, inputs.now_utc_s, start, room)
        plans[zone.id] = plan
        labels.append(plan.label)
    label = PlanLabel.LOCAL if all(one is PlanLabel.LOCAL for one in labels) else PlanLabel.SHIFTED
    return FeederOutcome(feeder.id, label, np.zeros(0), float("nan"), float("nan"), float("nan"), error)
