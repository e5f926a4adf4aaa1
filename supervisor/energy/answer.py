"""What a server of time series answered."""

from __future__ import annotations

from msgspec import Struct

_TIMED_OUT = (408, 504)
UNREACHABLE = 0  # status where no answer came


class Answer(Struct, frozen=True):
    """The server's answer: an HTTP status (0: none), its text, and how long to wait before the next request."""

    status: int
    text: str = ""
    retry_after_s: float | None = None
    from_influx: bool = True  # whether the body is InfluxDB's own JSON, not some proxy's page

    @property
    def ok(self) -> bool:
        """Delivered: InfluxDB says 204 only; 200 is the page of some proxy."""
        return self.status == 204

    @property
    def timed_out(self) -> bool:
        """Whether the request, here or at the server, timed out: fewer lines at once may pass."""
        slow = (self.status == UNREACHABLE or self.status >= 500) and "timeout" in self.text.lower()
        return slow or self.status in _TIMED_OUT
