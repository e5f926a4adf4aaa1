"""The web listener's certificate: checked before it is used, and read again when its files change."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Final

from supervisor.domain.errors import ConfigError
from supervisor.net.tls import listener_context
from supervisor.runtime.work import in_thread

logger = logging.getLogger(__name__)

LOOK_EACH_S: Final = 30.0  # programs that renew certificates write two files, one after the other


def server_context(cert: Path, key: Path) -> ssl.SSLContext:
    """TLS with that certificate. Raises ConfigError where the two files cannot be used together."""
    try:
        return listener_context(cert, key)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise ConfigError(
            f"web.cert and web.key cannot be used: {error}", where=f"{cert} and {key}",
            remedy="Name a PEM certificate and the private key that belongs to it",
        ) from error  # fmt: skip


async def follow(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    """Serve the next connections with what is in the files, whenever they change; until cancelled.

    A pair that cannot be read or used is logged once, and the old one stays until there is a good one.
    """
    seen = _content(cert, key)
    while True:
        await asyncio.sleep(LOOK_EACH_S)
        now = await in_thread(None, _content, cert, key)  # a disk of a network may hang
        if now == seen:
            continue
        seen = now
        try:
            server_context(cert, key)  # first apart: a failure would leave the one in use without its key
            context.load_cert_chain(cert, key)
        except (ConfigError, OSError, ValueError) as error:
            logger.error("the new web certificate is not used, the old one stays: %s", error)
        else:
            logger.info("the web certificate was replaced")


def _content(*paths: Path) -> tuple[bytes | int, ...]:
    """What is in the files; of one that cannot be read, the system's number for why."""
    return tuple(_bytes_or_why(path) for path in paths)


def _bytes_or_why(path: Path) -> bytes | int:
    try:
        return path.read_bytes()
    except OSError as error:
        return error.errno or -1
