"""Times of price files: ISO with or without an offset, and the local times of exchanges and of ENTSO-E's platform."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from supervisor.domain.plan import SLOT_S

# Exchanges of central Europe write wall-clock time as "CET" in summer too.
_ZONES: dict[str, tzinfo] = {
    "UTC": UTC, "GMT": UTC, "CET": ZoneInfo("Europe/Brussels"), "CET/CEST": ZoneInfo("Europe/Brussels"),
    "EET/EEST": ZoneInfo("Europe/Helsinki"), "WET/WEST": ZoneInfo("Europe/Lisbon"), "EET": ZoneInfo("Europe/Helsinki"),
    "WET": ZoneInfo("Europe/Lisbon"), "BRUSSELS": ZoneInfo("Europe/Brussels"), "KST": ZoneInfo("Asia/Seoul"),
}  # fmt: skip
# After a single time they mean what they say.
_OFFSETS = {"UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "BST": 1, "KST": 9}
_DAY_FIRST = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?")
_MARK = re.compile(r"\s*\(([A-Z]{3,4})\)\s*$")


def heading_zone(heading: str) -> tzinfo | None:
    """The time zone in a heading such as `MTU (CET/CEST)` or `time_utc_start`; None: it names none."""
    if "utc" in heading.lower():
        return UTC
    for name in re.findall(r"[A-Z]{3,8}(?:/[A-Z]{3,4})?", heading):
        if name in _ZONES:
            return _ZONES[name]
    return None


class TimeReader:
    """Reads the times of one column, in the file's order: of a doubled hour in autumn the first comes first."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._before: float | None = None

    def utc_s(self, text: str) -> float:
        """UTC of the beginning of an interval or of a single time, on a quarter; raises ValueError."""
        start = text.split(" - ")[0].strip()
        mark = _MARK.search(start)
        time = _parse(start[: mark.start()] if mark else start)
        if mark and time.tzinfo is None:
            if mark[1] not in _OFFSETS:
                raise ValueError(f"{mark[1]} is no time zone of prices")
            time = time.replace(tzinfo=timezone(timedelta(hours=_OFFSETS[mark[1]])))
        found = self._located(time).timestamp()
        if found % SLOT_S:
            raise ValueError(f"{text[:60]} is not on a quarter of an hour")
        self._before = found
        return found

    def _located(self, time: datetime) -> datetime:
        if time.tzinfo is not None:
            return time
        if self._zone is None:
            raise ValueError(f"{time} has no offset from UTC")
        first = time.replace(tzinfo=self._zone)
        second = first.replace(fold=1)
        if first.utcoffset() == second.utcoffset():
            return first
        if first.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) != time:
            raise ValueError(f"{time} does not exist: clocks went forward")
        return second if self._before is not None and first.timestamp() <= self._before else first


def _parse(text: str) -> datetime:
    if found := _DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute, second = (int(part or 0) for part in found.groups())
        text = f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
    return datetime.fromisoformat(text)
