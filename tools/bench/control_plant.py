"""The road that the controllers are tried on: non-linear, finer than the planner's model, with other parameters.

One batch holds every strategy's copy of every zone, so all meet the same weather minute by minute:
lane = strategy · zones + zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from supervisor.domain.zone import Cable, Feeder, Layer, Zone
from supervisor.road import Forcing, Pavement, Roads, State, build_roads, initial_state
from supervisor.road.conduction import operator
from supervisor.road.forcing import prepare
from supervisor.road.step import advance_state

Array = npt.NDArray[np.float64]

MINUTE_S = 60.0
QUIET_S = 600.0  # step through hours without any need of heat
PLANT_NODES = 26  # the planner plans on 20
SPREAD = 0.2  # physics parameters are drawn within ±20 %
SENSOR_NOISE_K = 0.1  # DS18B20 under asphalt after its 0.0625 K steps
MOIST_FULL_MM = 0.5  # film at which the moisture sensor reads 1000 ‰; wet from 200 ‰
MOIST_NOISE_PERMILLE = 15.0


def make_zones(count: int) -> tuple[Zone, ...]:
    """Seoul's practice: 158 m of road each, 300 W/m², cable at 7 cm; priorities and powers vary a little."""
    zones = []
    for i in range(count):
        area = (150.0, 200.0, 260.0)[i % 3]
        base = (
            (Layer("asphalt", 0.10), Layer("base", 0.30))
            if i % 2 == 0
            else (Layer("concrete", 0.20), Layer("base", 0.20))
        )
        zones.append(
            Zone(
                id=f"z{i + 1:03d}",
                name=f"slope {i + 1}",
                board=f"b{i // 2 + 1:03d}",
                relay=i % 2,
                feeder=f"f{i // 6 + 1:02d}",
                power_w=round(300.0 * area),
                area_m2=area,
                layers=base,
                cable=Cable(depth_m=0.07),
                sky_view=(1.0, 0.85, 0.7)[i % 3],
                priority=i % 3 + 1,
            )
        )
    return tuple(zones)


def make_feeders(zones: Sequence[Zone], contract_part: float, demand_price_per_kw: float) -> tuple[Feeder, ...]:
    """One feeder for every six zones; the breaker carries what is installed, the contract a part of it."""
    feeders = []
    for name in dict.fromkeys(zone.feeder for zone in zones):
        installed = sum(zone.power_w for zone in zones if zone.feeder == name) / 1000.0
        feeders.append(
            Feeder(
                id=name,
                contract_kw=contract_part * installed,
                breaker_kw=installed,
                demand_price_per_kw=demand_price_per_kw,
            )
        )
    return tuple(feeders)


def true_pavements(zones: Sequence[Zone], rng: np.random.Generator, spread: float = SPREAD) -> list[Pavement]:
    """What the planner does not know: each zone's real parameters, and a finer grid."""

    def draw() -> float:
        return float(rng.uniform(1.0 - spread, 1.0 + spread))

    pavements = []
    for zone in zones:
        nominal = Pavement.from_zone(zone)
        s = nominal.surface
        surface = replace(
            s,
            albedo=s.albedo * draw(),
            emissivity=min(0.99, s.emissivity * (1.0 + 0.1 * (draw() - 1.0))),  # physical bound: 0.93…0.97
            roughness_m=s.roughness_m * draw(),
            sky_view=min(1.0, s.sky_view * draw()),
            retention_mm=s.retention_mm * draw(),
            drainage_s=s.drainage_s * draw(),
            conductivity_factor=s.conductivity_factor * draw(),
            capacity_factor=s.capacity_factor * draw(),
        )
        pavements.append(replace(nominal, surface=surface, nodes=PLANT_NODES, cable_depth_m=0.07 * draw()))
    return pavements


@dataclass(frozen=True)
class Fault:
    """A sensor with a wrong reading for a while: moisture stuck at a value [‰], or a surface off by some kelvin."""

    zone: int
    start_s: float
    end_s: float
    moisture_permille: float | None = None
    surface_off_k: float = 0.0


def draw_faults(zones: int, duration_s: float, per_zone_month: float, rng: np.random.Generator) -> tuple[Fault, ...]:
    """Faults at random times, 6 to 48 h each: fouled dry, fouled wet, drifted by up to 2 K."""
    faults = []
    for zone in range(zones):
        for _ in range(rng.poisson(per_zone_month * duration_s / (30 * 86_400))):
            start = float(rng.uniform(0, duration_s))
            end = start + float(rng.uniform(6, 48)) * 3600
            kind = int(rng.integers(3))
            if kind < 2:
                faults.append(Fault(zone, start, end, moisture_permille=(0.0, 1000.0)[kind]))
            else:
                faults.append(Fault(zone, start, end, surface_off_k=float(rng.uniform(-2, 2))))
    return tuple(faults)


@dataclass(frozen=True)
class Reading:
    """What the boards see: surface [°C], moisture [‰] by lane."""

    surface_c: Array
    moisture_permille: Array


class Plant:
    """All copies of all zones. `heat_w_m2` (lanes,) is what each cable gives at full power, with its own efficiency."""

    def __init__(
        self, pavements: Sequence[Pavement], zones: Sequence[Zone], copies: int, start_c: float, seed: int
    ) -> None:
        self.roads: Roads = build_roads(list(pavements) * copies)
        self.state: State = initial_state(self.roads, start_c, max(start_c, 4.0))
        self.heat_w_m2 = np.tile([zone.heat_w_m2 for zone in zones], copies)
        self._rng = np.random.default_rng(seed)
        self._zones, self._copies = len(zones), copies
        self.faults: tuple[Fault, ...] = ()

    def run(self, prepared: Array, on: Array, dt_s: float) -> None:
        """One step; `on` (lanes,) is the part of the step with the contactor closed."""
        self.state, _ = advance_state(self.roads, operator(self.roads, dt_s), self.state, prepared, on * self.heat_w_m2)

    def prepare(self, weather: Forcing) -> Array:
        return prepare(self.roads, weather)

    def read(self, t_s: float) -> Reading:
        """Sensors with noise and faults; a zone's copies share both, so that strategies differ by decisions only."""
        noise = np.tile(self._rng.normal(0.0, SENSOR_NOISE_K, self._zones), self._copies)
        film = self.state.water_mm + self.state.frozen_mm
        wet_noise = np.tile(self._rng.normal(0.0, MOIST_NOISE_PERMILLE, self._zones), self._copies)
        moisture = np.clip(1000.0 * film / MOIST_FULL_MM, 0.0, 1000.0) + wet_noise
        surface = self.state.surface_c + noise
        for fault in self.faults:
            if fault.start_s <= t_s < fault.end_s:
                lanes = slice(fault.zone, None, self._zones)
                surface[lanes] += fault.surface_off_k
                if fault.moisture_permille is not None:
                    moisture[lanes] = fault.moisture_permille
        return Reading(surface, moisture)
