"""What a surface gains and loses as a function of its temperature, and the temperature at which a step finds it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road import air
from supervisor.road import forcing as rows
from supervisor.road.pavement import Array
from supervisor.road.radiation import STEFAN_BOLTZMANN

TOLERANCE_K = 1e-3  # Newton's last change; the next would be about its square over 100 K
MAX_ITERATIONS = 40
DAMPED_FROM = 8  # beyond it Newton swings about a kink (a film that just lasts the step): half steps end that


@dataclass
class Balance:
    """The net flux as a function of the top's temperature, for one step; all arrays (lanes,)."""

    row: Array  # (14, lanes) prepared forcing
    constant: Array  # W/m², what does not depend on the temperature
    emissivity: Array
    exchange: Array  # W/m²K, sensible + precipitation
    vapour: Array  # W/m²/Pa
    wetness: Array  # part of the surface that can evaporate
    evaporable_w_m2: Array  # latent flux that would dry the road within the step

    def latent(self, top_c: Array) -> tuple[Array, Array]:
        """Latent flux and minus its slope [W/m², W/m²K]."""
        cold = top_c < 0.0
        a, b = np.where(cold, 22.46, 17.62), np.where(cold, 272.62, 243.12)
        saturation = 611.2 * np.exp(a * top_c / (b + top_c))
        flux = self.vapour * (self.row[rows.VAPOUR] - saturation)
        dries = flux < 0.0
        part = np.where(dries, self.wetness, 1.0)
        flux = flux * part
        capped = flux < -self.evaporable_w_m2
        slope = np.where(capped, 0.0, self.vapour * part * saturation * a * b / (b + top_c) ** 2)
        return np.where(capped, -self.evaporable_w_m2, flux), slope

    def net(self, top_c: Array) -> tuple[Array, Array, Array, Array]:
        """Net flux, minus its slope, latent flux and minus its slope at the top's temperature."""
        kelvin = top_c + air.KELVIN
        emitted_slope = 4.0 * STEFAN_BOLTZMANN * self.emissivity * kelvin**3
        latent, slope = self.latent(top_c)
        flux = self.constant - 0.25 * emitted_slope * kelvin + self.exchange * (self.row[rows.AIR] - top_c) + latent
        return flux, emitted_slope + self.exchange + slope, latent, slope


def equilibrium(balance: Balance, base_c: Array, response: Array, phase: Array, start_c: Array) -> tuple[Array, Array]:
    """Newton for T = base + response · (q(T) + phase): that T [°C] and the latent flux there [W/m²], both (lanes,).

    Raises PhysicsError naming the lane that finds none.
    """
    top_c = start_c
    for i in range(MAX_ITERATIONS):
        flux, slope, latent, latent_slope = balance.net(top_c)
        change = (base_c + response * (flux + phase) - top_c) / (1.0 + response * slope)
        if i >= DAMPED_FROM:
            change = 0.5 * change
        top_c = top_c + change
        worst = np.max(np.abs(change))
        if worst < TOLERANCE_K:
            return top_c, latent - latent_slope * change  # to first order, exact to 1e-6 W/m² at this tolerance
        if not worst < 1e4:
            break
    lane = int(np.argmax(np.abs(np.nan_to_num(change, nan=np.inf))))
    raise PhysicsError(
        f"surface balance does not converge, {float(top_c[lane]):.1f} °C",
        where=f"lane {lane}",
        remedy="Check this road's weather and parameters.",
    )
