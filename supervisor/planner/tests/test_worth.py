"""What heat can save: ice that stays is worth more than ice that goes by itself, and a dry road needs no heat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supervisor.domain.zone import Cable, Layer, Zone
from supervisor.planner.foresee.outlook import Hazard
from supervisor.planner.foresee.physics import foresee
from supervisor.planner.foresee.worth import MOST_WORTH
from supervisor.planner.solve.penalty import fold_penalty
from supervisor.road import Forcing, State, build_pavements, initial_state, spread_salt

N = 96  # slots of a day
HEAT = np.array([300.0])
ZONE = Zone(
    id="z1",
    name="slope",
    board="b1",
    relay=0,
    feeder="f1",
    power_w=60_000,
    area_m2=200.0,
    layers=(Layer("asphalt", 0.10), Layer("base", 0.30)),
    cable=Cable(depth_m=0.07),
    priority=2,
)
ROADS = build_pavements([ZONE])


def night(air_c: np.ndarray | float, snow_mm_h: np.ndarray | float = 0.0) -> Forcing:
    """A day of weather for one member: overcast, no sun, a light wind."""
    column = np.ones((N, 1))
    air = column * np.reshape(air_c, (-1, 1))
    return Forcing(
        air_c=air,
        dew_point_c=air - 3.0,
        wind_m_s=2.0 * column,
        shortwave_w_m2=0.0 * column,
        longwave_w_m2=270.0 * column + 4.0 * air,
        rain_mm_h=0.0 * column,
        snow_mm_h=column * np.reshape(snow_mm_h, (-1, 1)),
    )


def lying(surface_c: float, ice_mm: float) -> State:
    state = initial_state(ROADS, surface_c, surface_c + 3.0)
    return replace(state, ice_mm=np.full(1, ice_mm))


def hours(first: float, last: float, value: float) -> np.ndarray:
    at = np.arange(N) / 4.0
    return np.where((at >= first) & (at < last), value, 0.0)


def test_ice_that_would_stay_all_night_is_worth_the_night() -> None:
    """1 mm of ice at −2 °C: some hours of heat save a day of ice, and the dry road then needs none."""
    outlook = foresee(ROADS, lying(-1.0, 1.0), night(-2.0), HEAT, 0.1).outlooks[0]
    needed = np.isfinite(outlook.required_c[0])
    assert needed[:4].all()
    assert not needed[40:].any()
    per_slot = outlook.worth[0][4:16]
    assert (per_slot > 2.0).all()
    assert per_slot.max() <= MOST_WORTH
    assert outlook.hazard[0, 0] == Hazard.SNOW  # lying, and to be melted


def test_a_flurry_that_melts_by_itself_is_worth_less_than_one_that_stays() -> None:
    snow = hours(3.0, 4.0, 1.0)
    staying = foresee(ROADS, initial_state(ROADS, -1.0, 2.0), night(-5.0, snow), HEAT, 0.1).outlooks[0]
    at = np.arange(N) / 4.0
    warming = np.where(at < 4.5, -3.0, 6.0)
    going = foresee(ROADS, initial_state(ROADS, -1.0, 2.0), night(warming, snow), HEAT, 0.1).outlooks[0]
    assert np.isfinite(staying.required_c).any()
    assert np.isfinite(going.required_c).any()
    worth_staying = staying.worth[np.isfinite(staying.required_c)].mean()
    worth_going = going.worth[np.isfinite(going.required_c)].mean()
    assert worth_staying > 1.5 * worth_going


def test_a_road_that_heat_dries_late_needs_heat_until_then() -> None:
    """From −16 °C the cable needs hours to the melting point; a look at the unheated film alone gave up before."""
    outlook = foresee(ROADS, lying(-16.0, 0.5), night(-14.0), HEAT, 0.1).outlooks[0]
    needed = np.flatnonzero(np.isfinite(outlook.required_c[0]))
    assert needed.size >= 8
    assert (np.diff(needed) == 1).all()


def test_worth_multiplies_a_members_price() -> None:
    short = np.array([[2.0, 2.0], [1.0, -np.inf]])
    plain = fold_penalty(short, 100.0)
    double = fold_penalty(short, 100.0, worth=np.full((2, 2), 2.0))
    lift = np.array([0.5, 0.5])
    assert np.allclose(double.cost(lift), 2.0 * plain.cost(lift))
    one_only = fold_penalty(short, 100.0, worth=np.array([[1.0, 1.0], [0.0, 0.0]]))
    assert np.allclose(one_only.cost(lift), 100.0 * 0.25 / 2 * np.array([1.5, 1.5]))


def test_a_salted_road_needs_no_heat_until_its_brine_would_freeze() -> None:
    wet = replace(initial_state(ROADS, -0.5, 2.0), water_mm=np.full(1, 0.6))
    plain = foresee(ROADS, wet, night(-2.0), HEAT, 0.1).outlooks[0]
    salted = foresee(ROADS, spread_salt(wet, [0], 30.0), night(-2.0), HEAT, 0.1).outlooks[0]
    weak = foresee(ROADS, spread_salt(wet, [0], 3.0), night(-2.0), HEAT, 0.1).outlooks[0]
    needs = [int(np.isfinite(outlook.required_c).sum()) for outlook in (plain, weak, salted)]
    assert needs[0] > 0
    assert needs[1] > 0  # too little salt for that cold
    assert needs[2] == 0
    assert (salted.wet == plain.wet).all()  # the board's own rule stays as careful as it was
