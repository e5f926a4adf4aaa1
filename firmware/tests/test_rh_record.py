"""Telemetry and journal: every second in exactly one record, kept until acknowledged, in order, over a reboot."""

import json
import os
import unittest

from board_fixtures import UTC, Road, clock
from rh.commands import Clock
from rh.journal import FLUSH, SEGMENT, SEGMENTS_MAX, Journal
from rh.telemetry import JOURNAL_S, LIVE_S, Recorder, key

FOLDER = "journal-test"


def record(boot, q):
    return boot.to_bytes(4, "little") + q.to_bytes(4, "little") + b"x" * 12


def wipe():
    try:
        names = os.listdir(FOLDER)
    except OSError:
        return
    for name in names:
        os.remove(FOLDER + "/" + name)
    os.rmdir(FOLDER)


class Journals(unittest.TestCase):
    def setUp(self):
        wipe()
        self.journal = Journal(FOLDER, 20)

    def tearDown(self):
        wipe()

    def fetch_all(self, acknowledge=True):
        got = []
        while True:
            one = self.journal.fetch()
            if one is None:
                return got
            got.append(key(one))
            if acknowledge:
                self.assertTrue(self.journal.acknowledge(*key(one)))

    def test_in_order_and_once(self):
        for q in range(100):
            self.journal.put(record(1, q))
        self.assertEqual(self.fetch_all(), [(1, q) for q in range(100)])
        self.assertEqual(self.fetch_all(), [])
        self.assertEqual(os.listdir(FOLDER), [])

    def test_survives_a_reboot_but_for_the_newest_few(self):
        for q in range(103):
            self.journal.put(record(1, q))
        self.journal = Journal(FOLDER, 20)
        got = self.fetch_all()
        self.assertEqual(got, [(1, q) for q in range(len(got))])
        self.assertGreaterEqual(len(got), 103 - FLUSH)

    def test_unacknowledged_is_sent_again(self):
        for q in range(10):
            self.journal.put(record(1, q))
        sent = [self.journal.fetch() for _ in range(4)]
        self.journal.acknowledge(*key(sent[1]))
        self.journal.rewind()
        self.assertEqual(self.fetch_all(), [(1, q) for q in (0, 2, 3, 4, 5, 6, 7, 8, 9)])

    def test_unacknowledged_survives_a_reboot(self):
        for q in range(SEGMENT):
            self.journal.put(record(1, q))
        self.journal.put(record(1, 99))
        for _ in range(3):
            one = self.journal.fetch()
            self.journal.acknowledge(*key(one))
        self.journal = Journal(FOLDER, 20)
        self.assertGreaterEqual(len(self.fetch_all()), SEGMENT - FLUSH)

    def test_stranger_acknowledgement_forgets_nothing(self):
        self.journal.put(record(1, 1))
        self.assertFalse(self.journal.acknowledge(1, 1))  # not sent yet
        self.journal.fetch()
        self.assertFalse(self.journal.acknowledge(2, 1))
        self.assertTrue(self.journal.acknowledge(1, 1))

    def test_new_records_while_the_backlog_drains(self):
        for q in range(40):
            self.journal.put(record(1, q))
        got = []
        for q in range(40, 80):
            one = self.journal.fetch()
            got.append(key(one))
            self.journal.acknowledge(*key(one))
            self.journal.put(record(1, q))
        got += self.fetch_all()
        self.assertEqual(got, [(1, q) for q in range(80)])

    def test_holds_a_day_and_drops_the_oldest_counted(self):
        total = SEGMENT * (SEGMENTS_MAX + 3)
        for q in range(total):
            self.journal.put(record(1, q))
        got = self.fetch_all()
        self.assertGreaterEqual(len(got), 24 * 60)
        self.assertEqual(got, [(1, q) for q in range(total - len(got), total)])
        self.assertEqual(self.journal.dropped, total - len(got))

    def test_damaged_records_are_dropped_alone(self):
        for q in range(20):
            self.journal.put(record(1, q))
        name = FOLDER + "/" + os.listdir(FOLDER)[0]
        with open(name, "r+b") as f:
            f.seek(24 * 7 + 3)
            f.write(b"!")
        self.journal = Journal(FOLDER, 20)
        self.assertEqual(self.fetch_all(), [(1, q) for q in range(20) if q != 7])

    def test_strange_files_do_not_stop_the_board(self):
        for q in range(10):
            self.journal.put(record(1, q))
        for name in ("x.bin", "0000000x.bin", "note.txt", "1.bin"):
            with open(FOLDER + "/" + name, "wb") as f:
                f.write(b"!")
        self.journal = Journal(FOLDER, 20)
        self.assertEqual(self.fetch_all(), [(1, q) for q in range(10)])

    def test_a_file_in_the_folders_place_leaves_the_journal_in_ram(self):
        wipe()
        with open(FOLDER, "w") as f:
            f.write("?")
        try:
            self.journal = Journal(FOLDER, 20)
            for q in range(10):
                self.journal.put(record(1, q))
            self.assertEqual(self.fetch_all(), [(1, q) for q in range(10)])
        finally:
            os.remove(FOLDER)

    def test_torn_append_loses_the_torn_record_only(self):
        for q in range(10):
            self.journal.put(record(1, q))
        name = FOLDER + "/" + os.listdir(FOLDER)[0]
        with open(name, "ab") as f:
            f.write(b"half a rec")
        self.journal = Journal(FOLDER, 20)
        for q in range(10, 20):
            self.journal.put(record(2, q))
        self.assertEqual(self.fetch_all(), [(1, q) for q in range(10)] + [(2, q) for q in range(10, 20)])


class OldAge:
    def said(self, zones):
        return [((1 << 30) - 1, 300_000) for _ in zones]


class Records(unittest.TestCase):
    def setUp(self):
        self.road = Road()
        self.clock = Clock()
        self.recorder = Recorder(3, [self.road.zone], self.clock)

    def frames(self, seconds, live):
        made = []
        for _ in range(seconds):
            self.road.second()
            if self.recorder.left(self.road.t, live) <= 0:
                made.append(json.loads(self.recorder.payload(self.recorder.take(self.road.t, 2))))
        return made

    def test_every_second_and_watt_hour_is_in_exactly_one_record(self):
        frames = self.frames(605, True) + self.frames(300, False) + self.frames(1_000, True)
        self.assertEqual([f["q"] for f in frames], list(range(1, len(frames) + 1)))
        self.assertEqual(sum([f["dt"] for f in frames]), frames[-1]["up"])
        on_s = sum([f["z"][0][4] for f in frames])
        self.assertEqual(on_s, frames[-1]["up"] - self.road.rises[0])
        self.assertEqual(frames[-1]["z"][0][6], on_s * 60_000 // 3_600)
        mean_ws = sum([f["z"][0][5] * f["dt"] for f in frames])
        self.assertTrue(abs(mean_ws - on_s * 60_000) < 60 * len(frames))

    def test_cadence(self):
        self.assertEqual([f["dt"] for f in self.frames(60, True)], [LIVE_S] * 6)
        self.assertEqual([f["dt"] for f in self.frames(120, False)], [JOURNAL_S] * 2)

    def test_time_is_zero_until_the_clock_is_set_and_filled_in_later(self):
        self.road.run(10)
        record = self.recorder.take(10, 0)
        self.assertEqual(json.loads(self.recorder.payload(record))["utc"], 0)
        self.clock.set(UTC, 100)
        self.assertEqual(json.loads(self.recorder.payload(record))["utc"], UTC - 90)

    def test_a_record_of_an_earlier_boot_keeps_its_own_time(self):
        record = self.recorder.take(10, 0)
        later = Recorder(4, [self.road.zone], clock(UTC, 5))
        self.assertEqual(json.loads(later.payload(record))["utc"], 0)

    def test_all_fields_stand_in_a_frame_of_one_kilobyte_for_four_zones(self):
        zones = [Road().zone for _ in range(4)]
        for zone in zones:
            zone.id = "z" * 24
            zone.energy.wh = 4_000_000_000
            zone.leakage.peak_ma = 65_535
        recorder = Recorder(10**9, zones, clock(UTC, 0))
        recorder.life = OldAge()
        frame = recorder.payload(recorder.take(10**6, 60_000))
        self.assertIn("wr", json.loads(frame))
        self.assertLessEqual(len(frame) + 65, 1_024)

    def test_leakage_is_the_highest_of_the_interval_beside_the_newest_record_alone(self):
        leakage = self.road.zone.leakage
        self.assertEqual([f.get("lk") for f in self.frames(10, True)], [None], "nothing measures it")
        for ma in (3, 9, 4, None):
            leakage.step(ma)
        record = self.recorder.take(10, 0)
        self.assertEqual(json.loads(self.recorder.payload(record))["lk"], [9])
        leakage.step(2)
        later = self.recorder.take(20, 0)
        self.assertFalse("lk" in json.loads(self.recorder.payload(record)), "an old record has no room for it")
        self.assertEqual(json.loads(self.recorder.payload(later))["lk"], [2])

    def test_the_contactors_life_once_an_hour(self):
        self.recorder.life = OldAge()
        told = [f["up"] for f in self.frames(7_300, True) if "wr" in f]
        self.assertEqual(told, [10, 3_610, 7_210])


if __name__ == "__main__":
    unittest.main()
