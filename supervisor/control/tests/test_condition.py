"""Whether a zone is heated, why not, and what may be commanded: the table, row by row."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from supervisor.control.condition import BLOCKING, CODES, NEEDS_PERSON, STOPS, Facts, condition, look
from supervisor.domain.override import OverrideMode
from supervisor.wire.messages import Flag, Winner

FIRMWARE_CODES = Path(__file__).parents[3] / "firmware" / "rh" / "codes.py"
RATED_W = 60_000


def facts(**changes: object) -> Facts:
    """A zone with 5 mm of snow that its board heats by plan."""
    values: dict[str, object] = {
        "heard": True, "online": True, "who": Winner.PLAN, "power_w": RATED_W, "rated_w": RATED_W,
        "duty_permille": 1000, "surface": "snow", "surface_c": -1.0, "lying_mm": 5.0,
    }  # fmt: skip
    return Facts(**{**values, **changes})  # type: ignore[arg-type]


OFF = {"power_w": 0, "duty_permille": 0}
BLOCKED = {"who": Winner.INTERLOCK, **OFF}
ON = {"who": Winner.OVERRIDE, "override": OverrideMode.ON}
TABLE = [
    ({}, True, None),
    ({"power_w": 0, "duty_permille": 400}, True, None),  # between two pulses
    ({**OFF}, False, "not-planned"),
    ({**OFF, "shed": True}, False, "shed"),
    ({**OFF, "surface": "dry", "lying_mm": 0.0}, False, "not-needed"),
    ({**ON}, True, None),
    ({**ON, "power_w": 0}, False, "starting"),
    ({**ON, **OFF}, False, "warm"),
    ({"who": Winner.OVERRIDE, "override": OverrideMode.OFF, **OFF}, False, "switched-off"),
    ({"who": Winner.MAINTENANCE, **OFF}, False, "maintenance"),
    ({**BLOCKED}, False, "interlock"),
    ({"online": False}, None, "offline"),
    ({"online": False, "heard": False, "who": None, **OFF}, None, "never-heard"),
    ({"dangers": True}, True, "electric-danger"),  # the OFF has not been carried out yet
    ({"dangers": True, **OFF}, False, "electric-danger"),
    ({"dangers": True, "online": False, "heard": False}, None, "electric-danger"),
    ({**BLOCKED, "flags": Flag.EARTH_FAULT | Flag.LATCHED}, False, "earth-fault"),
    ({**BLOCKED, "flags": Flag.EARTH_FAULT | Flag.LATCHED, "override": OverrideMode.ON}, False, "earth-fault"),
    ({"online": False, "flags": Flag.EARTH_FAULT | Flag.LATCHED}, False, "earth-fault"),  # stays until reset on site
    ({**BLOCKED, "flags": Flag.THERMAL_CUT_OUT | Flag.LATCHED}, False, "thermal-cut-out"),
    ({"online": False, "flags": Flag.THERMAL_CUT_OUT | Flag.LATCHED}, False, "thermal-cut-out"),
    ({"online": False, "flags": Flag.OVER_TEMPERATURE}, None, "offline"),
    ({"who": Winner.INTERLOCK, "flags": Flag.CONTACTOR_WELDED | Flag.LATCHED}, True, "contactor-welded"),
    ({**BLOCKED, "flags": Flag.CONTACTOR_WELDED | Flag.LATCHED}, False, "contactor-welded"),
    ({**OFF, "flags": Flag.CABLE_BROKEN}, False, "cable-broken"),
    ({**ON, "power_w": 0, "flags": Flag.CABLE_BROKEN}, False, "cable-broken"),  # the board tries again
    ({**BLOCKED, "flags": Flag.SENSOR_IMPLAUSIBLE | Flag.SELF_TEST_PENDING}, False, "sensor-implausible"),
    ({**BLOCKED, "flags": Flag.OVER_TEMPERATURE}, False, "over-temperature"),
    ({**BLOCKED, "flags": Flag.MAX_ON_TIME}, False, "max-on-time"),
    ({**BLOCKED, "flags": Flag.SELF_TEST_PENDING}, False, "self-test-pending"),
    ({**BLOCKED, "flags": Flag.POWER_RETURN_HOLD}, False, "power-return-hold"),
    ({"flags": Flag.CLOCK_INVALID | Flag.MOISTURE_IMPLAUSIBLE}, True, None),
]


@pytest.mark.parametrize(("changes", "heated", "reason"), TABLE)
def test_heated_or_why_not(changes: dict[str, object], heated: bool | None, reason: str | None) -> None:
    found = condition(facts(**changes))
    assert (found.heated, found.not_heating) == (heated, reason)
    assert found.blocked == (reason in STOPS)
    assert "off" in found.offered
    assert ("on" in found.offered) == (reason not in NEEDS_PERSON)
    assert reason is None or reason in CODES


def test_every_reason_is_in_the_table() -> None:
    assert {reason for _, _, reason in TABLE} >= set(CODES) - {"latched"}


def test_blocking_flags_are_the_board_s() -> None:
    spec = importlib.util.spec_from_file_location("codes", FIRMWARE_CODES)
    assert spec is not None
    assert spec.loader is not None
    codes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(codes)
    # A board tries a broken cable again from time to time; to a person the road is not heated all the same.
    assert int(BLOCKING) == codes.BLOCKING | codes.CABLE_BROKEN


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "snow"),
        ({"surface": "ice"}, "icy"),
        ({"surface": "dry", "lying_mm": 0.0}, "dry"),
        ({"surface": "wet", "lying_mm": 0.0}, "wet"),
        ({"surface": None, "lying_mm": 0.0}, "unknown"),
        ({"surface": "dry", "lying_mm": 0.0, "online": False, "heard": False}, "unknown"),  # never "dry" from silence
        ({"surface": "dry", "lying_mm": 0.0, "online": False}, "unknown"),
        ({"surface": "wet", "lying_mm": 0.0, "online": False}, "unknown"),
        ({"online": False, "heard": False}, "snow"),  # an estimate of snow is a warning
        ({"surface": "wet", "lying_mm": 3.0}, "snow"),
    ],
)
def test_nothing_harmless_is_claimed_of_a_board_that_is_not_heard(changes: dict[str, object], shown: str) -> None:
    assert look(facts(**changes)) == shown
