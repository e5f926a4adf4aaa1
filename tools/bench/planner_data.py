"""A city in a storm for the speed benchmark: zones, states and an ensemble that really endangers them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Feeder, Layer, Zone
from supervisor.planner.inputs import PlanInputs, PlanSettings
from supervisor.road import build_pavements, initial_state
from supervisor.tariff.bands import Band, BandTariff
from supervisor.weather.design_storm import SEOUL, design_storm

START_UTC_S = 1_703_829_600.0  # 29 December 2023, 15:00 in Seoul
ZONES_PER_FEEDER = 10
CONTRACT_PART = 0.7
_TARIFF = BandTariff((Band("night", 94.3, ("22-08",)), Band("day", 140.4, ("08-22",))), "Asia/Seoul")


def make_zones(count: int, rng: np.random.Generator) -> tuple[Zone, ...]:
    """Streets of different length, pavement, cable depth and sky; ten to a feeder."""
    zones = []
    for i in range(count):
        area = float(rng.uniform(100, 300))
        layers = (
            (Layer("asphalt", round(float(rng.uniform(0.08, 0.14)), 3)), Layer("base", 0.3))
            if rng.random() < 0.6
            else (Layer("concrete", round(float(rng.uniform(0.15, 0.25)), 3)), Layer("base", 0.2))
        )
        zones.append(
            Zone(
                id=f"z{i:05d}",
                name=f"street {i}",
                board=f"b{i // 2:05d}",
                relay=i % 2,
                feeder=f"f{i // ZONES_PER_FEEDER:04d}",
                power_w=round(area * rng.uniform(250, 300)),
                area_m2=area,
                layers=layers,
                sky_view=float(rng.uniform(0.6, 1.0)),
                priority=int(rng.integers(1, 4)),
            )
        )
    return tuple(zones)


def make_members(count: int, rng: np.random.Generator) -> tuple[WeatherSeries, ...]:
    """The design storm, earlier or later, heavier or lighter, colder or warmer."""
    members = []
    for k in range(count):
        storm = design_storm(
            START_UTC_S,
            48.0,
            seed=k + 1,
            snow_start_h=9.0 + float(rng.normal(0, 1.0)),
            peak_mm_h=float(rng.uniform(1, 4)),
        )
        shift = float(rng.normal(0, 0.8))
        members.append(replace(storm, air_c=storm.air_c + shift, dew_point_c=storm.dew_point_c + shift))
    return tuple(members)


def make_inputs(zones: int, members: int, seed: int = 1, slots: int = 96) -> PlanInputs:
    """Everything for one planning cycle of `zones` zones."""
    rng = np.random.default_rng(seed)
    fleet = make_zones(zones, rng)
    feeders = []
    for name in dict.fromkeys(zone.feeder for zone in fleet):
        installed = sum(zone.power_w for zone in fleet if zone.feeder == name) / 1000
        feeders.append(
            Feeder(id=name, contract_kw=CONTRACT_PART * installed, breaker_kw=installed, demand_price_per_kw=500.0)
        )
    roads = build_pavements(fleet)
    return PlanInputs(
        now_utc_s=START_UTC_S,
        zones=fleet,
        feeders=tuple(feeders),
        roads=roads,
        state=initial_state(roads, rng.uniform(0.0, 4.0, zones), 6.0),
        forecast=Forecast(START_UTC_S, make_members(members, rng), "design storm"),
        tariff=_TARIFF,
        site=SEOUL,
        peak_so_far_kw={feeder.id: 0.4 * feeder.contract_kw for feeder in feeders},
        settings=PlanSettings(horizon_h=slots / 4),
    )
