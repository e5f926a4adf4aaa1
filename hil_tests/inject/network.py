"""The board's network, its supply and its console."""

from __future__ import annotations

import os
import time

from hil_tests.inject.action import Action, Place

_HEARD_S = 2.0  # wall: the relay of the consoles passes bytes on within milliseconds


def _type(at: Place) -> None:
    """Bytes from somebody, or something, at the console. `value`: text."""
    console, data = at.board.console, at.value.encode("latin-1")
    before = console.typed
    line = os.open(console.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        os.write(line, data)
        deadline = time.monotonic() + _HEARD_S
        while console.typed < before + len(data) and time.monotonic() < deadline:
            time.sleep(0.001)
    finally:
        os.close(line)


ACTIONS: dict[str, Action] = {
    "cut_link": lambda at: at.board.cut_link(),
    "cut_wifi": lambda at: at.board.cut_link(wifi=True),
    "restore_link": lambda at: at.board.restore_link(),
    "power_cycle": lambda at: at.bench.power_cycle(at.board_id, at.value or 5.0),
    "type": _type,
}
