"""The board as a whole over reboots: what flash keeps, the maintenance key, reboot loops, hold after power return."""

import json
import os
import unittest

from board_fixtures import Circuit, Hardware, Time, config, limits, remove, wipe
from rh import slot, store
from rh.board import ALONE_S, Board
from rh.codes import CABLE_BROKEN, CONTACTOR_WELDED, EARTH_FAULT, LATCHED, MAINTENANCE, POWER_RETURN_HOLD
from rh.control import AFTER_RUN_S


class Boards(unittest.TestCase):
    def setUp(self):
        wipe()
        self.hardware = Hardware()
        self.boot()

    def tearDown(self):
        wipe()

    def boot(self, hold_s=0):
        """Power on: a new program on the same wiring and flash."""
        self.time = Time()
        for circuit in self.hardware.circuits:
            circuit.switch(False)
        self.board = Board(config(), limits(), self.hardware, self.time, hold_s)

    def run_for(self, seconds):
        """Per zone, for how many of the seconds its contactor was closed."""
        closed = [0, 0]
        for _ in range(seconds):
            self.time.s += 1
            self.board.tick()
            for i in range(2):
                closed[i] += self.hardware.circuits[i].on
        return closed

    def test_boots_are_counted(self):
        for boot in (1, 2, 3):
            self.assertEqual(self.board.state.boot, boot)
            self.boot()

    def test_reboot_waits_the_minimum_off_time_again(self):
        self.run_for(400)
        self.boot()
        self.assertEqual(self.run_for(300), [0, 0])
        self.assertEqual(self.run_for(10), [10, 10])

    def test_latch_survives_a_reboot_and_concerns_its_zone_only(self):
        self.run_for(310)
        self.hardware.circuits[0].earth = True
        self.run_for(1)
        self.hardware.circuits[0].earth = False
        self.assertEqual(self.hardware.circuits[0].on, False)
        self.boot()
        self.assertEqual(self.run_for(400)[0], 0)
        self.assertEqual(self.board.zones[0].flags & (EARTH_FAULT | LATCHED), EARTH_FAULT | LATCHED)
        self.assertEqual(self.board.zones[1].flags & LATCHED, 0)
        self.assertTrue(self.hardware.circuits[1].on)

    def test_broken_cable_is_reported_over_a_reboot_during_a_retry(self):
        circuit = self.hardware.circuits[0]
        circuit.power_w = lambda: 0
        self.run_for(310)
        self.assertTrue(self.board.zones[0].flags & CABLE_BROKEN)
        self.run_for(1_800)
        self.assertTrue(circuit.on)  # trying again
        self.boot()
        self.run_for(1)
        self.assertEqual(self.board.zones[0].flags & (CABLE_BROKEN | LATCHED), CABLE_BROKEN)
        self.assertFalse(self.board.zones[1].flags & CABLE_BROKEN)
        del circuit.power_w
        self.run_for(302)
        self.assertFalse(self.board.zones[0].flags & CABLE_BROKEN)
        self.boot()
        self.assertEqual(self.board.state.latched, {"z01": 0, "z02": 0})

    def test_maintenance_key_clears_a_broken_cable(self):
        self.hardware.circuits[0].power_w = lambda: 0
        self.run_for(310)
        self.hardware.key = True
        self.run_for(3)
        self.hardware.key = False
        self.run_for(1)
        self.assertFalse(self.board.zones[0].flags & CABLE_BROKEN)
        self.boot()
        self.assertEqual(self.board.state.latched["z01"], 0)

    def test_a_life_is_drawn_once_and_kept(self):
        life = self.board.hello("0")["life"]
        self.assertEqual((len(life), life), (16, "".join([c for c in life if c in "0123456789abcdef"])))
        self.boot()
        self.assertEqual((self.board.hello("0")["life"], self.board.state.boot), (life, 2))

    def test_lost_or_damaged_state_begins_a_new_life(self):
        for damage in (b"", b"x" * 100, store._hash(b"{") + b"{", store._hash(b"{}") + b"{}", None):
            self.boot()
            life = self.board.state.life
            if damage is None:
                remove("state.json")
            else:
                with open("state.json", "wb") as f:
                    f.write(damage)
            self.boot()
            state = self.board.state
            self.assertTrue(state.life != life and len(state.life) == 16)
            self.assertEqual(state.boot, 1)
            self.assertEqual(state.latched["z01"], 0 if damage is None else LATCHED)

    def test_state_of_the_last_release_gets_a_life_and_keeps_the_rest(self):
        record = {
            "n": [3, 77, 41, 0],
            "ov": [["z02", 9, "on", 1_795_000_600]],
            "z": [["z01", LATCHED | EARTH_FAULT, 4_200, 1], ["z02", 0, 600, 0]],
        }
        store.save("state.json", record)
        self.boot()
        state = self.board.state
        self.assertEqual((state.ep, state.q, state.boot), (3, 77, 42))
        self.assertEqual(state.overrides, record["ov"])
        self.assertEqual(state.latched, {"z01": LATCHED | EARTH_FAULT, "z02": 0})
        self.assertEqual((state.on_s["z01"], state.armed), (4_200, {"z01": True, "z02": False}))
        life = state.life
        self.assertEqual(len(life), 16)
        self.boot()
        self.assertEqual((self.board.state.life, self.board.state.boot), (life, 43))

    def test_state_with_a_right_hash_and_an_odd_shape_latches_and_heats_the_moment_a_person_has_looked(self):
        good = {"life": "0" * 16, "names": ["z01", "z02"], "n": [0, 0, 1, 0], "ov": [], "z": [["z01", 0, 0, 0]]}
        odd = [None, [], 5, "text", True, [[[[]]]], {}]
        for name, values in (
            ("n", (None, 5, [], [0] * 3, [0] * 5, [0, 0, -1, 0], [0, 0, 1 << 40, 0], [0, 0, "1", 0], [0.5] * 4)),
            (
                "ov",
                (None, 7, "ab", [5], [[]], [["z01", 1, "on"]], [[["z01"], 1, "on", 0]], [["z01", 1, "melt", 0]]),
            ),
            ("ov", ([["z01", 1, ["on"], 0]], [["z01", -1, "on", 0]], [["z01", 1, "on", 1 << 50]], {"z01": 1})),
            ("z", (None, 7, [5], [[]], [["z01", 0, 0]], [["z01", 1 << 20, 0, 0]], [["z01", -1, 0, 0]])),
            ("z", ([["z01", 0, -5, 0]], [[["z01"], 0, 0, 0]], [["z01", 0, 1 << 40, 0]], [["z01", None, 0, 0]])),
        ):
            odd += [dict(good, **{name: value}) for value in values]
        for record in odd:
            store.save("state.json", record)
            self.boot()
            state = self.board.state
            self.assertTrue(state.damaged, record)
            self.assertEqual(state.latched, {"z01": LATCHED, "z02": LATCHED})
            self.assertEqual(self.run_for(400), [0, 0])
            self.board.recorder.payload(self.board.recorder.take(self.board.t, 0))
            self.board.clock.set(1_795_000_000, self.board.t)
            self.board.commands._restore_overrides(self.board.t)
            self.board.clear_latches()
            self.assertTrue(self.run_for(400)[0] > 60)

    def test_a_life_of_odd_form_is_drawn_anew(self):
        for life in ("", 5, None, "z" * 16, "A" * 16, ["0"] * 16):
            record = {"life": life, "n": [0, 0, 1, 0], "ov": [], "z": [["z01", 0, 0, 0]]}
            store.save("state.json", record)
            self.boot()
            self.assertFalse(self.board.state.damaged)
            self.assertEqual(len(self.board.state.life.strip("0123456789abcdef")), 0)
            self.assertEqual(len(self.board.state.life), 16)

    def test_a_state_file_that_cannot_be_read_latches(self):
        """It used to count as never written, which forgets a weld."""
        os.remove("state.json")
        os.mkdir("state.json")
        try:
            self.boot()
            self.assertTrue(self.board.state.damaged)
        finally:
            os.rmdir("state.json")

    def test_a_state_file_too_long_for_memory_latches(self):
        body = b"{" + b" " * 100_000 + b"}"
        with open("state.json", "wb") as f:
            f.write(store._hash(body) + body)
        self.boot()
        self.assertTrue(self.board.state.damaged)

    def test_hello_of_long_names_is_a_frame(self):
        self.board.zones = [self.board.zones[0]] * 4
        self.board.zones[0].id = "z" * 24
        self.board._config.board = "b" * 24
        self.board._config.stale = "x" * 100
        keep, slot.said = slot.said, lambda: [1, "9" * slot.VERSION_MAX, "x" * slot.WHY_MAX]
        self.board.state.ep = self.board.state.q = (1 << 30) - 1
        try:
            hello = dict(self.board.hello("10.20.30"), ca=["0" * 8] * 2)
        finally:
            slot.said = keep
        self.assertEqual(hello["fw"], "10.20.30+last-good")
        self.assertLessEqual(len(json.dumps(hello)) + 65, 1_024)

    def test_maintenance_key_turned_and_back_clears_latches(self):
        self.hardware.circuits[0].earth = True
        self.run_for(20)
        self.hardware.circuits[0].earth = False
        self.hardware.key = True
        self.run_for(2)
        self.hardware.key = False
        self.run_for(1)
        self.assertTrue(self.board.zones[0].flags & LATCHED)  # too short: a bounce
        self.hardware.key = True
        self.run_for(5)
        self.assertEqual(self.board.zones[1].control.who, MAINTENANCE)
        self.hardware.key = False
        self.run_for(400)
        self.assertTrue(self.hardware.circuits[0].on)
        self.boot()
        self.assertEqual(self.board.state.latched, {"z01": 0, "z02": 0})

    def test_weld_trips_the_contactor_upstream(self):
        self.hardware.circuits[1].welded = True
        self.run_for(5)
        self.assertTrue(self.board.zones[1].flags & CONTACTOR_WELDED)
        self.assertTrue(self.hardware.circuits[1].tripped)
        self.assertFalse(self.hardware.circuits[0].tripped)

    def test_clearing_a_weld_closes_the_contactor_upstream(self):
        """Held open it kept the cable dead: a broken cable until the next reboot."""
        circuit = self.hardware.circuits[1]
        circuit.welded = True
        self.run_for(5)
        circuit.welded = False  # replaced
        self.board.clear_latches()
        self.assertFalse(circuit.tripped)
        self.assertTrue(self.run_for(400)[1] > 60)
        self.assertEqual(self.board.zones[1].flags & (CONTACTOR_WELDED | CABLE_BROKEN | LATCHED), 0)

    def test_clearing_a_weld_that_is_still_there_trips_again(self):
        circuit = self.hardware.circuits[1]
        circuit.welded = True
        self.run_for(5)
        self.board.clear_latches()
        self.assertFalse(circuit.tripped)
        self.run_for(5)
        self.assertTrue(circuit.tripped and self.board.zones[1].flags & CONTACTOR_WELDED)

    def test_records_of_other_zones_are_not_sent_under_the_names_of_these(self):
        """Records on flash name zones by their place: another order would have booked one road's energy on another."""
        zones = config().zones

        def boot(*chosen):
            made = config()
            made.zones = list(chosen)
            self.hardware.circuits = [Circuit() for _ in chosen]
            self.time = Time()
            self.board = Board(made, limits(), self.hardware, self.time, 0)

        for before, after in (
            ((0, 1), (1, 0)),
            ((0, 1), (0,)),
            ((0,), (0, 1)),
        ):
            boot(*[zones[i] for i in before])
            for _ in range(10):
                self.run_for_seconds(60)
                self.board.journal.put(self.board.recorder.take(self.board.t, 0))
            self.assertTrue(len(self.board.journal) > 0)
            boot(*[zones[i] for i in before])
            self.assertTrue(len(self.board.journal) > 0)  # the same zones: kept
            boot(*[zones[i] for i in after])
            self.assertEqual(len(self.board.journal), 0)
            self.assertTrue(self.board.journal.fetch() is None)

    def run_for_seconds(self, n):
        for _ in range(n):
            self.time.s += 1
            self.board.tick()

    def test_latches_follow_the_zone_and_not_its_place(self):
        self.hardware.circuits[0].earth = True
        self.run_for(20)
        self.hardware.circuits[0].earth = False
        made = config()
        made.zones.reverse()
        self.time = Time()
        self.board = Board(made, limits(), self.hardware, self.time, 0)
        self.assertEqual([zone.safety.latched & LATCHED for zone in self.board.zones], [0, LATCHED])

    def test_hours_on_survive_a_reboot_and_are_never_counted_short(self):
        closed = self.run_for(3_000)[0]
        self.boot()
        total = self.board.zones[0].safety.on_time.total
        self.assertGreaterEqual(total, closed)
        self.assertLessEqual(total, closed + 600)

    def test_after_run_survives_a_reboot(self):
        self.run_for(400)
        for circuit in self.hardware.circuits:
            circuit.moisture_permille = lambda: 0
        self.boot()
        self.assertEqual(self.run_for(AFTER_RUN_S - 1)[0], AFTER_RUN_S - 1 - 300)
        self.assertEqual(self.run_for(400)[0], 0)

    def bad_boots(self, n):
        for _ in range(n):
            self.run_for(30)
            self.boot()

    def test_third_bad_start_in_a_row_is_safe_mode_and_heats_by_the_local_rule(self):
        self.bad_boots(1)
        self.assertEqual(self.board.alone_s, 0)
        self.bad_boots(1)
        self.assertEqual(self.board.alone_s, ALONE_S)
        self.run_for(310)
        self.assertFalse(self.board.zones[0].flags & POWER_RETURN_HOLD)
        self.assertTrue(self.hardware.circuits[0].on)

    def test_what_crashes_after_safe_mode_waits_twice_as_long(self):
        self.bad_boots(2)
        self.run_for(ALONE_S + 30)  # the link has started and taken the board with it
        self.boot()
        self.assertEqual(self.board.alone_s, 2 * ALONE_S)
        self.run_for(2 * ALONE_S + 70)
        self.boot()
        self.assertEqual(self.board.alone_s, 0)

    def test_a_minute_makes_a_good_start(self):
        for _ in range(5):
            self.run_for(70)
            self.boot()
        self.assertEqual(self.board.state.bad_boots, 1)

    def test_power_return_holds_all_zones(self):
        self.boot(hold_s=420)
        self.assertEqual(self.run_for(419), [0, 0])

    def test_flash_that_takes_nothing_does_not_stop_the_heat(self):
        def full(path, record):
            raise OSError(28)

        keep, store.save = store.save, full
        try:
            self.boot()
            self.run_for(400)
        finally:
            store.save = keep
        self.assertTrue(self.hardware.circuits[0].on)


if __name__ == "__main__":
    unittest.main()
