"""Heat does not come up evenly: more over the wires, less between. What that does to melting snow."""

from __future__ import annotations

import numpy as np

from supervisor.road.pavement import Array

POINTS = 33  # across half a spacing


def flux_ratio(depth_m: Array | float, spacing_m: Array | float, x_m: Array | float) -> Array:
    """Flux at distance x from the wire over the mean flux, isothermal surface over a row of line sources [-].

    sinh(2πd/s) / (cosh(2πd/s) − cos(2πx/s)) (Carslaw & Jaeger 1959 §10.11, method of images).
    """
    a = 2.0 * np.pi * np.asarray(depth_m) / spacing_m
    return np.asarray(np.sinh(a) / (np.cosh(a) - np.cos(2.0 * np.pi * np.asarray(x_m) / spacing_m)))


def covered_fraction(depth_m: float, spacing_m: float, fallen_mm: Array, melted_mm: Array) -> Array:
    """Part of the road still covered [0–1] when `melted_mm` of `fallen_mm` has melted on average by the cable's heat.

    Snow melts in proportion to the local flux: stripes over the wires are bare first. Arrays broadcast together.
    """
    ratio = flux_ratio(depth_m, spacing_m, np.linspace(0.0, 0.5 * spacing_m, POINTS))
    fallen, melted = np.broadcast_arrays(np.asarray(fallen_mm, dtype=np.float64), np.asarray(melted_mm))
    lies = fallen[..., None] > melted[..., None] * ratio
    return np.asarray(lies.mean(axis=-1))
