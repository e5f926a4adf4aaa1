"""What can be done to a running bench, by name: faults as data (`faults.json`, scenarios) are made of these.

Each module has `ACTIONS`: name → function of bench, board, zone and value. `find` gives one.
"""

from __future__ import annotations

from hil_tests.bench.zone import BenchError
from hil_tests.inject import chip, files, network, road, service
from hil_tests.inject.action import Action

ACTIONS: dict[str, Action] = {
    **chip.ACTIONS, **files.ACTIONS, **network.ACTIONS, **road.ACTIONS, **service.ACTIONS,
}  # fmt: skip


def find(name: str) -> Action:
    """Raises BenchError for a name that nothing has."""
    if name not in ACTIONS:
        raise BenchError(f"nothing is called `{name}`", remedy=f"Known: {', '.join(sorted(ACTIONS))}")
    return ACTIONS[name]
