"""Heat does not come up evenly: more over the wires, less between. What that does to melting snow.

Where the wires melt it, snow goes first over them; then part of their heat arrives on bare road and melts nothing, and
between the wires it lies on while the mean says that all has melted. So 1 mm of snow takes coth(πd/s) mm worth of heat:
1.09 at 5 cm under and 10 cm apart, 1.02 at 7 cm, 1.5 at 20 cm apart. Heat that runs sideways from the bare road to the
snow is left out, which is on the safe side; so is what the sun adds on bare stripes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from supervisor.road import arrays
from supervisor.road.maths import Array, Maths, T

POINTS = 129  # across half a spacing
SHARES = 17  # of the table; its argument is the cube root, in which the share is all but straight
EVEN_MM = 1e-6  # less lies nowhere


def flux_ratio(depth_m: Array | float, spacing_m: Array | float, x_m: Array | float) -> Array:
    """Flux at distance x from the wire over the mean flux, isothermal surface over a row of line sources [-].

    sinh(2πd/s) / (cosh(2πd/s) − cos(2πx/s)) (Carslaw & Jaeger 1959 §10.11, method of images).
    """
    a = 2.0 * np.pi * np.asarray(depth_m) / spacing_m
    return np.asarray(np.sinh(a) / (np.cosh(a) - np.cos(2.0 * np.pi * np.asarray(x_m) / spacing_m)))


def melt_demand_ratio(depth_m: Array | float, spacing_m: Array | float) -> Array:
    """Heat of the wires that bares the whole road, over the heat of melting alone [-]: coth(πd/s), of the mid-gap."""
    return 1.0 / np.tanh(np.pi * np.asarray(depth_m) / spacing_m)


def lying_when_bare(depth_m: Array | float, spacing_m: Array | float) -> Array:
    """Part of the snow that still lies when the road over the wires is bare [0–1]: 1 − tanh(πd/s)."""
    return 1.0 - np.tanh(np.pi * np.asarray(depth_m) / spacing_m)


@lru_cache(maxsize=4096)
def share_table(depth_m: float, spacing_m: float) -> tuple[float, ...]:
    """Part of the wires' heat that arrives under snow [0–1], by ∛(lies / lies when first bare)."""
    x = (np.arange(POINTS) + 0.5) / POINTS * 0.5 * spacing_m
    ratio = flux_ratio(depth_m, spacing_m, x)
    ratio = ratio / ratio.mean()
    melted = np.linspace(1.0 / ratio.max(), 1.0 / ratio.min(), 400)[:, None]
    lies = np.maximum(1.0 - melted * ratio, 0.0)
    share, left = (ratio * (lies > 0.0)).mean(axis=1), lies.mean(axis=1)
    root = np.cbrt(left / left[0])
    return tuple(np.interp(np.linspace(0.0, 1.0, SHARES), root[::-1], share[::-1]).tolist())


def shares(tables: Any, bare_from: T, lying_mm: T, striped_mm: T, m: Maths[Any] = arrays) -> T:
    """Part of the wires' heat that arrives under snow [0–1], per lane.

    `tables` (lanes, SHARES), `bare_from` (lanes,) from `lying_when_bare`; `striped_mm` is what the wires have melted
    since snow lay evenly, `lying_mm` what is left (lanes,).
    """
    left = lying_mm / m.maximum((lying_mm + striped_mm) * bare_from, 1e-12)
    at = m.cbrt(m.minimum(left, 1.0)) * (SHARES - 1)
    result: T = m.where(left >= 1.0, 1.0, m.interpolate(tables, at))
    return result


def striped_after(striped_mm: T, melted_mm: T, wires_mm: T, lying_mm: T, m: Maths[Any] = arrays) -> T:
    """What the wires have melted since snow lay evenly, after a step [mm].

    `melted_mm` in the step, of which at most `wires_mm` by the wires. Nothing where nothing lies any more. That traffic
    wears what lies without making it more even is on the safe side again.
    """
    result: T = m.where(lying_mm > EVEN_MM, striped_mm + m.minimum(melted_mm, wires_mm), 0.0)
    return result
