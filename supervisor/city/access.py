"""Who may use an interface whose protocol knows no sign-in: by address."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from supervisor.city.commands import HELD, TOO_FAST
from supervisor.control.overrides import DANGER

BUSY = (HELD, TOO_FAST, DANGER)  # codes of refusals: the same command may be taken later

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(texts: Sequence[str]) -> list[Network]:
    """Addresses and networks as in city.toml, which has been checked."""
    return [ipaddress.ip_network(text) for text in texts]


def within(host: str, allowed: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks; an IPv4 address may come as an IPv6 one."""
    address = ipaddress.ip_address(host.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address.version == network.version and address in network for network in allowed)
