"""Frames that a board with a valid key could send, with every number, name and structure free. Seeded: it replays."""

from __future__ import annotations

import json
import random
from typing import Any

EXTREMES = (
    0, 1, -1, 10, 60, 255, 256, 1000, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 10**8, 10**13, 2**53,
    2**63 - 1, 2**63, 2**64, -(2**63), 10**40,
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "1",
    "z01",
    1.5,
    -0.0,
    1e300,
    [],
    {},
    [[]],
    {"t": "tel"},
    "\u2028",
    "빙판",
    "x" * 200,
)
RESULTS = 0.05  # part of the frames that answer commands that were never sent
SPOILT = 0.002  # part of which the seal is broken: cut, longer, a bit flipped, noise. It ends the session too
NO_FRAME = 0.002  # part that is not a frame: it ends the session, and the next one costs a handshake


class FrameFuzz:
    """Payloads of one hostile board. `own` are its zones, `others` those of other boards."""

    def __init__(self, seed: int, own: tuple[str, ...], others: tuple[str, ...]) -> None:
        self._random = random.Random(seed)
        self._names = (*own, *own, *own, *others, "z-none", "Z01", "z01\n", "")
        self._sent: list[bytes] = []

    def payload(self, up_s: int, utc_s: int, boot: int) -> bytes:
        """The next one, at a time at which an honest board would send it."""
        rng = self._random
        kind = rng.random()
        if kind < NO_FRAME:
            return rng.choice(
                [b"{", b"\x00", b"[1,2]", b'{"t":"hello"}', b'{"t":"tel"}', b"[" * 500, b'"' + b"\xff" * 20]
            )
        if kind < NO_FRAME + RESULTS:
            return self._text({"t": "result", "ep": self._number(5), "q": self._number(5), "rc": self._number(0)})
        if self._sent and rng.random() < 0.1:
            return rng.choice(self._sent)
        frame: dict[str, Any] = {
            "t": "tel", "boot": self._key(boot), "q": self._key(up_s), "utc": self._number(utc_s),
            "up": self._number(up_s), "dt": self._number(10), "bad": self._number(0), "z": self._samples(up_s),
        }  # fmt: skip
        if rng.random() < 0.05:
            self._damage(frame)
        made = self._text(frame)
        if len(made) > 950:
            frame["z"] = frame["z"][:1] if isinstance(frame.get("z"), list) else []
            made = self._text(frame)[:950]
        self._sent = [*self._sent[-200:], made]
        return made

    def spoilt(self, sealed: bytes) -> bytes | None:
        """Now and then: bytes that are no sealed frame, made of one; else None."""
        rng = self._random
        if rng.random() >= SPOILT:
            return None
        at = rng.randrange(len(sealed))
        flipped = sealed[:at] + bytes([sealed[at] ^ (1 << rng.randrange(8))]) + sealed[at + 1 :]
        return rng.choice([flipped, sealed[:at], sealed + sealed, rng.randbytes(rng.randint(0, 2000))])

    def greeting(self, up_s: int, boot: int) -> dict[str, Any]:
        """Fields of a hello that the service may have to believe."""
        rng = self._random
        return {
            "boot": boot + rng.choice([0, 0, 0, 1, -1, 1000]),
            "up": rng.choice([up_s, up_s, 0, 10**6, 6 * 10**8]),
            "utc": rng.choice([0, 1, 2**32 - 1]),
            "life": rng.choice(["", "", f"{rng.getrandbits(64):016x}"]),
        }

    def _samples(self, up_s: int) -> list[Any]:
        rng = self._random
        result: list[Any] = []
        for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 8])):
            sample: list[Any] = [
                rng.choice(self._names), self._number(1500), self._number(4200), self._number(300), self._number(10),
                self._number(40_000), self._number(11 * up_s), self._number(500), self._number(4), self._number(0),
            ]  # fmt: skip
            if rng.random() < 0.03:
                self._damage(sample)
            result.append(sample)
        return result

    def _number(self, usual: int) -> Any:
        rng = self._random
        drawn = rng.random()
        if drawn < 0.75:
            return usual
        if drawn < 0.85:
            return rng.choice(EXTREMES)
        if drawn < 0.90:
            return rng.getrandbits(rng.randint(1, 33))
        if drawn < 0.98:
            return max(0, usual + rng.randint(-1000, 1000))
        return rng.choice(ODD)

    def _key(self, usual: int) -> Any:
        """As `_number`, but mostly one that names a record: what does not, ends the session."""
        made = self._number(usual)
        names = isinstance(made, int) and 0 <= made < 2**32
        return made if names or self._random.random() < 0.02 else self._random.getrandbits(32)

    def _damage(self, part: dict[str, Any] | list[Any]) -> None:
        """Take a field away, add one, or put something else in its place."""
        rng = self._random
        if isinstance(part, list):
            part[:] = rng.choice([part[:-1], [*part, 1], part[::-1]])
            return
        name = rng.choice(list(part))
        how = rng.randrange(3)
        if how == 0:
            del part[name]
        elif how == 1:
            part["new"] = rng.choice(ODD)
        else:
            part[name] = rng.choice(ODD)

    def _text(self, value: object) -> bytes:
        return json.dumps(value, ensure_ascii=self._random.random() < 0.5, separators=(",", ":")).encode()
