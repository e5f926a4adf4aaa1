"""The state of every road, minute by minute: telemetry and weather into the road model's estimator.

The estimate outlives the service: it is kept every quarter of an hour, so that after a restart in
a storm the snow that lies there is still known. Without a recent one the model is spun up on the observed weather.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from supervisor.calibration import kept as kept_roads
from supervisor.control import kept_state
from supervisor.control.forecasts import Forecasts
from supervisor.control.live import LiveState
from supervisor.control.moisture import outvoted
from supervisor.control.sky import Sky, sky_now
from supervisor.control.zone_live import moisture_permille, surface_c
from supervisor.domain.errors import PhysicsError, RoadheatError
from supervisor.domain.zone import Zone
from supervisor.road import (
    BelievingEstimator,
    Roads,
    State,
    Surface,
    build_pavements,
    initial_state,
    simulate,
    surface_state,
)
from supervisor.road.pavement import Array
from supervisor.road.work import lowered_freezing_c
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.store.journal import ValueRepository
from supervisor.weather.resample import at_steps
from supervisor.wire.messages import ZoneSample

logger = logging.getLogger(__name__)

MINUTE_S = 60.0
KEEP_EACH_S = 900.0
KEPT_FOR_S = 3 * 3600.0  # older than this a spin-up on observed weather is better
SPIN_UP_S = 48 * 3600.0  # forgets its first guess to some tenths of a kelvin at cable depth
SPIN_UP_STEP_S = 600.0
HEATS = 0.1  # of rated power: from here a road counts as heated
POWER_MAX = 1.2  # of rated power: more is a fault of the meter
LEAST_DEEP_C = 5.0  # 2 m down the ground does not freeze in a city's winter, whatever the last two days were
KEY = "estimate"
Change = Callable[[State, list[int]], State]  # of some lanes


class Lying(NamedTuple):
    """A road by the estimate."""

    surface_c: float
    water_mm: float
    frozen_mm: float
    salt_g_m2: float


def lying_on(state: State, lane: int) -> Lying:
    """Of one lane."""
    return Lying(*(float(getattr(state, name)[lane]) for name in Lying._fields))


class Estimation:
    """One lane per zone, in the order of the configuration."""

    def __init__(
        self,
        zones: tuple[Zone, ...],
        forecasts: Forecasts,
        live: LiveState,
        store: ValueRepository,
        clock: Clock,
        calibrated: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        """`calibrated`: values by zone, see `use`."""
        self._zones = zones
        self._lane = {zone.id: lane for lane, zone in enumerate(zones)}
        self._forecasts = forecasts
        self._live = live
        self._store = store
        self._clock = clock
        self._sums = np.zeros((4, len(zones)))  # seconds, J, °C·s, moisture·s of the running minute
        self._surface_s = np.zeros(len(zones))  # seconds with a plausible surface
        self._moist_s = np.zeros(len(zones))
        self.roads: Roads = self._own(calibrated or {})
        self.estimator = BelievingEstimator(self.roads, 0.0, LEAST_DEEP_C)
        self.air_c: float | None = None
        self.lane_lost: list[Callable[[str], None]] = []  # called with a zone whose estimate was restarted

    def use(self, calibrated: Mapping[str, Mapping[str, float]]) -> None:
        """Estimate (and so plan) from now on with these calibrated values by zone; the others have the generic road.

        What lies on the roads and how warm they are stays as it is.
        """
        self.roads = self.estimator.roads = self._own(calibrated)

    def _own(self, calibrated: Mapping[str, Mapping[str, float]]) -> Roads:
        self.calibrated = {zone.id: calibrated[zone.id] for zone in self._zones if zone.id in calibrated}
        own = {zone: kept_roads.surface_of(values) for zone, values in self.calibrated.items()}
        self.zones = tuple(kept_roads.own_cable(zone, self.calibrated.get(zone.id, {})) for zone in self._zones)
        self._per_area = np.array([zone.cable.efficiency / zone.area_m2 for zone in self.zones])
        return build_pavements(self.zones, surfaces=own)

    @property
    def state(self) -> State:
        return self.estimator.state

    async def start(self) -> None:
        """Load the stored estimate, or spin up."""
        try:
            state = await self._load() or self._spin_up()
            if state is not None:
                self.estimator.state = state
                self._show(state)  # people see at once what lies, not only after the first minute
        except RoadheatError as error:
            logger.warning("no spin-up: %s", error)
            return
        except Exception as error:  # whatever was kept or observed must not prevent the start
            logger.error("no spin-up", exc_info=error)

    async def run(self) -> None:
        """Estimate every minute, store every quarter of an hour."""
        failing = False
        async for now in each(self._clock, MINUTE_S):
            try:
                self.update(now)
                failing = False
            except RoadheatError as error:
                self._live.see(Sky())
                if not failing:
                    logger.warning("no estimate from %.0f on: %s", now, error)
                failing = True
            finally:
                if now % KEEP_EACH_S == 0:
                    await self._try_to_keep(now)

    def observe(self, sample: ZoneSample, dt_s: float) -> None:
        """Take in a live sample of the running minute. Implausible values are ignored."""
        lane = self._lane.get(sample.zone)
        if lane is None or not math.isfinite(dt_s) or dt_s <= 0:
            return
        dt_s = min(dt_s, MINUTE_S)  # the running minute has no more of it
        sums = self._sums
        sums[0, lane] += dt_s
        if sample.power_w > HEATS * self._zones[lane].power_w:
            self._live.zones[sample.zone].heated_s = self._clock.monotonic_s()
        sums[1, lane] += min(max(sample.power_w, 0), POWER_MAX * self._zones[lane].power_w) * dt_s
        if (celsius := surface_c(sample)) is not None:
            sums[2, lane] += celsius * dt_s
            self._surface_s[lane] += dt_s
        if (permille := moisture_permille(sample)) is not None:
            sums[3, lane] += permille / 1000.0 * dt_s
            self._moist_s[lane] += dt_s

    def update(self, now_utc_s: float) -> None:
        """Advance the estimate to the end of the minute that is over. Raises WeatherError or PhysicsError.

        The observations of that minute are discarded whatever happens.
        """
        (seconds, joules, surface, moist), surface_s, moist_s = self._take_sums()
        weather = self._forecasts.minute(now_utc_s - MINUTE_S)
        self.air_c = float(np.asarray(weather.air_c).flat[0])
        sky = sky_now(weather, self._forecasts.latest, now_utc_s)
        self._live.see(sky)
        not_believed = outvoted(self._live.zones.values(), sky, self._clock.monotonic_s())
        with np.errstate(invalid="ignore", divide="ignore"):
            power_w_m2 = np.where(seconds > 0, joules / seconds, 0.0) * self._per_area
            observed = surface / surface_s  # NaN where nothing was observed
            moisture = moist / moist_s
        moisture[[zone.id in not_believed for zone in self._zones]] = np.nan
        state = self.estimator.update(weather, observed, power_w_m2, MINUTE_S, moisture)
        for lane in self.estimator.renewed:
            zone = self._zones[lane].id
            logger.warning("the estimate of %s left the physical range and is restarted", zone)
            for listener in self.lane_lost:
                listener(zone)
        self._show(state)
        self._show_sensors(state, not_believed)

    def _show_sensors(self, state: State, not_believed: frozenset[str]) -> None:
        """How far the sensors are believed, and what is taken instead."""
        quality = np.round(self.estimator.trust.quality, 2).tolist()
        for zone, celsius, believed in zip(self._zones, state.surface_c.tolist(), quality, strict=True):
            live = self._live.zones[zone.id]
            live.estimated_c, live.moisture_outvoted = celsius, zone.id in not_believed
            if live.surface_quality != believed:
                live.surface_quality = believed
                self._live.touch(zone.id)

    def _take_sums(self) -> tuple[Array, Array, Array]:
        """The running minute's sums; the next minute begins."""
        taken = self._sums.copy(), self._surface_s.copy(), self._moist_s.copy()
        self._sums[:] = 0.0
        self._surface_s[:] = 0.0
        self._moist_s[:] = 0.0
        return taken

    def _show(self, state: State) -> None:
        words = surface_state(state.surface_c, state.water_mm, state.ice_mm, state.snow_mm, state.frost_mm)
        lying = np.round(state.ice_mm + state.snow_mm + state.frost_mm, 2)
        freezing = lowered_freezing_c(state)
        for zone, word, mm, celsius in zip(self._zones, words.tolist(), lying.tolist(), freezing, strict=True):
            live = self._live.zones[zone.id]
            text = Surface(word).word
            if (live.surface_word, live.lying_mm, live.freezing_c) != (text, mm, celsius):
                live.surface_word, live.lying_mm, live.freezing_c = text, mm, celsius
                self._live.touch(zone.id)

    def lying(self, zone: str) -> Lying:
        """What lies on a road now."""
        return lying_on(self.state, self._lane[zone])

    def effect(self, zone: str, change: Change) -> tuple[float, float]:
        """What a work on a zone would take off and add: snow [mm] and NaCl [g/m²]; nothing changes."""
        lane = self._lane[zone]
        after = change(self.state, [lane])
        removed = self.state.snow_mm[lane] - after.snow_mm[lane]
        return float(removed), float(after.salt_g_m2[lane] - self.state.salt_g_m2[lane])

    async def worked(self, zones: Iterable[str], change: Change) -> None:
        """Something was done on these zones themselves; the estimate is kept at once."""
        lanes = [self._lane[zone] for zone in zones]
        self.estimator.change(lambda state: change(state, lanes))
        self._show(self.state)
        await self._try_to_keep(self._clock.utc_s())

    async def _try_to_keep(self, now_utc_s: float) -> None:
        try:
            await self.keep(now_utc_s)
        except RoadheatError as error:  # a full disk: the estimate continues in memory
            logger.error("estimate not kept: %s", error)

    async def keep(self, now_utc_s: float) -> None:
        """Commit the estimate."""
        quality = self.estimator.trust.quality.tolist()
        text = kept_state.encode(now_utc_s, [zone.id for zone in self._zones], self.state, quality)
        await self._store.set(KEY, text)

    async def _load(self) -> State | None:
        text = await self._store.get(KEY)
        if text is None:
            return None
        try:
            kept = kept_state.decode(text)
            age_s = self._clock.utc_s() - kept.utc_s
            if kept.zones != [zone.id for zone in self._zones] or not 0 <= age_s <= KEPT_FOR_S:
                return None
            state = kept.state()
        except PhysicsError as error:
            logger.warning("stored estimate is not usable: %s", error)
            return None
        if not kept_state.fits(state, initial_state(self.roads, 0.0)):
            return None
        quality = np.asarray(kept.surface_quality, dtype=np.float64)
        if quality.shape == (len(self._zones),) and np.isfinite(quality).all():
            self.estimator.trust.quality = np.clip(quality, 0.0, 1.0)
        return state

    def _spin_up(self) -> State | None:
        """Unheated roads under the observed weather of the last two days; raises WeatherError or PhysicsError."""
        now = self._clock.utc_s()
        observed = self._forecasts.spin_up(SPIN_UP_S)
        if observed is None or len(observed) < 2:
            return None
        mean_c = float(observed.air_c.mean())
        state = initial_state(self.roads, mean_c, max(mean_c, LEAST_DEEP_C))
        begin = float(2 * observed.time_utc_s[0] - observed.time_utc_s[1])
        n = int((now - max(begin, now - SPIN_UP_S)) // SPIN_UP_STEP_S)
        if n < 1:
            return state
        forcing = at_steps(observed, now - n * SPIN_UP_STEP_S, SPIN_UP_STEP_S, n, self._forecasts.site)
        return simulate(self.roads, state, forcing, 0.0, SPIN_UP_STEP_S)[1]
