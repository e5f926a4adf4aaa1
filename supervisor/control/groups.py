"""One command for many roads: a result for each, one entry in the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from supervisor.control.overrides import Overrides
from supervisor.domain.errors import RoadheatError
from supervisor.domain.override import Override


class GroupResult(Struct, frozen=True):
    """What became of one road's part: its override, or why there is none."""

    zone: str
    override: Override | None
    error: RoadheatError | None = None


async def request_all(
    overrides: Overrides, zones: Sequence[str], mode: str, minutes: int, reason: str, user: str, *, audit: str = ""
) -> list[GroupResult]:
    """Command zones, each named once, for a time, in this order. What is refused for one zone holds up no other.

    The first road whose command is recorded carries the entry that names all of them: nothing is commanded without it.
    `audit`: what that entry says in the place of this command.
    """
    listed = f"{len(zones)} roads {mode} {minutes} min: {' '.join(reason.split())}: {' '.join(zones)}"
    results: list[GroupResult] = []
    audit = audit or listed
    for zone in zones:
        try:
            made = await overrides.request(zone, mode, minutes, reason, user, audit)
            results.append(GroupResult(zone, made))
            audit = ""
        except RoadheatError as error:
            results.append(GroupResult(zone, None, error))
    return results
