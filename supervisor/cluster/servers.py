"""Addresses of NATS servers, as an operator writes them: what is refused before anything is sent there."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit

from supervisor.domain.errors import ConfigError

WHERE: Final = "--nats"
FORM: Final = "Write tls://USER:PASSWORD@HOST:4222, several with commas; nats://127.0.0.1:4222 on this machine"


def parse_servers(text: str) -> tuple[str, ...]:
    """The servers of a list with commas. Raises ConfigError for what is no such address, and for one beyond this
    machine without a user or without TLS: boards' keys travel there. Passwords are never repeated in an error."""
    servers = tuple(part.strip() for part in text.split(",") if part.strip())
    if not servers:
        raise ConfigError("no server is named", where=WHERE, remedy=FORM)
    for server in servers:
        _check(server)
    return servers


def shown(server: str) -> str:
    """An address without user and password."""
    parts = urlsplit(server)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def is_local(server: str) -> bool:
    """Whether it is this machine's loopback."""
    host = urlsplit(server).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(server: str) -> None:
    try:
        parts = urlsplit(server)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError("not the address of a NATS server", where=WHERE, remedy=FORM) from None
    if parts.scheme not in ("nats", "tls") or not host or _beyond(parts):
        raise ConfigError("not the address of a NATS server", where=WHERE, remedy=FORM)
    if is_local(server):
        return
    if not parts.username:
        raise ConfigError(
            f"{shown(server)} is not this machine and no user is given: anybody there could command boards",
            where=WHERE, remedy="Give the NATS server users (authorization), and name one in the address",
        )  # fmt: skip
    if parts.scheme != "tls":
        raise ConfigError(
            f"{shown(server)} is not this machine and the connection is not encrypted: boards' keys travel on it",
            where=WHERE, remedy="Give the NATS server a certificate (tls) and write tls:// for nats://",
        )  # fmt: skip


def _beyond(parts: SplitResult) -> bool:
    """Whether there is more than user, host and port."""
    return parts.path not in ("", "/") or bool(parts.query or parts.fragment)
