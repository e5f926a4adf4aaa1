"""What an engineer's machine signs, a board verifies, and the other way round."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from firmware.rh import signed as board
from tools import signing

TEXT = b'{"v": 1, "board": "b01"}'


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(signing.EXPONENT, signing.KEY_BITS)


def test_both_sides_agree(key: rsa.RSAPrivateKey) -> None:
    assert (board.SIZE, board.KEYS_MAX, board.LIMITS) == (signing.SIZE, signing.KEYS_MAX, signing.LIMITS)
    keys = [signing.modulus(key.public_key())]
    file = signing.signed(TEXT, signing.LIMITS, key)
    for wrong in (file[:-1], file.replace(b"b01", b"b02"), TEXT, b"", file[:-3] + b"\n", TEXT + b"\n#signed zz\n"):
        assert board.opened(wrong, signing.LIMITS, keys) is None
        assert signing.opened(wrong, signing.LIMITS, keys) is None
    assert board.opened(file, signing.LIMITS, keys) == signing.opened(file, signing.LIMITS, keys) == TEXT
    assert board.opened(file, b"other", keys) is signing.opened(file, b"other", keys) is None
    assert board.opened(file, signing.LIMITS, []) is signing.opened(file, signing.LIMITS, []) is None


def test_keys_are_kept_for_their_owner_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "limits.pem"
    made = signing.generate(path, b"correct horse")
    assert path.stat().st_mode & 0o077 == 0
    assert signing.load_private(path, b"correct horse").private_numbers() == made.private_numbers()
    assert signing.load_modulus(path.with_suffix(".pub")) == signing.modulus(made.public_key())
    for wrong in (None, b"wrong"):
        with pytest.raises(signing.SigningError, match="no private key"):
            signing.load_private(path, wrong)
    with pytest.raises(signing.SigningError, match="already"):
        signing.generate(path)


def test_other_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.pem"
    for key, why in (
        (rsa.generate_private_key(65537, 2048), "RSA-2048"),
        (rsa.generate_private_key(3, 3072), "exponent 3"),
        (ec.generate_private_key(ec.SECP256R1()), "not an RSA key"),
    ):
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        with pytest.raises(signing.SigningError, match=why):
            signing.load_private(path)
        path.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        with pytest.raises(signing.SigningError, match=why):
            signing.load_modulus(path)
