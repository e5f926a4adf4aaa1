"""What both listeners ask of TLS."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

# For TLS 1.2: keys that are forgotten after the connection, and encryption that authenticates (RFC 9325, 4.2). Browsers
# since 2014 and the boards' mbedTLS have them; those of TLS 1.3 are all of that kind.
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


def listener_context(cert: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with a certificate. Raises OSError (also ssl.SSLError) and ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(cert, key)
    return context
