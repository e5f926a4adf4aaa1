"""Heat or brine: which of the two is enough for what is ahead of a road, and cheaper. Pure.

Brine is enough where it keeps all the water that comes from freezing at the coldest that the road gets without heat,
with a margin, and where little comes: it melts no layer of snow. Heat is withheld for no promise: what a sprayer has
reported as spread lies on the road of the estimate, and the plan that follows heats no more than that road needs.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from supervisor.domain.zone import Sprayer
from supervisor.road.stores import freezing_point_c
from supervisor.road.work import as_nacl_g_m2

MARGIN_K: Final = 1.0  # of what the road model knows of the surface, and of how evenly brine lies
SNOW_MAX_MM: Final = 1.0  # water equivalent: beyond it brine is ploughed under
LEAST_KWH: Final = 0.1  # of planned heat: less is no reason to spray


class Chosen(StrEnum):
    NOTHING = "nothing"  # no heat is planned either
    HEAT = "heat"
    BRINE = "brine"


class Why(StrEnum):
    """What decided."""

    NO_HAZARD = "no-hazard"
    CHEAPER = "cheaper"  # both are enough
    NOT_ENOUGH = "not-enough"  # brine would freeze
    SNOW = "snow"  # too much comes
    TOO_COLD = "too-cold"  # the agent does not work


class Choice(Struct, frozen=True, kw_only=True):
    """The choice for one road with the figures that it was made by. Money in the tariff's currency."""

    chosen: Chosen
    why: Why
    heat_kwh: float
    heat_cost: float
    brine_cost: float  # of one dose
    low_c: float  # the coldest surface without heat
    freezing_c: float  # with one dose more, in all the water that comes


def choose(
    sprayer: Sprayer, *, heat_kwh: float, heat_cost: float, low_c: float, water_mm: float, snow_mm: float,
    salt_g_m2: float,
) -> Choice:  # fmt: skip
    """`water_mm`: what lies and what comes, as water; `snow_mm`: the part of it that lies or comes as snow."""
    dose = as_nacl_g_m2(sprayer.agent, sprayer.dose_g_m2)
    freezing_c = float(freezing_point_c(salt_g_m2 + dose, water_mm))

    def made(chosen: Chosen, why: Why) -> Choice:
        return Choice(
            chosen=chosen, why=why, heat_kwh=heat_kwh, heat_cost=heat_cost, brine_cost=sprayer.price_per_dose,
            low_c=low_c, freezing_c=freezing_c,
        )  # fmt: skip

    if heat_kwh < LEAST_KWH:
        return made(Chosen.NOTHING, Why.NO_HAZARD)
    if low_c < sprayer.least_c:
        return made(Chosen.HEAT, Why.TOO_COLD)
    if snow_mm > SNOW_MAX_MM:
        return made(Chosen.HEAT, Why.SNOW)
    if freezing_c > low_c - MARGIN_K:
        return made(Chosen.HEAT, Why.NOT_ENOUGH)
    return made(Chosen.BRINE if sprayer.price_per_dose < heat_cost else Chosen.HEAT, Why.CHEAPER)
