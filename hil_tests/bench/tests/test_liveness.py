"""I16: each named exception excuses, nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from hil_tests.bench.invariants import Invariants
from hil_tests.bench.liveness import Excuse, plan_excuse
from hil_tests.bench.zone import BenchZone, Truth
from supervisor.domain.plan import STANDBY, Plan, Reason, Slot
from supervisor.domain.zone import Feeder, Layer, Zone
from tools.provision import LIMITS

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
STEP_MS = 10_000


class Bed:
    """One zone on one board, time in the test's hand."""

    def __init__(self, **limits: int) -> None:
        self.board = SimpleNamespace(
            shorted=set(),
            name="b01",
            powered=True,
            application=True,
            set_temperature=lambda *_: None,
            set_adc=lambda *_: None,
        )
        layers = (Layer("asphalt", 0.2),)
        zone = Zone(id="z01", name="", board="b01", relay=0, feeder="f1", power_w=50_000, area_m2=160, layers=layers)
        self.zone = BenchZone(zone, {"relay_active": 1, "ct_w_per_mv": 25}, cast(Any, self.board), 0)
        self.zone.truth = Truth(surface_c=-1.0, cable_c=2.0)
        self.zone.moisture = 0.5
        self.invariants = Invariants([Feeder("f1", contract_kw=80, breaker_kw=90)], [self.zone], {**LIMITS, **limits})
        self.now_ms = 0
        self.invariants.reset("b01", 0, 1)

    def minutes(self, n: float) -> Bed:
        end_ms = self.now_ms + round(n * MINUTE_MS)
        while self.now_ms < end_ms:
            self.now_ms += STEP_MS
            self.invariants.tick(self.now_ms)
        return self

    def heat(self, minutes: float) -> Bed:
        self.switch(True)
        self.minutes(minutes)
        self.switch(False)
        return self

    def switch(self, closed: bool) -> None:
        self.zone.closed = closed
        self.invariants.edge(self.zone, closed, self.now_ms)

    @property
    def broken(self) -> set[str]:
        return {violation.invariant for violation in self.invariants.violations}


RETURN_MIN = (LIMITS["min_off_s"] + LIMITS["power_return_max_s"]) / 60


def test_a_cold_wet_road_that_nobody_heats_is_told_within_the_bound() -> None:
    bed = Bed().minutes(RETURN_MIN + 15)
    assert not bed.broken
    assert bed.minutes(2).broken == {"I16"}


def test_heat_every_quarter_of_an_hour_is_enough() -> None:
    bed = Bed().minutes(RETURN_MIN)
    for _ in range(8):
        bed.heat(5).minutes(19)  # 5 min of them are the minimum off time
    assert not bed.broken
    assert bed.minutes(2).broken == {"I16"}


@pytest.mark.parametrize("what", ["warm", "dry", "threshold"])
def test_no_need_no_heat(what: str) -> None:
    bed = Bed()
    if what == "dry":
        bed.zone.moisture = 0.1
    else:
        bed.zone.truth.surface_c = 8.0 if what == "warm" else 2.05
    assert not bed.minutes(180).broken


@pytest.mark.parametrize("fault", ["open", "stuck"])
def test_a_moisture_probe_that_is_broken_reads_wet(fault: str) -> None:
    bed = Bed()
    bed.zone.set_sensor_fault(fault, "moisture")
    bed.zone.moisture = 0.0
    assert bed.minutes(60).broken == {"I16"}


def test_what_the_board_sees_counts_not_the_truth() -> None:
    bed = Bed()
    bed.zone.set_drift(5.0)
    assert not bed.minutes(120).broken
    bed.zone.set_drift(0.0)
    assert bed.minutes(60).broken == {"I16"}


def _sensor(bed: Bed, on: bool) -> None:
    bed.zone.set_sensor_fault("open" if on else None)


def _cable_sensor(bed: Bed, on: bool) -> None:
    bed.zone.set_sensor_fault("noise" if on else None, "cable")


def _hot_cable(bed: Bed, on: bool) -> None:
    bed.zone.truth.cable_c = 81.0 if on else 2.0


def _frozen(bed: Bed, on: bool) -> None:
    bed.zone.truth.surface_c = -12.0 if on else -1.0


def _lock(bed: Bed, on: bool) -> None:
    bed.invariants.lock("b01", on, bed.now_ms)


def _off(bed: Bed, on: bool) -> None:
    if on:
        bed.invariants.hold_off("z01", bed.now_ms, bed.now_ms + 12 * HOUR_MS)
    else:
        bed.invariants.end_override("z01", bed.now_ms)


def _no_power(bed: Bed, on: bool) -> None:
    bed.board.powered = not on
    if not on:
        bed.invariants.reset("b01", bed.now_ms, 1)


def _earth(bed: Bed, on: bool) -> None:
    bed.invariants.earth_fault("b01", on, bed.now_ms)
    if not on:  # latched until a person has turned the key
        bed.minutes(120)
        assert not bed.broken
        _lock(bed, True)
        bed.minutes(1)
        _lock(bed, False)


def _weld(bed: Bed, on: bool) -> None:
    bed.zone.weld_contactor(on)
    if not on:
        _lock(bed, True)
        bed.minutes(1)
        _lock(bed, False)


def _prompt(bed: Bed, on: bool) -> None:
    bed.board.application = not on
    if on:
        for _ in range(23):
            bed.invariants.liveness.typed("b01", bed.now_ms)
            bed.minutes(10)


EXCEPTIONS = [_sensor, _cable_sensor, _hot_cable, _frozen, _lock, _off, _no_power, _earth, _weld, _prompt]


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda f: f.__name__[1:])
def test_a_named_exception_excuses_while_it_lasts_and_no_longer(exception: Callable[[Bed, bool], None]) -> None:
    bed = Bed().minutes(RETURN_MIN)
    exception(bed, True)
    assert not bed.minutes(240 if exception is not _prompt else 10).broken
    exception(bed, False)
    assert not bed.minutes(14).broken
    assert bed.minutes(20).broken == {"I16"}


def test_rest_after_the_longest_on_time() -> None:
    bed = Bed().minutes(RETURN_MIN)
    bed.heat(LIMITS["max_on_s"] / 60)
    assert not bed.minutes(30 + 15).broken
    assert bed.minutes(2).broken == {"I16"}


def test_hours_of_a_day_spent() -> None:
    bed = Bed().minutes(RETURN_MIN)
    for _ in range(4):
        bed.heat(300).minutes(20)
    assert not bed.minutes(120).broken


def test_a_board_that_resets_for_ever_is_told() -> None:
    bed = Bed().minutes(RETURN_MIN)
    for _ in range(6):
        bed.invariants.reset("b01", bed.now_ms, 2)
        bed.minutes(5)
    assert bed.broken == {"I16"}


def test_a_reset_now_and_then_has_its_delay() -> None:
    bed = Bed().minutes(RETURN_MIN)
    for _ in range(4):
        bed.invariants.reset("b01", bed.now_ms, 3)
        bed.minutes(RETURN_MIN + 14)
        bed.heat(30)
    assert not bed.broken


def test_power_return_counts_five_minutes_at_most() -> None:
    bed = Bed(min_off_s=900, power_return_max_s=600)
    assert bed.minutes(15 + 15 + 2).broken == {"I16"}


def test_a_low_local_duty_holds_the_feeder_for_half_an_hour() -> None:
    bed = Bed(local_duty_permille=200).minutes(RETURN_MIN + 30)
    assert not bed.broken
    assert bed.minutes(2).broken == {"I16"}


# -- what plans excuse --------------------------------------------------------------------------------------------


def _plan(
    duty: int, *codes: str, setpoint_mc: int = -30_000, lease_s: int = 21_600, issued_s: int = 0, hours: int = 6
) -> Plan:
    why = tuple(Reason(0, hours * 3600, code) for code in codes)
    return Plan(
        zone="z01",
        issued_utc_s=issued_s,
        start_utc_s=issued_s,
        lease_s=lease_s,
        slots=(Slot(0, setpoint_mc, duty), Slot(hours * 3600, 0, STANDBY)),
        why=why,
    )


class Record:
    def __init__(self, plans: Sequence[Plan], off: bool = False) -> None:
        self._plans, self._off = plans, off

    def plans(self, zone: str) -> Sequence[Plan]:
        return self._plans

    def held_off(self, zone: str, utc_s: float) -> bool:
        return self._off


@pytest.mark.parametrize(
    ("plan", "excuse"),
    [
        (_plan(0, "dries-by-itself"), Excuse.FULL),
        (_plan(0, "shed"), Excuse.SHED),
        (_plan(0), Excuse.NONE),
        (_plan(STANDBY, "risk-accepted"), Excuse.NONE),
        (_plan(500, "melt-snow", setpoint_mc=0), Excuse.NONE),
        (_plan(100, "melt-snow", setpoint_mc=0), Excuse.FULL),  # less than a window a period, and a reason
        (_plan(100, "melt-snow", setpoint_mc=5_000), Excuse.NONE),  # feedback asks for more
    ],
)
def test_which_slots_excuse(plan: Plan, excuse: Excuse) -> None:
    assert plan_excuse(plan, 600.0, 0.0, 1 / 3) is excuse


@pytest.mark.parametrize(
    ("plan", "minutes"),
    [
        (_plan(0, "dries-by-itself"), 6 * 60),
        (_plan(0, "shed"), RETURN_MIN + 30),
        (_plan(0, "dries-by-itself", lease_s=3600), 60),
        (_plan(0), RETURN_MIN),
        (_plan(0, "dries-by-itself", hours=2), 120),
    ],
    ids=["zero", "shed", "expired", "no-reason", "slot-ends"],
)
def test_a_live_plan_excuses_until_it_ends(plan: Plan, minutes: float) -> None:
    bed = Bed()
    bed.invariants.liveness.service = Record([plan])
    bed.invariants.contact("b01", 1_000)
    assert not bed.minutes(minutes + 14).broken
    assert bed.minutes(4).broken == {"I16"}


def test_of_plans_from_one_forecast_the_one_in_force_excuses() -> None:
    """While no newer forecast comes, all plans are issued when the last one came; they start when they are made."""
    bed = Bed()
    heats = msgspec.structs.replace(_plan(500, "melt-snow", setpoint_mc=0), start_utc_s=3_600)
    bed.invariants.liveness.service = Record([_plan(0, "dries-by-itself"), heats])
    bed.invariants.contact("b01", 24 * HOUR_MS)
    assert not bed.minutes(60 + 14).broken
    assert bed.minutes(4).broken == {"I16"}


def test_a_plan_that_no_board_can_have_does_not_excuse() -> None:
    bed = Bed()
    bed.invariants.liveness.service = Record([_plan(0, "dries-by-itself", issued_s=60)])
    bed.invariants.contact("b01", 30_000)  # cut off before it was made
    assert bed.minutes(60).broken == {"I16"}


def test_a_plan_does_not_outlive_a_reset() -> None:
    bed = Bed()
    bed.invariants.liveness.service = Record([_plan(0, "dries-by-itself")])
    bed.invariants.contact("b01", 30_000)
    bed.minutes(60)
    assert not bed.broken
    bed.invariants.reset("b01", bed.now_ms, 1)
    assert bed.minutes(60).broken == {"I16"}


def test_off_on_record_excuses() -> None:
    bed = Bed()
    bed.invariants.liveness.service = Record([], off=True)
    assert not bed.minutes(180).broken


def test_a_board_left_at_its_prompt_starts_again_in_half_an_hour() -> None:
    bed = Bed().minutes(RETURN_MIN)
    bed.invariants.liveness.typed("b01", bed.now_ms)
    bed.board.application = False
    assert not bed.minutes(44).broken
    assert bed.minutes(3).broken == {"I16"}


def test_typing_at_a_board_that_goes_on_is_no_excuse() -> None:
    bed = Bed().minutes(RETURN_MIN)
    for _ in range(20):
        bed.invariants.liveness.typed("b01", bed.now_ms)
        bed.minutes(1)
    assert bed.broken == {"I16"}
