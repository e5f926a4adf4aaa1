"""What crews do on a road: snow ploughed off, a de-icing agent spread, and both taken back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supervisor.domain.road_work import Agent
from supervisor.road.forcing import State
from supervisor.road.maths import Array
from supervisor.road.stores import freezing_point_c

FILM_MM = 0.1  # a thinner film is no brine of a known strength
LEFT_MM = 1.0  # a plough leaves some 5 mm of snow in the texture
# Most NaCl that the model believes on a road: winter services spread 5–40 g/m² at a time. Reports of one spreading by
# several people, or a wrong amount, must not make a road that never freezes.
MOST_SALT_G_M2 = 60.0
ASSUMED_G_M2 = 10.0  # where nobody says how much: about what is spread against hoar frost
AMOUNT_G_M2 = (1.0, 200.0)  # by hand up to five times of what a vehicle spreads
# Lowering of the freezing point per gram, as a part of NaCl's 0.0637 K per g/kg: three ions of 110.98 g/mol, and flakes
# have 77 % of it: 3 · 1.86 / 110.98 · 0.77 = 0.0387 (freezing-point depression ΔT = i · 1.86 K kg/mol · b).
_NACL_PER_G = {Agent.SODIUM_CHLORIDE: 1.0, Agent.CALCIUM_CHLORIDE: 0.61}


def as_nacl_g_m2(agent: Agent, amount_g_m2: float | None) -> float:
    """What a spreading counts in the model [g/m² of NaCl]."""
    return _NACL_PER_G[agent] * (ASSUMED_G_M2 if amount_g_m2 is None else amount_g_m2)


def plough(state: State, lanes: Array | slice | list[int], left_mm: float = LEFT_MM) -> State:
    """The snow of some lanes ploughed down to at most `left_mm`; it lies evenly then. Ice stays."""
    snow, striped = state.snow_mm.copy(), state.striped_mm.copy()
    snow[lanes] = np.minimum(snow[lanes], left_mm)
    striped[lanes] = 0.0
    return replace(state, snow_mm=snow, striped_mm=striped)


def add_snow(state: State, lanes: Array | slice | list[int], snow_mm: float) -> State:
    """`snow_mm` more on some lanes: it was not ploughed after all."""
    snow = state.snow_mm.copy()
    snow[lanes] += snow_mm
    return replace(state, snow_mm=snow)


def spread_salt(state: State, lanes: Array | slice | list[int], salt_g_m2: float) -> State:
    """`salt_g_m2` of NaCl spread on some lanes, up to `MOST_SALT_G_M2` in all; a negative amount taken off again."""
    salt = state.salt_g_m2.copy()
    salt[lanes] = np.clip(salt[lanes] + salt_g_m2, 0.0, np.maximum(salt[lanes], MOST_SALT_G_M2))
    return replace(state, salt_g_m2=salt)


def lowered_freezing_c(state: State) -> list[float | None]:
    """Freezing point of each lane to a tenth [°C]; None where salt makes no difference or nothing can freeze."""
    lies = state.water_mm + state.frozen_mm
    celsius = np.round(freezing_point_c(state.salt_g_m2, lies), 1)
    return [
        value if mm >= FILM_MM and value < 0.0 else None
        for value, mm in zip(celsius.tolist(), lies.tolist(), strict=True)
    ]
