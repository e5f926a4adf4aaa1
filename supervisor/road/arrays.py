"""`maths.Maths` for many lanes: numpy's functions and combinations of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from supervisor.road.maths import Array

exp: Callable[[Array], Array] = np.exp
expm1: Callable[[Array], Array] = np.expm1
sqrt: Callable[[Array], Array] = np.sqrt
cbrt: Callable[[Array], Array] = np.cbrt
minimum: Callable[[Array, Array | float], Array] = np.minimum
maximum: Callable[[Array, Array | float], Array] = np.maximum
where: Callable[[Any, Any, Any], Array] = np.where


def clip(x: Array, low: Array, high: Array, /) -> Array:
    return np.minimum(np.maximum(x, low), high)  # a fifth of the cost of `numpy.clip` for few lanes


def choose(condition: Any, a: tuple[float, float], b: tuple[float, float], /) -> tuple[Array, Array]:
    return np.where(condition, a[0], b[0]), np.where(condition, a[1], b[1])


def anywhere(condition: Array, /) -> bool:
    return bool(condition.any())


def largest(x: Array, /) -> float:
    return float(np.max(np.abs(x)))


def interpolate(table: Array, at: Array, /) -> Array:
    low = np.minimum(at.astype(np.int64), table.shape[1] - 2)
    lanes = np.arange(table.shape[0])
    below, above = table[lanes, low], table[lanes, low + 1]
    return np.asarray(below + (at - low) * (above - below))
