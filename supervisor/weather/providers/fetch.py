"""HTTP for weather services, by their rules: identification, caching, conditional requests, back-off.

One `Fetcher` per service. Time comes from the injected clock, and nothing here sleeps: while a service must not be
asked, `get` answers from the cache or raises at once, and the caller tries again later.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from supervisor.domain.errors import WeatherError
from supervisor.domain.retry_after import retry_after_s
from supervisor.runtime.clock import Clock

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")

TIMEOUT_S = 30.0  # services answer within a few seconds; over LTE a retry beats a longer wait
BODY_MAX_BYTES = 16 * 1024 * 1024  # the longest real answer (50 members, 16 days) has 3 MB
FRESH_DEFAULT_S = 600.0  # without a caching header: models run hourly at best
FRESH_MAX_S = 3 * 3600.0  # longer would keep an outdated forecast
REDIRECTS_MAX = 3  # a service that has moved redirects once
BACKOFF_FIRST_S = 30.0
BACKOFF_MAX_S = 1800.0
REQUESTS_MAX = 16  # remembered: the pages and issues of one forecast; a service is asked for no more at once
JITTER_S = 60.0  # after expiry, so that all roadheats of a country do not ask in the same second


@dataclass(frozen=True)
class Answer:
    """A body, when it was received and until when it is good."""

    body: bytes
    received_utc_s: float
    fresh_until_s: float  # monotonic
    etag: str = ""
    last_modified: str = ""
    request: str = ""  # URL and query that it answers


def freshness_s(headers: Mapping[str, str]) -> float:
    """How long an answer may be used [s]: Cache-Control max-age, else Expires − Date (RFC 9111 §4.2.1).

    Headers that cannot be read say nothing.
    """
    for part in headers.get("Cache-Control", "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "max-age" and (longest_s := _seconds(value.strip('"'))) is not None:
            return min(max(longest_s - (_seconds(headers.get("Age", "")) or 0.0), 0.0), FRESH_MAX_S)
    if "Expires" in headers and "Date" in headers:
        try:
            left = parsedate_to_datetime(headers["Expires"]) - parsedate_to_datetime(headers["Date"])
            return min(max(left.total_seconds(), 0.0), FRESH_MAX_S)
        except (TypeError, ValueError, OverflowError, IndexError):
            pass
    return FRESH_DEFAULT_S


def _seconds(text: str) -> float | None:
    """Whole seconds in ASCII digits (`isdigit` alone also takes "²"), None for anything else."""
    return float(text[:12]) if text.isascii() and text.isdigit() else None


class Fetcher:
    """GET with caching, validation and back-off.

    `user_agent` must name the application and a contact (MET Norway answers 403 otherwise). `session` belongs to the
    caller. `rng` is injected so that a run replays.
    """

    def __init__(
        self, session: aiohttp.ClientSession, clock: Clock, user_agent: str, rng: random.Random | None = None
    ) -> None:
        self._session = session
        self._clock = clock
        self._user_agent = user_agent
        self._rng = rng or random.Random()
        self._cache: dict[str, Answer] = {}
        self._unusable: dict[str, float] = {}  # request: not asked again before, monotonic
        self._failures = 0
        self._quiet_until_s = -1.0  # monotonic
        self._reason = ""
        self.key_env = ""  # the environment variable with the service's key, for messages
        self._lock = asyncio.Lock()  # two callers share one request

    async def get(self, url: str, query: Mapping[str, str]) -> Answer:
        """The answer for a request, from the cache while it is fresh. Raises WeatherError, never with a key in it."""
        async with self._lock:
            key = _request(url, query)
            now = self._clock.monotonic_s()
            cached = self._cache.get(key)
            if cached and now < cached.fresh_until_s:
                return cached
            if now < self._quiet_until_s:
                raise self._error(f"{self._reason}; next try in {self._quiet_until_s - now:.0f} s", url)
            if now < self._unusable.get(key, now):
                left_s = self._unusable[key] - now
                raise self._error(f"the last answer could not be used; next try in {left_s:.0f} s", url)
            try:
                answer = await self._ask(url, query, cached)
            except WeatherError:
                raise
            except Exception as error:  # of the network, TLS, HTTP or a decoder: the same for the caller
                self._back_off(0.0, type(error).__name__)
                raise self._error(f"no answer ({type(error).__name__})", url) from error
            self._failures = 0
            self._cache.pop(key, None)
            self._cache[key] = answer
            for old in list(self._cache)[:-REQUESTS_MAX]:
                del self._cache[old]
            return answer

    async def read(self, url: str, query: Mapping[str, str], reader: Callable[[Answer], T]) -> T:
        """What `reader` makes of the answer. An answer that it refuses is not kept, whatever its headers allow; this
        request, but no other, then waits before it is made again.

        Raises WeatherError, the reader's too.
        """
        answer = await self.get(url, query)
        try:
            return reader(answer)
        except WeatherError:
            key, now = answer.request, self._clock.monotonic_s()
            self._cache.pop(key, None)
            self._unusable = {of: until for of, until in self._unusable.items() if until > now}
            self._unusable[key] = now + self._rng.uniform(0.5 * BACKOFF_FIRST_S, BACKOFF_FIRST_S)
            raise

    async def _ask(self, url: str, query: Mapping[str, str], cached: Answer | None) -> Answer:
        import aiohttp  # here: commands that read city.toml start without it

        headers = {"User-Agent": self._user_agent, "Accept": "application/json"}
        if cached and cached.etag:
            headers["If-None-Match"] = cached.etag
        elif cached and cached.last_modified:
            headers["If-Modified-Since"] = cached.last_modified
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with self._session.get(
            url, params=dict(query), headers=headers, timeout=timeout, max_redirects=REDIRECTS_MAX
        ) as response:
            fresh_until = self._clock.monotonic_s() + freshness_s(response.headers) + self._rng.uniform(0.0, JITTER_S)
            if response.status == 304 and cached:
                return replace(cached, received_utc_s=self._clock.utc_s(), fresh_until_s=fresh_until)
            if response.status not in (200, 203):  # 203: MET Norway's sign that a version is deprecated
                text = (await response.content.read(300)).decode("utf-8", "replace")
                wait_s = retry_after_s(response.headers.get("Retry-After"), self._clock.utc_s())
                self._back_off(wait_s or 0.0, f"HTTP {response.status}")
                error = self._error(f"HTTP {response.status}: {_first_line(text)}", url)
                if response.status in (401, 403) and self.key_env:
                    error.remedy = f"Check the key in {self.key_env}, and that it is granted this service"
                raise error
            body = bytearray()
            async for chunk in response.content.iter_chunked(65536):
                body += chunk
                if len(body) > BODY_MAX_BYTES:
                    self._back_off(0.0, "answer too long")
                    raise self._error(f"answer over {BODY_MAX_BYTES} bytes", url)
            return Answer(
                body=bytes(body),
                received_utc_s=self._clock.utc_s(),
                fresh_until_s=fresh_until,
                etag=response.headers.get("ETag", ""),
                last_modified=response.headers.get("Last-Modified", ""),
                request=_request(url, query),
            )

    def _back_off(self, at_least_s: float, reason: str) -> None:
        """Full jitter, exponential, capped; a service's own Retry-After is obeyed."""
        ceiling = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0**self._failures)
        self._failures = min(self._failures + 1, 16)
        wait = max(self._rng.uniform(0.5 * ceiling, ceiling), at_least_s)
        self._quiet_until_s = self._clock.monotonic_s() + wait
        self._reason = reason

    @staticmethod
    def _error(message: str, url: str) -> WeatherError:
        return WeatherError(message, where=url, remedy="The last good forecast is kept; the service is asked again")


def _request(url: str, query: Mapping[str, str]) -> str:
    return url + "?" + "&".join(f"{k}={v}" for k, v in sorted(query.items()))


def _first_line(text: str) -> str:
    return " ".join(text.split())[:120]
