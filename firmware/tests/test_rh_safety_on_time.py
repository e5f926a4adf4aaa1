"""Longest on-time, its rest, and the hours of a day."""

import unittest

from board_fixtures import HeatedRoad, Road
from rh.codes import MAX_ON_TIME
from rh.safety import HOUR_S, REST_S, OnTime


class OnTimes(HeatedRoad):
    def test_rest_after_the_longest_on_time_to_the_second(self):
        road = Road(max_on_s=3_600)
        road.run(301 + 3_600 + REST_S + 60)
        self.assertEqual(road.falls[0] - road.rises[0], 3_599)
        self.assertEqual(road.rises[1] - road.falls[0], REST_S)

    def test_longest_on_time_rests(self):
        road = Road(max_on_s=3_600)
        road.run(301 + 3_600)
        self.assertFalse(road.on)
        self.assertTrue(road.flags & MAX_ON_TIME)
        road.run(REST_S + 1)
        self.assertTrue(road.on)
        self.assertLessEqual(road.falls[0] - road.rises[0], 3_600)

    def test_hours_a_day_are_capped(self):
        road = Road(max_on_day_s=7_200)
        closed = road.run(20 * HOUR_S)
        self.assertLessEqual(closed, 7_200)
        self.assertGreaterEqual(closed, 7_100)
        self.assertTrue(road.flags & MAX_ON_TIME)
        closed = road.run(24 * HOUR_S)
        self.assertLessEqual(closed, 7_200 + 300)


class Hours(unittest.TestCase):
    def test_buckets_forget_after_a_day(self):
        on_time = OnTime()
        for t in range(1, HOUR_S + 1):
            on_time.step(t, True)
        self.assertEqual(on_time.total, HOUR_S)
        for t in range(HOUR_S + 1, 26 * HOUR_S, 7):
            on_time.step(t, False)
        self.assertEqual(on_time.total, 0)

    def test_restored_hours_are_forgotten_after_a_day_as_well(self):
        on_time = OnTime()
        on_time.restore(5_000)
        self.assertEqual((on_time.total, sum(on_time.hours)), (5_000, 5_000))
        for t in range(1, 24 * HOUR_S):
            on_time.step(t, t <= 10)
        self.assertEqual(on_time.total, 5_010)
        on_time.step(24 * HOUR_S, False)
        self.assertEqual(on_time.total, 0)

    def test_restored_hours_count(self):
        road = Road(max_on_day_s=7_200)
        road.zone.safety.on_time.restore(7_000)
        self.assertLessEqual(road.run(3_600), 200)


if __name__ == "__main__":
    unittest.main()
