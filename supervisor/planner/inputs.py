"""What a plan is made from: settings, and the cycle's zones, states and forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from supervisor.domain.override import Override
from supervisor.domain.plan import Plan
from supervisor.domain.weather import Forecast
from supervisor.domain.zone import Feeder, Site, Zone
from supervisor.planner.foresee.physics import Physics
from supervisor.planner.solve.exact import TIME_LIMIT_S
from supervisor.planner.solve.fleet import Warm
from supervisor.road import Roads, State
from supervisor.tariff.kind import Tariff

PRIORITY_FACTOR = {1: 2.0, 2: 1.0, 3: 0.5}  # of the price of ice: the steepest road counts twice


@dataclass(frozen=True)
class PlanSettings:
    """Settings of the planner."""

    horizon_h: float = 30.0
    price_per_ice_free_hour: float = 8_000.0  # [currency], per 100 m² at priority 2
    # By name, the factor of each local hour of the day (24); zones name theirs in `use`.
    hours_of_use: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    required_c: float = 0.1  # surface temperature that a road in danger must have; more costs 4 % per 0.2 K
    road_error_k: float = 0.35  # standard error of the model an hour or two ahead, on a road known to ±20 %
    # Local rule in standby slots. Seoul's 2 °C and 3 °C make up for having no forecast (docs/decisions/0012, 0025). A
    # board without a lease goes back to 2 and 3, and to an hour.
    standby_on_c: float = 0.7
    standby_off_c: float = 1.7
    # An hour dries what a lone board cannot know of; the plan knows the film, and counts what is left as a hazard.
    standby_after_run_s: float = 300.0
    # A peak is billed once and serves every storm of the month: each storm is charged its share of the base charge.
    # Seoul counts some 25 days of snow a winter.
    storms_per_billing_month: float = 6.0
    time_limit_s: float = TIME_LIMIT_S  # per feeder
    demand_price_per_kw: Mapping[str, float] = field(default_factory=dict)  # by feeder, instead of the feeder's own

    def price_of(self, zone: Zone) -> float:
        """What an ice-free hour of a zone is worth, by its area and priority [currency/h]."""
        return self.price_per_ice_free_hour * zone.area_m2 / 100.0 * PRIORITY_FACTOR.get(zone.priority, 1.0)


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
    physics: Physics | None = None  # already computed for these zones, else None
    fleet: bool | None = None  # plan by the fleet solver; None: if there are many zones
    settings: PlanSettings = field(default_factory=PlanSettings)
