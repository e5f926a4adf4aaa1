"""A stream of bytes under a passphrase: a backup holds every board's key.

Format: the magic line, a 16-byte salt, a 7-byte nonce, then records of 4 bytes length and so many bytes: AES-256-GCM of
up to a mebibyte each. The nonce of a record is the stream's, its number and whether it is the last (the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015), so that none can be left out, moved or cut off. The key
is scrypt of the passphrase.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from supervisor.domain.errors import RoadheatError

MAGIC = b"roadheat-backup-1\n"
PASSPHRASE_MIN = 12  # letters: scrypt makes each guess expensive, not a short passphrase good
_RECORD = 1 << 20
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 1 << 16, 8, 1  # 64 MB and some 0.2 s a guess
_TAG = 16


class BackupError(RoadheatError):
    code = "backup"


def _key(passphrase: str, salt: bytes) -> AESGCM:
    if len(passphrase) < PASSPHRASE_MIN:
        raise BackupError(
            f"shorter than {PASSPHRASE_MIN} letters",
            where="passphrase",
            remedy="Take several words, and keep them safe",
        )
    made = Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P).derive(passphrase.encode())
    return AESGCM(made)


def _nonce(stream: bytes, number: int, last: bool) -> bytes:
    return stream + number.to_bytes(4, "big") + bytes([last])


class Sealer:
    """A file to write to; `close` writes the last record."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        salt, self._stream = os.urandom(16), os.urandom(7)
        self._cipher = _key(passphrase, salt)
        self._target = target
        self._number = 0
        self._waiting = bytearray()
        target.write(MAGIC + salt + self._stream)

    def write(self, data: bytes) -> int:
        self._waiting += data
        while len(self._waiting) > _RECORD:
            self._record(bytes(self._waiting[:_RECORD]), last=False)
            del self._waiting[:_RECORD]
        return len(data)

    def close(self) -> None:
        self._record(bytes(self._waiting), last=True)

    def _record(self, data: bytes, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._stream, self._number, last), data, None)
        self._target.write(len(sealed).to_bytes(4, "big") + sealed)
        self._number += 1


def opened(source: BinaryIO, passphrase: str, where: str) -> Iterator[bytes]:
    """What was written, piece by piece.

    Raises BackupError for another file, a wrong passphrase, damage, or a missing end.
    """
    head = source.read(len(MAGIC) + 23)
    if not head.startswith(MAGIC) or len(head) < len(MAGIC) + 23:
        raise BackupError("not a backup of roadheat", where=where, remedy="Give the file that `roadheat backup` wrote")
    salt, stream = head[len(MAGIC) : len(MAGIC) + 16], head[len(MAGIC) + 16 :]
    cipher, number = _key(passphrase, salt), 0
    length = source.read(4)
    while length:
        size = int.from_bytes(length, "big")
        sealed = source.read(size) if _TAG <= size <= _RECORD + _TAG else b""
        length = source.read(4)
        try:
            yield cipher.decrypt(_nonce(stream, number, not length), sealed, None)
        except InvalidTag:
            what = "damaged or cut off" if number else "wrong passphrase, or damaged"
            raise BackupError(what, where=where, remedy="Try another copy, or the passphrase of that time") from None
        number += 1
    if not number:
        raise BackupError("cut off", where=where, remedy="Try another copy")
