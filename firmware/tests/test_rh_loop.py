"""The safety loop while drivers, flash and console throw."""

import builtins
import unittest

from board_fixtures import Hardware, config, limits
from rh import store
from rh.board import STUCK_MAX, Board
from rh.codes import EARTH_FAULT, LATCHED, SENSOR_IMPLAUSIBLE
from session_fixtures import KINDS, LinkCase, thrower


class Loop(LinkCase):
    def setUp(self):
        super().setUp()
        self.hardware = self.board._hardware
        self.tick(400)

    def tick(self, n=1):
        for _ in range(n):
            self.time.s += 1
            self.board.tick()

    def drivers_raise(self, name, kinds=KINDS):
        for kind in kinds:
            if issubclass(kind, Exception) and kind is not MemoryError:
                yield kind, thrower(kind), self.hardware.circuits[0]

    def test_a_thermometer_that_raises_gives_no_answer(self):
        for name in ("surface_mc", "cable_mc"):
            for _, throw, circuit in self.drivers_raise(name):
                keep_it = getattr(circuit, name)
                setattr(circuit, name, throw)
                self.tick(2)
                self.assertTrue(self.board.zones[0].flags & SENSOR_IMPLAUSIBLE)
                self.assertFalse(circuit.on)
                self.assertTrue(self.hardware.circuits[1].on)
                setattr(circuit, name, keep_it)
                self.tick(400)
                self.assertTrue(circuit.on)

    def test_a_conversion_that_raises_leaves_no_old_reading_believed(self):
        for kind, throw, circuit in self.drivers_raise("convert"):
            self.hardware.convert = throw
            self.tick(3)
            self.assertTrue(self.board.zones[0].flags & SENSOR_IMPLAUSIBLE, kind)
            del self.hardware.convert
            self.tick(400)
            self.assertTrue(circuit.on)

    def test_moisture_and_power_that_raise(self):
        for _, throw, circuit in self.drivers_raise("moisture_permille"):
            circuit.moisture_permille = throw
            self.tick(60)
            self.assertTrue(circuit.on)  # may be wet
            del circuit.moisture_permille
        circuit.power_w = throw
        self.tick(60)
        self.assertFalse(circuit.on)

    def test_an_earth_input_that_raises_is_a_fault_at_the_second_time(self):
        circuit = self.hardware.circuits[0]
        circuit.earth_fault = thrower(ValueError, 1, False)
        self.tick(2)
        self.assertTrue(circuit.on)
        circuit.earth_fault = thrower(ValueError)
        self.tick(2)
        self.assertFalse(circuit.on)
        self.assertEqual(self.board.zones[0].flags & (EARTH_FAULT | LATCHED), EARTH_FAULT | LATCHED)

    def test_a_key_that_raises_is_off_and_clears_no_latch(self):
        self.board.zones[0].safety.latched = LATCHED
        self.hardware.locked = thrower(OSError)
        self.tick(10)
        self.assertFalse(self.hardware.circuits[1].on)
        del self.hardware.locked
        self.tick(400)
        self.assertTrue(self.hardware.circuits[1].on)
        self.assertTrue(self.board.zones[0].safety.latched)

    def test_flash_and_console_that_raise(self):
        for kind in KINDS:
            if issubclass(kind, Exception):
                keep_save, keep_print = store.save, builtins.print
                store.save = builtins.print = thrower(kind)
                try:
                    self.board.zones[0].control.rule.armed = False
                    self.board.zones[1].safety.on_time.total += 5_000
                    self.tick(5)
                    Board.log(self.board, "what", "ever")
                    Board(config(), limits(), Hardware(), self.time, 0).tick()
                finally:
                    store.save, builtins.print = keep_save, keep_print
        self.assertTrue(self.hardware.circuits[1].on)

    def test_a_contactor_that_will_not_open_asks_for_a_reset(self):
        self.hardware.circuits[0].switch = thrower(OSError, 1)
        self.tick(3)
        self.hardware.circuits[0].switch = thrower(OSError)
        with self.assertRaises(OSError):
            self.tick(STUCK_MAX)

    def test_memory_exhausted_is_the_one_reset(self):
        self.hardware.circuits[0].surface_mc = thrower(MemoryError, 1, -1_000)
        self.tick()
        self.hardware.circuits[0].surface_mc = thrower(MemoryError)
        with self.assertRaises(MemoryError):
            self.tick()


if __name__ == "__main__":
    unittest.main()
