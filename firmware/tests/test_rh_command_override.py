"""An override: its fields and limits; authority never extended, across reboots and clocks."""

import unittest

from board_fixtures import LIMITS, UTC
from command_fixtures import CommandCase
from rh.codes import MALFORMED, OK, OUT_OF_LIMITS


class Overrides(CommandCase):
    def test_override_types(self):
        for field, value in (
            ("m", "open"),
            ("m", 1),
            ("m", None),
            ("id", "7"),
            ("dur", -1),
            ("dur", 1.5),
            ("exp", "x"),
            ("exp", -1),
        ):
            self.assertEqual(self.override(**{field: value}), MALFORMED)

    def test_override_longer_than_allowed(self):
        self.assertEqual(self.override(dur=LIMITS["override_max_s"] + 1), OUT_OF_LIMITS)
        self.assertEqual(self.override(dur=0), OUT_OF_LIMITS)
        self.assertEqual(self.override(dur=LIMITS["override_max_s"]), OK)

    def test_override_lasts_its_seconds_and_is_cancelled(self):
        self.override(t=100)
        self.assertEqual(self.zones[0].control.override.end, 700)
        self.assertEqual(self.override(m="cancel", dur=0), OK)
        self.assertIsNone(self.zones[0].control.override)

    def test_clock_change_does_not_touch_a_live_override(self):
        self.clock_set()
        self.override(t=100)
        self.clock_set(utc=UTC - 86_400, t=110)
        self.assertEqual(self.zones[0].control.override.end, 700)

    def test_override_comes_back_after_a_reboot_with_the_clock_and_not_before(self):
        self.clock_set(t=0)
        self.override(t=0)
        self.reboot()
        self.assertIsNone(self.zones[0].control.override)
        self.clock_set(utc=UTC + 200, t=20)
        self.assertEqual(self.zones[0].control.override.end, 20 + 400)
        self.assertEqual(self.zones[0].control.override.mode, "on")

    def test_expired_override_stays_away_after_a_reboot(self):
        self.override()
        self.reboot()
        self.clock_set(utc=UTC + 600)
        self.assertIsNone(self.zones[0].control.override)

    def test_a_first_clock_that_is_late_does_not_repeat_an_override_of_this_start(self):
        """It had ended by uptime; its UTC expiry lies ahead of a clock that is an hour behind."""
        self.override(t=100, dur=60, exp=UTC + 60)
        zone = self.zones[0]
        zone.control.override = None  # as at uptime 160
        self.clock_set(t=200, utc=UTC - 3_600)
        self.assertIsNone(zone.control.override)

    def test_second_clock_revives_nothing(self):
        self.override()
        self.reboot()
        self.clock_set(utc=UTC + 600)
        self.clock_set(utc=UTC)
        self.assertIsNone(self.zones[0].control.override)

    def test_clock_set_far_back_gives_no_more_than_the_limit(self):
        self.override(dur=28_800, exp=UTC + 28_800)
        self.reboot()
        self.clock_set(utc=UTC - 86_400)
        self.assertIsNone(self.zones[0].control.override)

    def test_cancelled_override_does_not_come_back(self):
        self.override()
        self.override(m="cancel", dur=0)
        self.reboot()
        self.clock_set()
        self.assertIsNone(self.zones[0].control.override)


if __name__ == "__main__":
    unittest.main()
