"""Watches the running quarter of an hour on every feeder and opens circuits before the contract is exceeded."""

from __future__ import annotations

import logging

from supervisor.control.live import LiveState
from supervisor.control.meter import FeederMeter
from supervisor.control.metrics import Metrics
from supervisor.control.overrides import Overrides
from supervisor.control.publishing import Publisher
from supervisor.control.zone_live import ZoneLive
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder
from supervisor.planner.plans import ON_MC
from supervisor.planner.quarter import TURN_AFTER_S
from supervisor.planner.solve.demand import CircuitNow, given_way, who_gives_way
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.wire.messages import Winner, ZoneSample

logger = logging.getLogger(__name__)

LOOK_EACH_S = 20.0  # two telemetry intervals
DRAWS = 0.1  # part of a zone's power from which its circuit counts as closed


class DemandGuard:
    """Checks every 20 s the feeders whose contract does not cover all zones connected to them."""

    def __init__(
        self,
        live: LiveState,
        overrides: Overrides,
        meter: FeederMeter,
        publisher: Publisher,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        feeders = tuple(meter.feeders.values())
        self._zones = {f.id: [z for z in live.zones.values() if z.zone.feeder == f.id] for f in feeders}
        self._feeders = [f for f in feeders if sum(z.zone.power_w for z in self._zones[f.id]) / 1000 > f.contract_kw]
        self._overrides, self._meter, self._publisher = overrides, meter, publisher
        self._metrics, self._clock = metrics, clock

    async def run(self) -> None:
        """Check until cancelled."""
        async for _ in each(self._clock, LOOK_EACH_S):
            await self.look()

    async def look(self) -> None:
        """Open circuits where needed. Raises the first error once all feeders have been checked."""
        now = self._clock.utc_s()
        used_kw = self._meter.mean_kw(now)
        first: Exception | None = None
        for feeder in self._feeders:
            for zone in self._zones[feeder.id]:
                self._note_waiting(zone)
        for feeder in self._feeders:
            try:
                await self._look_at(feeder, used_kw[feeder.id], now)
            except Exception as error:  # an error at one feeder does not stop the others
                first = first or error
        if first is not None:
            raise first

    async def _look_at(self, feeder: Feeder, used_kw: float, now: float) -> None:
        # What was drawn since the last telemetry is missing in the meter: count from there.
        heard = [zone.sample_utc_s for zone in self._zones[feeder.id] if zone.online]
        elapsed_s = max(min(heard, default=now) - now // SLOT_S * SLOT_S, 0.0)
        circuits = [known for zone in self._zones[feeder.id] if (known := self._circuit(zone)) is not None]
        giving = who_gives_way(feeder.contract_kw, used_kw * SLOT_S, circuits, elapsed_s)
        plans = tuple(given_way(z.plan, now) for z in self._zones[feeder.id] if z.zone.id in giving and z.plan)
        if not plans:
            return
        logger.info(
            "feeder %s would exceed %.0f kW: switching off %s", feeder.id, feeder.contract_kw, ", ".join(giving)
        )
        self._metrics.circuits_shed.labels(feeder.id).inc(len(plans))
        await self._publisher.publish(plans)

    def _note_waiting(self, live: ZoneLive) -> None:
        """Since when a zone is cold and wet and draws nothing."""
        sample = live.sample
        if sample is None or not live.online:
            return
        surface = live.believed_c
        cold = surface is not None and surface <= (live.plan.on_mc if live.plan else ON_MC) / 1000
        wet = live.wet is not False
        if not cold or not wet or self._draws(live, sample):
            live.waiting_since_s = None
        elif live.waiting_since_s is None:
            live.waiting_since_s = self._clock.monotonic_s()

    def _draws(self, live: ZoneLive, sample: ZoneSample) -> bool:
        return sample.power_w > DRAWS * live.zone.power_w

    def _circuit(self, live: ZoneLive) -> CircuitNow | None:
        sample = live.sample
        if sample is None or not live.online:
            return None
        dictated = self._overrides.dictated(live.zone.id) is not None
        since = live.waiting_since_s
        due = since is not None and self._clock.monotonic_s() - since > TURN_AFTER_S
        return CircuitNow(
            live.zone,
            live.believed_c or 0.0,
            sample.duty_permille / 1000,
            self._draws(live, sample),
            live.plan.phase_s if live.plan is not None else 0,
            not dictated and not due and sample.who == Winner.PLAN and live.plan is not None,
        )
