"""The app's energy page: seasons and storms worked out beside the event loop, one at a time, and kept for a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import BrokenExecutor, Executor
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from supervisor.config import Config
from supervisor.domain.errors import StoreError
from supervisor.energy.period import season_of
from supervisor.reports.season import begun, collect_in_process
from supervisor.reports.season_rows import SeasonEnergy, SeasonStorm
from supervisor.reports.served import Job, Served, serve
from supervisor.reports.storm import StormCourse, collect_storm
from supervisor.reports.used import Used, used_between
from supervisor.runtime.clock import Clock
from supervisor.runtime.process import OwnProcess
from supervisor.runtime.work import in_thread
from supervisor.store.store import Store

logger = logging.getLogger(__name__)

FRESH_S: Final = 300.0  # an hour's record comes in parts: sooner nothing that a person sees changes
SEASONS_MAX: Final = 4  # kept at once
STORMS_MAX: Final = 200
SETTLED_S: Final = 86_400.0  # records of a board that was silent have come by then, as a rule
AGAIN_S: Final = 1800.0  # until a storm that is not settled is replayed again
NICENESS: Final = 10  # nobody waits for it as for a plan


class SeasonAnswer(Struct, frozen=True):
    """A season, with what roads were served in each of its storms as far as that is worked out."""

    energy: SeasonEnergy
    served: list[Served]
    working: bool  # storms are still being replayed: ask again


class EnergyDesk:
    """Answers for the app. `spawn` starts work in the background under a name."""

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, Any], str], asyncio.Task[Any]],
        worker: Callable[[], Executor] = lambda: OwnProcess(NICENESS),
    ) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._spawn = spawn
        self._worker = worker
        self._one_at_a_time = asyncio.Lock()
        self._seasons: dict[str, tuple[float, SeasonEnergy]] = {}
        self._collecting: dict[str, asyncio.Task[tuple[float, SeasonEnergy]]] = {}
        self._served: dict[tuple[int, int], tuple[float, Served]] = {}
        self._courses: dict[int, tuple[float, StormCourse]] = {}
        self._working = False

    async def season(self, name: str | None) -> SeasonAnswer:
        """A season such as 2025-26, without a name the present one. Raises CommandError and StoreError."""
        timezone, now_s = ZoneInfo(self._config.site.timezone), self._clock.monotonic_s()
        wanted = name or season_of(self._clock.utc_s(), timezone)
        begun(wanted, timezone, self._clock.utc_s())
        known = self._seasons.get(wanted)
        if known is None or now_s - known[0] >= FRESH_S:
            if wanted not in self._collecting:  # who asks meanwhile waits for the same, also after a lost connection
                self._collecting[wanted] = self._spawn(self._collect(wanted), "season collected")
            known = await asyncio.shield(self._collecting[wanted])
        energy = known[1]
        missing = [storm for storm in energy.storms if self._is_due(storm)]
        if missing and not self._working:
            self._working = True
            self._spawn(self._replay(missing), "storms replayed")
        keys = [(storm.onset_utc_s, storm.end_utc_s) for storm in energy.storms]
        return SeasonAnswer(energy, [self._served[key][1] for key in keys if key in self._served], self._working)

    async def _collect(self, season: str) -> tuple[float, SeasonEnergy]:
        """In a process of its own: half a second of computing in a thread would hold up the event loop by turns."""
        try:
            async with self._one_at_a_time:
                made_s, worker = self._clock.monotonic_s(), self._worker()
                try:
                    energy = await in_thread(worker, collect_in_process, self._config, season, self._clock.utc_s())
                except BrokenExecutor as error:
                    raise StoreError("not worked out", where=f"season {season}", remedy="Try again") from error
                finally:
                    worker.shutdown(wait=False, cancel_futures=True)
            self._seasons.pop(season, None)
            self._seasons[season] = made_s, energy
            while len(self._seasons) > SEASONS_MAX:
                del self._seasons[next(iter(self._seasons))]
            return made_s, energy
        finally:
            del self._collecting[season]

    async def storm(self, onset_utc_s: int) -> StormCourse:
        """One storm by quarters of an hour. Raises NotFoundError and StoreError."""
        async with self._one_at_a_time:
            now_s = self._clock.monotonic_s()
            known = self._courses.get(onset_utc_s)
            if known is None or now_s - known[0] >= FRESH_S:
                course = await self._store.read(lambda db: collect_storm(self._config, db, onset_utc_s))
                self._courses[onset_utc_s] = known = now_s, course
                while len(self._courses) > STORMS_MAX:
                    del self._courses[next(iter(self._courses))]
        return known[1]

    async def used(self, from_utc_s: int, to_utc_s: int) -> Used:
        """What all roads took in a short time. Raises StoreError."""
        return await self._store.read(lambda db: used_between(self._config, db, from_utc_s, to_utc_s))

    def _is_due(self, storm: SeasonStorm) -> bool:
        known = self._served.get((storm.onset_utc_s, storm.end_utc_s))
        if known is None:
            return True
        made_utc_s, now = known[0], self._clock.utc_s()
        return made_utc_s < storm.end_utc_s + SETTLED_S and now - made_utc_s >= AGAIN_S

    async def _replay(self, storms: list[SeasonStorm]) -> None:
        """Newest first, in a process of its own that ends with the work."""
        worker = self._worker()
        try:
            for storm in storms:
                key, now = (storm.onset_utc_s, storm.end_utc_s), self._clock.utc_s()
                [found] = await in_thread(worker, serve, Job(self._config, (key,), now))
                self._served.pop(key, None)
                self._served[key] = now, found
            while len(self._served) > STORMS_MAX:
                del self._served[next(iter(self._served))]
        except Exception as error:  # a defect here must not stop the service; the page goes on without these figures
            logger.error("storms are not replayed", exc_info=error)
        finally:
            self._working = False
            worker.shutdown(wait=False, cancel_futures=True)
