"""The console of a board in operation: Ctrl-C is a byte like any other, and some lines are answered.

`rh?` shows what the board does, without disturbing it; `rh log AT` what it has reported, from byte AT of its log on or
so many before its end; `rh crash` the last traceback. `rh unlock MINUTES MAC` lets Ctrl-C through for a time, by the
board's key: MAC is HMAC-SHA256 of `console`, the nonce that `rh?` showed, a space and MINUTES, as hex digits.
"""

import json
import os
import select
import sys
from binascii import hexlify

import micropython

from . import VERSION, events, trust
from .wire import Mac

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from .board import Board
    from .config import Config

LOOK_MS = 500
MINUTES_MAX = 120
_LINE_MAX = 120
_READ_MAX = 1024  # bytes at a time: a line that never ends must not keep the safety loop waiting
_CTRL_C = 3


class Console:
    """config: checked; board: whose `t` is its monotonic second."""

    def __init__(self, config: "Config", board: "Board") -> None:
        self._config = config
        self._board = board
        self._line = b""
        self._nonce = b""
        self._until_s = -1
        self._stdin = select.poll()
        self._stdin.register(sys.stdin, select.POLLIN)

    async def run(self, pause: "Callable[[int], Any]") -> None:
        """Look every half second. What is wrong with the console ends nothing else."""
        self._renew()
        while True:
            if 0 <= self._until_s <= self._board.t:
                self._lock()
            self._read()
            await pause(LOOK_MS)

    def _read(self) -> None:
        for _ in range(_READ_MAX):
            if not self._stdin.poll(0):
                return
            char = sys.stdin.buffer.read(1)  # noise on the line is not text
            if not char:
                return
            if char in b"\r\n":
                line, self._line = self._line, b""
                if line.startswith(b"rh"):
                    self._answer(line)
            elif len(self._line) < _LINE_MAX:
                self._line += char

    def _answer(self, line: bytes) -> None:
        if line == b"rh?":
            print("rh " + json.dumps(self._now()))
            return
        words = line.split(b" ")
        if words[0] == b"rh" and words[1:2] in ([b"log"], [b"crash"]):
            print("rh " + json.dumps(_kept(words)))
            return
        if len(words) == 4 and words[1] == b"unlock":
            print("rh unlocked" if self._unlock(words[2], words[3]) else "rh refused")
            self._renew()  # each MAC is for one use

    def _unlock(self, minutes: bytes, mac: bytes) -> bool:
        known = Mac(trust.key(self._config)).hex(b"console" + self._nonce, b" " + minutes)
        if len(mac) != len(known) or _differ(mac, known):
            self._board.log("console", "wrong key")
            return False
        if not minutes.isdigit() or not 1 <= int(minutes) <= MINUTES_MAX:
            return False
        self._until_s = self._board.t + 60 * int(minutes)
        self._board.log("console", "unlocked for {} min".format(int(minutes)))
        micropython.kbd_intr(_CTRL_C)
        return True

    def _lock(self) -> None:
        self._until_s = -1
        micropython.kbd_intr(-1)
        self._board.log("console", "locked")

    def _renew(self) -> None:
        self._nonce = hexlify(os.urandom(8))

    def _now(self) -> "dict[str, Any]":
        board = self._board
        left = max(0, self._until_s - board.t)
        hello = board.hello(VERSION)
        zones = [[z.id, z.surface.value, z.power_w, z.control.who, z.flags] for z in board.zones]
        nonce = self._nonce.decode()
        return {"b": hello["b"], "fw": hello["fw"], "up": board.t, "open_s": left, "nonce": nonce, "z": zones}


def _kept(words: "list[bytes]") -> "dict[str, Any]":
    """Answer to `rh log AT` and `rh crash`."""
    if words[1] == b"crash":
        return {"crash": events.crash().decode()}
    at = words[2] if len(words) == 3 else b""
    back = at[:1] == b"-"
    digits = at[1:] if back else at
    if not digits.isdigit() or len(digits) > 6:
        return {"log": "", "next": 0, "size": 0}
    found, after, size = events.read(-int(digits) if back else int(digits))
    return {"log": found.decode(), "next": after, "size": size}


def _differ(a: bytes, b: bytes) -> int:
    """Whether two texts of one length differ, in a time that does not tell where."""
    wrong = 0
    for i in range(len(b)):
        wrong |= a[i] ^ b[i]
    return wrong
