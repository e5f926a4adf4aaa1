"""The address for which passkeys are made, from `web.public_url`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Party:
    """Whose passkeys these are, in the words of WebAuthn."""

    id: str  # host name
    origin: str


def party(public_url: str) -> Party | None:
    """From the public address; None where browsers allow no passkeys: none given, plain HTTP, an IP address."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if parts.scheme != "https" and host != "localhost":
        return None
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return Party(host, f"{parts.scheme}://{parts.netloc}".lower()) if host else None
    return None
