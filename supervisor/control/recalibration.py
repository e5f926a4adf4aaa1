"""Keeps each road's own parameters up to date: the observed weather is recorded, and every zone is refitted weekly.

A fit takes seconds of a processor, so it runs in a process of its own, at low priority, one zone after the other:
boards, overrides and plans do not wait for it. What is adopted is written beside what `roadheat calibrate` writes, and
whatever changes there, by whomever, the estimate and the next plan use.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from supervisor.calibration import kept as kept_roads
from supervisor.calibration import zone_fit
from supervisor.calibration.weekly import Found, Job, refit
from supervisor.config import Config
from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.metrics import Metrics
from supervisor.domain.errors import RoadheatError
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Zone
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.runtime.process import OwnProcess
from supervisor.runtime.supervision import Parts
from supervisor.runtime.work import in_thread
from supervisor.store.audit import AuditRepository
from supervisor.store.journal import ValueRepository
from supervisor.store.place import place_of
from supervisor.store.weather import WeatherRepository
from supervisor.weather.resample import rows

logger = logging.getLogger(__name__)

LOOK_EACH_S = 900.0
WEEK_S = 7 * 86_400.0
RECORD_BACK_S = 6 * 3600.0  # stations report late, and their values replace the forecast's
KEEP_WEATHER_S = 400 * 86_400.0
KEY = "calibrated_utc_s"
NICENESS = 15  # lowest priority on this machine
USER = "roadheat"  # in the audit


@dataclass(frozen=True)
class CalibrationRecord:
    """Where calibration keeps the weather, when it last ran and what it changed."""

    weather: WeatherRepository
    values: ValueRepository
    audit: AuditRepository


class Recalibration:
    """Records the weather, fits every week, and gives the results to the estimate."""

    def __init__(
        self,
        config: Config,
        estimation: Estimation,
        forecasts: Forecasts,
        record: CalibrationRecord,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._config = config
        self._estimation = estimation
        self._forecasts = forecasts
        self._kept = record
        self._metrics = metrics
        self._clock = clock
        self._seen: dict[Path, int] = {}
        self._parts = Parts("calibration")
        self.fitting = False

    async def start(self) -> None:
        """Load stored calibrations; a file that cannot be read leaves all zones on the generic road and is logged."""
        try:
            await self._take_up()
        except Exception as error:
            logger.error("no calibrated roads: %s", error)

    async def run(self) -> None:
        """Check every quarter of an hour until cancelled."""
        async for now in each(self._clock, LOOK_EACH_S):
            try:
                await self.look(now)
            except (RoadheatError, OSError) as error:
                logger.warning("calibration: %s", error)

    async def look(self, now_utc_s: float) -> None:
        """Record the last hours' weather, use what has been calibrated meanwhile, fit when a week is over.

        A record or a file that fails does not stop the rest.
        """
        await self._parts.do("weather record", lambda: self._record(now_utc_s))
        await self._parts.do("calibrated roads", self._take_up)
        if self._config.calibration.weekly and await self._due(now_utc_s):
            await self.fit_all(now_utc_s)

    async def fit_all(self, now_utc_s: float) -> list[Found]:
        """Fit every zone to the last weeks; adopt what predicts better. A zone that fails affects no other."""
        found = []
        worker = OwnProcess(NICENESS)
        self.fitting = True
        try:
            for zone in self._config.zone:
                found.append(await self._fit(worker, zone, now_utc_s))
        finally:
            self.fitting = False
            worker.end()  # a stop of the service does not wait for a fit
        await self._take_up()
        adopted = sum(one.adopted for one in found)
        logger.info("weekly calibration: %d of %d zones have new parameters", adopted, len(found))
        return found

    async def _fit(self, worker: OwnProcess, zone: Zone, now_utc_s: float) -> Found:
        to_utc_s = int(now_utc_s) // zone_fit.STEP_S * zone_fit.STEP_S
        job = Job(
            place_of(self._config),
            zone,
            self._config.site,
            to_utc_s - self._config.calibration.days * 86_400,
            to_utc_s,
            self._estimation.calibrated.get(zone.id, {}),
            now_utc_s,
        )
        try:
            found = await in_thread(worker, refit, job)
            if found.adopted and found.kept is not None:
                await in_thread(None, kept_roads.keep, self._config.state_dir, found.kept)
        except Exception as error:  # a defect in a fit must not stop the heating
            found = Found(zone.id, False, f"failed: {error or type(error).__name__}")
            logger.error("calibration of %s failed", zone.id, exc_info=error)
        kept = found.kept
        if kept is None:
            result = "failed" if found.text.startswith("failed") else "too-little"
        else:
            result = "adopted" if found.adopted else "kept"
            self._metrics.calibration_rmse_k.labels(zone.id).set(kept.rmse_out_of_sample_k)
            if kept.at_bound:
                logger.warning(
                    "calibration of %s ends at a physical bound (%s): look at its layers and at the sensor's place",
                    zone.id, ", ".join(kept.at_bound),
                )  # fmt: skip
        self._metrics.calibrations.labels(result).inc()
        if result != "too-little":
            await self._kept.audit.append(USER, "calibration", f"{zone.id}: {found.text}")
        logger.info("calibration of %s: %s", zone.id, found.text)
        return found

    async def _due(self, now_utc_s: float) -> bool:
        """Whether the last round (else the first start) is a week ago; if so this is the next."""
        last = await self._kept.values.get(KEY)
        try:
            last_utc_s = None if last is None else float(last)
        except ValueError:
            logger.warning("when roads were last calibrated is not readable (%r): the week counts from now", last)
            last_utc_s = None
        if last_utc_s is not None and 0.0 <= now_utc_s - last_utc_s < WEEK_S:
            return False
        await self._kept.values.set(KEY, str(now_utc_s))
        return last_utc_s is not None

    async def _record(self, now_utc_s: float) -> None:
        """Keep the weather of the last hours: observed where the provider observes, else as forecast."""
        observed = self._forecasts.spin_up(RECORD_BACK_S)
        if observed is None and self._forecasts.latest is not None:
            observed = self._forecasts.latest.members[0]
        past = _until(observed, now_utc_s)
        if past is not None:
            await self._kept.weather.put(past)
        await self._kept.weather.prune(now_utc_s - KEEP_WEATHER_S)

    async def _take_up(self) -> None:
        """Hand the calibrations to the estimate where a file is new, changed or gone."""
        folder = self._config.state_dir / kept_roads.FOLDER
        seen = {path: path.stat().st_mtime_ns for path in sorted(folder.glob("*.json"))}
        if seen != self._seen:
            self._estimation.use(await in_thread(None, kept_roads.load, self._config.state_dir))
            self._seen = seen
            logger.info("calibrated roads: %s", ", ".join(sorted(self._estimation.calibrated)) or "none")


def _until(series: WeatherSeries | None, utc_s: float) -> WeatherSeries | None:
    """The rows that have happened, None where there are none."""
    if series is None:
        return None
    count = int(np.searchsorted(series.time_utc_s, utc_s, side="right"))
    return rows(series, slice(0, count)) if count else None
