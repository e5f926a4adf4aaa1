"""The outlook now, of every evening, and what became of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from supervisor.config import Config
from supervisor.control import kept_state
from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.outlook import ice
from supervisor.control.response import StageNow, snow_ahead_cm
from supervisor.domain.errors import PhysicsError, RoadheatError, WeatherError
from supervisor.domain.outlook import DISTRICT, Checked, Outlook, RoadOutlook, Verdict, verdict
from supervisor.domain.stage import Stage
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.road import State, initial_state
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.runtime.supervision import Parts
from supervisor.runtime.work import in_thread
from supervisor.store.store import Store

logger = logging.getLogger(__name__)

LOOK_EACH_S: Final = 900.0
FRESH_S: Final = 2 * 3600.0  # an outlook that could not be renewed for longer is none
LATE_S: Final = 6 * 3600.0  # stations report late: the weather of a day is complete after so long
GIVE_UP_S: Final = 4 * 86_400.0  # weather that has not come by then never comes
SCORED_S: Final = 120 * 86_400.0  # a winter
TOLD: Final = "outlook_told"  # key of the day and stage that people were told last
KEPT: Final = "outlook_kept"  # key of the day whose outlook is on record

Tell = Callable[[Outlook, Stage], object]


class OutlookNow(Struct, frozen=True, kw_only=True):
    """The answer of `GET /api/v1/outlook`."""

    outlook: Outlook | None  # null: there is none, since the forecast does not reach a day ahead
    why_not: str  # "" with an outlook
    stage: StageNow  # in force, as at the head of the app
    district: Verdict  # the district's evenings of the last 120 days
    roads: Verdict  # those of its roads


class Outlooks:
    """Keep `run` running. `told` are called with an outlook that people should hear of this evening."""

    def __init__(
        self, config: Config, estimation: Estimation, forecasts: Forecasts, store: Store, clock: Clock
    ) -> None:
        self._config = config
        self._settings = config.outlook
        self._timezone = ZoneInfo(config.site.timezone)
        self._estimation = estimation
        self._forecasts = forecasts
        self._store = store
        self._clock = clock
        self._latest: Outlook | None = None
        self._parts = Parts("outlook")
        self._verdicts: tuple[Verdict, Verdict] | None = None
        self.why_not = "none is made yet"
        self.told: list[Tell] = []

    def now(self) -> Outlook | None:
        """The outlook; None where there is none or the last is too old."""
        found = self._latest
        return None if found is None or self._clock.utc_s() - found.issued_utc_s > FRESH_S else found

    def district(self) -> RoadOutlook | None:
        """That of the district."""
        found = self.now()
        return None if found is None else found.district

    async def answer(self, stage: StageNow) -> OutlookNow:
        """With how good the evenings' outlooks were. Raises StoreError."""
        found = self.now()
        district, roads = await self._judged()
        return OutlookNow(
            outlook=found, why_not=self.why_not if found is None else "", stage=stage, district=district, roads=roads
        )  # fmt: skip

    async def _judged(self) -> tuple[Verdict, Verdict]:
        """Of the district and of its roads; worked out once a day, since only a check changes it."""
        if self._verdicts is None:
            now = self._clock.utc_s()
            checked = await self._store.outlooks.checked(now - SCORED_S, now)
            self._verdicts = await in_thread(None, _verdicts, checked)
        return self._verdicts

    async def run(self) -> None:
        """Look every quarter of an hour, until cancelled."""
        await self.look()
        async for _ in each(self._clock, LOOK_EACH_S):
            await self.look()

    async def look(self) -> None:
        """A new outlook, what is due in the evening, and checks of those that are over."""
        await self._parts.do("outlook", self.renew)
        await self._parts.do("outlook of the evening", self._evening)
        await self._parts.do("outlook check", self._check)

    async def renew(self) -> None:
        """Make a new outlook; without weather for a day there is none, and `why_not` says so."""
        forecast, now = self._forecasts.latest, self._clock.utc_s()
        start = now - now % ice.STEP_S
        try:
            snow_cm = snow_ahead_cm(forecast, now)
            if forecast is None or snow_cm is None:
                raise WeatherError("there is no forecast", where="weather")
            self._latest = await in_thread(None, self._made, forecast, start, snow_cm, self._estimation.state)
        except (WeatherError, PhysicsError) as error:
            if self._latest is not None or self.why_not != error.message:
                logger.warning("no outlook of ice: %s", error)
            self._latest, self.why_not = None, error.message

    def _made(self, forecast: Forecast, start_utc_s: float, snow_cm: float, state: State) -> Outlook:
        """In a thread: of ten thousand roads it takes seconds."""
        zones = tuple(zone.id for zone in self._estimation.zones)
        roads = self._estimation.roads.take(range(len(zones)))  # of its own: more of it is worked out here
        icy, black = ice.foresee(zones, roads, state, forecast, start_utc_s, self._config.site)
        settings = self._settings
        return ice.summarise(zones, icy, black, start_utc_s, snow_cm, settings.steps, settings.ice_probability)

    async def _evening(self) -> None:
        """From the configured time to midnight: keep the outlook once, tell people once for each stage reached."""
        found, local = self.now(), datetime.fromtimestamp(self._clock.utc_s(), self._timezone)
        if found is None or not self._settings.tell_at or f"{local:%H:%M}" < self._settings.tell_at:
            return
        day = f"{local:%Y-%m-%d}"
        if await self._store.values.get(KEPT) != day:
            called = {one.zone: self._calls(one) for one in (found.district, *found.roads)}
            zones = [zone.id for zone in self._estimation.zones]
            state = kept_state.encode(found.issued_utc_s, zones, self._estimation.state, [])
            await self._store.outlooks.put(found, called, state)
            await self._store.values.set(KEPT, day)
        stage = Stage[found.district.stage.upper()]
        told = (await self._store.values.get(TOLD) or "").split(" ")
        before = Stage[told[1].upper()] if len(told) == 2 and told[0] == day else Stage.NONE
        if stage > before:
            await self._store.values.set(TOLD, f"{day} {stage.word}")  # twice would be worse than not at all
            for tell in self.told:
                tell(found, stage)

    def _calls(self, one: RoadOutlook) -> bool:
        return one.probability >= self._settings.ice_probability

    async def _check(self) -> None:
        """Judge the outlooks whose day is over by the weather as it was."""
        now = self._clock.utc_s()
        for issued, until, text in await self._store.outlooks.waiting(now - LATE_S):
            weather = await self._store.weather.between(issued - 7_200, until + 7_200)
            try:
                icy_min = await self._came(text, weather, issued)
            except RoadheatError as error:
                if now - until < GIVE_UP_S and isinstance(error, WeatherError):
                    continue
                logger.warning("an outlook is not checked: %s", error)
                await self._store.outlooks.check(issued, None)
                continue
            await self._store.outlooks.check(issued, icy_min)
            self._verdicts = None

    async def _came(self, text: str, weather: WeatherSeries, issued_utc_s: int) -> dict[str, int]:
        """By road that is still there [min]."""
        if len(weather) < 2:
            raise WeatherError("no weather of that day is on record", where="weather")
        kept = kept_state.decode(text)
        lanes = {zone.id: lane for lane, zone in enumerate(self._estimation.zones)}
        zones = [zone for zone in kept.zones if zone in lanes]
        if not zones:
            raise PhysicsError("no road of that outlook is left", where="outlook")
        roads = self._estimation.roads.take([lanes[zone] for zone in zones])
        state = kept.state().take([kept.zones.index(zone) for zone in zones])
        if not kept_state.fits(state, initial_state(roads, 0.0)):
            raise PhysicsError("the roads were described otherwise", where="outlook")
        minutes = await in_thread(None, ice.came, roads, state, weather, float(issued_utc_s), self._config.site)
        return dict(zip(zones, minutes.tolist(), strict=True))


def _verdicts(checked: Sequence[Checked]) -> tuple[Verdict, Verdict]:
    """Of the district, and of its roads."""
    return (
        verdict(one for one in checked if one.zone == DISTRICT),
        verdict(one for one in checked if one.zone != DISTRICT),
    )
