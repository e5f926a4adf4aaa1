"""Where lines go: InfluxDB's two write APIs behind one call that never raises for what a server or a network does."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Literal, Protocol

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from msgspec import Struct

from supervisor.config import InfluxConfig

TIMEOUT_S = 20.0  # for 5,000 lines; a loaded 1.6.7 takes 0.1 s
UNREACHABLE = 0  # status of an answer that never came


class Target(Struct, frozen=True, kw_only=True):
    """An InfluxDB."""

    api: Literal["v1", "v2"]
    url: str
    database: str = ""  # v1
    bucket: str = ""  # v2
    org: str = ""  # v2
    token: str = ""  # v2; v1: "user:password", or a token for 1.8


class Answer(Struct, frozen=True):
    """What the server said: an HTTP status (0: nothing), its words, and for how long it wants to be left alone."""

    status: int
    text: str = ""
    retry_after_s: float | None = None

    @property
    def ok(self) -> bool:
        return self.status in (200, 204)


class Endpoint(Protocol):
    async def write(self, lines: str) -> Answer:
        """Send lines with second stamps; raises nothing but CancelledError."""
        ...

    async def close(self) -> None: ...


class V1Endpoint:
    """`/write` of 1.6 and later, by aiohttp."""

    def __init__(self, target: Target) -> None:
        user, colon, password = target.token.partition(":")
        basic = aiohttp.BasicAuth(user, password) if colon else None
        headers = {"Authorization": f"Token {target.token}"} if target.token and not colon else {}
        self._url = target.url.rstrip("/") + "/write"
        self._parameters = {"db": target.database, "precision": "s"}
        self._session = aiohttp.ClientSession(
            auth=basic, headers=headers, timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
        )

    async def write(self, lines: str) -> Answer:
        try:
            async with self._session.post(self._url, params=self._parameters, data=lines.encode()) as answer:
                text = "" if answer.status == 204 else _words(await answer.text(errors="replace"))
                return Answer(answer.status, text, _seconds(answer.headers.get("Retry-After")))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(UNREACHABLE, str(error) or type(error).__name__)

    async def close(self) -> None:
        await self._session.close()


class V2Endpoint:
    """`/api/v2/write` of 1.8, 2.x and 3.x, by influxdb-client's async client with raw lines.

    Its batching API is not used: it drops points while a server is away, and says nothing.
    """

    def __init__(self, target: Target) -> None:
        self._bucket = target.bucket
        self._org = target.org
        self._client = InfluxDBClientAsync(
            url=target.url, token=target.token, org=target.org, timeout=int(TIMEOUT_S * 1000)
        )
        self._write = self._client.write_api().write

    async def write(self, lines: str) -> Answer:
        try:
            done = await self._write(
                bucket=self._bucket,
                org=self._org,
                record=lines.encode(),
                write_precision=WritePrecision.S,  # type: ignore[arg-type]  # the client's own annotation is wrong
            )
        except ApiException as error:
            headers = {str(name).lower(): value for name, value in dict(error.headers or {}).items()}
            body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
            return Answer(
                int(error.status or UNREACHABLE),
                _words(body or str(error.reason)),
                _seconds(headers.get("retry-after")),
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(UNREACHABLE, str(error) or type(error).__name__)
        return Answer(204) if done else Answer(UNREACHABLE, "the client did not say that it was written")

    async def close(self) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]


def connect(target: Target) -> Endpoint:
    """The endpoint of a target; call it inside the running loop."""
    return V1Endpoint(target) if target.api == "v1" else V2Endpoint(target)


def _words(body: str) -> str:
    """The sentence in an InfluxDB error body, at most 300 letters."""
    try:
        said = json.loads(body)
    except ValueError:
        return body.strip()[:300]
    if isinstance(said, dict):
        return str(said.get("message") or said.get("error") or body)[:300]
    return body[:300]


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds; its date form is not used by InfluxDB."""
    try:
        return None if header is None else max(0.0, float(header))
    except ValueError:
        return None


def configured(influx: InfluxConfig, environment: Mapping[str, str] = os.environ) -> Target:
    """The target that city.toml names; its token is in the environment."""
    token = environment.get(influx.token_env, "") if influx.token_env else ""
    return Target(
        api=influx.api, url=influx.url, database=influx.database, bucket=influx.bucket, org=influx.org, token=token
    )
