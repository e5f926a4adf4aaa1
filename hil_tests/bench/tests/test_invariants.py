"""Each invariant is broken once on purpose; what is right passes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from hil_tests.bench.invariants import Invariants
from hil_tests.bench.zone import BenchZone, Truth
from supervisor.domain.zone import Feeder, Layer, Zone
from tools.provision import LIMITS

HOUR_MS = 3_600_000


_BOARD = SimpleNamespace(name="b01", set_temperature=lambda *_: None, set_adc=lambda *_: None, shorted=set())


def _zone(name: str = "z01") -> BenchZone:
    zone = Zone(
        id=name,
        name="",
        board="b01",
        relay=0,
        feeder="f1",
        power_w=50_000,
        area_m2=160,
        layers=(Layer("asphalt", 0.2),),
    )
    made = BenchZone(zone, {"relay_active": 1, "ct_w_per_mv": 25}, cast(Any, _BOARD), 0)
    made.truth = Truth(surface_c=1.0, cable_c=5.0)
    made.moisture = 0.5
    return made


def _watch(*zones: BenchZone, breaker_kw: float = 80.0) -> Invariants:
    invariants = Invariants([Feeder("f1", contract_kw=50, breaker_kw=breaker_kw)], zones, LIMITS)
    invariants.reset("b01", 0, 1)
    return invariants


def _switch(invariants: Invariants, zone: BenchZone, closed: bool, at_ms: int) -> None:
    zone.closed = closed
    zone.truth.power_w = 50_000.0 if closed else 0.0
    invariants.edge(zone, closed, at_ms)


def _ticks(invariants: Invariants, begin_ms: int, end_ms: int, step_ms: int = 2000) -> None:
    for at_ms in range(begin_ms, end_ms, step_ms):
        invariants.tick(at_ms)


def _names(invariants: Invariants) -> set[str]:
    return {violation.invariant for violation in invariants.violations}


def test_closing_just_before_a_reset_of_the_same_stretch_is_fine() -> None:
    zone = _zone()
    invariants = _watch(zone)
    invariants.reset("b01", 402_000, 3)
    _switch(invariants, zone, True, 401_000)
    assert _names(invariants) == set()


def test_heating_a_cold_wet_road_is_fine() -> None:
    zone = _zone()
    invariants = _watch(zone)
    invariants.tick(HOUR_MS - 2000)
    _switch(invariants, zone, True, HOUR_MS)
    _ticks(invariants, HOUR_MS, 2 * HOUR_MS)
    _switch(invariants, zone, False, 2 * HOUR_MS)
    _switch(invariants, zone, True, 2 * HOUR_MS + LIMITS["min_off_s"] * 1000)
    assert invariants.violations == []


@pytest.mark.parametrize("what", ["surface", "cable", "earth", "probe"])
def test_i1_limits(what: str) -> None:
    zone = _zone()
    invariants = _watch(zone)
    _switch(invariants, zone, True, HOUR_MS)
    invariants.tick(HOUR_MS)
    if what == "surface":
        zone.truth.surface_c = 16.0
    elif what == "cable":
        zone.truth.cable_c = 81.0
    elif what == "earth":
        invariants.earth_fault("b01", True, HOUR_MS)
    else:
        zone.set_sensor_fault("open")
    invariants.override("z01", 0, 10 * HOUR_MS)
    _ticks(invariants, HOUR_MS + 2000, HOUR_MS + 4000)
    assert invariants.violations == []  # a board needs its second
    _ticks(invariants, HOUR_MS + 4000, HOUR_MS + 20_000)
    assert _names(invariants) == {"I1"}


def test_i2_nobody_allowed_it() -> None:
    zone = _zone()
    zone.moisture = 0.0
    zone.truth.surface_c = 4.0
    invariants = _watch(zone)
    _switch(invariants, zone, True, HOUR_MS)
    _ticks(invariants, HOUR_MS, HOUR_MS + 10_000)
    assert _names(invariants) == {"I2"}


def test_i12_override_outlives_its_expiry() -> None:
    zone = _zone()
    zone.moisture = 0.0
    zone.truth.surface_c = 8.0
    invariants = _watch(zone)
    invariants.override("z01", HOUR_MS, 2 * HOUR_MS)
    _switch(invariants, zone, True, HOUR_MS)
    _ticks(invariants, HOUR_MS, 2 * HOUR_MS + 2000)
    assert invariants.violations == []
    _ticks(invariants, 2 * HOUR_MS + 2000, 2 * HOUR_MS + 12_000)
    assert _names(invariants) == {"I12"}


def test_i3_minimum_off_time_and_i8_after_a_reset() -> None:
    zone = _zone()
    invariants = _watch(zone)
    _switch(invariants, zone, True, HOUR_MS)
    _switch(invariants, zone, False, HOUR_MS + 400_000)
    _switch(invariants, zone, True, HOUR_MS + 400_000 + 299_000)
    assert _names(invariants) == {"I3"}
    other = _zone()
    rebooted = _watch(other)
    rebooted.reset("b01", HOUR_MS, 5)
    _switch(rebooted, other, True, HOUR_MS + 1000)
    assert _names(rebooted) == {"I3", "I8"}  # the off-time before the first reset is unknown: it counts as nothing


def test_i4_longest_on_time_and_hours_per_day() -> None:
    zone = _zone()
    invariants = _watch(zone)
    _switch(invariants, zone, True, HOUR_MS)
    _ticks(invariants, HOUR_MS, 14 * HOUR_MS, 60_000)
    assert _names(invariants) == {"I4"}
    zone = _zone()
    invariants = _watch(zone)
    for begin in range(HOUR_MS, 24 * HOUR_MS, 6 * HOUR_MS):
        _switch(invariants, zone, True, begin)
        _ticks(invariants, begin, begin + 5 * HOUR_MS + 50 * 60_000, 60_000)
        _switch(invariants, zone, False, begin + 5 * HOUR_MS + 50 * 60_000)
    assert _names(invariants) == {"I4"}


def test_i10_breaker() -> None:
    one, two = _zone("z01"), _zone("z02")
    invariants = _watch(one, two)
    _switch(invariants, one, True, HOUR_MS)
    assert invariants.feeder_load(HOUR_MS) == {"f1": 50.0}
    _switch(invariants, two, True, HOUR_MS + 1)
    invariants.feeder_load(HOUR_MS + 1)
    assert _names(invariants) == {"I10"}


def test_a_shorted_probe_silences_every_zone_of_its_board() -> None:
    zone = _zone()
    assert zone.surface_seen_c is not None
    zone.board.shorted.add(("z02", "cable"))
    try:
        assert (zone.surface_seen_c, zone.cable_seen_c) == (None, None)
        assert zone.moisture_seen is not None
    finally:
        zone.board.shorted.clear()
