"""Files of an update of boards: the order, written by the command line, and how far it is, written by the service."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from supervisor.domain.errors import ConfigError
from supervisor.wire.keys import write_private

_T = TypeVar("_T")
FOLDER: Final = "update"  # in the state folder
PROGRAM: Final = "program.zip"
_ORDER: Final = "order.json"
_PROGRESS: Final = "progress.json"


class Wish(StrEnum):
    """What people want of the update."""

    RUN = "run"
    PAUSE = "pause"  # nothing new begins; boards finish what they do
    ABORT = "abort"  # for good; boards stay on whichever program they run


class Order(Struct, frozen=True, kw_only=True):
    """One update, as ordered."""

    id: str  # of this order: the same program may be ordered again
    version: str
    identity: str  # of the program
    boards: tuple[str, ...]  # which of them, the canary's candidates first
    by: str  # who ordered or changed it last
    wish: Wish = Wish.RUN
    resumed: int = 0  # how often people have let it go on after a failure


class Failure(Struct, frozen=True):
    """A board that did not take the program, or left it."""

    why: str
    accepted: bool = False  # a person has let the update go on all the same


class Progress(Struct, kw_only=True):
    """How far an update is."""

    order: str = ""  # its id
    stage: int = 0
    resumed: int = 0  # of the order that this progress knows
    started: dict[str, float] = {}  # board → UTC when it was asked to start the program
    done: dict[str, float] = {}  # board → UTC since when it runs it, proved
    failed: dict[str, Failure] = {}
    waits: dict[str, str] = {}  # board → what for
    halted: str = ""  # why nothing new begins
    finished: bool = False


def load_order(folder: Path) -> Order | None:
    """None where there is none. Raises ConfigError where it is damaged."""
    return _load(folder / _ORDER, Order)


def load_progress(folder: Path) -> Progress:
    """An empty one where there is none, or it is damaged: boards say again what they run."""
    try:
        return _load(folder / _PROGRESS, Progress) or Progress()
    except ConfigError:
        return Progress()


def save(folder: Path, content: Order | Progress) -> None:
    """Raises OSError."""
    name = _ORDER if isinstance(content, Order) else _PROGRESS
    write_private(folder / name, msgspec.json.encode(content))


def _load(path: Path, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"damaged: {error}", where=str(path), remedy="Order the update again") from None
