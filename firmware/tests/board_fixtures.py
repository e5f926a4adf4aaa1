"""What the board's tests share. Runs on CPython and in the VM."""

import os
import unittest

from rh import check, zone
from rh.commands import Clock
from rh.state import State

KEY = bytes(range(1, 33))
LIMITS = {
    "v": 1,
    "t_max_mc": 15_000,
    "cable_max_mc": 80_000,
    "lockout_mc": 6_000,
    "cold_cutoff_mc": -10_000,
    "min_on_s": 300,
    "min_off_s": 300,
    "period_s": 1_200,
    "max_on_s": 43_200,
    "max_on_day_s": 72_000,
    "override_max_s": 28_800,
    "lease_max_s": 86_400,
    "power_return_min_s": 30,
    "power_return_max_s": 180,
}
CONFIG = {
    "board": "b01",
    "key": "".join(["%02x" % b for b in KEY]),
    "host": "127.0.0.1",
    "port": 8443,
    "server_name": "roadheat",
    "ca": "ca.der",
    "wifi": None,
    "ow_pin": 4,
    "zones": [
        {
            "id": "z01",
            "relay_pin": 25,
            "relay_active": 1,
            "surface_rom": "2800000000000001",
            "cable_rom": "2800000000000002",
            "moist_pin": 34,
            "ct_pin": 36,
            "ct_w_per_mv": 100,
            "power_w": 60_000,
        },
        {
            "id": "z02",
            "relay_pin": 26,
            "relay_active": 0,
            "surface_rom": "2800000000000003",
            "cable_rom": "2800000000000004",
            "moist_pin": 35,
            "ct_pin": 39,
            "ct_w_per_mv": 100,
            "power_w": 60_000,
        },
    ],
}
UTC = 1_795_000_000
POWER_W = 60_000
STATE = "state-test.json"


def limits(**changed):
    """Checked limits, some of them changed."""
    raw = dict(LIMITS)
    raw.update(changed)
    return check.limits(raw)


def config(**changed):
    raw = dict(CONFIG)
    raw.update(changed)
    return check.config(raw)


def remove(*paths):
    for path in paths:
        try:
            os.remove(path)
        except OSError:
            pass


class Road:
    """One zone with sensors that say what the test wants; the cable draws its power while the contactor is closed."""

    def __init__(self, t=0, hold_until=0, latched=0, **limits_changed):
        self.limits = limits(**limits_changed)
        self.zone = zone.Zone("z01", POWER_W, self.limits, t, hold_until, latched)
        self.t = t
        self.utc_phase = 0
        self.surface_mc = -1_000
        self.cable_mc = 2_000
        self.moisture = 400
        self.earth = False
        self.hot = False
        self.leakage_ma = -1
        self.locked = False
        self.welded = False
        self.broken = False
        self.on = False
        self.rises = []
        self.falls = []

    def power_w(self):
        return POWER_W if (self.on and not self.broken) or self.welded else 0

    def second(self):
        self.t += 1
        on = self.zone.tick(
            self.t,
            self.utc_phase,
            self.surface_mc,
            self.cable_mc,
            self.moisture,
            self.power_w(),
            self.earth,
            self.locked,
            None,
            self.hot,
            self.leakage_ma,
        )
        if on and not self.on:
            self.rises.append(self.t)
        if self.on and not on:
            self.falls.append(self.t)
        self.on = on
        return on

    def run(self, seconds):
        """Advance; returns for how many of the seconds the contactor was closed."""
        closed = 0
        for _ in range(seconds):
            closed += self.second()
        return closed

    @property
    def who(self):
        return self.zone.control.who

    @property
    def flags(self):
        return self.zone.flags


def clock(utc=UTC, t=0):
    """A clock that is set."""
    made = Clock()
    made.set(utc, t)
    return made


def state(zones=("z01", "z02")):
    """State on a fresh file."""
    remove(STATE, STATE + ".new")
    return State(list(zones), STATE)


class Circuit:
    """One zone's wiring, always well."""

    def __init__(self):
        self.on = False
        self.earth = False
        self.hot = False
        self.leaks_ma = -1
        self.welded = False
        self.tripped = False
        self.surface = -1_000

    def surface_mc(self):
        return self.surface

    def cable_mc(self):
        return 2_000

    def moisture_permille(self):
        return 500

    def power_w(self):
        return POWER_W if (self.on or self.welded) and not self.tripped else 0

    def energy_wh(self):
        return None

    def earth_fault(self):
        return self.earth

    def cut_out(self):
        return self.hot

    def leakage_ma(self):
        return self.leaks_ma

    def trip(self):
        self.tripped = True

    def clear(self):
        self.tripped = False

    def switch(self, on):
        self.on = on


class Hardware:
    def __init__(self):
        self.circuits = [Circuit(), Circuit()]
        self.key = False

    def locked(self):
        return self.key

    def convert(self):
        pass


class Time:
    def __init__(self):
        self.s = 0

    def now(self):
        return self.s


def wipe():
    """Forget the flash of a board."""
    remove(STATE, STATE + ".new", "state.json", "state.json.new")
    try:
        names = os.listdir("journal")
    except OSError:
        return
    for name in names:
        os.remove("journal/" + name)
    os.rmdir("journal")


class HeatedRoad(unittest.TestCase):
    """A road that has just begun to heat."""

    def setUp(self):
        self.road = Road()
        self.road.run(400)
        self.assertTrue(self.road.on)
