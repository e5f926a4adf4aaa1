"""What each contactor has done over the board's life: how often it has closed, and for how long in all.

One record on flash, and a copy of it; it outlives resets, power cuts and other programs. At most what `AHEAD` names is
lost at a power cut: less wear of the flash. A contactor is replaced by its switchings (docs/hardware).
"""

from . import store

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Iterable

    from .zone import Zone

PATH = "life.rec"
COPY = "life.rec.1"
AHEAD = (4, 1_800)  # switchings and seconds on, of all zones together, between two writes
_MOST = (1 << 30) - 1  # small integers on the chip


class Life:
    """zones: ids. `switchings` and `on_s` by zone; counts of zones that are no longer there are kept."""

    def __init__(self, zones: "list[str]", path: str = PATH, copy: str = COPY) -> None:
        self._paths = (copy, path)
        self.switchings = dict.fromkeys(zones, 0)
        self.on_s = dict.fromkeys(zones, 0)
        self._on = dict.fromkeys(zones, False)
        self._unsaved_switchings = self._unsaved_s = 0
        for one in (path, copy):
            try:
                record = store.load(one)
                if record is not None:
                    self._take(record["z"])
                    break
            except (store.Damaged, KeyError, TypeError, ValueError):
                pass  # its copy; where that cannot be used either, counting begins anew

    def _take(self, rows: "Any") -> None:
        for _, switchings, on_s in rows:
            for count in (switchings, on_s):
                if type(count) is not int or not 0 <= count <= _MOST:
                    raise ValueError
        for name, switchings, on_s in rows:
            self.switchings[name], self.on_s[name] = switchings, on_s

    def follow(self, zones: "Iterable[Zone]") -> None:
        """Count a second. Never raises: what flash does not take is written with what comes."""
        for zone in zones:
            name, on = zone.id, zone.relay.on
            if on:
                self.on_s[name] += 1
                self._unsaved_s += 1
                if not self._on[name]:
                    self.switchings[name] += 1
                    self._unsaved_switchings += 1
            self._on[name] = on
        if self._unsaved_switchings >= AHEAD[0] or self._unsaved_s >= AHEAD[1]:
            self._unsaved_switchings = self._unsaved_s = 0
            self.save()

    def save(self) -> None:
        """Never raises."""
        record = {"z": [(name, self.switchings[name], self.on_s[name]) for name in self.switchings]}
        try:
            for path in self._paths:
                store.save(path, record)
        except Exception:
            pass

    def said(self, zones: "Iterable[Zone]") -> "list[tuple[int, int]]":
        """Of each zone: switchings, whole hours on."""
        return [(self.switchings[zone.id], self.on_s[zone.id] // 3600) for zone in zones]
