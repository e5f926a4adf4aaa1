"""From inputs to problems: how far ahead, what people dictate, forecast hazards, one problem per feeder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from supervisor.domain.errors import PlanError
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder, Zone
from supervisor.planner.foresee.outlook import Array
from supervisor.planner.foresee.physics import Physics, foresee
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.solve.penalty import with_road_error
from supervisor.planner.solve.problem import MIN_HORIZON_SLOTS, FeederProblem, ZoneProblem
from supervisor.tariff.configured import peak_counts
from supervisor.weather.keeper import ISSUE_AGE_MAX_S, KEEP_S
from supervisor.weather.resample import forecast_at_steps

FORECAST_AGE_MAX_S = ISSUE_AGE_MAX_S + KEEP_S  # the oldest issue that is taken, kept as long as one is


def horizon_slots(inputs: PlanInputs, start_utc_s: float) -> int:
    """Slots that forecast and settings allow; raises PlanError for a stale or short forecast or unequal members."""
    members = inputs.forecast.members
    if not members:
        raise PlanError("the forecast has no member", where=inputs.forecast.source, code="plan-members")
    if len({len(member) for member in members}) > 1:
        raise PlanError("members of unequal length", where=inputs.forecast.source, code="plan-members")
    age_s = inputs.now_utc_s - inputs.forecast.issued_utc_s
    if age_s > FORECAST_AGE_MAX_S:
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
    """Duty that people dictate, nan where the plan is free, shape (n_slots,). An outage overrules an override."""
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
    physics, price = foresee_inputs(inputs, start)
    problems = []
    for feeder in inputs.feeders:
        lanes = [i for i, zone in enumerate(inputs.zones) if zone.feeder == feeder.id]
        problems.append(feeder_problem(inputs, feeder, lanes, physics, price, start))
    return problems


def foresee_inputs(inputs: PlanInputs, start: float) -> tuple[Physics, Array]:
    """Physics of the zones, and the price of power by slot (N,) [currency/kWh]. Raises RoadheatError."""
    n = horizon_slots(inputs, start)
    price = np.maximum(inputs.tariff.prices(start, n), 0.0)  # a negative price is no reason to heat a dry road
    if inputs.physics is not None:
        return inputs.physics, price
    weather = forecast_at_steps(inputs.forecast, start, SLOT_S, n, inputs.site)
    heat = np.array([zone.heat_w_m2 for zone in inputs.zones])
    use = use_by_slot(inputs, start, n)
    return foresee(inputs.roads, inputs.state, weather, heat, inputs.settings.required_c, use), price


def use_by_slot(inputs: PlanInputs, start: float, n: int) -> Array | None:
    """How many times the usual worth an ice-free road is worth, (Z, N); None: nowhere another than once."""
    profiles = inputs.settings.hours_of_use
    if not any(zone.use in profiles for zone in inputs.zones):
        return None
    local = ZoneInfo(inputs.site.timezone if inputs.site else "UTC")
    hours = [datetime.fromtimestamp(start + SLOT_S * slot, local).hour for slot in range(n)]
    usual = (1.0,) * 24
    factors = {name: np.array(profile)[hours] for name, profile in {**profiles, "": usual}.items()}
    return np.stack([factors[zone.use if zone.use in profiles else ""] for zone in inputs.zones])


def feeder_problem(
    inputs: PlanInputs, feeder: Feeder, lanes: list[int], physics: Physics, price: Array, start: float
) -> FeederProblem:
    """The feeder's problem, its zones those at `lanes`."""
    zones = []
    for lane in lanes:
        zone, outlook = inputs.zones[lane], physics.outlooks[lane]
        weight = inputs.settings.price_of(zone)
        fixed = fixed_duty(zone, inputs.overrides, inputs.out_of_service, start, price.size)
        short, worth = with_road_error(outlook.shortfall_k, outlook.worth, inputs.settings.road_error_k)
        zones.append(ZoneProblem(zone, zone.power_w / 1000.0, physics.kernels[lane], short, weight, fixed, worth))
    installed = sum(zone.power_kw for zone in zones)
    limit = feeder.contract_kw
    if installed > feeder.breaker_kw:  # instants pass the mean by up to the largest zone
        limit = min(limit, feeder.breaker_kw - max(zone.power_kw for zone in zones))
    demand = inputs.settings.demand_price_per_kw.get(feeder.id, feeder.demand_price_per_kw)
    demand /= inputs.settings.storms_per_billing_month
    peak = inputs.peak_so_far_kw.get(feeder.id, 0.0)
    billed = peak_counts(inputs.tariff, start, price.size)
    return FeederProblem(feeder, start, price, demand, peak, max(limit, 0.0), tuple(zones), billed)
