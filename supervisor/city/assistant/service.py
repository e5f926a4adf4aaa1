"""The service's REST API as an assistant uses it: with the token of the person who runs it, to one address only."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from supervisor.domain.errors import CommandError

TIMEOUT_S: Final = 20.0  # a preview takes a second or two
ANSWER_MAX_BYTES: Final = 4 * 1024**2  # fifty roads are 60 kB


def check_address(url: str) -> str:
    """The address without a slash at its end. Raises CommandError: a token goes over TLS, or stays on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
        raise CommandError("not the address of a service", where="--url", remedy='Write "https://roads.city.example"')
    if parts.scheme == "http" and not _loopback(host):
        raise CommandError("plain http would show the token", where="--url", remedy="Use https://")
    return url.rstrip("/")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Service:
    """One service. Every failure is a CommandError with a sentence."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def get(self, path: str) -> Any:
        """The JSON answer."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: object) -> Any:
        """The JSON answer to a JSON body."""
        return await self._ask("POST", path, body)

    async def _ask(self, method: str, path: str, body: object) -> Any:
        try:
            async with self._http.request(method, self._url + path, json=body, allow_redirects=False) as answer:
                raw = b""
                async for part in answer.content.iter_any():
                    raw += part
                    if len(raw) > ANSWER_MAX_BYTES:
                        raise CommandError("the answer is too long", where=path)
                if "json" not in answer.content_type:
                    raise CommandError(
                        f"status {answer.status} with {answer.content_type}, not JSON", where=self._url,
                        remedy="Look whether this is the address of the service",
                    )  # fmt: skip
                found = json.loads(raw) if raw else None
                if answer.status >= 400:
                    raise _problem(found, path, answer.status)
                return found
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CommandError(
                f"no answer: {error or type(error).__name__}", where=self._url, remedy="Look whether the service runs"
            ) from error


def _problem(found: Any, path: str, status: int) -> CommandError:
    """The service's own words."""
    told = found if isinstance(found, dict) else {}
    return CommandError(
        str(told.get("detail") or told.get("title") or f"status {status}"),
        where=str(told.get("where") or path),
        remedy=str(told.get("remedy") or ""),
        code=str(told.get("code") or "command"),
    )


@asynccontextmanager
async def connect(url: str, token: str) -> AsyncIterator[Service]:
    """The service at `url`. Raises CommandError for an address or a token that cannot be one."""
    address = check_address(url)
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise CommandError(
            "no API token", where="ROADHEAT_TOKEN", remedy="An administrator makes one: roadheat token make"
        )
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {token}"},
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as http:
        yield Service(http, address)
