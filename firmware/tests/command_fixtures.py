"""Commands against a board of two zones, without a link."""

import unittest

from board_fixtures import STATE, UTC, limits, remove, state
from rh.codes import OK
from rh.commands import Clock, Commands, nothing
from rh.state import State
from rh.zone import Zone


class CommandCase(unittest.TestCase):
    def setUp(self):
        self.state = state()
        self.boot()
        self.q = 0

    def tearDown(self):
        remove(STATE, STATE + ".new")

    def renew(self, message):
        return OK, nothing

    def update(self, message):
        return OK, nothing

    @property
    def others(self):
        return {"trust": self.renew, "update": self.update}

    def boot(self):
        self.zones = [Zone("z01", 1_000, limits()), Zone("z02", 1_000, limits())]
        self.clock = Clock()
        self.commands = Commands("b01", limits(), self.zones, self.clock, self.state, self.others)

    def reboot(self):
        self.state = State(["z01", "z02"], STATE)
        self.boot()

    def clock_set(self, t=100, utc=UTC, **changed):
        message = {"t": "clock", "utc": utc}
        message.update(changed)
        return self._typed(t, message)

    def _typed(self, t, message):
        """Result code of a command with the next sequence."""
        self.q += 1
        whole = {"b": "b01", "ep": 1, "q": self.q}
        whole.update(message)
        return self.commands.apply(whole, t)[2]

    def plan(self, t=100, **changed):
        message = {
            "t": "plan",
            "z": "z01",
            "at": UTC,
            "lease": 3_600,
            "ph": 60,
            "on": 2_000,
            "off": 3_000,
            "ar": 600,
            "s": [[0, 0, 500]],
        }
        message.update(changed)
        return self._typed(t, message)

    def override(self, t=100, **changed):
        message = {"t": "override", "z": "z01", "id": 7, "m": "on", "dur": 600, "exp": UTC + 600}
        message.update(changed)
        return self._typed(t, message)
