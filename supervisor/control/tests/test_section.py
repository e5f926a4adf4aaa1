"""Section and place of a zone in the list: the table of states, row by row, and the order within."""

from __future__ import annotations

import pytest

from supervisor.control.condition import condition
from supervisor.control.section import Section, section
from supervisor.control.tests.test_condition import BLOCKED, OFF, ON, facts
from supervisor.domain.override import OverrideMode
from supervisor.domain.zone import Place
from supervisor.wire.messages import Flag, Winner

NOW_UTC_S = 1_705_170_000.0
DRY = {"surface": "dry", "lying_mm": 0.0}
WET = {"surface": "wet", "lying_mm": 0.0}
PERSON_OFF = {"who": Winner.OVERRIDE, "override": OverrideMode.OFF, **OFF}
UNHEARD = {"online": False, "heard": False}
LOOKS: list[tuple[dict[str, object], str]] = [
    ({**OFF, "surface": "ice", "lying_mm": 0.3}, "danger"),
    ({**OFF, "surface": "frost", "lying_mm": 0.1, "shed": True}, "danger"),  # ice and unheated, whatever the cause
    ({**BLOCKED, "flags": Flag.OVER_TEMPERATURE, "surface": "ice"}, "danger"),
    ({**BLOCKED, "flags": Flag.EARTH_FAULT | Flag.LATCHED}, "danger"),
    ({**DRY, "who": Winner.INTERLOCK, "flags": Flag.CONTACTOR_WELDED}, "danger"),
    ({**DRY, "dangers": True}, "danger"),
    ({"who": Winner.MAINTENANCE, **OFF}, "danger"),
    ({**BLOCKED, "flags": Flag.SENSOR_IMPLAUSIBLE}, "danger"),
    ({**BLOCKED}, "danger"),  # an interlock that gives no reason
    (PERSON_OFF, "danger"),
    ({"online": False}, "danger"),
    ({**OFF}, "danger"),
    ({**DRY, **UNHEARD, "hazard_ahead": True}, "danger"),
    ({**DRY, "online": False, "hazard_ahead": True}, "danger"),
    ({}, "watch"),  # 5 mm of water: more than is gone soon
    ({"surface": "ice", "lying_mm": 0.2}, "watch"),
    ({**OFF, "surface": "slush", "lying_mm": 1.0, "shed": True}, "watch"),
    ({**BLOCKED, "flags": Flag.OVER_TEMPERATURE}, "watch"),
    ({**BLOCKED, "flags": Flag.POWER_RETURN_HOLD}, "watch"),
    ({**BLOCKED, "flags": Flag.MAX_ON_TIME}, "watch"),
    ({"who": Winner.LOCAL, "lying_mm": 0.2}, "watch"),
    ({**WET, **OFF, "hazard_utc_s": NOW_UTC_S + 1800}, "watch"),  # nothing heats and it freezes in half an hour
    ({**WET, **OFF, "hazard_ahead": True, "planned": False}, "watch"),
    ({**DRY, "online": False}, "watch"),
    ({**DRY, **UNHEARD}, "watch"),
    ({**DRY, **BLOCKED, "flags": Flag.EARTH_FAULT | Flag.LATCHED}, "watch"),
    ({**WET, "flags": Flag.MOISTURE_IMPLAUSIBLE}, "watch"),
    ({"lying_mm": 0.4}, "fine"),
    ({**ON, "lying_mm": 5.0}, "fine"),  # a person has seen to it
    ({**WET, "hazard_utc_s": NOW_UTC_S + 1800}, "fine"),  # preheats
    ({**WET, **OFF, "hazard_utc_s": NOW_UTC_S + 9 * 3600}, "fine"),
    ({**WET, **OFF}, "fine"),
    ({**DRY, **OFF}, "fine"),
]


def place(changes: dict[str, object]) -> tuple[Section, int]:
    found = facts(**changes)
    return section(found, condition(found), NOW_UTC_S)


@pytest.mark.parametrize(("changes", "expected"), LOOKS)
def test_a_zone_is_in_the_section_of_the_table(changes: dict[str, object], expected: str) -> None:
    assert place(changes)[0] == expected


ORDER: list[dict[str, object]] = [
    {"dangers": True, **DRY},
    {**BLOCKED, "flags": Flag.EARTH_FAULT | Flag.LATCHED, "lying_mm": 10.0, "priority": 1},
    {**BLOCKED, "flags": Flag.CABLE_BROKEN, "lying_mm": 9.0, "priority": 2, "place": Place.SCHOOL},
    {**BLOCKED, "flags": Flag.CABLE_BROKEN, "lying_mm": 9.0, "priority": 2, "slope_percent": 4.0},
    {**BLOCKED, "flags": Flag.CABLE_BROKEN, "lying_mm": 9.0, "priority": 2},
    {"online": False, "lying_mm": 5.0, "priority": 1},
    {"who": Winner.MAINTENANCE, **OFF, "lying_mm": 5.0},
    {**OFF, "lying_mm": 0.6, "surface": "ice"},
    {**OFF, "lying_mm": 0.6},
    {**DRY, **UNHEARD, "hazard_ahead": True},
    {**PERSON_OFF, "lying_mm": 20.0, "priority": 1},
    {**BLOCKED, "flags": Flag.OVER_TEMPERATURE},
    {"surface": "ice", "lying_mm": 0.3},
    {"lying_mm": 20.0},
    {"lying_mm": 0.6},
    {**WET, **OFF, "hazard_utc_s": NOW_UTC_S},
    {"online": False, **DRY},
    {"lying_mm": 0.2},
    {**ON, **WET},
    {**DRY, **OFF},
]


def test_the_list_s_order() -> None:
    ranks = [place(changes)[1] for changes in ORDER]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)


def test_of_fifty_zones_all_that_are_snowed_in_and_not_helped_come_first() -> None:
    faults: list[dict[str, object]] = [
        {**BLOCKED, "flags": flag}
        for flag in (Flag.EARTH_FAULT | Flag.LATCHED, Flag.CABLE_BROKEN, Flag.SENSOR_IMPLAUSIBLE, Flag.LATCHED)
    ]
    faults += [{"who": Winner.MAINTENANCE, **OFF}, {"online": False}, {"online": False, "heard": False}, dict(OFF)]
    faults += [{**BLOCKED, "flags": Flag.MAX_ON_TIME}, {"who": Winner.OVERRIDE, "override": OverrideMode.OFF, **OFF}]
    fine: list[dict[str, object]] = [
        {"lying_mm": 12.0}, {"surface": "ice", "lying_mm": 8.0}, {"surface": "wet", "lying_mm": 0.0},
        {"surface": "dry", "lying_mm": 0.0, **OFF}, {**ON, "lying_mm": 30.0},
        {**BLOCKED, "flags": Flag.EARTH_FAULT, "surface": "dry", "lying_mm": 0.0},
    ]  # fmt: skip
    zones = [{**fine[n % len(fine)], "priority": 1 + n % 3} for n in range(34)]
    zones += [{**faults[n % len(faults)], "lying_mm": 0.3 + n % 6, "priority": 1 + n % 3} for n in range(16)]
    order = sorted(range(50), key=lambda n: place(zones[n])[1])
    assert set(order[:16]) == set(range(34, 50))
