"""Challenges of passkeys: signed with a key of this process, good for a few minutes, once.

Nothing is kept for a challenge that is only asked for, so that asking for many costs no memory.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from typing import Final

from supervisor.runtime.clock import Clock
from supervisor.web.problems import RequestError

LIFE_S: Final = 300  # to find the finger or the key; the browser is told the same
USED_MAX: Final = 100_000  # used ones that are remembered until they expire
_NONCE: Final = 16
_HEAD: Final = 8 + _NONCE  # bytes before the signature: when it expires, and the nonce


class Challenges:
    """Made for one purpose of one person, "" for nobody yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._used: OrderedDict[bytes, float] = OrderedDict()

    def _sign(self, head: bytes, purpose: str, user: str) -> bytes:
        return hmac.digest(self._key, head + purpose.encode() + b"\0" + user.encode(), "sha256")

    def make(self, purpose: str, user: str = "") -> bytes:
        """A new one, 56 bytes."""
        expires_s = int(self._clock.monotonic_s()) + LIFE_S
        head = expires_s.to_bytes(8) + secrets.token_bytes(_NONCE)
        return head + self._sign(head, purpose, user)

    def use(self, challenge: bytes, purpose: str, user: str = "") -> None:
        """Raises RequestError `bad-passkey` where it is not ours, for something else, too old or used."""
        head, signature = challenge[:_HEAD], challenge[_HEAD:]
        now_s = self._clock.monotonic_s()
        good = hmac.compare_digest(signature, self._sign(head, purpose, user))
        if not good or int.from_bytes(head[:8]) < now_s or challenge in self._used:
            raise RequestError("bad-passkey", "the challenge is unknown, used or too old", remedy="Try again")
        while self._used and next(iter(self._used.values())) < now_s:
            self._used.popitem(last=False)
        if len(self._used) >= USED_MAX:
            raise RequestError("busy", remedy="Try again in a few minutes")
        self._used[challenge] = now_s + LIFE_S
