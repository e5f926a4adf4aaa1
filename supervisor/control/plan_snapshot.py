"""What a plan is made from, gathered at one moment: `PlanLoop` gets it as functions and reads nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from supervisor.config import Config
from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.live import LiveState
from supervisor.control.meter import FeederMeter
from supervisor.control.overrides import Overrides
from supervisor.control.zone_live import ZoneLive
from supervisor.domain.hours_of_use import weights
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import Plan
from supervisor.domain.weather import Forecast
from supervisor.domain.zone import Feeder
from supervisor.planner.contract import with_headroom
from supervisor.planner.inputs import PlanInputs, PlanSettings
from supervisor.planner.quarter import ZoneNow
from supervisor.runtime.clock import Clock
from supervisor.tariff.kind import Tariff
from supervisor.tariff.unfailing import UnfailingTariff
from supervisor.tariff.worth import worth_of
from supervisor.wire.messages import Flag, Winner, ZoneSample

_OUT_OF_SERVICE = Flag.EARTH_FAULT | Flag.THERMAL_CUT_OUT | Flag.CONTACTOR_WELDED | Flag.LATCHED


@dataclass(frozen=True)
class Standing:
    """How the zones stand at `utc_s`."""

    utc_s: float
    zone_now: Callable[[str], ZoneNow]  # how a zone stands when it is asked for
    feeder_of: Mapping[str, str]  # by zone
    plans: Mapping[str, Plan | None]  # the newest of each zone
    overrides: tuple[Override, ...]  # commands of people
    out_of_service: frozenset[str]
    feeders: tuple[Feeder, ...]  # with the headroom that planning keeps
    forecast_failing: bool  # it has its own alarm
    forecast_utc_s: float | None  # when the last good forecast came


class Situation:
    """Gathers how the zones stand."""

    def __init__(
        self, config: Config, live: LiveState, overrides: Overrides, forecasts: Forecasts, clock: Clock
    ) -> None:
        self._live = live
        self._overrides = overrides
        self._forecasts = forecasts
        self._clock = clock
        self._feeder_of = {zone.id: zone.feeder for zone in config.zone}
        self._feeders = with_headroom(config.feeder, config.zone)

    def now(self) -> Standing:
        """How the zones stand now."""
        live = self._live.zones
        held = (self._overrides.dictated(zone) for zone in live)
        return Standing(
            utc_s=self._clock.utc_s(),
            zone_now=lambda zone: self._zone_now(live[zone]),
            feeder_of=self._feeder_of,
            plans={zone: state.plan for zone, state in live.items()},
            overrides=tuple(override for override in held if override is not None),
            out_of_service=frozenset(
                zone for zone, state in live.items() if state.sample is not None and _out_of_service(state.sample)
            ),
            feeders=self._feeders,
            forecast_failing=self._forecasts.failing,
            forecast_utc_s=self._forecasts.good_utc_s,
        )

    def _zone_now(self, live: ZoneLive) -> ZoneNow:
        sample, override = live.sample, self._overrides.dictated(live.zone.id)
        dictated = None if override is None else float(override.mode is not OverrideMode.OFF)
        if sample is None or not live.online:
            return ZoneNow(live.zone, None, False, dictated)
        if _out_of_service(sample):
            dictated = 0.0
        wet = bool(live.wet) or sample.duty_permille > 0
        since = live.waiting_since_s
        waiting_s = 0.0 if since is None else self._clock.monotonic_s() - since
        return ZoneNow(live.zone, live.believed_c, wet, dictated, waiting_s)


class PlanSnapshot:
    """Gathers the inputs of a plan; an instance is the planner's snapshot function."""

    def __init__(
        self,
        config: Config,
        tariff: Callable[[], Tariff],
        estimation: Estimation,
        forecasts: Forecasts,
        meter: FeederMeter,
        standing: Callable[[], Standing],
    ) -> None:
        """`tariff` gives the prices known now."""
        self._config = config
        self._tariff = tariff
        self._estimation = estimation
        self._forecasts = forecasts
        self._meter = meter
        self._standing = standing

    def __call__(self) -> PlanInputs:
        """Everything that the planner needs, as it is now."""
        standing, tariff = self._standing(), self._tariff()
        planner = self._config.planner
        worth = worth_of(tariff, standing.utc_s, self._config.tariff.currency, planner.price_per_ice_free_hour)
        settings = PlanSettings(
            horizon_h=planner.horizon_h,
            price_per_ice_free_hour=worth.per_ice_free_hour,
            hours_of_use={name: weights(profile) for name, profile in planner.hours_of_use.items()},
            time_limit_s=planner.time_limit_s,
            demand_price_per_kw={name: worth.demand(price) for name, price in self._meter.demand_prices().items()},
        )
        return PlanInputs(
            now_utc_s=standing.utc_s,
            zones=self._estimation.zones,
            feeders=standing.feeders,
            roads=self._estimation.roads,
            state=self._estimation.state,
            forecast=self._forecasts.latest or Forecast(standing.utc_s, (), "none"),
            tariff=UnfailingTariff(tariff, worth.per_kwh),
            site=self._config.site,
            overrides=standing.overrides,
            out_of_service=standing.out_of_service,
            peak_so_far_kw=self._meter.billed_kw(),
            previous=tuple(plan for plan in standing.plans.values() if plan is not None),
            settings=settings,
        )


def _out_of_service(sample: ZoneSample) -> bool:
    """Whether the zone cannot heat. One with a broken cable can try when its board no longer holds it off: without
    heat in the plan it would not detect that the current is back.
    """
    waits = bool(sample.flags & Flag.CABLE_BROKEN) and sample.who == Winner.INTERLOCK
    return waits or bool(sample.flags & _OUT_OF_SERVICE) or sample.who == Winner.MAINTENANCE
