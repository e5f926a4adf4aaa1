"""Plans, every quarter of an hour and whenever something changed that a plan depends on.

The planner runs in processes of its own (`plan_pool`), so that a slow plan delays no override and no board. Whatever
happens there, every zone has a plan afterwards: the new one, the last one continued, or the local rule, labelled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor

import msgspec

from supervisor.config import Config
from supervisor.control.alarms import Alarms
from supervisor.control.dispatch import Dispatcher
from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.live import LiveState
from supervisor.control.meter import FeederMeter
from supervisor.control.metrics import Metrics
from supervisor.control.overrides import Overrides
from supervisor.control.plan_pool import PlanPool, make_executor
from supervisor.control.zone_live import ZoneLive, moisture_permille, surface_c
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import StoreError
from supervisor.domain.override import LIVE_STATES, Override, OverrideMode, OverrideState
from supervisor.domain.plan import SLOT_S, Plan, PlanLabel
from supervisor.domain.weather import Forecast
from supervisor.domain.zone import Feeder
from supervisor.planner.contract import keep_contract, with_headroom
from supervisor.planner.fallback import shifted_plan
from supervisor.planner.inputs import PlanInputs, PlanSettings
from supervisor.planner.pipeline import PlanOutcome
from supervisor.planner.quarter import ZoneNow
from supervisor.planner.shares import merge
from supervisor.planner.turns import explained
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import until
from supervisor.store.store import Store
from supervisor.tariff.configured import KWH_PER_KELVIN_HOUR
from supervisor.tariff.kind import Tariff
from supervisor.tariff.unfailing import UnfailingTariff
from supervisor.wire.messages import WET_PERMILLE, Flag, Winner, ZoneSample

logger = logging.getLogger(__name__)

SETTLE_S = 0.25  # several changes at once (a forecast, two overrides) make one plan
SPACING_S = 20.0  # least time between unscheduled plans: a plan costs a board a flash write
_OF_THE_FORECAST = ("forecast-stale", "plan-members", "plan-horizon")  # covered by the forecast's own alarm
_OUT_OF_SERVICE = Flag.EARTH_FAULT | Flag.CONTACTOR_WELDED | Flag.LATCHED


class PlanLoop:
    """Gathers what is known, plans, commits, publishes."""

    def __init__(
        self,
        config: Config,
        tariff: Tariff,
        estimation: Estimation,
        forecasts: Forecasts,
        live: LiveState,
        overrides: Overrides,
        meter: FeederMeter,
        dispatcher: Dispatcher,
        store: Store,
        alarms: Alarms,
        metrics: Metrics,
        clock: Clock,
        executor: Callable[[], Executor] = make_executor,
    ) -> None:
        self._config = config
        self._tariff = tariff
        self._estimation = estimation
        self._forecasts = forecasts
        self._live = live
        self._overrides = overrides
        self._meter = meter
        self._dispatcher = dispatcher
        self._store = store
        self._alarms = alarms
        self._metrics = metrics
        self._clock = clock
        self._pool = PlanPool(config.feeder, config.zone, config.planner.processes, executor)
        self._asked = asyncio.Event()
        self._reasons: list[str] = []
        self._settings = PlanSettings(
            horizon_h=config.planner.horizon_h,
            price_per_kelvin_hour=config.planner.price_per_kelvin_hour,
            time_limit_s=config.planner.time_limit_s,
        )
        self.last: PlanOutcome | None = None

    def ask(self, reason: str) -> None:
        """Something changed: plan soon."""
        self._reasons.append(reason)
        self._asked.set()

    def use_tariff(self, tariff: Tariff) -> None:
        """Plan with these prices from now on, and soon."""
        self._tariff = tariff
        self.ask("prices")

    def override_changed(self, override: Override) -> None:
        """Plan again when an override begins or ends; it is sent to the board without a plan."""
        if override.state is OverrideState.REQUESTED or override.state not in LIVE_STATES:
            self.ask(f"override {override.id} {override.state.value}")

    async def run(self) -> None:
        """Plan now, at each slot's start (once what changes with it has settled), and when asked."""
        self.ask("start")
        while True:
            now = self._clock.utc_s()
            slot = ((now - SETTLE_S) // SLOT_S + 1) * SLOT_S
            try:
                async with asyncio.timeout(slot + SETTLE_S - now):
                    await self._asked.wait()
                    await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                await until(self._clock, slot + SETTLE_S)
            reasons, self._reasons = self._reasons or ["slot"], []
            self._asked.clear()
            began = self._clock.utc_s()
            await self.cycle(", ".join(dict.fromkeys(reasons)))
            spaced = min(began + SPACING_S, (began // SLOT_S + 1) * SLOT_S)  # a slot's own plan waits for nothing
            await until(self._clock, spaced)

    async def cycle(self, reason: str) -> None:
        """One plan for every zone, whatever happens."""
        began = self._clock.monotonic_s()
        outcomes: list[PlanOutcome] = []
        planned: list[Plan] = []
        problem = ""
        try:
            inputs = self._inputs()
            async for outcome in self._pool.plan(inputs):  # one, unless some feeders take longer than others
                outcomes.append(outcome)
                planned += await self._publish(outcome.plans)
            self.last = merge(inputs, outcomes)
            said = _OF_THE_FORECAST if self._forecasts.failing else ()
            problem = "; ".join(str(error) for error in self.last.errors if error.code not in said)
        except Exception as error:  # a defect here must not end the heating
            logger.error("planning failed", exc_info=error)
            problem = str(error) or type(error).__name__
            done = {plan.zone for plan in planned}
            planned += await self._publish(tuple(plan for plan in self._moved_on() if plan.zone not in done))
        if problem:
            self._metrics.plan_failures.inc()
        self._alarms.set(
            AlarmCode.PLAN, "", bool(problem), f"Planning failed ({problem}): continuing with the previous plan"
        )
        took_s = self._clock.monotonic_s() - began
        self._metrics.plan_s.observe(took_s)
        logger.info("planned (%s): %s", reason, _summary(planned))

    async def _publish(self, made: tuple[Plan, ...]) -> tuple[Plan, ...]:
        """Record plans of whole feeders, within the contract, and send them."""
        if self._forecasts.failing and self._forecasts.good_utc_s is not None:
            known = int(self._forecasts.good_utc_s)  # a plan is no newer than its forecast, and ends with it
            made = tuple(
                plan
                if plan.label is PlanLabel.LOCAL
                else msgspec.structs.replace(plan, issued_utc_s=min(plan.issued_utc_s, known))
                for plan in made
            )
        now = {zone: self._zone_now(live) for zone, live in self._live.zones.items()}
        kept = keep_contract(made, now, self._feeders())
        plans = tuple(plan if now[plan.zone].override is not None else explained(plan) for plan in kept)
        try:
            await self._store.save_plans(plans)
        except StoreError as error:  # a plan that is not on record is still better than none
            logger.error("plans not recorded: %s", error)
        self._dispatcher.publish(plans)
        return plans

    def close(self) -> None:
        """End the planner's processes."""
        self._pool.close()

    def _inputs(self) -> PlanInputs:
        now = self._clock.utc_s()
        live = self._live.zones
        held = (self._overrides.dictated(zone) for zone in live)
        return PlanInputs(
            now_utc_s=now,
            zones=self._estimation.zones,
            feeders=self._feeders(),
            roads=self._estimation.roads,
            state=self._estimation.state,
            forecast=self._forecasts.latest or Forecast(now, (), "none"),
            tariff=UnfailingTariff(self._tariff, self._settings.price_per_kelvin_hour / KWH_PER_KELVIN_HOUR),
            site=self._config.site,
            overrides=tuple(override for override in held if override is not None),
            out_of_service=frozenset(
                zone for zone, state in live.items() if state.sample is not None and _out_of_service(state.sample)
            ),
            peak_so_far_kw=dict(self._meter.peaks_kw),
            previous=self._previous(),
            settings=self._settings,
        )

    def _feeders(self) -> tuple[Feeder, ...]:
        return with_headroom(self._config.feeder, self._config.zone)

    def _zone_now(self, live: ZoneLive) -> ZoneNow:
        sample, override = live.sample, self._overrides.dictated(live.zone.id)
        dictated = None if override is None else float(override.mode is not OverrideMode.OFF)
        if sample is None or not live.online:
            return ZoneNow(live.zone, None, False, dictated)
        if _out_of_service(sample):
            dictated = 0.0
        wet = (moisture_permille(sample) or 0) >= WET_PERMILLE or sample.duty_permille > 0
        since = live.waiting_since_utc_s
        waiting_s = 0.0 if since is None else self._clock.utc_s() - since
        return ZoneNow(live.zone, surface_c(sample), wet, dictated, waiting_s)

    def _previous(self) -> tuple[Plan, ...]:
        return tuple(state.plan for state in self._live.zones.values() if state.plan is not None)

    def _moved_on(self) -> tuple[Plan, ...]:
        now = self._clock.utc_s()
        start = now - now % SLOT_S
        return tuple(_moved_on(state.plan, zone, now, start) for zone, state in self._live.zones.items())


def _moved_on(plan: Plan | None, zone: str, now: float, start: float) -> Plan:
    """The last plan from `start` on; the local rule where that fails, without effect on other zones."""
    try:
        return shifted_plan(plan, zone, now, start)
    except Exception as error:
        logger.error("the last plan of %s cannot be continued", zone, exc_info=error)
        return shifted_plan(None, zone, now, start)


def _summary(plans: Iterable[Plan]) -> str:
    """Zones by label, and how many will heat."""
    kept = list(plans)
    labels = [f"{n} {label.value}" for label in PlanLabel if (n := sum(plan.label is label for plan in kept))]
    heating = sum(any(slot.duty_permille > 0 for slot in plan.slots) for plan in kept)
    return f"{', '.join(labels)}; {heating} of {len(kept)} will heat"


def _out_of_service(sample: ZoneSample) -> bool:
    """Whether the zone cannot heat. One with a broken cable can try when its board no longer holds it off: without
    heat in the plan it would not detect that the current is back.
    """
    waits = bool(sample.flags & Flag.CABLE_BROKEN) and sample.who == Winner.INTERLOCK
    return waits or bool(sample.flags & _OUT_OF_SERVICE) or sample.who == Winner.MAINTENANCE
