"""Boards' keys as the core has sent them; kept in memory only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from supervisor.domain.errors import ConfigError


class RemoteKeys:
    """`gateway.board_keys.BoardKeys` of a gateway process."""

    def __init__(self) -> None:
        self._keys: Mapping[str, tuple[bytes, ...]] = {}

    def replace(self, keys: Mapping[str, tuple[bytes, ...]]) -> None:
        """All keys of the district; () for a board without one."""
        self._keys = keys

    def of(self, board_id: str) -> Sequence[bytes]:
        if board_id not in self._keys:
            raise ConfigError("not in the configuration")
        if not self._keys[board_id]:
            raise ConfigError("board key is missing")
        return self._keys[board_id]

    def proved(self, board_id: str, key: bytes) -> None:
        """The core is told with the greeting, and sends the keys anew."""

    def hold(self, board_id: str, key: bytes) -> bool:
        return key in self._keys.get(board_id, ())
