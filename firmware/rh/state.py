"""What must survive a power cut: life, boots, zones, (epoch, sequence), overrides, latches, hours on, after-runs."""

import os
from binascii import hexlify

from . import store
from .codes import LATCHED

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Iterable

    from .zone import Zone

PATH = "state.json"
SPENT_AHEAD_S = 600  # hours on are written in steps of this, ahead of their use: one write every 10 min of heat
GOOD_BOOT_S = 60
BAD_BOOTS_MAX = 3
UTC_MAX = 4_102_444_800  # 2100
_WHOLE_MAX = (1 << 30) - 1  # small integers on the chip, and room in a telemetry record
_FLAGS_MAX = (1 << 14) - 1  # of `rh.codes`


class State:
    """The one small record on flash. zones: ids. A damaged file latches every zone: its latches are unknown.

    life: 16 hex digits, drawn when there is no usable record: boot numbers start anew with it.
    """

    def __init__(self, zones: "list[str]", path: str = PATH) -> None:
        self._path = path
        self._names = list(zones)
        self.ep = 0
        self.q = 0
        self.life = ""
        self.boot = 0
        self.bad_boots = 0
        self.overrides: "list[list[Any]]" = []  # [zone, id, mode, expiry UTC s]
        self.latched = dict.fromkeys(zones, 0)
        self.on_s = dict.fromkeys(zones, 0)
        self.armed = dict.fromkeys(zones, False)
        self.damaged = False
        self.rearranged = False  # the zones are not those of the last boot, or stand in another order
        try:
            record = store.load(path)
            if record is not None:
                self._take(record)
        except (store.Damaged, ValueError, KeyError, TypeError):
            self.damaged = True
            self.rearranged = False
            self.ep = self.q = self.boot = self.bad_boots = 0
            self.life = ""
            self.overrides = []
            self.latched = dict.fromkeys(zones, LATCHED)
            self.on_s = dict.fromkeys(zones, 0)
            self.armed = dict.fromkeys(zones, False)
        if not self.life:  # no file, not usable, or written by firmware without board lives
            self.life = hexlify(os.urandom(8)).decode()
        self.boot += 1
        self.bad_boots += 1

    def _take(self, record: "dict[str, Any]") -> None:
        """Continue with a record; raises ValueError, KeyError or TypeError where it is malformed."""
        self.ep, self.q, self.boot, self.bad_boots = [_whole(n) for n in record["n"]]
        life: "Any" = record.get("life")
        self.life = life if _is_life(life) else ""
        for zone, number, mode, exp in record["ov"]:
            if type(zone) is not str or mode not in ("on", "off", "boost"):
                raise ValueError
            self.overrides.append([zone, _whole(number), mode, _whole(exp, UTC_MAX)])
        for zone, latched, on_s, armed in record["z"]:
            if type(zone) is not str:
                raise ValueError
            if zone in self.latched:
                flags = _whole(latched, 0xFFFF)
                # A later program, left since, may have latched what this one has no name for: a person must look.
                self.latched[zone] = flags if flags <= _FLAGS_MAX else flags & _FLAGS_MAX | LATCHED
                self.on_s[zone] = _whole(on_s)
                self.armed[zone] = bool(armed)
        names = record.get("names")  # the last release did not write them
        if names is None:
            self.rearranged = {row[0] for row in record["z"]} != set(self._names)
        else:
            self.rearranged = names != self._names

    def save(self) -> None:
        """Write all; raises OSError, and then the old record remains."""
        store.save(
            self._path,
            {
                "life": self.life,
                "names": self._names,
                "n": (self.ep, self.q, self.boot, self.bad_boots),
                "ov": self.overrides,
                "z": [(z, self.latched[z], self.on_s[z], int(self.armed[z])) for z in self.latched],
            },
        )

    def follow(self, zones: "Iterable[Zone]") -> None:
        """Save if a zone's latch, after-run or hours on have moved past what is written. Cheap otherwise."""
        stale = False
        for zone in zones:
            name = zone.id
            safety = zone.safety
            armed = zone.control.rule.armed
            if safety.latched != self.latched[name] or armed != self.armed[name]:
                self.latched[name] = safety.latched
                self.armed[name] = armed
                stale = True
            total = safety.on_time.total
            if total > self.on_s[name] or total < self.on_s[name] - 2 * SPENT_AHEAD_S:
                self.on_s[name] = total + SPENT_AHEAD_S
                stale = True
        if stale:
            self._try_save()

    def good_boot(self) -> None:
        """This start has lasted: reset the count of bad starts."""
        self.bad_boots = 0
        self._try_save()

    def _try_save(self) -> None:
        try:
            self.save()
        except Exception:
            pass  # flash full or worn, or no memory: tried again with the next change


def forget_bad_boots(path: str = PATH) -> None:
    """They were those of a program that has been left. Never raises."""
    try:
        record = store.load(path)
        if record is not None:
            ep, q, boot, _ = record["n"]
            record["n"] = (ep, q, boot, 0)
            store.save(path, record)
    except Exception as e:
        print("state:", e)


def _whole(value: "Any", most: int = _WHOLE_MAX) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError
    return value


def _is_life(value: "Any") -> bool:
    return type(value) is str and len(value) == 16 and all(c in "0123456789abcdef" for c in value)
