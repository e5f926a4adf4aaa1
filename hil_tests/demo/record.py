"""What one controller did with one storm: per-minute truth from the plant, and the figures drawn from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder, Zone
from supervisor.road import ICE_MM
from supervisor.tariff.kind import Tariff

Array = npt.NDArray[np.float64]
MINUTE_S = 60
WH_PER_KWH = 1000.0
# A 15-min mean above the contract by less than this is rounding of the meter, not a breach.
CONTRACT_TOLERANCE = 1e-3


@dataclass
class Run:
    """Minutes down, zones across. Filled while the storm runs; the figures are drawn when it is over."""

    label: str
    zones: tuple[Zone, ...]
    feeders: tuple[Feeder, ...]
    start_utc_s: float
    surface_c: list[Array] = field(default_factory=list)  # at the end of each minute
    lying_mm: list[Array] = field(default_factory=list)  # snow + ice + frost, water equivalent
    energy_wh: list[Array] = field(default_factory=list)  # in each minute, true
    breaker_kw: list[Array] = field(default_factory=list)  # highest instant of each minute, per feeder

    def add_minute(self, surface_c: Array, lying_mm: Array, energy_wh: Array, breaker_kw: Array) -> None:
        """Append one minute; arrays of shape (zones,), the last (feeders,)."""
        for column, values in (
            (self.surface_c, surface_c),
            (self.lying_mm, lying_mm),
            (self.energy_wh, energy_wh),
            (self.breaker_kw, breaker_kw),
        ):
            column.append(np.array(values, dtype=np.float64))

    @property
    def minutes(self) -> int:
        return len(self.surface_c)

    @property
    def time_utc_s(self) -> Array:
        """End of each minute [s]."""
        return self.start_utc_s + MINUTE_S * np.arange(1, self.minutes + 1, dtype=np.float64)

    def feeder_kw(self, window_s: int = SLOT_S) -> Array:
        """Mean load per feeder over windows of `window_s`, shape (windows, feeders); the last may be short."""
        energy = np.array(self.energy_wh).reshape(self.minutes, len(self.zones))
        per_window = window_s // MINUTE_S
        load = np.zeros((-(-self.minutes // per_window), len(self.feeders)))
        for column, feeder in enumerate(self.feeders):
            of_feeder = [index for index, zone in enumerate(self.zones) if zone.feeder == feeder.id]
            for row in range(load.shape[0]):
                part = energy[row * per_window : (row + 1) * per_window, of_feeder]
                load[row, column] = part.sum() * 60.0 / len(part) / WH_PER_KWH if len(part) else 0.0
        return load


@dataclass(frozen=True)
class Figures:
    """The figures of a `Run`, as `--json` prints them."""

    zones: dict[str, dict[str, float]]  # per zone: kwh, cost, ice_minutes
    feeders: dict[str, dict[str, float]]  # per feeder: peak_kw, breaker_peak_kw, contract_kw, feeder_cap_violations
    kwh: float
    cost: float  # energy
    demand_cost: float  # billed peak over contract price, one month
    ice_minutes: float  # sum over zones
    peak_kw: float  # highest 15-min mean of all feeders together
    feeder_cap_violations: int  # minutes above a breaker plus quarter hours above a contract


def figures(run: Run, tariff: Tariff) -> Figures:
    """Sum a run up; energy is priced slot by slot."""
    energy = np.array(run.energy_wh).reshape(run.minutes, len(run.zones)) / WH_PER_KWH
    first_slot = int(run.start_utc_s // SLOT_S)
    slot = ((run.time_utc_s - MINUTE_S) // SLOT_S).astype(int) - first_slot
    price = tariff.prices(first_slot * SLOT_S, int(slot[-1]) + 1)[slot] if run.minutes else np.zeros(0)
    cost = (energy * price[:, None]).sum(axis=0)
    icy = (np.array(run.lying_mm).reshape(run.minutes, len(run.zones)) >= ICE_MM).sum(axis=0)
    load = run.feeder_kw()
    instants = np.array(run.breaker_kw).reshape(run.minutes, len(run.feeders))
    feeders: dict[str, dict[str, float]] = {}
    for column, feeder in enumerate(run.feeders):
        over = int((load[:, column] > feeder.contract_kw * (1 + CONTRACT_TOLERANCE)).sum())
        over += int((instants[:, column] > feeder.breaker_kw * (1 + CONTRACT_TOLERANCE)).sum())
        feeders[feeder.id] = {
            "peak_kw": float(load[:, column].max(initial=0.0)),
            "breaker_peak_kw": float(instants[:, column].max(initial=0.0)),
            "contract_kw": feeder.contract_kw,
            "feeder_cap_violations": over,
        }
    zones = {
        zone.id: {
            "kwh": float(energy[:, index].sum()),
            "cost": float(cost[index]),
            "ice_minutes": float(icy[index]),
        }
        for index, zone in enumerate(run.zones)
    }
    demand = sum(feeders[feeder.id]["peak_kw"] * feeder.demand_price_per_kw for feeder in run.feeders)
    return Figures(
        zones=zones,
        feeders=feeders,
        kwh=float(energy.sum()),
        cost=float(cost.sum()),
        demand_cost=float(demand),
        ice_minutes=float(icy.sum()),
        peak_kw=float(load.sum(axis=1).max(initial=0.0)),
        feeder_cap_violations=int(sum(values["feeder_cap_violations"] for values in feeders.values())),
    )
