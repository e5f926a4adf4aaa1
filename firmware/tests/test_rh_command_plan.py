"""A plan: its fields, its limits, its lease."""

import unittest

from board_fixtures import LIMITS, UTC, limits
from command_fixtures import CommandCase
from rh.codes import MALFORMED, OK, OUT_OF_LIMITS, UNKNOWN_ZONE
from rh.commands import Commands


class Plans(CommandCase):
    def test_types_are_checked_one_by_one(self):
        bad = {
            "z": [None, 1, ["z01"], {"a": 1}],
            "at": ["1", 1.5, None, True, -1, 10**12],
            "lease": [0, -5, "x", 3_600.0, [1], 10**12],
            "ph": [-1, "0", None],
            "on": ["2000", None, 2.0, 10**9],
            "off": [[], False],
            "ar": [None, -1, "600"],
            "s": [None, [], {}, "abc", [[0, 0]], [[0, 0, 1001]], [[0, 0, -2]], [[0, 0, "1"]], [[-1, 0, 1]],
                  [[5, 0, 1], [5, 0, 1]], [[9, 0, 1], [5, 0, 1]], [[0, 0, True]], [[0, 0.5, 1]], [[0, 0, 0]] * 49,
                  [[0, 10**9, 0]], [[10**9, 0, 0]]],
        }  # fmt: skip
        for field in bad:
            for value in bad[field]:
                rc = self.plan(**{field: value})
                self.assertTrue(rc in (MALFORMED, UNKNOWN_ZONE), "{} = {!r}: {}".format(field, value, rc))
                self.assertIsNone(self.zones[0].control.plan)

    def test_missing_and_additional_fields(self):
        self.assertEqual(self.plan(extra=1), MALFORMED)
        self.q += 1
        self.assertEqual(self.commands.apply({"t": "plan", "b": "b01", "ep": 1, "q": self.q}, 0)[2], MALFORMED)

    def test_plan_outside_the_limits_file(self):
        for field, value in (
            ("lease", LIMITS["lease_max_s"] + 1),
            ("ph", LIMITS["period_s"]),
            ("off", LIMITS["lockout_mc"] + 1),
            ("ar", 3_601),
            ("on", 3_001),
            ("s", [[0, LIMITS["t_max_mc"] + 1, 500]]),
        ):
            self.assertEqual(self.plan(**{field: value}), OUT_OF_LIMITS)
        self.assertIsNone(self.zones[0].control.plan)

    def test_plan_at_the_edge_of_the_limits_file(self):
        edge = {"lease": LIMITS["lease_max_s"], "ph": LIMITS["period_s"] - 1, "on": 6_000, "off": LIMITS["lockout_mc"]}
        self.assertEqual(self.plan(s=[[0, LIMITS["t_max_mc"], 1000]], **edge), OK)
        self.assertEqual(self.plan(s=[[i, 0, 0] for i in range(48)]), OK)

    def test_a_zones_own_limits_bound_its_commands(self):
        own = limits(zones={"z01": {"t_max_mc": 9_000, "override_max_s": 3_600}})
        self.commands = Commands("b01", own, self.zones, self.clock, self.state, self.others)
        self.assertEqual(self.plan(s=[[0, 9_001, 500]]), OUT_OF_LIMITS)
        self.assertEqual(self.plan(s=[[0, 9_000, 500]]), OK)
        self.assertEqual(self.plan(z="z02", s=[[0, 9_001, 500]]), OK)
        self.assertEqual(self.override(dur=3_601), OUT_OF_LIMITS)
        self.assertEqual(self.override(z="z02", dur=3_601), OK)

    def test_plan_reaches_its_zone_only(self):
        self.clock_set()
        self.assertEqual(self.plan(), OK)
        self.assertEqual(self.zones[0].control.plan.duty(100, 0), 500)
        self.assertEqual(self.zones[0].phase_s, 60)
        self.assertIsNone(self.zones[1].control.plan)

    def test_lease_runs_from_receipt_whatever_the_clock_does(self):
        self.clock_set()
        self.plan(lease=3_600, t=100)
        for utc in (UTC - 10 * 365 * 86_400, UTC + 10 * 365 * 86_400, UTC):
            self.clock_set(utc=utc, t=200)
            self.assertEqual(self.zones[0].control.plan.lease_end, 3_700)

    def test_plan_before_the_clock_waits_for_it(self):
        self.assertEqual(self.plan(), OK)
        self.assertFalse(self.zones[0].control.plan.live(150))
        self.clock_set()
        self.assertTrue(self.zones[0].control.plan.live(150))


if __name__ == "__main__":
    unittest.main()
