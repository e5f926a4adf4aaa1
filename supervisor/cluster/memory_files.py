"""A certificate and its key for `ssl`, which reads files only, without a file on any disk."""

from __future__ import annotations

import os
from pathlib import Path

from supervisor.wire.pki import Pki


class MemoryPki:
    """Files in memory that only this process can open; `pki` names them as the listener expects it."""

    def __init__(self, certificate: bytes, key: bytes) -> None:
        """PEM. Raises OSError."""
        self._certificate = os.memfd_create("certificate")
        self._key = os.memfd_create("key")
        certificate_path, key_path = (Path(f"/proc/self/fd/{number}") for number in (self._certificate, self._key))
        nothing = Path(os.devnull)  # a gateway has no authority
        self.pki = Pki(nothing, nothing, nothing, certificate_path, key_path)
        self.replace(certificate, key)

    def replace(self, certificate: bytes, key: bytes) -> None:
        """Put others in their place."""
        for number, content in ((self._certificate, certificate), (self._key, key)):
            os.ftruncate(number, 0)
            os.pwrite(number, content, 0)

    def close(self) -> None:
        """Give them back."""
        os.close(self._certificate)
        os.close(self._key)
