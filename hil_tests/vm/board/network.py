"""WiFi and Ethernet as seen by the firmware: connected while the emulated access point is there."""

import time as _t

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP, STAT_NO_AP_FOUND = 1000, 1001, 1010, 201
PHY_LAN8710, PHY_LAN8720 = 0, 1
_ASSOCIATE_MS = 2000
_interfaces = []
_hostname = "mpy-esp32"


class _Interface:
    def __init__(self, *args, **kwargs):
        self._active = False
        del _interfaces[:-3]
        _interfaces.append(self)
        self._since = None

    def active(self, value=None):
        if value is not None:
            self._active = bool(value)
            if not value:
                self._since = None
        return self._active

    def isconnected(self):
        if not _t._grant[1] & _t._WIFI:
            if self._since is not None:
                self._since = _t._now  # associates anew once the access point is back
            return False
        return self._active and self._since is not None and _t._now - self._since >= _ASSOCIATE_MS

    def status(self, what=None):
        if what == "rssi":
            return -60
        if self._since is None:
            return STAT_IDLE
        if not _t._grant[1] & _t._WIFI:
            return STAT_NO_AP_FOUND
        return STAT_GOT_IP if self.isconnected() else STAT_CONNECTING

    def ifconfig(self, value=None):
        return ("192.0.2.2", "255.255.255.0", "192.0.2.1", "192.0.2.1")

    def ipconfig(self, *args, **kwargs):
        return None

    def config(self, *args, **kwargs):
        return b"\x02\x00\x00\x00\x00\x01" if args and args[0] == "mac" else None


class WLAN(_Interface):
    IF_STA, IF_AP = STA_IF, AP_IF
    PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = 0, 1, 2

    def connect(self, ssid=None, key=None, **kwargs):
        self._since = _t._now

    def disconnect(self):
        self._since = None


class LAN(_Interface):
    def active(self, value=None):
        if value and self._since is None:
            self._since = _t._now
        return super().active(value)


def hostname(name=None):
    global _hostname
    if name is not None:
        _hostname = name
    return _hostname


def country(code=None):
    return "XX"
