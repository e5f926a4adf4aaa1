"""One zone's weekly calibration: fit to the last weeks' record, adopted only where it predicts other days better.

Pure except for the database that it reads, and picklable: the service runs it in a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import numpy.typing as npt

from supervisor.calibration import kept as kept_roads
from supervisor.calibration import zone_fit
from supervisor.calibration.fit import EFFICIENCY, Windows, forecast
from supervisor.calibration.kept import Kept
from supervisor.domain.errors import CommandError
from supervisor.domain.weather import Array
from supervisor.domain.zone import Site, Zone
from supervisor.road import Pavement
from supervisor.store import database, weather
from supervisor.store.place import Place
from supervisor.store.telemetry import ticks

LEAST_DAYS = 8  # two for each block of the cross-validation
LEAST_GAIN, LEAST_GAIN_K = 0.03, 0.05  # of the RMSE: less is noise, and every change makes the plans change
BLOCKS = 4
LEAST_BETTER_BLOCKS = 3  # a single better week may be chance
RECORDED = "as recorded by the service"  # where its weather comes from
MADE_BY = "weekly, by the service"


@dataclass(frozen=True)
class Job:
    """What is to be fitted, to which data."""

    database: Place
    zone: Zone  # as configured
    site: Site
    from_utc_s: int
    to_utc_s: int
    in_use: Mapping[str, float]  # calibrated values so far; empty: the generic road
    made_utc_s: float


@dataclass(frozen=True)
class Found:
    """A job's result. `kept` is None where there were too few data."""

    zone: str
    adopted: bool
    text: str
    kept: Kept | None = None


def refit(job: Job) -> Found:
    """Fit the zone, and judge by blocked cross-validation whether it is better than what is in use.

    Raises RoadheatError where the record or the physics fail; too few data are a result, not an error.
    """
    connection = database.connect_read_only(job.database)
    try:
        record = list(ticks(connection, job.from_utc_s, job.to_utc_s, job.zone.board))
        observed = weather.between(connection, job.from_utc_s - 3600, job.to_utc_s + 3600)
    finally:
        connection.close()
    surface, heat = zone_fit.series(job.zone, record, job.from_utc_s, job.to_utc_s)
    try:
        data, _ = zone_fit.windows(surface, heat, observed, job.site, job.from_utc_s)
    except CommandError as error:
        return Found(job.zone.id, False, error.message)
    if data.count < LEAST_DAYS:
        return Found(job.zone.id, False, f"only {data.count} days with telemetry and weather, want {LEAST_DAYS}")
    kept, predicted = zone_fit.fit(job.zone, data, job.from_utc_s, job.to_utc_s, RECORDED, job.made_utc_s)
    before = _in_use(job, data)
    old, new = (_block_rmse_k(run, data) for run in (before, predicted))
    rmse_in_use = _rmse_k(before, data, np.arange(data.count))
    kept = msgspec.structs.replace(kept, made_by=MADE_BY, rmse_in_use_k=rmse_in_use)
    better = int(np.sum(new < old))
    wanted = min((1.0 - LEAST_GAIN) * rmse_in_use, rmse_in_use - LEAST_GAIN_K)
    adopted = kept.rmse_out_of_sample_k <= wanted and better >= LEAST_BETTER_BLOCKS
    text = (
        f"{'adopted' if adopted else 'not adopted'}: {kept.rmse_out_of_sample_k:.2f} K out of sample, "
        f"{rmse_in_use:.2f} K with what was in use, better in {better} of {old.size} blocks, {data.count} days"
    )
    if kept.at_bound:
        text += f"; at its physical bound: {', '.join(kept.at_bound)}"
    return Found(job.zone.id, adopted, text, kept)


def _in_use(job: Job, data: Windows) -> Array:
    """What the parameters in use predict for the same days."""
    road = Pavement.from_zone(job.zone)
    own = replace(road, surface=replace(road.surface, **kept_roads.surface_of(job.in_use)))
    return forecast([own] * data.count, data, job.in_use.get(EFFICIENCY.name, 1.0))


def _rmse_k(predicted: Array, data: Windows, chosen: npt.NDArray[np.int64]) -> float:
    error = (predicted - data.observed_c)[data.now :, chosen]
    return float(np.sqrt(np.nanmean(error**2)))


def _block_rmse_k(predicted: Array, data: Windows) -> Array:
    """By the blocks of the cross-validation."""
    blocks = np.array_split(np.arange(data.count), BLOCKS)
    return np.array([_rmse_k(predicted, data, block) for block in blocks])
