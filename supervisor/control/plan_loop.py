"""Plans, every quarter of an hour and whenever something changed that a plan depends on.

The planner runs in processes of its own (`plan_pool`), so that a slow plan delays no override and no board. Whatever
happens there, every zone has a plan afterwards: the new one, the last one continued, or the local rule, labelled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace

import msgspec

from supervisor.control.monitoring import Monitoring
from supervisor.control.plan_pool import PlanPool
from supervisor.control.plan_snapshot import Standing
from supervisor.control.publishing import Publisher
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.override import LIVE_STATES, Override, OverrideState
from supervisor.domain.plan import SLOT_S, Plan, PlanLabel
from supervisor.planner.contract import keep_contract
from supervisor.planner.fallback import shifted_plan
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.pipeline import PlanOutcome
from supervisor.planner.preview import FeederPreview
from supervisor.planner.shares import merge
from supervisor.planner.turns import explained
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import at_work, until

logger = logging.getLogger(__name__)

SETTLE_S = 0.25  # several changes at once (a forecast, two overrides) make one plan
SPACING_S = 20.0  # least time between unscheduled plans: a plan costs a board a flash write
TOGETHER = 100  # zones whose plans are recorded and sent at once: some 30 ms in which nothing else is done
_OF_THE_FORECAST = ("forecast-stale", "plan-members", "plan-horizon")  # covered by the forecast's own alarm


class PlanLoop:
    """Gathers what is known, plans, commits, publishes."""

    def __init__(
        self,
        snapshot: Callable[[], PlanInputs],
        standing: Callable[[], Standing],
        pool: PlanPool,
        publisher: Publisher,
        monitoring: Monitoring,
        clock: Clock,
    ) -> None:
        """`snapshot` gathers the inputs of a plan, `standing` how the zones stand; see `plan_snapshot`."""
        self._snapshot = snapshot
        self._standing = standing
        self._pool = pool
        self._publisher = publisher
        self._alarms, self._metrics = monitoring.alarms, monitoring.metrics
        self._clock = clock
        self._asked = asyncio.Event()
        self._reasons: list[str] = []
        self._zones: set[str] | None = set()  # of the reasons; None: the whole city
        self.last: PlanOutcome | None = None
        self._forecast_failing = False

    def ask(self, reason: str, zone: str | None = None) -> None:
        """Something changed, at `zone` only or for all: plan soon."""
        self._reasons.append(reason)
        if zone is None:
            self._zones = None
        elif self._zones is not None:
            self._zones.add(zone)
        self._asked.set()

    async def preview(self, wanted: Sequence[Override]) -> list[FeederPreview]:
        """What overrides that are not made yet would do, by feeder. Raises PlanError where that cannot be said now."""
        return await self._pool.preview(self._snapshot(), wanted)

    def override_changed(self, override: Override) -> None:
        """Plan again when an override begins or ends; it is sent to the board without a plan."""
        if override.state is OverrideState.REQUESTED or override.state not in LIVE_STATES:
            self.ask(f"override {override.id} {override.state.value}", override.zone)

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
                self.ask("slot")
            reasons, self._reasons = self._reasons, []
            zones, self._zones = self._zones, set()
            self._asked.clear()
            began = self._clock.utc_s()
            with at_work(self._clock):
                await self.cycle(", ".join(dict.fromkeys(reasons)), zones)
            spaced = min(began + SPACING_S, (began // SLOT_S + 1) * SLOT_S)  # a slot's own plan waits for nothing
            await until(self._clock, spaced)

    async def cycle(self, reason: str, zones: Set[str] | None = None) -> None:
        """One plan for every zone, whatever happens; `zones`: at least for those, where the others' plans are good."""
        began = self._clock.monotonic_s()
        outcomes: list[PlanOutcome] = []
        planned: list[Plan] = []
        problem = ""
        try:
            inputs = self._snapshot()
            good = self._good(inputs) if zones is not None else None
            feeders = None if good is None else {zone.feeder for zone in inputs.zones if zone.id in (zones or ())}
            async for outcome in self._pool.plan(inputs, feeders):  # one, unless some feeders take longer than others
                outcomes.append(outcome)
                planned += await self._publish(outcome.plans)
            made = outcomes if good is None else [good, *outcomes]
            self.last = merge(inputs, made)
            said = _OF_THE_FORECAST if self._forecast_failing else ()
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

    def _good(self, inputs: PlanInputs) -> PlanOutcome | None:
        """The last outcome, where it is of this slot and without an error: then a change at one zone concerns the
        feeders that are planned with it and no other. Without its costs, which are past."""
        last = self.last
        if last is None or last.errors or last.start_utc_s != inputs.now_utc_s // SLOT_S * SLOT_S:
            return None
        return replace(last, cpu_s={})

    async def _publish(self, made: tuple[Plan, ...]) -> list[Plan]:
        """Record plans of whole feeders, within the contract, and send them: some feeders at a time."""
        standing = self._standing()
        self._forecast_failing = standing.forecast_failing
        by_feeder: dict[str, list[Plan]] = {}
        for plan in made:
            by_feeder.setdefault(standing.feeder_of[plan.zone], []).append(plan)
        sent: list[Plan] = []
        held: list[Plan] = []
        for plans in by_feeder.values():
            held += plans
            if len(held) >= TOGETHER:
                sent += await self._publish_some(held, standing)
                held = []
        return sent + list(await self._publish_some(held, standing) if held else ())

    async def _publish_some(self, made: Sequence[Plan], standing: Standing) -> tuple[Plan, ...]:
        if standing.forecast_failing and standing.forecast_utc_s is not None:
            known = int(standing.forecast_utc_s)  # a plan is no newer than its forecast, and ends with it
            made = [
                plan
                if plan.label is PlanLabel.LOCAL
                else msgspec.structs.replace(plan, issued_utc_s=min(plan.issued_utc_s, known))
                for plan in made
            ]
        zones = {plan.zone: standing.zone_now(plan.zone) for plan in made}
        kept = keep_contract(made, zones, standing.feeders)
        plans = tuple(plan if zones[plan.zone].override is not None else explained(plan) for plan in kept)
        await self._publisher.publish(plans)
        return plans

    def close(self) -> None:
        """End the planner's processes."""
        self._pool.close()

    def _moved_on(self) -> tuple[Plan, ...]:
        standing = self._standing()
        start = standing.utc_s - standing.utc_s % SLOT_S
        return tuple(_moved_on(plan, zone, standing.utc_s, start) for zone, plan in standing.plans.items())


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
