"""MACs of frames: HMAC-SHA256 over direction, session nonce (board → supervisor only) and the exact payload bytes.

The direction byte keeps a frame from being reflected to its sender; the nonce keeps a board's frames from being
replayed in another session. Commands carry epoch and sequence instead, because a board must refuse an old one
across reboots as well.
"""

from __future__ import annotations

import hmac

from supervisor.domain.errors import FrameError
from supervisor.wire.messages import FRAME_MAX_BYTES

KEY_BYTES = 32
MAC_HEX = 64
_FROM_BOARD = b"B"
_TO_BOARD = b"S"


def _mac(key: bytes, prefix: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, prefix + payload, "sha256").hex().encode()


def seal_command(key: bytes, payload: bytes) -> bytes:
    """Frame a payload for a board; raises FrameError above FRAME_MAX_BYTES."""
    frame = payload + b"\n" + _mac(key, _TO_BOARD, payload)
    if len(frame) > FRAME_MAX_BYTES:
        raise FrameError(f"frame of {len(frame)} bytes exceeds {FRAME_MAX_BYTES}")
    return frame


def seal_report(key: bytes, nonce_hex: str, payload: bytes) -> bytes:
    """Frame a payload from a board in the session of `nonce_hex`."""
    return payload + b"\n" + _mac(key, _FROM_BOARD + nonce_hex.encode(), payload)


def split(frame: bytes) -> tuple[bytes, bytes]:
    """Payload and MAC of a frame; raises FrameError where it is not of that form."""
    if len(frame) > FRAME_MAX_BYTES:
        raise FrameError(f"frame of {len(frame)} bytes exceeds {FRAME_MAX_BYTES}")
    payload, newline, mac = frame.rpartition(b"\n")
    if not newline or len(mac) != MAC_HEX or not payload:
        raise FrameError("frame carries no MAC")
    return payload, mac


def open_command(key: bytes, frame: bytes) -> bytes:
    """Payload of a frame to a board once its MAC holds; raises FrameError."""
    payload, mac = split(frame)
    if not hmac.compare_digest(mac, _mac(key, _TO_BOARD, payload)):
        raise FrameError("MAC does not match")
    return payload


def open_report(key: bytes, nonce_hex: str, frame: bytes) -> bytes:
    """Payload of a frame from a board once its MAC holds; raises FrameError."""
    payload, mac = split(frame)
    if not hmac.compare_digest(mac, _mac(key, _FROM_BOARD + nonce_hex.encode(), payload)):
        raise FrameError("MAC does not match")
    return payload
