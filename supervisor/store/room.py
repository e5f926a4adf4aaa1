"""Room for what must be recorded on a full disk, see `reserve`; on a server its administrator sees to the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from supervisor.domain.errors import StoreError
from supervisor.store import database
from supervisor.store.place import Place
from supervisor.store.reserve import Reserve

FREE_PAGES = 256  # unused within the database, 1 MiB: room for telemetry of some minutes, which grows no file


class Need(Enum):
    """What a job may use on a full disk."""

    ROOM = "room"  # nothing
    SAFETY = "safety"  # the space set aside for safety commands
    DRAIN = "drain"  # the space set aside for emptying the spool


class Room:
    """Of a database on a server: nothing is set aside."""

    def __init__(self) -> None:
        self.reserves: Mapping[Need, Reserve] = {}

    def open(self, place: Place) -> sqlite3.Connection:
        """The writing connection, its schema up to date. Raises StoreError."""
        connection = database.connect(place)
        try:
            database.migrate(connection, str(place))
        except StoreError:
            connection.close()
            raise
        return connection

    def has_room(self, connection: sqlite3.Connection) -> bool:
        """Whether anything may be recorded. Sets space aside again where there is some."""
        return True


class RoomOnDisk(Room):
    """Of a file: some space for safety commands and, where lines are spooled, some for emptying the spool."""

    def __init__(self, path: Path, *, drains: bool) -> None:
        self._safety = Reserve(path.with_name(f"{path.name}-reserve"))
        ballast = Reserve(path.with_name(f"{path.name}-ballast"), "emptying the spool")
        self._ballast = ballast if drains else None
        self.reserves = {Need.SAFETY: self._safety} | ({Need.DRAIN: ballast} if drains else {})

    def open(self, place: Place) -> sqlite3.Connection:
        try:
            connection = database.connect(place)
        except StoreError as error:  # even opening takes a little space
            if not (lacks_room(error) and self._safety.release()):
                raise
            connection = database.connect(place)
        database.migrate(connection, str(place))
        for reserve in self.reserves.values():
            reserve.set_aside()
        return connection

    def has_room(self, connection: sqlite3.Connection) -> bool:
        if self._safety.spent and not self._safety.set_aside():
            return False
        if self._ballast is None or not self._ballast.spent or self._ballast.set_aside():
            return True
        unused = connection.execute("PRAGMA freelist_count").fetchone()[0]
        return bool(unused >= FREE_PAGES)  # pages that the spool has left: telemetry takes these, not the disk's


def lacks_room(error: BaseException | None) -> bool:
    """Whether more space may help: not where another process holds the database or the file is damaged."""
    hopeless = ("locked", *database.DAMAGED)
    return isinstance(error, StoreError) and not any(words in error.message for words in hopeless)
