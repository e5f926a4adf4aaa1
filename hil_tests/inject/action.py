"""The form of an injector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hil_tests.bench.bench import Bench
from hil_tests.bench.zone import BenchZone
from hil_tests.vm.emulated_board import EmulatedBoard


@dataclass(frozen=True)
class Place:
    """Where something is done, and with what; "" where it concerns no board or zone."""

    bench: Bench
    board_id: str
    zone_id: str
    value: Any

    @property
    def board(self) -> EmulatedBoard:
        return self.bench.boards[self.board_id]

    @property
    def zone(self) -> BenchZone:
        return self.bench.zone(self.zone_id)


Action = Callable[[Place], None]
