"""What only a key on an engineer's machine can make: RSA-3072 signatures, PKCS #1 v1.5 with SHA-256 (RFC 8017, 8.2.2).

The board has two public keys, so that the second can take over where the first is lost; a signature by either counts.
A signed file is

    text, newline, "#signed <signature as 768 hex digits>", newline

over its purpose, a newline and the text: a file signed for one use is of no use for another.
Twin of tools/signing.py.
"""

from binascii import unhexlify
from hashlib import sha256

from . import seal

KEYS = "signers.bin"  # sealed; the public keys one after the other
SIZE = 384  # bytes of a modulus and of a signature
KEYS_MAX = 2
LIMITS = b"roadheat limits"
_EXPONENT = 65_537
_MARK = b"\n#signed "
# DER of the DigestInfo before a SHA-256 (RFC 8017, 9.2, note 1).
_DIGEST_INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


class Damaged(Exception):
    """The file of the public keys is there and cannot be used: nothing can be verified."""


def verified(data: bytes, signature: bytes, keys: "list[bytes]") -> bool:
    """Whether one of `keys` has signed `data`. Never raises; on the chip it takes some tenths of a second.

    signature: 384 bytes; keys: moduli of 384 bytes each, most significant byte first; the exponent is 65537.
    """
    if len(signature) != SIZE:
        return False
    end = _DIGEST_INFO + sha256(data).digest()
    # The whole block is made and compared: reading a signature's own block is how forgeries got through elsewhere.
    wanted = b"\x00\x01" + b"\xff" * (SIZE - 3 - len(end)) + b"\x00" + end
    number = int.from_bytes(signature, "big")
    for key in keys:
        if len(key) != SIZE or not key[0] & 0x80:
            continue
        modulus = int.from_bytes(key, "big")
        if number < modulus and pow(number, _EXPONENT, modulus).to_bytes(SIZE, "big") == wanted:
            return True
    return False


def opened(content: bytes, purpose: bytes, keys: "list[bytes]") -> "bytes | None":
    """The text of a signed file, None where nobody in `keys` has signed it for this purpose."""
    at = content.rfind(_MARK)
    if at < 0 or len(content) - at - len(_MARK) != 2 * SIZE + 1:  # the VM's unhexlify takes an odd number of digits
        return None
    try:
        signature = unhexlify(content[at + len(_MARK) : -1])
    except ValueError:
        return None
    text = content[:at]
    if content[-1:] != b"\n" or not verified(purpose + b"\n" + text, signature, keys):
        return None
    return text


def pinned(path: str = KEYS) -> "list[bytes]":
    """The public keys of this board; none where it was provisioned without. Raises Damaged."""
    content, why, _ = seal.pick(path)
    if content is None and why == seal.MISSING:
        return []
    keys = [] if content is None or why == seal.UNSEALED else split(content)
    if not keys:
        raise Damaged(path)
    return keys


def split(content: bytes) -> "list[bytes]":
    """The public keys of a file's content; none where it is not one or two of them."""
    if not content or len(content) % SIZE or len(content) > KEYS_MAX * SIZE:
        return []
    return [content[at : at + SIZE] for at in range(0, len(content), SIZE)]


def text_of(content: bytes) -> bytes:
    """A file's text without its signature, which nobody has verified."""
    at = content.rfind(_MARK)
    return content if at < 0 else content[:at]
