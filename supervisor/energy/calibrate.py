"""A zone's own road: measured surface and power from the record, weather from a file, parameters kept with provenance.

The result stands in `state_dir/calibration/<zone>.json`; `load` gives it to whoever builds the zone's pavement.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from supervisor.domain.errors import CommandError, PhysicsError
from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Site, Zone
from supervisor.road import Pavement
from supervisor.road.calibrate import Calibration, Windows, calibrate, cross_validate
from supervisor.store.tick import Tick
from supervisor.weather.resample import members_at_steps

STEP_S = 600
SPIN_UP_S, AHEAD_S = 24 * 3600, 24 * 3600
LEAST_COVERED = 0.8  # of the steps of a window; a day with the board away teaches nothing
LEAST_WINDOWS = 4  # one block each
FOLDER = "calibration"


class Kept(Struct, frozen=True):
    """A calibration with where it comes from."""

    zone: str
    made_utc: str
    from_utc: str
    to_utc: str
    weather: str
    windows: int
    rmse_before_k: float
    rmse_after_k: float
    rmse_out_of_sample_k: float
    bias_out_of_sample_k: float
    values: dict[str, float]
    sigma: dict[str, float]
    at_bound: list[str]


def series(zone: Zone, ticks: list[Tick], from_utc_s: int, to_utc_s: int) -> tuple[Array, Array]:
    """Mean surface temperature [°C], NaN where unknown, and cable heat [W/m²] per step of a period."""
    steps = (to_utc_s - from_utc_s) // STEP_S
    seconds, degrees, joules = np.zeros((3, steps))
    for tick in ticks:
        step = (tick.start_utc_s - from_utc_s) // STEP_S
        if not 0 <= step < steps:
            continue
        for found in tick.zones:
            if found.sample.zone != zone.id:
                continue
            joules[step] += found.sample.power_w * tick.dt_s
            if (surface_mc := found.surface_mc) is not None:
                seconds[step] += tick.dt_s
                degrees[step] += surface_mc / 1000.0 * tick.dt_s
    surface = np.divide(degrees, seconds, out=np.full(steps, np.nan), where=seconds > 0)
    return surface, joules / STEP_S * zone.cable.efficiency / zone.area_m2


def windows(
    surface_c: Array, heat_w_m2: Array, weather: WeatherSeries, site: Site, from_utc_s: int
) -> tuple[Windows, list[int]]:
    """One forecast a day out of the period, and the UTC second of each. Raises CommandError if there are too few."""
    spin, length = SPIN_UP_S // STEP_S, (SPIN_UP_S + AHEAD_S) // STEP_S
    starts = [
        start
        for start in range(0, surface_c.size - length + 1, AHEAD_S // STEP_S)
        if np.isfinite(surface_c[start : start + spin]).mean() >= LEAST_COVERED
        and np.isfinite(surface_c[start + spin : start + length]).mean() >= LEAST_COVERED
    ]
    if len(starts) < LEAST_WINDOWS:
        raise CommandError(
            f"only {len(starts)} days with telemetry before and after", where="--from --to",
            remedy=f"Give a period with at least {LEAST_WINDOWS + 1} days of record.",
        )  # fmt: skip
    whole = members_at_steps([weather], float(from_utc_s), float(STEP_S), surface_c.size, site)
    index = np.array(starts)[None, :] + np.arange(length)[:, None]
    forcing = type(whole)(**{
        name: value[index, 0] if np.ndim(value) == 2 else value for name, value in vars(whole).items()
    })  # fmt: skip
    return Windows(forcing, surface_c[index], heat_w_m2[index], spin, float(STEP_S)), [
        from_utc_s + (s + spin) * STEP_S for s in starts
    ]


def fit(
    zone: Zone, data: Windows, from_utc_s: int, to_utc_s: int, weather: str, made_utc_s: float
) -> tuple[Kept, Array]:
    """Calibrate a zone on all windows; the out-of-sample figures by four blocks in time. Also gives its prediction."""
    road = Pavement.from_zone(zone)
    found: Calibration = calibrate(road, data)
    predicted, _ = cross_validate(road, data)
    error = (predicted - data.observed_c)[data.now :]
    error = error[np.isfinite(error)]
    kept = Kept(
        zone.id,
        _text(made_utc_s),
        _text(from_utc_s),
        _text(to_utc_s),
        weather,
        found.windows,
        found.rmse_before_k,
        found.rmse_after_k,
        float(np.sqrt(np.mean(error**2))),
        float(np.mean(error)),
        found.values,
        found.sigma,
        list(found.at_bound),
    )
    return kept, predicted


def keep(state_dir: Path, kept: Kept) -> Path:
    """Write the calibration; returns the file."""
    path = state_dir / FOLDER / f"{kept.zone}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".tmp")
    half.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
    half.replace(path)
    return path


def load(state_dir: Path) -> dict[str, dict[str, float]]:
    """Surface parameters of every calibrated zone, for `build_pavements(zones, surfaces=…)`.

    Raises PhysicsError naming a file that cannot be read.
    """
    result = {}
    for path in sorted((state_dir / FOLDER).glob("*.json")):
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=Kept)
        except msgspec.MsgspecError as error:
            raise PhysicsError(str(error), where=str(path), remedy="Calibrate the zone again or delete it.") from None
        result[kept.zone] = {name: value for name, value in kept.values.items() if name != "cable_efficiency"}
    return result


def _text(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
