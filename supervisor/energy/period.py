"""The local dates and times that people write for a period."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from supervisor.domain.errors import CommandError
from supervisor.domain.plan import SLOT_S


def local_time(text: str, timezone: ZoneInfo) -> int:
    """The UTC second of a local date or time, e.g. 2023-12-29 or 2023-12-29T06:15. Raises CommandError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            "not a date", where=text, remedy="Write it like 2023-12-29 or 2023-12-29T06:00 (local time)"
        ) from None
    utc_s = int((found if found.tzinfo else found.replace(tzinfo=timezone)).timestamp())
    if utc_s % SLOT_S:
        raise CommandError("not a quarter of an hour", where=text, remedy="Energy is kept by quarters of an hour")
    return utc_s
