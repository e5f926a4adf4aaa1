"""Boards that have refused a newest file, or found it damaged: they heat on with its last good copy, and say so."""

from __future__ import annotations

from supervisor.control.alarms import Alarms
from supervisor.domain.alarm import AlarmCode
from supervisor.wire.messages import Hello


class BoardFiles:
    """Raises and clears the alarm by what each greeting says."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def greeted(self, hello: Hello) -> None:
        """A board has connected."""
        self._alarms.set(
            AlarmCode.BOARD_FILES, hello.b, bool(hello.st),
            f"{hello.b} goes on with the last good copy of its files. {hello.st}. "
            "See `roadheat board logs`, then `roadheat board configure`",
        )  # fmt: skip
