"""A stream of bytes under a passphrase: a backup holds every board's key.

Format: the magic line, a 16-byte salt, a 7-byte nonce, then records of 4 bytes length and so many bytes: AES-256-GCM of
up to a mebibyte each. The nonce of a record is the stream's, its number and whether it is the last (the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015), so that none can be left out, moved or cut off. The key
is scrypt of the passphrase in Unicode's form NFKC: keyboards of phones, Macs and PCs write the same Korean word as
different letters. Earlier backups have it as it was typed: they open with it as it is given, in NFC or in NFD.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
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


def _normal(passphrase: str) -> str:
    return unicodedata.normalize("NFKC", passphrase)


def _require_long(*forms: str) -> None:
    if max(map(len, forms)) < PASSPHRASE_MIN:
        raise BackupError(
            f"shorter than {PASSPHRASE_MIN} letters",
            where="passphrase",
            remedy="Take several words, and keep them safe",
        )


def _key(form: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P).derive(form.encode()))


def _nonce(stream: bytes, number: int, last: bool) -> bytes:
    return stream + number.to_bytes(4, "big") + bytes([last])


class Sealer:
    """A file to write to; `close` writes the last record."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        normal = _normal(passphrase)
        _require_long(normal)
        salt, self._stream = os.urandom(16), os.urandom(7)
        self._cipher = _key(normal, salt)
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
    number, length = 0, source.read(4)
    cipher: AESGCM | None = None
    typed = [_normal(passphrase), passphrase, *(unicodedata.normalize(form, passphrase) for form in ("NFC", "NFD"))]
    _require_long(*typed)
    while length:
        size = int.from_bytes(length, "big")
        sealed = source.read(size) if _TAG <= size <= _RECORD + _TAG else b""
        length = source.read(4)
        nonce = _nonce(stream, number, not length)
        for candidate in [cipher] if cipher is not None else [_key(form, salt) for form in dict.fromkeys(typed)]:
            with suppress(InvalidTag):
                piece, cipher = candidate.decrypt(nonce, sealed, None), candidate
                break
        else:
            what = "damaged or cut off" if number else "wrong passphrase, or damaged"
            raise BackupError(what, where=where, remedy="Try another copy, or the passphrase of that time")
        yield piece
        number += 1
    if not number:
        raise BackupError("cut off", where=where, remedy="Try another copy")
