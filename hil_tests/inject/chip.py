"""Troubles of the chip: memory, calls that do not return or raise what nobody lists, power that ends in a write."""

from __future__ import annotations

import random

from hil_tests.inject.action import Action, Place

_WRITES_MAX = 12  # a commit of the state takes about five


def _cut(at: Place) -> None:
    """`value`: what to draw the write and its torn part from."""
    rng = random.Random(f"{at.value} {at.board_id} {at.bench.now_ms}")
    at.board.set_trouble("cut", rng.randrange(_WRITES_MAX), rng.randrange(4))


ACTIONS: dict[str, Action] = {
    "trouble": lambda at: at.board.set_trouble(at.value or "none"),
    "cut_in_write": _cut,
}
