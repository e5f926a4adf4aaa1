"""A zone's calibration as it is kept in `state_dir/calibration/<zone>.json`, with its provenance.

`load` gives the values by zone; `surface_of` and `own_cable` apply them to the zone's pavement and to the heat
of its cable.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from supervisor.calibration.fit import EFFICIENCY, SURFACE_NAMES
from supervisor.domain.errors import PhysicsError
from supervisor.domain.zone import Zone

FOLDER = "calibration"


class Kept(Struct, frozen=True):
    """A calibration and its provenance."""

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
    made_by: str = "roadheat calibrate"
    rmse_in_use_k: float | None = None  # of the parameters that were in use before, on the same days


def keep(state_dir: Path, kept: Kept) -> Path:
    """Write the calibration; returns the file."""
    path = state_dir / FOLDER / f"{kept.zone}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".tmp")
    half.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
    half.replace(path)
    return path


def load(state_dir: Path) -> dict[str, dict[str, float]]:
    """The values of every calibrated zone. Raises PhysicsError naming a file that cannot be read."""
    result = {}
    for path in sorted((state_dir / FOLDER).glob("*.json")):
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=Kept)
        except msgspec.MsgspecError as error:
            raise PhysicsError(
                str(error), where=str(path), remedy="Calibrate the zone again or delete the file"
            ) from None
        result[kept.zone] = kept.values
    return result


def surface_of(values: Mapping[str, float]) -> dict[str, float]:
    """The surface parameters among a calibration's values, for `build_pavements(zones, surfaces=…)`."""
    return {name: value for name, value in values.items() if name in SURFACE_NAMES}


def own_cable(zone: Zone, values: Mapping[str, float]) -> Zone:
    """The zone with its cable's efficiency as calibrated."""
    factor = values.get(EFFICIENCY.name, 1.0)
    cable = msgspec.structs.replace(zone.cable, efficiency=zone.cable.efficiency * factor)
    return zone if factor == 1.0 else msgspec.structs.replace(zone, cable=cable)
