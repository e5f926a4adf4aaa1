"""A board's session as control sees it, and what control keeps of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from supervisor.domain.override import Override
from supervisor.domain.plan import Plan
from supervisor.wire.messages import Result

Subject = Plan | Override | Callable[[Result], None] | None  # what a command was about; a callable gets the answer


class BoardLink(Protocol):
    """The gateway's session of a board."""

    @property
    def board_id(self) -> str: ...

    def send(self, payload: bytes) -> None:
        """Seal and queue a frame; never waits. A session whose queue is full closes itself."""
        ...


@dataclass(slots=True)
class Session:
    """What was commanded in a session."""

    link: BoardLink
    sequence: int  # of the last command
    commanded: bool  # False: the board follows a newer service
    pending: OrderedDict[int, Subject]
