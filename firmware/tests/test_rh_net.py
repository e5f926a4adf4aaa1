"""The way to the network while its driver throws."""

import unittest

from rh import net
from session_fixtures import KINDS


class Port:
    """A WiFi whose calls can throw."""

    made = 0
    fail = ""
    kind = ValueError

    def __init__(self, *args):
        Port.made += 1
        self.closed = False
        self._do("init")

    def _do(self, name):
        if Port.fail == name:
            raise Port.kind("injected")

    def active(self, on):
        if on:
            self._do("active")
        else:
            self.closed = True
            self._do("close")

    def isconnected(self):
        self._do("isconnected")
        return False

    def connect(self, ssid, password):
        self._do("connect")


class Network(unittest.TestCase):
    def uplink(self):
        made = net.Uplink({"ssid": "road", "password": "snow"}, None)
        made._made = Port
        return made

    def test_a_port_that_raises_is_opened_anew(self):
        for step in ("init", "active", "isconnected", "connect"):
            for kind in KINDS:
                if not issubclass(kind, Exception) or (step == "connect" and kind is OSError):
                    continue
                uplink = self.uplink()
                Port.fail, Port.kind, Port.made = step, kind, 0
                for _ in range(2):
                    with self.assertRaises(kind):
                        uplink.up()
                self.assertEqual(Port.made, 2)
                Port.fail = ""
                self.assertFalse(uplink.up())
                self.assertEqual(Port.made, 3)

    def test_already_connecting_is_no_failure_for_half_an_hour(self):
        uplink = self.uplink()
        Port.fail, Port.kind, Port.made = "connect", OSError, 0
        for _ in range(net.ERRORS_MAX - 1):
            self.assertFalse(uplink.up())
        self.assertEqual(Port.made, 1)
        with self.assertRaises(OSError):
            uplink.up()
        uplink.up()
        self.assertEqual(Port.made, 2)
        Port.fail = ""


if __name__ == "__main__":
    unittest.main()
