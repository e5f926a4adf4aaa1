"""The planner's one entry: weather and states in, plans out. Pure and picklable, so it runs in any process.

    foresee hazards (physics) → a problem per feeder (pose) → solve (exact, fleet) → phases → plans with reasons

A feeder that cannot be planned keeps its last plan, moved on, and the error is handed back with the plans: there is
always a plan for every zone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from supervisor.domain.errors import PlanError, RoadheatError
from supervisor.domain.plan import SLOT_S, Plan, PlanLabel
from supervisor.domain.zone import Feeder
from supervisor.planner.explain import say, to_reasons
from supervisor.planner.fallback import shifted_plan
from supervisor.planner.foresee.outlook import Array, stack
from supervisor.planner.foresee.physics import Physics
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.phases import keep_phases, limit_instants
from supervisor.planner.plans import slot_values, to_plan
from supervisor.planner.pose import feeder_problem, fixed_duty, foresee_inputs
from supervisor.planner.solve.exact import solve_exact
from supervisor.planner.solve.fleet import Warm, solve_fleet
from supervisor.planner.solve.problem import FeederProblem, FeederSolution
from supervisor.planner.stability import keep_if_as_good

logger = logging.getLogger(__name__)

FLEET_ZONES = 200  # from here the fleet solver is quicker than feeders one by one
_CAPPED = 0.98  # part of the feeder's limit from which a slot counts as full
_LYING_MM = 0.1  # snow, ice or frost that makes ice minutes


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
        physics, price = foresee_inputs(inputs, start)
    except Exception as error:  # also unexpected ones: every zone always gets a plan
        errors.append(_said(error, "all feeders"))
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
            problem = feeder_problem(inputs, feeder, lanes, physics, price, start)
            problem.check()
            problems.append((lanes, problem))
        except Exception as raised:
            said = _said(raised, f"feeder {feeder.id}")
            if said not in errors:
                errors.append(said)
            outcomes[feeder.id] = _keep_last(inputs, feeder, lanes, start, plans, said)
    solutions, warm = _solve(inputs, [problem for _, problem in problems])
    clock.append(time.process_time())
    for (lanes, problem), solution in zip(problems, solutions, strict=True):
        assert physics is not None
        feeder = problem.feeder
        try:
            if isinstance(solution, Exception):
                raise solution
            kept = keep_if_as_good(problem, solution, inputs.previous)
            outcomes[feeder.id] = _publish(inputs, problem, kept, lanes, physics, plans, traces)
        except Exception as raised:  # this feeder's alone
            errors.append(_said(raised, f"feeder {feeder.id}"))
            outcomes[feeder.id] = _keep_last(inputs, feeder, lanes, start, plans, errors[-1])
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
    """Every feeder's last plan continued: used when no planner process answers."""
    start = inputs.now_utc_s - inputs.now_utc_s % SLOT_S
    plans: dict[str, Plan] = {}
    outcomes = []
    for feeder in inputs.feeders:
        if lanes := [i for i, zone in enumerate(inputs.zones) if zone.feeder == feeder.id]:
            outcomes.append(_keep_last(inputs, feeder, lanes, start, plans, error))
    kept = tuple(plans[zone.id] for zone in inputs.zones)
    return PlanOutcome(start, kept, tuple(outcomes), {}, (error,), {})


def _said(error: Exception, where: str) -> RoadheatError:
    """An error that says where; an unexpected one becomes a PlanError."""
    if isinstance(error, RoadheatError):
        return error
    logger.error("planning %s failed", where, exc_info=error)
    return PlanError(f"{type(error).__name__}: {error}"[:300], where=where, remedy="The last plan is kept; see the log")


def _solve(
    inputs: PlanInputs, problems: list[FeederProblem]
) -> tuple[Sequence[FeederSolution | Exception], dict[str, Warm]]:
    """A city by the fleet solver, a district feeder by feeder, exactly; an exception for a feeder that fails."""
    many = sum(len(problem.zones) for problem in problems) >= FLEET_ZONES
    if many if inputs.fleet is None else inputs.fleet:
        try:
            return solve_fleet(problems, inputs.warm)
        except Exception as error:  # one feeder may have failed the batch: solve each alone
            logger.error("the fleet solver failed", exc_info=error)
    return [_solve_alone(problem, inputs.settings.time_limit_s) for problem in problems], {}


def _solve_alone(problem: FeederProblem, time_limit_s: float) -> FeederSolution | Exception:
    try:
        return solve_exact(problem, time_limit_s)
    except Exception as error:
        return error


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
    period_s = problem.zones[0].zone.limits.period_s  # the city's, one for all its boards
    phases = keep_phases(duty, power, before, problem.feeder.breaker_kw, period_s)
    order = sorted(range(len(lanes)), key=lambda i: (-inputs.zones[lanes[i]].priority, i))  # least important first
    breaker = problem.feeder.breaker_kw
    sheddable = [i for i in order if not (problem.zones[i].fixed_duty > 0).any()]
    duty = limit_instants(duty, power, phases, breaker, sheddable, period_s)
    load = power @ duty
    lift = problem.lift_k(duty)
    capped = (load >= _CAPPED * problem.contract_kw) & (power.sum() > problem.contract_kw + 1e-6)
    outlook = stack([physics.outlooks[lane] for lane in lanes])
    off = np.array([zone.zone.id in inputs.out_of_service for zone in problem.zones])
    fixed = ~np.array([zone.free for zone in problem.zones])
    slots = slot_values(outlook, duty, lift, capped, fixed, off)
    state = inputs.state
    lying = (state.snow_mm + state.ice_mm + state.frost_mm)[lanes] >= _LYING_MM
    code, at = say(outlook, duty, lift, capped=capped, suppressed=slots.suppressed, fixed=fixed, off=off, lying=lying)
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
            limits=zone.zone.limits,
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
