"""InfluxDB's two write APIs behind one call that never raises for errors of server or network."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.domain.write_precision import WritePrecision
from msgspec import Struct

from supervisor.config import InfluxConfig
from supervisor.domain.retry_after import retry_after_s
from supervisor.energy import retention
from supervisor.energy.answer import UNREACHABLE, Answer

TIMEOUT_S = 20.0  # for 5,000 lines; a loaded 1.6.7 takes 0.1 s
BODY_MAX_BYTES = 64 * 1024  # InfluxDB's errors have a few hundred
TEXT_MAX = 300  # characters of an error that are kept


class Target(Struct, frozen=True, kw_only=True):
    """An InfluxDB."""

    api: Literal["v1", "v2"]
    url: str
    database: str = ""  # v1
    bucket: str = ""  # v2
    org: str = ""  # v2
    token: str = ""  # v2; v1: "user:password", or a token for 1.8
    places: Mapping[str, str] = {}  # measurement → retention policy (v1) or bucket (v2), where it has one of its own
    policies: Mapping[str, int] = {}  # v1: retention policies that are needed, and how many days each keeps


class Endpoint(Protocol):
    async def prepare(self) -> Answer:
        """Make what lines are written to, as far as it is missing; raises nothing but CancelledError."""
        ...

    async def write(self, lines: str, place: str = "") -> Answer:
        """Send lines with second stamps, to one of the target's `places`; raises nothing but CancelledError."""
        ...

    async def close(self) -> None: ...


def authorization(token: str) -> dict[str, str]:
    """The header for a token, or for "user:password"; none where it is empty."""
    if ":" in token:
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    return {"Authorization": f"Token {token}"} if token else {}


class V1Endpoint:
    """`/write` of 1.6 and later, by aiohttp."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._url = target.url.rstrip("/")
        self._parameters = {"db": target.database, "precision": "s"}
        self._session = aiohttp.ClientSession(
            headers=authorization(target.token), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
        )

    async def prepare(self) -> Answer:
        if not self._target.policies:
            return Answer(204)
        return await retention.ensure(self._ask, self._target.database, self._target.policies)

    async def write(self, lines: str, place: str = "") -> Answer:
        parameters = {**self._parameters, "rp": place} if place else self._parameters
        try:
            async with self._session.post(
                f"{self._url}/write", params=parameters, data=lines.encode(), allow_redirects=False
            ) as response:
                return await read_answer(response)
        except Exception as error:
            return _no_answer(error)

    async def _ask(self, query: str) -> Answer | dict[str, Any]:
        try:
            async with self._session.post(f"{self._url}/query", params={"q": query}, allow_redirects=False) as response:
                if response.status != 200:
                    return await read_answer(response)
                return retention.read_result(await response.text())
        except Exception as error:
            return _no_answer(error)

    async def close(self) -> None:
        await self._session.close()


class V2Endpoint:
    """`/api/v2/write` of 1.8, 2.x and 3.x, by influxdb-client's async client with raw lines.

    Its batching API is not used: it drops points silently while a server is down. Its own idea of success
    (201 counts) is not used either: every response but 204 is read here first.
    """

    def __init__(self, target: Target) -> None:
        self._bucket = target.bucket
        self._org = target.org
        self._client = InfluxDBClientAsync(
            url=target.url,
            token=target.token,
            org=target.org,
            timeout=int(TIMEOUT_S * 1000),
            allow_redirects=False,
            client_session_kwargs={"raise_for_status": _raise_unless_written},
        )
        self._write = self._client.write_api().write

    async def prepare(self) -> Answer:
        return Answer(204)  # an administrator makes buckets: a missing one is named by the answer to a write

    async def write(self, lines: str, place: str = "") -> Answer:
        try:
            done = await self._write(
                bucket=place or self._bucket,
                org=self._org,
                record=lines.encode(),
                write_precision=WritePrecision.S,  # type: ignore[arg-type]  # the client's own annotation is wrong
            )
        except _NotWritten as refusal:
            return refusal.answer
        except Exception as error:
            return _no_answer(error)
        return Answer(204) if done else Answer(UNREACHABLE, "the client did not report that it was written")

    async def close(self) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]


class _NotWritten(Exception):
    """The server's answer was not 204."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


async def _raise_unless_written(response: aiohttp.ClientResponse) -> None:
    answer = await read_answer(response)
    if not answer.ok:
        raise _NotWritten(answer)


async def read_answer(response: aiohttp.ClientResponse) -> Answer:
    """The answer of a response; of a body that is long, cut off or in an unknown charset only the text is lost."""
    status = response.status
    if status == 204:
        return Answer(204)
    body = b""
    try:
        async for chunk in response.content.iter_chunked(BODY_MAX_BYTES):
            body += chunk
            if len(body) >= BODY_MAX_BYTES:
                response.close()
                break
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Answer(status, f"the answer was cut off ({type(error).__name__})", from_influx=False)
    text, from_influx = _words(body[:BODY_MAX_BYTES].decode("utf-8", "replace"))
    if 300 <= status < 400:
        text = f"redirects to {response.headers.get('Location', 'nowhere')[:200]!r}: give that address in [influx]"
    elif 200 <= status < 300:
        text = f"InfluxDB answers 204 to a write, this is something else: {text}"
    return Answer(
        status,
        text[:TEXT_MAX],
        retry_after_s(response.headers.get("Retry-After"), _time_of(response)),
        from_influx,
    )


def _time_of(response: aiohttp.ClientResponse) -> float:
    """The server's own time [UTC s], against which the date form of its Retry-After counts; 0 where it gives none."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError, IndexError):
        return 0.0


def _no_answer(error: Exception) -> Answer:
    """The answer for an exception while sending or receiving."""
    text = str(error)[:TEXT_MAX]
    if isinstance(error, TimeoutError) and "timeout" not in text.lower():
        text = f"timeout {text}".strip()
    return Answer(UNREACHABLE, text or type(error).__name__, from_influx=False)


def connect(target: Target) -> Endpoint:
    """The endpoint of a target; call it inside the running loop."""
    return V1Endpoint(target) if target.api == "v1" else V2Endpoint(target)


def _words(body: str) -> tuple[str, bool]:
    """The sentence in an InfluxDB error body, and whether it is one: {"error"} or {"code", "message"}."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return " ".join(body.split()), False
    if isinstance(said, dict):
        for key, beside in (("message", "code"), ("error", "error")):
            if isinstance(said.get(key), str) and beside in said:
                return said[key], True
    return " ".join(body.split()), False


def configured(influx: InfluxConfig, environment: Mapping[str, str] = os.environ) -> Target:
    """The target that city.toml names; its token is in the environment."""
    token = environment.get(influx.token_env, "").strip() if influx.token_env else ""
    return Target(
        api=influx.api,
        url=influx.url,
        database=influx.database,
        bucket=influx.bucket,
        org=influx.org,
        token=token,
        places=retention.places(influx),
        policies=retention.policies(influx),
    )
