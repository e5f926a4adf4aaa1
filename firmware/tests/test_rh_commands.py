"""Commands: order of checks, result codes, stored before answered, authority never extended."""

import unittest

from board_fixtures import LIMITS, STATE, UTC, clock, limits, remove, state
from rh import store
from rh.codes import (
    MALFORMED,
    OK,
    OLD_EPOCH,
    OUT_OF_LIMITS,
    STALE_SEQUENCE,
    STORE_FAILED,
    UNKNOWN_ZONE,
    WRONG_BOARD,
)
from rh.commands import Clock, Commands
from rh.state import State
from rh.zone import Zone


class Bench(unittest.TestCase):
    def setUp(self):
        self.state = state()
        self.boot()
        self.q = 0

    def tearDown(self):
        remove(STATE, STATE + ".new")

    def boot(self):
        self.zones = [Zone("z01", 1_000, limits()), Zone("z02", 1_000, limits())]
        self.clock = Clock()
        self.commands = Commands("b01", limits(), self.zones, self.clock, self.state)

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


class Order(Bench):
    def test_sequence_must_rise(self):
        self.assertEqual(self.clock_set(q=5), OK)
        self.assertEqual(self.clock_set(q=5), STALE_SEQUENCE)
        self.assertEqual(self.clock_set(q=4), STALE_SEQUENCE)
        self.assertEqual(self.clock_set(q=6), OK)

    def test_newer_epoch_wins_and_the_older_is_refused(self):
        self.assertEqual(self.clock_set(ep=3, q=9), OK)
        self.assertEqual(self.clock_set(ep=2, q=99), OLD_EPOCH)
        self.assertEqual(self.clock_set(ep=4, q=1), OK)

    def test_other_board(self):
        self.assertEqual(self.clock_set(b="b02"), WRONG_BOARD)
        self.assertEqual(self.clock.utc(0), 0)

    def test_refused_content_spends_its_sequence(self):
        self.assertEqual(self.plan(z="z09", q=5), UNKNOWN_ZONE)
        self.assertEqual(self.plan(q=5), STALE_SEQUENCE)

    def test_result_names_the_command(self):
        self.assertEqual(self.commands.apply({"t": "clock", "b": "b01", "ep": 2, "q": 8, "utc": UTC}, 0), (2, 8, OK))
        self.assertEqual(
            self.commands.apply({"t": "clock", "b": "b01", "ep": "2", "q": 8, "utc": UTC}, 0), (0, 0, MALFORMED)
        )

    def test_sequence_survives_a_reboot(self):
        self.plan(q=41)
        self.reboot()
        self.assertEqual((self.state.ep, self.state.q), (1, 41))
        self.assertEqual(self.plan(q=41), STALE_SEQUENCE)

    def test_what_flash_does_not_take_is_not_done(self):
        def full():
            raise OSError(28)

        keep = self.state.save
        self.state.save = full
        self.assertEqual(self.plan(q=5), STORE_FAILED)
        self.assertEqual(self.override(q=6), STORE_FAILED)
        self.assertIsNone(self.zones[0].control.plan)
        self.assertIsNone(self.zones[0].control.override)
        self.state.save = keep
        self.assertEqual(self.plan(q=5), OK)

    def test_stored_before_it_is_done(self):
        seen = []
        keep = self.state.save

        def save():
            seen.append(self.zones[0].control.plan)
            keep()

        self.state.save = save
        self.plan()
        self.assertEqual(seen, [None])


class Malformed(Bench):
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

    def test_clock_types(self):
        for utc in ("1795000000", 1.5, None, 0, 10**11, True):
            self.assertEqual(self.clock_set(utc=utc), MALFORMED)
        self.assertEqual(self.clock.utc(5), 0)

    def test_missing_and_additional_fields(self):
        self.assertEqual(self.plan(extra=1), MALFORMED)
        self.q += 1
        self.assertEqual(self.commands.apply({"t": "plan", "b": "b01", "ep": 1, "q": self.q}, 0)[2], MALFORMED)

    def test_unknown_kinds(self):
        for kind in ("reboot", "", 5, None, ["plan"], {"a": 1}):
            self.assertEqual(self._typed(0, {"t": kind, "utc": UTC}), MALFORMED)

    def test_headers_that_are_not_numbers(self):
        for ep, q in (("1", 1), (1, None), (True, 1), (1, 2**40), (-1, 1), (1.0, 1), ([1], 1)):
            self.assertEqual(
                self.commands.apply({"t": "clock", "b": "b01", "ep": ep, "q": q, "utc": UTC}, 0)[2], MALFORMED
            )


class Bounds(Bench):
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

    def test_override_longer_than_allowed(self):
        self.assertEqual(self.override(dur=LIMITS["override_max_s"] + 1), OUT_OF_LIMITS)
        self.assertEqual(self.override(dur=0), OUT_OF_LIMITS)
        self.assertEqual(self.override(dur=LIMITS["override_max_s"]), OK)

    def test_a_zones_own_limits_bound_its_commands(self):
        own = limits(zones={"z01": {"t_max_mc": 9_000, "override_max_s": 3_600}})
        self.commands = Commands("b01", own, self.zones, self.clock, self.state)
        self.assertEqual(self.plan(s=[[0, 9_001, 500]]), OUT_OF_LIMITS)
        self.assertEqual(self.plan(s=[[0, 9_000, 500]]), OK)
        self.assertEqual(self.plan(z="z02", s=[[0, 9_001, 500]]), OK)
        self.assertEqual(self.override(dur=3_601), OUT_OF_LIMITS)
        self.assertEqual(self.override(z="z02", dur=3_601), OK)

    def test_unknown_zone(self):
        self.assertEqual(self.plan(z="z09"), UNKNOWN_ZONE)
        self.assertEqual(self.override(z="z09"), UNKNOWN_ZONE)


class Authority(Bench):
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


class Power(unittest.TestCase):
    """Power cut at every step of a save: old or new, never neither."""

    def tearDown(self):
        remove("p.json", "p.json.new")

    def test_cut_at_every_byte_of_the_write(self):
        store.save("p.json", {"n": 1})
        with open("p.json", "rb") as f:
            old = f.read()
        store.save("p.json", {"n": 22})
        with open("p.json", "rb") as f:
            new = f.read()
        for cut in range(len(new)):
            with open("p.json", "wb") as f:
                f.write(old)
            with open("p.json.new", "wb") as f:
                f.write(new[:cut])
            self.assertEqual(store.load("p.json"), {"n": 1})

    def test_every_flipped_bit_is_noticed(self):
        store.save("p.json", {"n": 22, "ov": []})
        with open("p.json", "rb") as f:
            raw = f.read()
        for i in range(len(raw)):
            for bit in (1, 0x80):
                damaged = raw[:i] + bytes([raw[i] ^ bit]) + raw[i + 1 :]
                with open("p.json", "wb") as f:
                    f.write(damaged)
                with self.assertRaises(store.Damaged):
                    store.load("p.json")

    def test_damaged_state_latches_every_zone(self):
        one = state()
        one.save()
        with open(STATE, "r+b") as f:
            f.seek(40)
            f.write(b"X")
        again = State(["z01"], STATE)
        self.assertTrue(again.damaged)
        self.assertTrue(again.latched["z01"])
        remove(STATE)

    def test_never_written_is_a_first_boot(self):
        one = state()
        self.assertEqual((one.boot, one.ep, one.q, one.damaged), (1, 0, 0, False))


class ClockPhase(unittest.TestCase):
    def test_phase_of_the_period_needs_the_clock(self):
        self.assertEqual(Clock().phase, -1)
        self.assertEqual((clock(UTC, 50).phase + 50) % 1_200, UTC % 1_200)


if __name__ == "__main__":
    unittest.main()
