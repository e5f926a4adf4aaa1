"""Pavement materials by name: conductivity, heat capacity, water that can freeze.

Conductivity and capacity from METRo (Crevier & Delage 2001: asphalt 0.8, concrete 2.2 W/m/K, 2.1 MJ/m³/K), RoadSurf
(Kangas et al. 2015: 1.94 MJ/m³/K), Andersland & Ladanyi (2004) for soils and VDI heat atlas for insulation. The
conductivity of asphalt and base is at the upper end of the literature (0.8–2.1), where road-weather stations and the
San Antonio pavements put it. The names that road-weather stations use ("crushed rock", "cement", "gravier") are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.domain.errors import PhysicsError


@dataclass(frozen=True)
class Material:
    """Thermal properties, unfrozen."""

    conductivity_w_mk: float
    capacity_j_m3k: float  # per volume, moist
    water_fraction: float = 0.0  # volume of water that freezes at 0 °C per volume


MATERIALS: dict[str, Material] = {
    "asphalt": Material(1.95, 2.15e6),
    "porous asphalt": Material(1.1, 1.7e6),
    "concrete": Material(2.4, 2.15e6),
    "cement": Material(2.4, 2.15e6),
    "reinforced concrete": Material(2.4, 2.2e6),
    "steel": Material(50.0, 3.6e6),
    "pavers": Material(1.6, 2.1e6),
    "base": Material(2.0, 2.05e6, 0.05),
    "gravel": Material(2.0, 2.05e6, 0.05),
    "gravier": Material(2.0, 2.05e6, 0.05),
    "crushed rock": Material(2.0, 2.05e6, 0.05),
    "sand": Material(2.0, 2.1e6, 0.08),
    "soil": Material(1.9, 2.4e6, 0.20),
    "clay": Material(1.3, 2.6e6, 0.30),
    "insulation": Material(0.035, 0.06e6),
}


def material(name: str) -> Material:
    """The material called `name`; raises PhysicsError naming the known ones."""
    try:
        return MATERIALS[name.strip().lower()]
    except KeyError:
        raise PhysicsError(
            f"unknown material {name!r}", where="material", remedy="Known: " + ", ".join(sorted(MATERIALS))
        ) from None
