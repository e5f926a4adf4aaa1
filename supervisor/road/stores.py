"""Water, snow, ice, frost and salt on the road: what joins, leaves and changes into what. Masses in mm (kg/m²)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

from supervisor.road import arrays
from supervisor.road.maths import Maths, T

FREEZING_K_PER_G_KG = 0.0637  # NaCl, two ions: 1.86 · 2 / 58.44 K per g of salt per kg of water
LOWEST_FREEZING_C = -21.1  # eutectic of NaCl brine
SLUSH_RETENTION = 0.3  # mm of water that 1 mm of snow soaks up before it drains


def freezing_point_c(salt_g_m2: T, total_mm: T, m: Maths[Any] = arrays) -> T:
    """Freezing point [°C] of water with salt, as if all of it were dissolved in all water and ice on the road.

    The full dilution is the safe side: salt melts no more than it can keep melted.
    """
    result: T = m.maximum(-FREEZING_K_PER_G_KG * salt_g_m2 / m.maximum(total_mm, 0.2), LOWEST_FREEZING_C)
    return result


@dataclass(slots=True)
class Cover(Generic[T]):
    """A state's values above the profile of temperatures; a step rebinds them and writes into none. See `State`."""

    water_mm: T
    ice_mm: T
    snow_mm: T
    frost_mm: T
    salt_g_m2: T
    snow_albedo: T
    top_c: T
    wires_w_m2: T
    striped_mm: T
    residual_w_m2: T

    def exchange_mass(self, phase_mm: T, vapour_mm: T, sublimes: Any, m: Maths[T]) -> T:
        """Phase change and vapour; what melted [mm].

        `phase_mm` freezes (+) as ice or melts (−); `vapour_mm` condenses (+) or leaves (−), as frost and from the
        frozen stores where it `sublimes`.
        """
        as_frost = m.where(sublimes, vapour_mm, 0.0)
        melted, frosted = m.maximum(-phase_mm, 0.0), m.maximum(as_frost, 0.0)
        self.ice_mm = self.ice_mm + (phase_mm + melted)
        lost = melted + (frosted - as_frost)
        if m.anywhere(lost):  # frost goes first, then snow, then ice
            frost, snow = self.frost_mm, self.snow_mm
            taken = m.minimum(frost, lost)
            self.frost_mm, lost = frost - taken, lost - taken
            taken = m.minimum(snow, lost)
            self.snow_mm, lost = snow - taken, lost - taken
            self.ice_mm = self.ice_mm - m.minimum(self.ice_mm, lost)
        self.frost_mm = self.frost_mm + frosted
        self.water_mm = m.maximum(self.water_mm - phase_mm + (vapour_mm - as_frost), 0.0)
        return melted

    def drain(self, retention_mm: T, part: T, m: Maths[T]) -> T:
        """Let `part` of the water drain that texture and slush cannot hold, with its salt; what drained [mm]."""
        drained = m.maximum(self.water_mm - (retention_mm + SLUSH_RETENTION * self.snow_mm), 0.0) * part
        if m.anywhere(drained):
            self.salt_g_m2 = self.salt_g_m2 * (1.0 - drained / m.maximum(self.water_mm, 1e-9))
            self.water_mm = self.water_mm - drained
        return drained

    def wear(self, kept: T) -> tuple[T, T]:
        """Let traffic carry off all but a part `kept`, with its salt; water and frozen that left [mm]."""
        left = 1.0 - kept
        self.salt_g_m2 = self.salt_g_m2 * kept
        water_off, frozen_off = left * self.water_mm, left * (self.snow_mm + self.ice_mm + self.frost_mm)
        self.water_mm, self.ice_mm = self.water_mm * kept, self.ice_mm * kept
        self.snow_mm, self.frost_mm = self.snow_mm * kept, self.frost_mm * kept
        return water_off, frozen_off
