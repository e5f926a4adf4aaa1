"""Addresses to listen at, as they are written in city.toml."""

from __future__ import annotations


def split_listen(listen: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[v6]:port"; raises ValueError."""
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()) or not 0 <= int(port) <= 65535 or not host:
        raise ValueError(listen)
    return host.strip("[]"), int(port)


def join_listen(host: str, port: int) -> str:
    """The address as it stands in a URL: an IPv6 host in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
