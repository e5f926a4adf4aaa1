"""The Retry-After header (RFC 9110 §10.2.3): whole seconds, or a date."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

RETRY_AFTER_MAX_S = 24 * 3600.0  # a longer wait is cut to a day
_DIGITS_MAX = 12


def retry_after_s(header: str | None, now_utc_s: float) -> float | None:
    """How long a server asks to wait [s], 0 … `RETRY_AFTER_MAX_S`; None where the header says nothing.

    Whatever it holds, nothing is raised: text that is neither form counts as no header.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:_DIGITS_MAX]), RETRY_AFTER_MAX_S)
    try:
        until = parsedate_to_datetime(text)
        left_s = until.replace(tzinfo=until.tzinfo or UTC).timestamp() - now_utc_s
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return min(max(left_s, 0.0), RETRY_AFTER_MAX_S)
