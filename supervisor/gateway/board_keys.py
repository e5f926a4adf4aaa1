"""Where the listener has boards' keys from: files of this machine's, or what another process has sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from supervisor.domain.errors import ConfigError
from supervisor.wire.keys import load_keys, promote

logger = logging.getLogger(__name__)


class BoardKeys(Protocol):
    """Keys by board."""

    def of(self, board_id: str) -> Sequence[bytes]:
        """Keys that count now. Raises ConfigError for a board that is not configured or has none."""
        ...

    def proved(self, board_id: str, key: bytes) -> None:
        """The board has shown `key`: an older one counts no more."""
        ...

    def hold(self, board_id: str, key: bytes) -> bool:
        """Whether `key` still counts."""
        ...


class KeyFiles:
    """Keys as they are on disk at each hello."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        """`paths`: of each configured board."""
        self._paths = paths

    def of(self, board_id: str) -> Sequence[bytes]:
        if board_id not in self._paths:
            raise ConfigError("not in the configuration")
        return load_keys(self._paths[board_id])

    def proved(self, board_id: str, key: bytes) -> None:
        try:
            promote(self._paths[board_id], key)
        except (OSError, ConfigError) as error:  # both keys count until it succeeds
            logger.error("key of %s: %s", board_id, error)

    def hold(self, board_id: str, key: bytes) -> bool:
        path = self._paths[board_id]
        try:
            return key in load_keys(path)
        except (ConfigError, ValueError):
            return False
        except OSError as error:  # no file handles or a disk that hangs: the key may be unchanged
            logger.error("cannot read key %s: %s", path, error)
            return True
