"""The local dates and times that people write for a period."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from supervisor.domain.errors import CommandError
from supervisor.domain.plan import SLOT_S
from supervisor.store.rollup import local_day

DATE_LETTERS = len("2023-12-29")
YEAR_MIN, YEAR_MAX = 1990, 2200  # clocks of zones were no whole quarters of an hour from each other long ago
SEASON: Final = ("10-01", "05-01")  # first snow and last night frost of Seoul lie well inside


def local_time(text: str, timezone: ZoneInfo) -> int:
    """The UTC second of a local date or time, e.g. 2023-12-29 or 2023-12-29T06:15.

    A date alone is the beginning of that day, also where summer time begins or ends at midnight. A time that summer
    time skips or has twice is refused unless it names its offset. Raises CommandError.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            "not a date", where=text, remedy="Write it like 2023-12-29 or 2023-12-29T06:00 (local time)"
        ) from None
    if not YEAR_MIN <= found.year <= YEAR_MAX:
        raise CommandError(
            f"outside the years {YEAR_MIN} to {YEAR_MAX}", where=text, remedy="Write a time of the record"
        )
    utc_s = int(found.timestamp()) if found.tzinfo else _local_to_utc_s(text, found, timezone)
    if utc_s % SLOT_S:
        raise CommandError("not a quarter of an hour", where=text, remedy="Energy is kept by quarters of an hour")
    return utc_s


def _local_to_utc_s(text: str, found: datetime, timezone: ZoneInfo) -> int:
    first, second = (found.replace(tzinfo=timezone, fold=fold) for fold in (0, 1))
    is_date = len(text) <= DATE_LETTERS
    if first.utcoffset() == second.utcoffset() or is_date:
        return int(first.timestamp())  # of a skipped midnight it is the moment at which the day begins
    if first.astimezone(UTC).astimezone(timezone).replace(tzinfo=None) != found:
        raise CommandError(
            f"does not exist in {timezone.key}: summer time begins then",
            where=text,
            remedy=f"Write {_written(first, timezone)} or {_written(second, timezone)}",
        )
    raise CommandError(
        f"exists twice in {timezone.key}: summer time ends then",
        where=text,
        remedy=f"Write {first.isoformat(timespec='minutes')} for the first or "
        f"{second.isoformat(timespec='minutes')} for the second",
    )


def _written(moment: datetime, timezone: ZoneInfo) -> str:
    """As the clocks on the wall show it."""
    return moment.astimezone(UTC).astimezone(timezone).isoformat(timespec="minutes")


def named_zone(name: str) -> ZoneInfo:
    """The zone of option --timezone. Raises CommandError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CommandError(
            "unknown time zone", where=f"--timezone {name!r}", remedy='Write an IANA name such as "Asia/Seoul"'
        ) from None


def month_span(month: str, timezone: ZoneInfo) -> tuple[int, int]:
    """A calendar month such as 2024-01 [UTC s]. Raises CommandError."""
    found = re.fullmatch(r"(\d{4})-(\d{2})", month)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1 <= int(found[1]) < 9999:
        raise CommandError("not a month", where=f"month {month[:40]!r}", remedy="Write it like 2024-01")
    year, number = int(found[1]), int(found[2])
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return local_time(f"{month}-01", timezone), local_time("{:04d}-{:02d}-01".format(*following), timezone)


def season_span(season: str, timezone: ZoneInfo) -> tuple[int, int]:
    """A heating season such as 2023-24, from October to April [UTC s]. Raises CommandError."""
    found = re.fullmatch(r"(\d{4})-(\d{2})", season)
    if found is None or int(found[2]) != (int(found[1]) + 1) % 100 or not 1 <= int(found[1]) < 9999:
        raise CommandError("not a season", where=f"season {season[:40]!r}", remedy="Write it like 2023-24")
    first = int(found[1])
    return local_time(f"{first:04d}-{SEASON[0]}", timezone), local_time(f"{first + 1:04d}-{SEASON[1]}", timezone)


def season_of(utc_s: float, timezone: ZoneInfo) -> str:
    """The season of a time, in summer the one that has ended."""
    local = datetime.fromtimestamp(utc_s, timezone)
    first = local.year if f"{local:%m-%d}" >= SEASON[0] else local.year - 1
    return f"{first}-{(first + 1) % 100:02d}"


def period_of(start: str, end: str, timezone: ZoneInfo) -> tuple[int, int]:
    """The UTC seconds of a local period. Raises CommandError, also where it is empty."""
    first, past = local_time(start, timezone), local_time(end, timezone)
    if first >= past:
        raise CommandError(
            "the period is empty", where="--from --to", remedy="--to is the end of the period, exclusive"
        )
    return first, past


def begun(first_utc_s: int, now_utc_s: float, where: str) -> None:
    """Raises CommandError for a period that has not begun: nothing can be recorded of it."""
    if first_utc_s >= now_utc_s:
        raise CommandError("in the future", where=where, remedy="Ask for a time that has begun")


def days(first: int, past: int, timezone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Parts of a period that end with local days."""
    while first < past:
        _, _, midnight = local_day(first, timezone)
        yield first, min(past, midnight)
        first = midnight
