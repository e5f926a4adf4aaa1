"""The fault campaign: every fault alone and every pair, on emulated boards with the real firmware and service.

A run has eight boards in steady snow, each with a case of its own (one fault or a pair), and at most one fault of the
service beside them. The invariants of the fault model, I16 among them, are checked at every tick; whatever violates one
names the board, and with it the case that `replay` plays alone.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from hil_tests.scenarios.scenario import Event, Scenario, Weather

BOARDS = 8  # of a run
HOURS = 2.25
FIRST_S, LAST_S = 900, 4_200  # between them faults begin: boards have heated before, and there is time to recover
LASTS_S = (600, 2_400)
FIT = ("beat", "trip")  # of all boards: what the safety loop and a latched weld are seen by
_HERE = Path(__file__).parent


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    do: str  # a name in hil_tests.inject
    value: Any = None


class Fault(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line of `faults.json`."""

    name: str
    rows: tuple[int, ...]  # of the fault model
    begin: Step
    end: Step | None = None  # None: it ends by itself, or never
    times: int = 1
    lasts_s: tuple[int, int] = LASTS_S
    fit: tuple[str, ...] = ()  # what its board must have, besides what all have
    service: bool = False  # of the service, and with it of all boards


class Run(Struct, frozen=True, kw_only=True):
    """`cases[i]`: the faults of board i + 1; `service`: what the service has meanwhile."""

    seed: int
    cases: tuple[tuple[str, ...], ...]
    service: str = ""
    hours: float = HOURS

    @property
    def key(self) -> str:
        """The same for the same run, for a campaign that goes on later."""
        return f"{self.seed}:{self.service}:{';'.join('+'.join(case) for case in self.cases)}"


def faults() -> dict[str, Fault]:
    """All of them, by name."""
    found = msgspec.json.decode((_HERE / "faults.json").read_bytes(), type=tuple[Fault, ...])
    return {fault.name: fault for fault in found}


def runs(pairs: bool, seeds: int) -> list[Run]:
    """Every fault alone, and with `pairs` every two of them, for each seed from 1 on."""
    known = faults()
    boards = [name for name, fault in known.items() if not fault.service]
    services = [name for name, fault in known.items() if fault.service]
    found = []
    for seed in range(1, seeds + 1):
        alone = [(name,) for name in boards]
        found += [Run(seed=seed, cases=tuple(part)) for part in _parts(alone)]
        found += [Run(seed=seed, cases=((),), service=name) for name in services]
        if pairs:
            found += [Run(seed=seed, cases=tuple(part)) for part in _parts(list(itertools.combinations(boards, 2)))]
            for name in services:
                found += [Run(seed=seed, cases=tuple(part), service=name) for part in _parts(alone)]
    return found


def _parts(cases: Sequence[tuple[str, ...]]) -> Iterator[Sequence[tuple[str, ...]]]:
    for start in range(0, len(cases), BOARDS):
        yield cases[start : start + BOARDS]


def scenario(run: Run) -> Scenario:
    """The run as a scenario. The same run has the same events, whatever other runs there are."""
    known = faults()
    events: list[Event] = []
    fit: dict[str, tuple[str, ...]] = {}
    for number, case in enumerate(run.cases):
        board, zone = f"b{number + 1:02d}", f"z{2 * number + 1:02d}"
        fit[board] = FIT + tuple(dict.fromkeys(extra for name in case for extra in known[name].fit))
        for name in case:
            rng = random.Random(f"{run.seed} {name} {'+'.join(case)}")
            events += _events(known[name], rng, run.hours, board, zone)
    if run.service:
        events += _events(known[run.service], random.Random(f"{run.seed} {run.service}"), run.hours)
    names = [" ".join("+".join(case) or "nothing" for case in run.cases), run.service]
    return Scenario(
        title=", ".join(filter(None, names)), weather=Weather(kind="steady", air_c=-3.0, snow_mm_h=1.0),
        boards=len(run.cases), hours=run.hours, seed=run.seed, fit=fit, flashed=False,
        events=tuple(events),
    )  # fmt: skip


def _events(fault: Fault, rng: random.Random, hours: float, board: str = "", zone: str = "") -> list[Event]:
    at_s, found = rng.randrange(FIRST_S, LAST_S), []
    for _ in range(fault.times):
        found.append(Event(at_s=at_s, do=fault.begin.do, value=fault.begin.value, board=board, zone=zone))
        at_s += rng.randrange(*fault.lasts_s)
        if fault.end is not None:
            found.append(Event(at_s=at_s, do=fault.end.do, value=fault.end.value, board=board, zone=zone))
            at_s += rng.randrange(*fault.lasts_s) if fault.times > 1 else 0
    end_s = hours * 3600 - 60
    return [event if event.at_s < end_s else msgspec.structs.replace(event, at_s=int(end_s)) for event in found]
