"""The skyline that a road sees: buildings, walls, hillsides. Pure; azimuth clockwise from north and elevation [°]."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Horizon = tuple[tuple[float, float], ...]  # (azimuth, elevation) points; between them the skyline runs straight

DIRECTIONS = 720  # a table each half degree: the sun is that wide


@lru_cache(maxsize=4096)
def skyline_deg(horizon: Horizon) -> Array:
    """Elevation of the skyline in `DIRECTIONS` directions from north, clockwise [°], never below the level."""
    if not horizon:
        return np.zeros(DIRECTIONS)
    points = np.array(horizon, dtype=np.float64)
    azimuth = np.arange(DIRECTIONS) * (360.0 / DIRECTIONS)
    table: Array = np.interp(azimuth, points[:, 0], np.maximum(points[:, 1], 0.0), period=360.0)
    table.setflags(write=False)
    return table


def sky_view_of(horizon: Horizon) -> float:
    """Part of the isotropic sky above the skyline, seen from a level road [0–1]: the mean of cos² of its elevation."""
    return float(np.mean(np.cos(np.radians(skyline_deg(horizon))) ** 2))


def obstacle_deg(skylines: Array, azimuth_deg: Array) -> Array:
    """Elevation of each lane's skyline towards the sun [°].

    `skylines` (lanes, DIRECTIONS), `azimuth_deg` (steps, 1 or lanes). Returns (steps, lanes).
    """
    direction = np.rint(azimuth_deg * (DIRECTIONS / 360.0)).astype(np.int64) % DIRECTIONS
    result: Array = skylines[np.arange(skylines.shape[0]), direction]
    return result
