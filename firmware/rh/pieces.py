"""Pieces of a program that the supervisor is asked for, some under way, in their order. Used by `rh.update`."""

import gc
from binascii import a2b_base64

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

PIECE = 96  # bytes; a frame of some 250, as telemetry has: beside the link the heap has little more in one piece
FLUSH = 4  # pieces between two writes to flash: each costs the erasure of a block
ANSWER_S = 30
ROOMY = 32_768  # bytes free: four times as many pieces do no harm
WINDOW = 4  # pieces under way or waiting


class Pieces:
    """Of the program of one version. `stalled`: nothing has come since it was last set."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.stalled = True
        self.due: "list[tuple[int, int, int]]" = []  # asked for: of what, from where, so many bytes
        self.came: "list[bytes]" = []

    def take(self, message: "dict[str, Any]") -> bool:
        """A piece from the supervisor; whether it is the next of those asked for."""
        if not self.due or message.get("v") != self.version:
            return False
        number, at, size = self.due[0]
        try:
            piece = a2b_base64(message["d"])
        except (KeyError, ValueError, TypeError):
            return False
        if message.get("f") != number or message.get("o") != at or len(piece) != size:
            return False
        self.due.pop(0)
        self.came.append(piece)
        self.stalled = False
        return True

    def source(self, number: int, at: int, end: int, ask: "Any", pause: "Any") -> "Source":
        """Bytes `at` to `end` of one thing; what was asked for before is forgotten."""
        self.due = []
        self.came = []
        return Source(self, number, at, end, ask, pause)


class Source:
    """Pieces of one thing in their order, some of them under way."""

    def __init__(self, pieces: Pieces, number: int, at: int, end: int, ask: "Any", pause: "Any") -> None:
        self._pieces = pieces
        self._number = number
        self._at = at
        self._end = end
        self._ask = ask
        self._pause = pause
        self._rest = b""  # of the newest piece
        free = getattr(gc, "mem_free", None)  # the VM's
        self._window = WINDOW if free is None or free() < ROOMY else 4 * WINDOW

    async def next(self) -> bytes:
        """Raises OSError where the supervisor does not answer."""
        pieces = self._pieces
        while self._at < self._end and len(pieces.due) + len(pieces.came) < self._window:
            size = min(PIECE, self._end - self._at)
            pieces.due.append((self._number, self._at, size))
            await self._ask({"t": "get", "v": pieces.version, "f": self._number, "o": self._at, "n": size})
            self._at += size
        for _ in range(ANSWER_S * 10):
            if pieces.came:
                return pieces.came.pop(0)
            await self._pause(100)
        raise OSError("no answer")

    async def write(self, path: str, mode: str, size: int) -> None:
        """The next `size` bytes into a file, on flash every FLUSH pieces and at its end. Raises OSError."""
        with open(path, mode) as f:
            written = 0
            while size:
                if not self._rest:
                    self._rest = await self.next()
                f.write(self._rest[:size])
                written += 1
                if written % FLUSH == 0:
                    f.flush()
                size, self._rest = size - len(self._rest[:size]), self._rest[size:]
