"""Brings another program to the slot that is not in use: its signed list first, then what the list names, in pieces.

The board asks for each piece, so it sets the pace, goes on where it stopped, and live telemetry never waits. Nothing
that has come counts before its hash, read back from flash, is the one in the list. Imported for an update only.
"""

import os
import sys
from binascii import a2b_base64

from . import VERSION, chips, signed, slot
from .codes import MALFORMED, NOT_NOW, OK, OUT_OF_LIMITS
from .commands import nothing

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Awaitable, Callable

    from .board import Board
    from .commands import Outcome

MODEL = "roadheat-1"  # what a list must name: boards with other circuits are other models
PURPOSE = b"roadheat program\n"
BYTECODE = getattr(sys.implementation, "_mpy", 0) & 0xFF  # version of the bytecode that this interpreter takes
PIECE = 600  # bytes; 800 characters in a frame of at most 1,024
LIST_MAX = 8_192
FILES_MAX = 80
FILE_MAX = 65_536
SPARE = 65_536  # bytes that stay free for journal and configuration
ANSWER_S = 30
WINDOW = 6  # pieces under way or waiting: 3.6 KB of memory
NO_SENSE = "its list makes no sense"
_LIST, _SIGNATURE, _CONTENT = 0, 1, 2  # what a piece is of; the content is all files, one after the other
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"


class Refused(Exception):
    """An image that this board must not run, or that cannot be had; args: the reason."""


def later(version: str, than: str) -> bool:
    """Whether a version is later: three numbers with dots; False where one of them is not."""
    try:
        return _numbers(version) > _numbers(than)
    except ValueError:
        return False


def _numbers(version: str) -> "list[int]":
    made = [int(part) for part in version.split(".")]
    if len(made) != 3 or min(made) < 0:
        raise ValueError
    return made


def path_fault(path: str) -> bool:
    """Whether a list must not name this path: only modules and data directly in rh and drivers."""
    folder, _, name = path.partition("/")
    stem, _, kind = name.partition(".")
    return (
        folder not in ("rh", "drivers")
        or kind not in ("mpy", "json")
        or not stem
        or any(c not in _LETTERS for c in stem)
    )


def command(board: "Board", message: "dict[str, Any]") -> "Outcome":
    """Carry out an `update` command: result code, and what to do once it is stored. Raises OSError.

    v: version; h: SHA-256 of its list, hex digits; sz: bytes of the list; go: 0 to fetch it, 1 to start what has been
    fetched, which a board does only while no road needs heat.
    """
    version, identity, size, go = message["v"], message["h"], message["sz"], message["go"]
    if type(version) is not str or not later(version, "0.0.0") or type(identity) is not str or len(identity) != 64:
        return MALFORMED, nothing
    if type(size) is not int or not 0 < size <= LIST_MAX or type(go) is not int or go not in (0, 1):
        return MALFORMED, nothing
    update = board.update
    known = update is not None and (update.version, update.identity) == (version, identity)
    if go:
        if update is None or not known or not update.ready:
            return OUT_OF_LIMITS, nothing
        if board.busy():
            return NOT_NOW, nothing
        slot.switch(update.slot, identity)
        board.log("update", "restart into {} from slot {}".format(version, update.slot))
        return OK, lambda: setattr(board, "restart", True)
    if update is None or not known or update.why:
        update = Update(version, identity, size)
    wanted = update

    def fetch() -> None:
        wanted.said = False
        board.update = wanted

    return OK, fetch


class Update:
    """One program: fetched, verified, then `ready`."""

    def __init__(self, version: str, identity: str, size: int) -> None:
        """version, identity (SHA-256 of the list, hex digits), size of the list: as the supervisor's command says."""
        self.version = version
        self.identity = identity
        self._size = size
        self.slot = "b" if slot.running() == "a" else "a"
        self.ready = False
        self.said = False  # how it ended, to the supervisor
        self.why = ""  # why not; "" while it goes on
        self._due: "list[tuple[int, int, int]]" = []  # pieces asked for: of what, from where, so many bytes
        self._came: "list[bytes]" = []

    def take(self, message: "dict[str, Any]") -> bool:
        """A piece from the supervisor; whether it is the next of those asked for."""
        if not self._due or message.get("v") != self.version:
            return False
        number, at, size = self._due[0]
        try:
            piece = a2b_base64(message["d"])
        except (KeyError, ValueError, TypeError):
            return False
        if message.get("f") != number or message.get("o") != at or len(piece) != size:
            return False
        self._due.pop(0)
        self._came.append(piece)
        return True

    async def run(
        self, ask: "Callable[[dict[str, Any]], Awaitable[None]]", pause: "Callable[[int], Awaitable[None]]"
    ) -> None:
        """Fetch what is missing. `ask` sends a request. Raises OSError where link or flash fail: the next call goes on.
        Otherwise `ready` or `why` says how it ended.
        """
        try:
            if not slot.whole(self.slot, self.identity):
                await self._fetch(ask, pause)
            self.ready = True
        except Refused as e:
            self.why = str(e.args[0])
        except ValueError:
            self.why = NO_SENSE

    async def _fetch(self, ask: "Any", pause: "Any") -> None:
        held = self.slot + "/" + slot.LIST
        if not _has(held, self.identity):
            empty(self.slot)
            for folder in ("", "/rh", "/drivers"):
                os.mkdir(self.slot + folder)
            source = self._source(_LIST, 0, self._size, ask, pause)
            await _write(held, "wb", self._size, source)
            if not _has(held, self.identity):
                raise Refused("the list is not the one of the command")
        await self._check_signature(ask, pause)
        total = self._header(held)
        room = os.statvfs("/")
        if room[0] * room[3] < total + SPARE:
            raise Refused("no room: {} bytes free".format(room[0] * room[3]))
        await self._content(held, total, ask, pause)
        if not slot.whole(self.slot, self.identity):
            empty(self.slot)
            raise Refused("what came is not what the list says")

    async def _check_signature(self, ask: "Any", pause: "Any") -> None:
        try:
            keys = signed.pinned()
        except signed.Damaged:
            raise Refused("its signing keys are damaged: configure it")
        if not keys:
            raise Refused("this board has no signing keys: provision and configure it")
        signature = await self._source(_SIGNATURE, 0, signed.SIZE, ask, pause).next()
        if not signed.verified(PURPOSE + self.identity.encode(), signature, keys):
            empty(self.slot)
            raise Refused("not signed by a key of this board")

    def _header(self, path: str) -> int:
        """Bytes of all files, once the list is for this board; raises Refused and ValueError."""
        said: "dict[str, str]" = {}
        total = count = 0
        with open(path) as f:
            for line in f:
                if line[0].isdigit():
                    break
                key, _, value = line.strip().partition(" ")
                said[key] = value
            f.seek(0)
            for size, expected, name in slot.files(f):
                if path_fault(name) or len(expected) != 64 or size > FILE_MAX:
                    raise Refused(NO_SENSE)
                total += size
                count += 1
        if said.get("model") != MODEL:
            raise Refused("it is for model {}".format(said.get("model")))
        if chips.name() not in said.get("chips", "").split():
            raise Refused("it is not for this chip")
        if said.get("bytecode") != str(BYTECODE):
            raise Refused("its bytecode needs another interpreter")
        if said.get("version") != self.version or not later(self.version, VERSION):
            raise Refused("{} is not later than {}".format(said.get("version"), VERSION))
        if str(count) != said.get("files") or not 0 < count <= FILES_MAX:
            raise Refused("its list is not complete")
        return total

    async def _content(self, held: str, total: int, ask: "Any", pause: "Any") -> None:
        """All files, one after the other, from where the last attempt stopped."""
        source = None
        at = 0
        with open(held) as f:
            for size, expected, path in slot.files(f):
                path = self.slot + "/" + path
                if source is None and not _has(path, expected):
                    have = _size(path)
                    if have >= size:
                        have = 0
                    source = self._source(_CONTENT, at + have, total, ask, pause)
                    await _write(path, "ab" if have else "wb", size - have, source)
                elif source is not None:
                    await _write(path, "wb", size, source)
                at += size

    def _source(self, number: int, at: int, end: int, ask: "Any", pause: "Any") -> "_Source":
        self._due = []
        self._came = []
        return _Source(self, number, at, end, ask, pause)


class _Source:
    """Pieces of one thing in their order, some of them under way."""

    def __init__(self, update: "Update", number: int, at: int, end: int, ask: "Any", pause: "Any") -> None:
        self._update = update
        self._number = number
        self._at = at
        self._end = end
        self._ask = ask
        self._pause = pause
        self.rest = b""  # of the newest piece

    async def next(self) -> bytes:
        """Raises OSError where the supervisor does not answer."""
        update = self._update
        while self._at < self._end and len(update._due) + len(update._came) < WINDOW:
            size = min(PIECE, self._end - self._at)
            update._due.append((self._number, self._at, size))
            await self._ask({"t": "get", "v": update.version, "f": self._number, "o": self._at, "n": size})
            self._at += size
        for _ in range(ANSWER_S * 10):
            if update._came:
                return update._came.pop(0)
            await self._pause(100)
        raise OSError("no answer")


async def _write(path: str, mode: str, size: int, source: _Source) -> None:
    """`size` bytes of the source into a file; each piece is on flash before the next is awaited."""
    with open(path, mode) as f:
        while size:
            if not source.rest:
                source.rest = await source.next()
            f.write(source.rest[:size])
            f.flush()
            size, source.rest = size - len(source.rest[:size]), source.rest[size:]


def empty(name: str) -> None:
    """Remove a slot with all that is in it; raises OSError."""
    for folder in (name + "/rh", name + "/drivers", name):
        try:
            found = os.listdir(folder)
        except OSError:
            continue
        for entry in found:
            os.remove(folder + "/" + entry)
        os.rmdir(folder)


def _size(path: str) -> int:
    try:
        return int(os.stat(path)[6])
    except OSError:
        return 0


def _has(path: str, expected: str) -> bool:
    try:
        return slot.digest(path) == expected
    except OSError:
        return False
