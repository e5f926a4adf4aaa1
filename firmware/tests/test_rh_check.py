"""config.json and limits.json: every error names place, value and remedy."""

import json
import unittest

from board_fixtures import CONFIG, LIMITS, config, limits, remove
from rh import check, chips, pins, relay
from rh.check import ConfigError
from rh.codes import LOCAL


def zones(**changed):
    """The zones with the second one changed."""
    second = dict(CONFIG["zones"][1])
    second.update(changed)
    return [CONFIG["zones"][0], second]


class Checks(unittest.TestCase):
    def refused(self, key, call):
        with self.assertRaises(ConfigError) as raised:
            call()
        self.assertEqual(raised.exception.args[1], key)
        self.assertTrue(len(raised.exception.args[3]) > 5)
        self.assertIn(key, str(raised.exception))

    def test_good_files_pass(self):
        made = config()
        self.assertEqual((made.board, len(made.key), made.zones[1].relay_active), ("b01", 32, 0))
        self.assertEqual(made.zones[0].surface_rom, b"\x28\0\0\0\0\0\0\x01")
        self.assertEqual((limits().t_max_mc, limits().local_duty_permille), (15_000, 1_000))

    def test_two_zones_on_one_relay(self):
        self.refused("zones[1].relay_pin", lambda: config(zones=zones(relay_pin=25)))

    def test_one_probe_for_two_things(self):
        self.refused("zones[1].cable_rom", lambda: config(zones=zones(cable_rom="2800000000000003")))

    def test_one_id_for_two_zones(self):
        self.refused("zones[1].id", lambda: config(zones=zones(id="z01")))

    def test_each_field_of_a_zone(self):
        for field, value in (
            ("relay_pin", "25"),
            ("relay_pin", None),
            ("relay_active", 2),
            ("surface_rom", "2800"),
            ("surface_rom", "1000000000000001"),
            ("surface_rom", 5),
            ("ct_w_per_mv", 0),
            ("power_w", 60_000.0),
            ("power_w", True),
            ("id", ""),
            ("earth_pin", -1),
        ):
            self.refused("zones[1]." + field, lambda f=field, v=value: config(zones=zones(**{f: v})))

    def test_unknown_keys(self):
        self.refused("colour", lambda: config(colour="red"))
        self.refused("zones[1].colour", lambda: config(zones=zones(colour="red")))
        self.refused("t_min_mc", lambda: limits(t_min_mc=1))

    def test_no_default_and_no_weak_key(self):
        for key in ("", "00" * 32, "ab" * 31, "zz" * 32, None, 5):
            self.refused("key", lambda k=key: config(key=k))

    def test_a_key_is_never_shown(self):
        with self.assertRaises(ConfigError) as raised:
            config(key="ab" * 31)
        self.assertTrue("abab" not in str(raised.exception))

    def test_host_is_an_address(self):
        names = ("example.org", "fade.be", "cafe.fed", "bed", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.", "a.b.c.d")
        for name in names + ("1.2.3.4 ", "12345::1", ":::", "1:2", "g::1", "::1.2.3", "[::1]", ".", "1..2.3"):
            self.refused("host", lambda n=name: config(host=n))
        for address in ("127.0.0.1", "10.1.255.0", "fe80::1", "::", "2001:DB8:0:0:0:0:0:1", "::ffff:192.0.2.1"):
            self.assertEqual(config(host=address).host, address)

    def test_a_pin_that_cannot_do_its_work(self):
        """It used to pass, and the chip's refusal then reset the board for ever."""
        for pin in (1, 3, 6, 7, 8, 9, 10, 11, 20, 24, 28, 31, 34, 35, 36, 39, 40, 48):
            for field in ("relay_pin", "trip_pin", "earth_pin"):
                first = dict(CONFIG["zones"][0], moist_pin=32, ct_pin=33)
                second = dict(CONFIG["zones"][1], moist_pin=37, ct_pin=38)
                second[field] = pin
                self.refused("zones[1]." + field, lambda a=first, b=second: config(zones=[a, b]))
            for field in ("ow_pin", "lock_pin", "earth_pin"):
                self.refused(field, lambda f=field, p=pin: config(**{f: p}))
        wifi = {"ssid": "road", "password": "snow"}
        for field in ("moist_pin", "ct_pin"):
            for pin in (1, 5, 6, 16, 18, 21, 23, 40):
                self.refused("zones[1]." + field, lambda f=field, p=pin: config(zones=zones(**{f: p})))
            changed = zones(**{field: 13})
            self.refused("zones[1]." + field, lambda z=changed: config(wifi=wifi, zones=z))  # the radio owns ADC2
            self.assertEqual(getattr(config(zones=changed).zones[1], field), 13)
        for pin in (13, 14, 16, 17, 18, 19, 21, 22, 23, 27, 32, 33):
            self.assertEqual(config(zones=zones(relay_pin=pin)).zones[1].relay_pin, pin)

    def test_pins_that_carry_ethernet(self):
        lan = {"mdc": 23, "mdio": 18, "power": 12, "phy_addr": 1}
        free = [dict(CONFIG["zones"][0], relay_pin=13), dict(CONFIG["zones"][1], relay_pin=14)]
        self.assertEqual(config(lan=lan, zones=free).lan, lan)
        for pin in (0, 16, 17, 19, 21, 22, 25, 26, 27, 23, 18, 12):
            second = dict(free[1], relay_pin=pin)
            self.refused("zones[1].relay_pin", lambda s=second: config(lan=lan, zones=[free[0], s]))
        self.refused("lan.mdio", lambda: config(lan=dict(lan, mdio=23), zones=free))
        self.refused("lan.power", lambda: config(lan=dict(lan, power=34), zones=free))
        for pin in (0, 16, 17):
            clock = dict(lan, ref_clk=pin, ref_clk_out=1)
            self.assertEqual(config(lan=clock, zones=free).lan, clock)
        self.refused("lan.ref_clk", lambda: config(lan=dict(lan, ref_clk=5), zones=free))
        self.refused("lan.ref_clk_out", lambda: config(lan=dict(lan, ref_clk=17, ref_clk_out=2), zones=free))

    def on(self, chip, zone, **changed):
        """A board of one zone on that chip."""
        keep = chips.name
        try:
            chips.name = lambda: chip
            return config(zones=[dict(CONFIG["zones"][0], **zone)], **changed)
        finally:
            chips.name = keep

    def test_other_chips_have_other_pins(self):
        """On a C3 or C6 every pin used to pass; on an S3 any could be one that measures."""
        here = {
            "ESP32S2": ((14, 38, 45), (22, 26, 43, 46, 48), (1, 10, 12), (19, 38)),
            "ESP32S3": ((14, 38, 48), (22, 30, 43, 19), (1, 10, 12), (21, 38)),
            "ESP32C3": ((3, 6, 10), (11, 12, 17, 18, 20, 21, 22, 25), (0, 2), (5, 34)),
            "ESP32C6": ((3, 11, 18, 23), (12, 13, 16, 17, 24, 30, 31), (0, 2, 6), (7, 34)),
        }
        for chip in here:
            drive, never, measure, blind = here[chip]
            free = {"moist_pin": measure[0], "ct_pin": measure[1], "relay_pin": drive[0]}
            for pin in drive:
                self.assertEqual(self.on(chip, dict(free, relay_pin=pin)).zones[0].relay_pin, pin)
            for pin in never:
                self.refused("zones[0].relay_pin", lambda p=pin, c=chip, f=free: self.on(c, dict(f, relay_pin=p)))
            for pin in blind + never:
                self.refused("zones[0].ct_pin", lambda p=pin, c=chip, f=free: self.on(c, dict(f, ct_pin=p)))
            self.refused("lan", lambda c=chip, f=free: self.on(c, f, lan={"mdc": 8, "mdio": 9, "phy_addr": 0}))
        wifi = {"ssid": "road", "password": "snow"}
        radio = {"relay_pin": 38, "moist_pin": 1, "ct_pin": 12}
        self.refused("zones[0].ct_pin", lambda: self.on("ESP32S3", radio, wifi=wifi))

    def test_a_chip_without_a_table_carries_nothing(self):
        self.refused("ow_pin", lambda: self.on("", {}))

    def test_a_relay_on_a_pin_that_the_chip_reads_at_reset_is_said(self):
        self.assertEqual(pins.note("relay_pin", 25), "")
        self.assertEqual(pins.note("moist_pin", 12), "")
        self.assertTrue("reset" in pins.note("relay_pin", 12))

    def test_a_pin_that_serves_two_things(self):
        for field, pin in (("lock_pin", 4), ("earth_pin", 25), ("ow_pin", 26)):
            with self.assertRaises(ConfigError):
                config(**{field: pin})
        for field, pin in (("trip_pin", 25), ("trip_pin", 26), ("earth_pin", 4), ("moist_pin", 34), ("relay_pin", 4)):
            self.refused("zones[1]." + field, lambda f=field, p=pin: config(zones=zones(**{f: p})))

    def test_keys_of_another_case_are_unknown(self):
        for key in ("Board", "EARTH_PIN", "Zones", "Wifi"):
            self.refused(key, lambda k=key: config(**{k: 13}))
        self.refused("T_max_mc", lambda: limits(T_max_mc=15_000))
        self.refused("zones[1].Earth_pin", lambda: config(zones=zones(Earth_pin=13)))

    def test_limits_without_any_optional_key(self):
        raw = dict(LIMITS)
        for name in raw:
            less = dict(raw)
            del less[name]
            self.refused(name, lambda r=less: check.limits(r))
        self.assertEqual(check.limits(raw).local_duty_permille, 1_000)

    def test_way_to_the_network(self):
        wifi = {"ssid": "road", "password": "snow"}
        lan = {"mdc": 23, "mdio": 18, "phy_addr": 1}
        free = [dict(CONFIG["zones"][0], relay_pin=13), dict(CONFIG["zones"][1], relay_pin=14)]  # 25, 26 carry Ethernet
        self.assertEqual(config(wifi=wifi).wifi, wifi)
        self.assertEqual(config(lan=lan, zones=free).lan, lan)
        self.refused("lan", lambda: config(wifi=wifi, lan=lan))
        self.refused("wifi.password", lambda: config(wifi={"ssid": "road"}))
        self.refused("lan.phy_addr", lambda: config(lan=dict(lan, phy_addr=99)))

    def test_each_limit_has_bounds(self):
        for name in LIMITS:
            for value in (None, "1", 10**9, -(10**9), 1.5):
                self.refused(name, lambda n=name, v=value: limits(**{n: v}))

    def test_limits_fit_each_other(self):
        self.refused("period_s", lambda: limits(period_s=600, min_on_s=301))
        self.refused("power_return_min_s", lambda: limits(power_return_min_s=181))

    def test_a_zone_may_have_its_own_limits(self):
        made = limits(zones={"z02": {"t_max_mc": 9_000, "override_max_s": 3_600}})
        self.assertEqual((made.of("z02").t_max_mc, made.of("z02").override_max_s), (9_000, 3_600))
        self.assertEqual((made.of("z02").period_s, made.of("z02").cable_max_mc), (made.period_s, 80_000))
        self.assertEqual((made.of("z01").t_max_mc, made.t_max_mc), (15_000, 15_000))
        self.assertEqual(limits().of("z01").t_max_mc, 15_000)

    def test_limits_of_a_zone_have_bounds(self):
        for name, value in (("t_max_mc", 21_000), ("t_max_mc", None), ("period_s", 600), ("colour", 1)):
            self.refused("zones.z02." + name, lambda n=name, v=value: limits(zones={"z02": {n: v}}))
        self.refused("zones", lambda: limits(zones=[]))
        self.refused("zones.z02.", lambda: limits(zones={"z02": 5}))

    def test_more_zones_than_a_board_has(self):
        four = []
        for i in range(4):
            zone = dict(CONFIG["zones"][0], id="z{}".format(i), relay_pin=12 + i, moist_pin=32 + i, ct_pin=36 + i)
            zone["surface_rom"] = "28{:014x}".format(2 * i)
            zone["cable_rom"] = "28{:014x}".format(2 * i + 1)
            four.append(zone)
        self.assertEqual(len(config(zones=four[:3]).zones), 3)
        self.refused("zones", lambda: config(zones=four))

    def test_older_limits_that_would_leave_a_road_cold_are_bounded_not_refused(self):
        made = limits(power_return_min_s=400, power_return_max_s=600)
        self.assertEqual((made.power_return_min_s, made.power_return_max_s), (300, 300))
        made = limits(min_off_s=900, power_return_max_s=180)
        self.assertEqual((made.power_return_min_s, made.power_return_max_s), (0, 0))
        self.assertEqual(limits(period_s=3_600).period_s, 1_200)
        made = limits()
        self.assertEqual((made.power_return_min_s, made.power_return_max_s, made.period_s), (30, 180, 1_200))

    def test_the_local_rule_closes_within_a_quarter_of_an_hour_or_takes_its_turn(self):
        for period_s, min_on_s, min_off_s, duty in (
            (900, 300, 300, 1_000),
            (900, 300, 300, 334),
            (900, 300, 300, 100),
            (600, 300, 300, 130),
            (1_200, 300, 60, 200),
            (1_800, 900, 900, 100),
            (1_800, 600, 60, 334),
            (3_600, 60, 300, 700),
            (3_600, 300, 900, 130),
            (3_600, 900, 60, 500),
        ):
            made = limits(period_s=period_s, min_on_s=min_on_s, min_off_s=min_off_s, local_duty_permille=duty)
            least = min_on_s * 1000 // min(period_s, 900 + min_on_s)
            self.assertLessEqual(self.longest_gap(made), 901 if duty >= least else 1_801, (period_s, min_on_s, duty))

    def longest_gap(self, made):
        """Seconds between two windows of the local rule's duty."""
        contactor = relay.Relay(0, made)
        last = gap = 0
        for t in range(1, 14_000):
            if contactor.step(t, t % made.period_s, made.local_duty_permille, LOCAL):
                last = t
            elif t > 4_000:
                gap = max(gap, t - last)
        return gap

    def test_not_an_object(self):
        for raw in ([], 1, "a", None):
            self.refused("file", lambda r=raw: check.limits(r))
        self.refused("zones", lambda: config(zones={}))
        self.refused("zones", lambda: config(zones=[]))
        self.refused("zones[0].", lambda: config(zones=[1]))

    def test_files(self):
        self.refused("file", lambda: check.load("none.json", "none.json"))
        with open("c-test.json", "w") as f:
            f.write("nonsense")
        self.refused("file", lambda: check.load("c-test.json", "c-test.json"))
        with open("c-test.json", "w") as f:
            json.dump(CONFIG, f)
        with open("l-test.json", "w") as f:
            json.dump(LIMITS, f)
        self.assertEqual(check.load("c-test.json", "l-test.json")[0].board, "b01")
        with open("l-test.json", "w") as f:
            json.dump(dict(LIMITS, zones={"z77": {"t_max_mc": 9_000}}), f)
        self.assertEqual(check.load("c-test.json", "l-test.json", True)[1].of("z01").t_max_mc, 15_000)
        remove("c-test.json", "l-test.json", "c-test.json.old", "l-test.json.old")


if __name__ == "__main__":
    unittest.main()
