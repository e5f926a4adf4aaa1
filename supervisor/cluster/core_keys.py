"""What gateways get of the core's files: the listener's certificate and the boards' keys."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from supervisor.cluster.messages import KEYS_MAX, Keys, key_mark
from supervisor.config import Config
from supervisor.domain.errors import ConfigError
from supervisor.gateway.board_keys import KeyFiles
from supervisor.wire.pki import Pki

logger = logging.getLogger(__name__)


class CoreKeys:
    """The files, and a number that changes with them."""

    # A removed key ends a session within 60 s: this, and 30 s of the listener's own look. A board that is given a key
    # dials at once with it, and again within 8 s where a gateway does not know it yet.
    LOOK_S: Final = 5.0

    def __init__(self, config: Config, pki: Pki) -> None:
        self._pki = pki
        self._paths = {board.id: config.board_key_path(board.id) for board in config.board}
        self._ids = sorted(self._paths)
        self._files = KeyFiles(self._paths)
        self._seen = self._state()
        self.generation = 1

    @property
    def boards(self) -> int:
        """The configured ones."""
        return len(self._ids)

    def look(self) -> bool:
        """Whether a file has changed since the last look."""
        now = self._state()
        if now == self._seen:
            return False
        self._seen = now
        self.generation += 1
        return True

    def certificate(self) -> tuple[bytes, bytes]:
        """Chain and key of the listener, PEM. Raises OSError."""
        return self._pki.server_pem.read_bytes(), self._pki.server_key.read_bytes()

    def page(self, after: str) -> Keys:
        """Keys of the next boards behind `after`."""
        ids = [board for board in self._ids if board > after]
        return Keys({board: self._of(board) for board in ids[:KEYS_MAX]}, len(ids) > KEYS_MAX)

    def proved(self, board: str, proof: bytes) -> bool:
        """Whether a board of this district proved itself by a key that counts; an older one counts no more."""
        for key in self._of(board):
            if key_mark(key) == proof:
                self._files.proved(board, key)
                return True
        return False

    def _of(self, board: str) -> tuple[bytes, ...]:
        try:
            return tuple(self._files.of(board))
        except (ConfigError, OSError, ValueError) as error:
            logger.warning("no key of %s: %s", board, error)
            return ()

    def _state(self) -> frozenset[tuple[str, int, int]]:
        folders = {path.parent for path in self._paths.values()} | {self._pki.server_pem.parent}
        return frozenset(_entries(folders))


def _entries(folders: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    """Path, time of change and size of the files in some folders."""
    for folder in folders:
        try:
            for entry in os.scandir(folder):
                if entry.is_file():
                    found = entry.stat()
                    yield entry.path, found.st_mtime_ns, found.st_size
        except OSError as error:  # a file that goes while it is looked at: the next look counts
            logger.warning("%s: %s", folder, error.strerror)
