"""Register meters on a line of bytes: whatever the line says, a reading is right or there is none."""

import asyncio
import struct
import unittest

from board_fixtures import POWER_W, Road
from drivers import modbus
from rh.codes import CABLE_BROKEN, CONTACTOR_WELDED, METER_SILENT, NO_POWER

SDM630 = modbus.MODELS["sdm630"]


def framed(body):
    crc = modbus.crc16(bytearray(body), 0, len(body))
    return body + bytes((crc & 255, crc >> 8))


class Slave:
    """A meter: registers by number; what it does with an answer before that goes on the line."""

    def __init__(self, address=1, power=SDM630[0], energy=SDM630[1]):
        self.address = address
        self.registers = {}
        self.set(power, 54_321.5)
        self.set(energy, 1_234.567)
        self.set(energy + 2, 0.0)
        self.spoil = lambda answer: answer
        self.asked = 0

    def set(self, register, value):
        self.registers[register], self.registers[register + 1] = struct.unpack(">HH", struct.pack(">f", value))

    def answer(self, request):
        address, function, register, count = struct.unpack(">BBHH", request[:6])
        if address != self.address or modbus.crc16(bytearray(request), 0, 8):
            return b""
        self.asked += 1
        if function != 4 or any(r not in self.registers for r in range(register, register + count)):
            return self.spoil(framed(bytes((address, function | 0x80, 2))))
        words = [self.registers[r] for r in range(register, register + count)]
        return self.spoil(framed(bytes((address, 4, 2 * count)) + struct.pack(">" + "H" * count, *words)))


class Uart:
    """The line. late: pauses that an answer takes; before, echo: what the master hears besides."""

    def __init__(self, *slaves):
        self.slaves = slaves
        self.received = b""
        self.coming = []
        self.late = 1
        self.echo = False
        self.before = b""
        self.babble = b""
        self.sent = 0
        self.sending = None
        self.sent_while_enabled = True

    def any(self):
        return len(self.received) or len(self.babble)

    def readinto(self, buffer):
        if self.babble:  # drowns whatever else is said
            buffer[:] = self.babble
            return 1
        n = min(len(buffer), len(self.received))
        buffer[:n] = self.received[:n]
        self.received = self.received[n:]
        return n

    def write(self, request):
        self.sent += 1
        self.sent_while_enabled = self.sent_while_enabled and (self.sending is None or self.sending.level == 1)
        request = bytes(request)
        self.received += (request if self.echo else b"") + self.before
        for slave in self.slaves:
            answer = slave.answer(request)
            if answer:
                self.coming.append([self.late, answer])
        return len(request)

    def flush(self):
        pass

    def pass_time(self):
        for item in self.coming:
            item[0] -= 1
            if item[0] == 0:
                self.received += item[1]
        self.coming = [item for item in self.coming if item[0] > 0]


class Enable:
    def __init__(self):
        self.level = 0

    def __call__(self, level):
        self.level = level


class Bench:
    """A line with its meters, and the seconds of a safety loop."""

    def __init__(self, *slaves, swapped=False, enable=None):
        self.uart = Uart(*slaves)
        self.uart.sending = enable
        self.line = modbus.Line(self.uart, enable)
        for slave in slaves:
            self.line.meters.append(modbus.Meter(slave.address, SDM630, swapped))
        self.pauses = 0

    async def pause(self, ms):
        self.pauses += 1
        self.uart.pass_time()

    def second(self):
        """One round; then what the first meter says."""
        asyncio.run(self.line.round(self.pause))
        meter = self.line.meters[0]
        return meter.read_w(), meter.read_wh()


class Numbers(unittest.TestCase):
    def test_crc_of_the_specification(self):
        # Eastron's example: 04 01 00 00 00 02, CRC 71 CB is that of address 1
        self.assertEqual(framed(b"\x01\x04\x00\x00\x00\x02"), b"\x01\x04\x00\x00\x00\x02\x71\xcb")

    def test_floats_become_integers_without_the_chips_float(self):
        for value, thousandths in (
            (0.0, 0),
            (230.2, 230_200),
            (-54_321.5, 54_321_500),
            (0.0004, 0),
            (0.0006, 1),
            (1e-30, 0),
            (1.0, 1_000),
            (999_999.9, 999_999_875),  # the nearest float
            (8_388_607.5, 8_388_607_500),
        ):
            data = bytearray(struct.pack(">f", value))
            self.assertEqual(modbus.thousandths(data, 0, False), thousandths, value)
            self.assertEqual(modbus.thousandths(data[2:] + data[:2], 0, True), thousandths, value)

    def test_what_is_not_a_number_is_none(self):
        for value in (float("nan"), float("inf"), float("-inf"), 1e8, 8_388_608.0):
            self.assertIsNone(modbus.thousandths(bytearray(struct.pack(">f", value)), 0, False))


class Lines(unittest.TestCase):
    def test_power_and_energy(self):
        self.assertEqual(Bench(Slave()).second(), (54_321, 1_234_567))

    def test_a_reading_of_the_register_is_given_once(self):
        bench = Bench(Slave())
        bench.second()
        self.assertIsNone(bench.line.meters[0].read_wh())

    def test_sides_swapped_measure_the_same(self):
        slave = Slave()
        slave.set(SDM630[0], -54_321.5)
        slave.set(SDM630[1], 0.0)
        slave.set(SDM630[1] + 2, 1_234.567)
        self.assertEqual(Bench(slave).second(), (54_321, 1_234_567))

    def test_several_meters_every_second_and_their_registers_in_turn(self):
        slaves = [Slave(address) for address in (1, 7, 247)]
        bench = Bench(*slaves)
        seen = []
        for _ in range(3):
            bench.second()
            for meter in bench.line.meters[1:]:
                self.assertEqual(meter.read_w(), 54_321)
            seen.append([meter.read_wh() is not None for meter in bench.line.meters[1:]])
        self.assertEqual(sum([sum(row) for row in seen]), 2)
        self.assertEqual([slave.asked for slave in slaves], [4, 4, 4])

    def test_the_transceiver_sends_only_while_it_should(self):
        enable = Enable()
        bench = Bench(Slave(), enable=enable)
        bench.second()
        self.assertTrue(bench.uart.sent_while_enabled)
        self.assertEqual(enable.level, 0)

    def test_a_line_that_cannot_send_lets_go_of_it(self):
        enable = Enable()
        bench = Bench(Slave(), enable=enable)

        def stuck():
            raise OSError(116)

        bench.uart.flush = stuck
        self.assertEqual(bench.second()[0], NO_POWER)
        self.assertEqual(enable.level, 0)

    def test_echo_and_noise_before_the_answer(self):
        for echo in (False, True):
            for noise in (b"", b"\x00", b"\x01", b"\x01\x04", b"\x01\x04\x04", b"\xff" * 20):
                bench = Bench(Slave())
                bench.uart.echo = echo
                bench.uart.before = noise
                self.assertEqual(bench.second(), (54_321, 1_234_567), (echo, noise))

    def test_every_flipped_bit_is_noticed(self):
        slave = Slave()
        bench = Bench(slave)
        for i in range(13):
            for bit in range(8):
                slave.spoil = lambda a, i=i, bit=bit: a[:i] + bytes([a[i] ^ 1 << bit]) + a[i + 1 :] if i < len(a) else a
                self.assertIn(bench.second()[0], (NO_POWER, 54_321))
                slave.spoil = lambda a: a
        slave.spoil = lambda a: a[:5] + bytes([a[5] ^ 1]) + a[6:]
        for _ in range(modbus.STALE_S + 1):
            power, energy = bench.second()
        self.assertEqual((power, energy), (NO_POWER, None))
        self.assertEqual(bench.line.meters[0].why, modbus.NOISE)

    def test_every_cut_of_an_answer_is_noticed(self):
        for left in range(13):
            slave = Slave()
            bench = Bench(slave)
            slave.spoil = lambda answer, n=left: answer[: min(n, len(answer) - 1)]
            self.assertEqual(bench.second(), (NO_POWER, None), left)

    def test_one_lost_answer_is_asked_again(self):
        slave = Slave()
        bench = Bench(slave)
        lost = [1]
        slave.spoil = lambda answer: b"" if lost and lost.pop() else answer
        self.assertEqual(bench.second(), (54_321, 1_234_567))

    def test_an_exception_is_not_asked_again(self):
        slave = Slave()
        slave.registers = {}
        bench = Bench(slave)
        self.assertEqual(bench.second(), (NO_POWER, None))
        self.assertEqual(slave.asked, 2)
        self.assertEqual(bench.line.meters[0].why, modbus.REFUSED)

    def test_anothers_answer_is_nobodys(self):
        slave = Slave()
        bench = Bench(slave)
        slave.spoil = lambda answer: framed(b"\x02" + answer[1:-2])
        self.assertEqual(bench.second(), (NO_POWER, None))

    def test_values_that_cannot_be_are_no_values(self):
        for value in (float("nan"), float("inf"), 1_000_001.0):
            slave = Slave()
            slave.set(SDM630[0], value)
            self.assertEqual(Bench(slave).second(), (NO_POWER, 1_234_567), value)

    def test_a_late_answer_is_never_taken_for_another_register(self):
        """The power of 54,321 W, late, must not be 54,321 kWh."""
        for late in range(1, 60):
            bench = Bench(Slave())
            bench.uart.late = late
            for _ in range(5):
                power, energy = bench.second()
                self.assertIn(power, (NO_POWER, 54_321))
                self.assertIn(energy, (None, 1_234_567))

    def test_a_silent_meter_is_known_within_two_seconds(self):
        slave = Slave()
        bench = Bench(slave)
        self.assertEqual(bench.second()[0], 54_321)
        slave.spoil = lambda answer: b""
        said = [bench.second()[0] for _ in range(4)]
        self.assertEqual(said, [54_321, NO_POWER, NO_POWER, NO_POWER])
        self.assertEqual(bench.line.meters[0].why, modbus.SILENT)
        slave.spoil = lambda answer: answer
        self.assertEqual(bench.second()[0], 54_321)

    def test_a_line_that_never_falls_silent_ends_each_round(self):
        for level in (b"\x00", b"\xff", b"\x01"):
            bench = Bench(Slave())
            bench.uart.babble = level
            self.assertEqual(bench.second(), (NO_POWER, None))
            self.assertTrue(bench.pauses <= 40, bench.pauses)


class Silent(unittest.TestCase):
    """A meter that says nothing is an alarm, not an interlock."""

    def setUp(self):
        self.road = Road()
        self.road.run(400)
        self.assertTrue(self.road.on)
        self.before = self.road.zone.energy.wh
        self.road.power_w = lambda: NO_POWER

    def test_heats_on_and_says_so(self):
        self.assertEqual(self.road.run(600), 600)
        self.assertTrue(self.road.flags & METER_SILENT)
        self.assertFalse(self.road.flags & (CABLE_BROKEN | CONTACTOR_WELDED))

    def test_counts_the_rated_power_meanwhile(self):
        self.road.zone.sample()
        self.road.run(360)
        self.assertEqual(self.road.zone.energy.wh - self.before, POWER_W // 10)
        self.assertEqual(self.road.zone.sample()[4], POWER_W)

    def test_counts_nothing_while_off(self):
        self.road.locked = True
        self.road.run(360)
        self.assertTrue(self.road.zone.energy.wh - self.before <= POWER_W // 3600 + 1)

    def test_a_board_that_starts_with_it_heats(self):
        road = Road()
        road.power_w = lambda: NO_POWER
        self.assertTrue(road.run(400) > 0)

    def test_a_weld_is_found_once_the_meter_speaks(self):
        self.road.locked = True
        self.road.run(60)
        self.assertFalse(self.road.flags & CONTACTOR_WELDED)
        self.road.power_w = lambda: POWER_W
        self.road.run(5)
        self.assertTrue(self.road.flags & CONTACTOR_WELDED)

    def test_silence_is_no_excuse_for_a_weld_or_a_break(self):
        """What was counted waits: every second sample lost takes twice as long, and no longer."""
        for on, flag, seconds in ((False, CONTACTOR_WELDED, 10), (True, CABLE_BROKEN, 16)):
            road = Road()
            road.run(400)
            road.locked = not on
            road.run(1)
            turn = [0]

            def power(turn=turn, on=on):
                turn[0] += 1
                return NO_POWER if turn[0] & 1 else 0 if on else POWER_W

            road.power_w = power
            road.run(seconds)
            self.assertTrue(road.flags & flag, flag)


if __name__ == "__main__":
    unittest.main()
