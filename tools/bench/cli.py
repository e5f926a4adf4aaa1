"""`roadheat bench …`: road model, planner and control law, each compared with others.

The benches import large modules; these are loaded only when called.
"""

from __future__ import annotations

import click

from supervisor.commands import Lazy, LazyGroup

BENCHES = {
    "board": Lazy(
        "hil_tests.bench.board_command:board",
        "Memory, garbage, jitter and flash of a board, with bytecode and 32-bit words; ends with status 1 above a bar.",
    ),
    "app": Lazy(
        "tools.bench.app:app",
        "The crew app on a slow phone: weight, first and second view, the stream at rest, touches of each task.",
    ),
    "cluster": Lazy(
        "tools.bench.cluster:cluster", "The same boards at one process, then at core and gateways: round trips and CPU."
    ),
    "control": Lazy("tools.bench.control:control", "Replay a season in closed loop and compare cost with ice minutes."),
    "energy": Lazy("tools.bench.energy:energy", "Serialising, commit latency, loop stall, shipping and draining."),
    "faults": Lazy(
        "hil_tests.campaign.cli:campaign",
        "Faults of boards and of the service in steady snow; no invariant may be violated.",
    ),
    "fleet": Lazy(
        "tools.bench.fleet:fleet", "Thousands of boards against the service: connecting, telemetry, commands, a storm."
    ),
    "frames": Lazy(
        "tools.bench.frames:frames",
        "The frames of `fuzz`, free and spoilt, by many boards at once, and the record.",
    ),
    "fuzz": Lazy(
        "tools.bench.fuzz:fuzz", "A board with a valid key sends frames with free counters, times, names and structure."
    ),
    "mutants": Lazy(
        "tools.bench.mutants:mutants",
        "Change one thing at a time in safety, control, relay and plausible, and run the board's tests each time.",
    ),
    "planner": Lazy("tools.bench.planner:planner", "Time planning cycles."),
    "reactions": Lazy(
        "hil_tests.bench.reactions_command:reactions",
        "How soon an emulated board opens its contactor, in virtual time; ends with status 1 above a bar.",
    ),
    "seasons": Lazy(
        "tools.bench.seasons:seasons",
        "Whole winters with several forecast seeds against rules tuned on other winters; resumable.",
    ),
    "road": Lazy("tools.bench.road:road", "The road model against METRo, RoadSurf and persistence."),
}


@click.group(cls=LazyGroup, lazy=BENCHES)
def bench() -> None:
    """Benchmarks, compared with other software."""
