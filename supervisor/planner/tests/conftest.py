from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from supervisor.domain.zone import Feeder, Layer, Zone
from supervisor.planner.solve.penalty import SLOT_H
from supervisor.planner.solve.problem import FeederProblem, ZoneProblem

START = 1_703_808_000.0  # 2023-12-29T00:00Z


def a_zone(index: int = 0, *, power_kw: float = 60.0, priority: int = 2, feeder: str = "f1") -> Zone:
    return Zone(
        id=f"z{index:02d}",
        name=f"Slope {index}",
        board="b01",
        relay=index,
        feeder=feeder,
        power_w=round(1000 * power_kw),
        area_m2=power_kw * 1000 / 300,
        layers=(Layer("asphalt", 0.10), Layer("concrete", 0.15)),
        priority=priority,
    )


def slab_kernel(n: int, gain_k: float = 15.0, fast_h: float = 1.0, slow_h: float = 8.0) -> np.ndarray:
    """Lift of a slab that answers after an hour and forgets over eight: `gain_k` at steady full duty."""
    lag = (np.arange(n)[:, None] - np.arange(n)[None, :] + 1) * SLOT_H
    step = 1.0 - (slow_h * np.exp(-lag / slow_h) - fast_h * np.exp(-lag / fast_h)) / (slow_h - fast_h)
    before = 1.0 - (slow_h * np.exp(-(lag - SLOT_H) / slow_h) - fast_h * np.exp(-(lag - SLOT_H) / fast_h)) / (
        slow_h - fast_h
    )
    return np.where(lag > 0, gain_k * (step - before), 0.0)


@pytest.fixture(scope="session")
def make_problem() -> Callable[..., FeederProblem]:
    def make(
        zones: int = 4,
        n: int = 96,
        members: int = 1,
        seed: int = 0,
        cap: float = 0.7,
        demand_price: float = 0.0,
        peak_so_far_kw: float = 0.0,
        weight: float = 6000.0,
    ) -> FeederProblem:
        """A night with a storm of random time and depth for each zone; `cap` is a part of the installed power."""
        rng = np.random.default_rng(seed)
        parts = []
        for z in range(zones):
            power = float(rng.uniform(30, 80))
            onset, length = rng.integers(10, n - 40), rng.integers(8, 30)
            depth = rng.uniform(1, 7)
            r = np.full((members, n), -np.inf)
            for k in range(members):
                shift = int(rng.integers(-4, 5))
                if members == 1 or rng.random() < 0.8:
                    r[k, onset + shift : onset + shift + length] = depth * rng.uniform(0.6, 1.4)
            parts.append(ZoneProblem(a_zone(z, power_kw=power), power, slab_kernel(n), r, weight, np.full(n, np.nan)))
        installed = sum(part.power_kw for part in parts)
        hour = (np.arange(n) * SLOT_H) % 24
        price = np.where((hour < 8) | (hour >= 22), 94.3, np.where((hour >= 9) & (hour < 12), 197.9, 140.4))
        feeder = Feeder(id="f1", contract_kw=cap * installed, breaker_kw=installed, demand_price_per_kw=demand_price)
        billed = None if seed % 3 else (hour >= 8) & (hour < 22)  # as where nights set no base charge
        return FeederProblem(feeder, START, price, demand_price, peak_so_far_kw, cap * installed, tuple(parts), billed)

    return make
