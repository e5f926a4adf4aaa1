"""Which addresses that people type in may be asked: none of this machine and its network, by https only."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from supervisor.domain.errors import NotifyError

NAT64 = ipaddress.ip_network("64:ff9b::/96")  # IPv4 addresses as IPv6 ones (RFC 6052)
REMEDY = "Write a public https address, or list the host in alarms.local_hosts"


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; also of the IPv4 address that an IPv6 one stands for."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            found = inner
    return found.is_global and not found.is_multicast


def check_url(url: str, local_hosts: Collection[str] = ()) -> str:
    """The host of a URL that may be asked; raises NotifyError for any other.

    Plain http, and addresses of this machine and its network, only for `local_hosts`.
    """
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname or "", parts.scheme
        _ = parts.port  # raises where it is no port
    except ValueError as error:
        raise NotifyError("not a web address", where=url[:80], remedy=REMEDY) from error
    if scheme not in ("http", "https") or not host or any(c.isspace() or ord(c) < 0x20 for c in url):
        raise NotifyError("not a web address", where=url[:80], remedy=REMEDY)
    if parts.username or parts.password:
        raise NotifyError("an address with a password in it", where=host, remedy="Put secrets into the environment")
    if host in local_hosts:
        return host
    if scheme != "https":
        raise NotifyError("plain http", where=host, remedy=REMEDY)
    if _is_address(host) and not is_public(host):
        raise NotifyError("an address of this machine or its network", where=host, remedy=REMEDY)
    return host


def _is_address(host: str) -> bool:
    """Whether it names no host but an address, in any form that the system's resolver takes: 127.1, 0x7f000001."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
        return True
    except ValueError:
        pass
    try:
        socket.inet_aton(host)
        return True
    except OSError:
        return False
