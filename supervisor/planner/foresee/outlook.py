"""Hazards of a zone by slot, and their probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def _count(mask: Mask) -> npt.NDArray[np.int16]:
    """How many members agree, by slot: (…, K, N) → (…, N)."""
    return np.asarray(mask.view(np.int8).sum(axis=-2, dtype=np.int16))


class Hazard(IntEnum):
    """What would make the road icy; higher values are more urgent."""

    NONE = 0
    FROST = 1  # dry road below freezing and below the dew point
    WET = 2  # water on the road that would freeze
    FREEZING_RAIN = 3
    SNOW = 4  # falling, or lying and to be melted


_DANGERS = (1, 2, 3, 4)  # the hazards above NONE, least urgent first


@dataclass(frozen=True)
class ZoneOutlook:
    """One zone, K members, N slots; temperatures at the end of each slot without heating from now on.

    Several zones at once as `stack` makes them: all arrays with the zones first.
    """

    free_c: Array  # (K, N) [°C]
    required_c: Array  # (K, N) [°C]: what the surface must have; −inf where the member sees no hazard
    hazard: npt.NDArray[np.int8]  # (K, N) of Hazard
    wet: Mask  # (K, N): a moisture sensor would say wet
    worth: Array  # (K, N): time of ice that a slot's heat saves, in slots

    @cached_property
    def shortfall_k(self) -> Array:
        """Required less free temperature, (K, N) [K]; −inf without hazard."""
        return np.where(np.isfinite(self.required_c), self.required_c - self.free_c, -np.inf)

    @property
    def probability(self) -> Array:
        """Part of the members that see a hazard, (N,)."""
        return np.asarray(_count(self.hazard > Hazard.NONE) / self.hazard.shape[-2])

    @property
    def leading(self) -> npt.NDArray[np.int8]:
        """The most urgent hazard that a tenth of the members sees, (N,)."""
        members = self.hazard.shape[-2]
        out = np.zeros(self.hazard[..., 0, :].shape, dtype=np.int8)
        for kind in _DANGERS:
            out[10 * _count(self.hazard == kind) >= members] = kind
        return out


def stack(outlooks: Sequence[ZoneOutlook]) -> ZoneOutlook:
    """Several zones as one, arrays (Z, K, N)."""
    return ZoneOutlook(
        np.stack([one.free_c for one in outlooks]),
        np.stack([one.required_c for one in outlooks]),
        np.stack([one.hazard for one in outlooks]),
        np.stack([one.wet for one in outlooks]),
        np.stack([one.worth for one in outlooks]),
    )
