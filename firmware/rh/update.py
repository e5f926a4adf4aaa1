"""Brings another program to the slot that is not in use: its signed list first, then what the list names, in pieces.

The slot keeps what it holds until the list has been found to be signed, for this board, and later than what runs; that
is looked at each time, because a slot that is whole may hold the program of before. The board asks for each piece, so
it sets the pace, goes on where it stopped, and live telemetry never waits. Nothing that has come counts before its
hash, read back from flash, is the one in the list. Imported for an update only.
"""

import os

from . import slot, verdict
from .codes import MALFORMED, NOT_NOW, OK, OUT_OF_LIMITS
from .commands import nothing
from .pieces import Pieces
from .verdict import Refused, later

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Awaitable, Callable

    from .board import Board
    from .commands import Outcome

LIST_MAX = 8_192
SIGNATURE = 384  # bytes
LIST_NEW = "list.new"  # until it has been verified
_LIST, _SIGNATURE, _CONTENT = 0, 1, 2  # what a piece is of; the content is all files, one after the other


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
    if slot.load()["new"]:  # what the other slot holds is the way back until the running program is proved
        return NOT_NOW, nothing
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
        self.restart = False  # it goes on at the next start: there is no memory for it beside the link
        self.failures = 0  # in a row
        self.again_at = 0  # uptime before which it is not tried again
        self.pieces = Pieces(version)

    def take(self, message: "dict[str, Any]") -> bool:
        """A piece from the supervisor; whether it is the next of those asked for."""
        return self.pieces.take(message)

    async def run(
        self, ask: "Callable[[dict[str, Any]], Awaitable[None]]", pause: "Callable[[int], Awaitable[None]]"
    ) -> None:
        """Verify what is there and fetch what is missing. `ask` sends a request. Raises OSError where link or flash
        fail: the next call goes on. Otherwise `ready` or `why` says how it ended.
        """
        try:
            await self._fetch(ask, pause)
            self.ready = True
        except Refused as e:
            self.why = str(e.args[0])[: slot.WHY_MAX]
            remove(LIST_NEW)
        verdict.withdraw()

    async def _fetch(self, ask: "Any", pause: "Any") -> None:
        held = self.slot + "/" + slot.LIST
        here = _has(held, self.identity)
        where = held if here else LIST_NEW
        if not _has(where, self.identity):
            await self.pieces.source(_LIST, 0, self._size, ask, pause).write(where, "wb", self._size)
            if not _has(where, self.identity):
                raise Refused("the list is not the one of the command")
        total = await self._verified(where, ask, pause)
        if slot.whole(self.slot, self.identity):
            return
        if not here:
            remove(self.slot)
            for folder in ("", "/rh", "/drivers"):
                os.mkdir(self.slot + folder)
            os.rename(where, held)
        await self._content(held, total, ask, pause)
        if not slot.whole(self.slot, self.identity):
            remove(self.slot)
            raise Refused("what came is not what the list says")

    async def _verified(self, path: str, ask: "Any", pause: "Any") -> int:
        """Bytes of all files of the list at `path`; raises Refused where this board must not run it."""
        known = verdict.given(self.identity, self.slot)
        if known is not None:
            return known
        await self.pieces.source(_SIGNATURE, 0, SIGNATURE, ask, pause).write(verdict.SIGNATURE, "wb", SIGNATURE)
        try:
            return verdict.judge(path, self.identity, self.version, self.slot)
        except MemoryError:
            verdict.forget()
            verdict.ask(path, self.identity, self.version, self.slot)
            self.restart = True
            raise OSError("its list is verified at the next start")

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
                    source = self.pieces.source(_CONTENT, at + have, total, ask, pause)
                    await source.write(path, "ab" if have else "wb", size - have)
                elif source is not None:
                    await source.write(path, "wb", size)
                at += size


def remove(path: str) -> None:
    """Whatever is there, with all that is in it; raises OSError."""
    try:
        os.remove(path)  # LittleFS takes an empty folder, too
    except OSError:
        try:
            found = os.listdir(path)
        except OSError:
            return  # there is nothing
        for entry in found:
            remove(path + "/" + entry)
        os.rmdir(path)


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
