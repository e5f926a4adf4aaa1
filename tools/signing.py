"""Signatures that boards verify: RSA-3072, PKCS #1 v1.5, SHA-256. Twin of firmware/rh/signed.py.

The private key is on an engineer's machine, never on the server: whoever takes over the server can sign nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from supervisor.domain.errors import RoadheatError
from supervisor.wire.keys import write_private

SIZE: Final = 384  # bytes of a modulus and of a signature
KEY_BITS: Final = 8 * SIZE
EXPONENT: Final = 65_537
KEYS_MAX: Final = 2
LIMITS: Final = b"roadheat limits"
_MARK: Final = b"\n#signed "


class SigningError(RoadheatError):
    code = "signing"


def generate(path: Path, passphrase: bytes | None = None) -> rsa.RSAPrivateKey:
    """Make a private key at `path` (PEM, PKCS #8) and its public one beside it (`.pub`); never overwrites one."""
    if path.exists():
        raise SigningError("there is a key already", where=str(path), remedy="Choose another name, or remove it")
    key = rsa.generate_private_key(EXPONENT, KEY_BITS)
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    write_private(path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    path.with_suffix(".pub").write_bytes(public)
    return key


def load_private(path: Path, passphrase: bytes | None = None) -> rsa.RSAPrivateKey:
    """Raises SigningError where it cannot be read, is another kind of key, or the passphrase is wrong."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        remedy = "Give the file and passphrase of `roadheat board limits keygen`"
        raise SigningError(f"no private key: {error}", where=str(path), remedy=remedy) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SigningError("not an RSA key", where=str(path), remedy="Make one: `roadheat board limits keygen`")
    _right_size(key.public_key(), path)
    return key


def load_modulus(path: Path) -> bytes:
    """Modulus of a public key file (PEM), as boards pin it: 384 bytes. Raises SigningError."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise SigningError(f"no public key: {error}", where=str(path), remedy="Give the .pub file") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise SigningError("not an RSA key", where=str(path), remedy="Make one: `roadheat board limits keygen`")
    _right_size(key, path)
    return modulus(key)


def modulus(key: rsa.RSAPublicKey) -> bytes:
    return key.public_numbers().n.to_bytes(SIZE, "big")


def split(content: bytes) -> list[bytes]:
    """The moduli in a board's file of public keys."""
    return [content[at : at + SIZE] for at in range(0, len(content), SIZE)]


def signature(data: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """384 bytes; the same data and key give the same ones."""
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def signed(text: bytes, purpose: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """The signed file of `text`."""
    return text + _MARK + signature(purpose + b"\n" + text, key).hex().encode() + b"\n"


def opened(content: bytes, purpose: bytes, moduli: list[bytes]) -> bytes | None:
    """The text of a signed file, None where none of the keys has signed it for this purpose."""
    text, mark, rest = content.rpartition(_MARK)
    try:
        made = bytes.fromhex(rest.decode("ascii").removesuffix("\n"))
    except ValueError:
        return None
    for one in moduli if mark and rest.endswith(b"\n") else ():
        key = rsa.RSAPublicNumbers(EXPONENT, int.from_bytes(one, "big")).public_key()
        try:
            key.verify(made, purpose + b"\n" + text, padding.PKCS1v15(), hashes.SHA256())
            return text
        except InvalidSignature:
            continue
    return None


def _right_size(key: rsa.RSAPublicKey, path: Path) -> None:
    numbers = key.public_numbers()
    if key.key_size != KEY_BITS or numbers.e != EXPONENT:
        raise SigningError(
            f"RSA-{key.key_size} with exponent {numbers.e}",
            where=str(path),
            remedy=f"Boards take RSA-{KEY_BITS} with {EXPONENT}: `roadheat board limits keygen`",
        )
