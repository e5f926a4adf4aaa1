"""What a surface gains and loses as a function of its temperature, and the temperature at which a step finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias

import numpy as np

from supervisor.road.air import KELVIN, MAGNUS_ICE, MAGNUS_PA, MAGNUS_WATER
from supervisor.road.maths import Array, Maths, T

TOLERANCE_K = 1e-3  # Newton's last change; the next would be about its square over 100 K
MAX_ITERATIONS = 40
_PASSES = range(MAX_ITERATIONS + 2)  # one asks for the phase change, one is at the temperature that was found
DAMPED_FROM = 8  # beyond it Newton oscillates about a kink (a film that just lasts the step): half steps end that
DIVERGED_K = 1e4

Start: TypeAlias = tuple[T, T, T, T]  # base, response, phase change [W/m²] and where to start [°C]


class NoEquilibriumError(ArithmeticError):
    """Newton found no temperature."""

    def __init__(self, top_c: Array | float, change_k: Array | float) -> None:
        super().__init__("surface balance does not converge")
        self.top_c, self.change_k = np.atleast_1d(top_c), np.atleast_1d(change_k)  # last, (lanes,)


@dataclass(slots=True)
class Balance(Generic[T]):
    """The net flux as a function of the top's temperature, for one step; a value per lane."""

    maths: Maths[T]
    emits_w_m2k4: T  # σ ε
    constant: T  # W/m², what does not depend on the temperature
    air_c: T
    vapour_pa: T  # of the air
    exchange: T  # W/m²K, sensible + precipitation
    vapour: T  # W/m²/Pa
    wetness: T  # part of the surface that can evaporate
    evaporable_w_m2: T  # latent flux that would dry the road within the step

    def equilibrium(
        self, base_c: T, response: T, start_c: T, change_phase: Callable[[T, T, T], Start[T]] | None = None
    ) -> tuple[T, T, T]:
        """Newton for T = base + response · (q(T) + phase), from `start_c`: T [°C], latent and net flux there [W/m²].

        `change_phase` is asked first, with the net flux, minus its slope and the latent flux at `start_c`, where from
        and for what to solve; without it there is no phase change. Raises NoEquilibriumError where a lane finds none.
        """
        m, top, phase = self.maths, start_c, 0.0 * start_c
        emits, exchange, air_c, wetness = self.emits_w_m2k4, self.exchange, self.air_c, self.wetness
        constant, vapour, vapour_pa, dry = self.constant, self.vapour, self.vapour_pa, -self.evaporable_w_m2
        done, latent, damped_from = False, phase, DAMPED_FROM + (change_phase is not None)
        for i in _PASSES:
            kelvin = top + KELVIN
            cube = emits * (kelvin * kelvin * kelvin)
            flux = constant - cube * kelvin + exchange * (air_c - top)
            if done:
                return top, latent, flux + latent
            a, b = m.choose(top < 0.0, MAGNUS_ICE, MAGNUS_WATER)
            apart = b + top
            pressure = MAGNUS_PA * m.exp(a * top / apart)
            latent = vapour * (vapour_pa - pressure)
            part = m.where(latent < 0.0, wetness, 1.0)
            latent = latent * part
            latent_slope = vapour * part * pressure * a * b / (apart * apart)
            capped = latent < dry
            if m.anywhere(capped):
                latent, latent_slope = m.where(capped, dry, latent), m.where(capped, 0.0, latent_slope)
            slope = 4.0 * cube + exchange + latent_slope
            if change_phase is not None:
                base_c, response, phase, top = change_phase(flux + latent, slope, latent)
                dry, change_phase = -self.evaporable_w_m2, None
                continue
            change = (base_c + response * (flux + latent + phase) - top) / (1.0 + response * slope)
            if i >= damped_from:
                change = 0.5 * change
            top = top + change
            worst = m.largest(change)
            if worst < TOLERANCE_K:
                latent = latent - latent_slope * change  # to first order, exact to 1e-6 W/m² at this tolerance
                done = True
            elif not worst < DIVERGED_K:
                break
        raise NoEquilibriumError(top, change)
