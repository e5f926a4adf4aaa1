"""Doing the same to one board or to a hundred, side by side."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from supervisor.domain.errors import RoadheatError
from tools.flashing import BoardToolError

config_option = click.option(
    "--config", "config_path", type=click.Path(exists=True, path_type=Path), default="city.toml", show_default=True
)
ports_argument = click.argument("ports", nargs=-1, required=True, metavar="BOARD=PORT…")


def on_all(ports: Mapping[str, str], action: Callable[[str, str], str], title: str) -> dict[str, str]:
    """Run `action(board, port)` for all boards at once; board → outcome. All failures are reported at the end."""
    from rich.progress import Progress

    from supervisor import terminal

    outcomes: dict[str, str] = {}
    failures: dict[str, str] = {}

    def one(board: str, port: str) -> None:
        try:
            outcomes[board] = action(board, port)
        except RoadheatError as error:
            failures[board] = str(error)

    workers = min(len(ports), 2 * (os.cpu_count() or 1))
    with Progress(console=terminal.console(), transient=True) as progress, ThreadPoolExecutor(workers) as pool:
        bar = progress.add_task(title, total=len(ports))
        for future in [pool.submit(one, board, port) for board, port in ports.items()]:
            future.add_done_callback(lambda _: progress.advance(bar))
    if failures:
        text = "; ".join(f"{board}: {reason}" for board, reason in failures.items())
        raise BoardToolError(f"{len(failures)} of {len(ports)} boards failed: {text}")
    return outcomes


def tell(outcomes: Mapping[str, str]) -> None:
    from supervisor import terminal

    console = terminal.console()
    for name in sorted(outcomes):
        console.print(f"{name}: {outcomes[name]}", soft_wrap=True)


def person() -> str:
    """Who works at the terminal, for records."""
    try:
        return f"{getpass.getuser()} (terminal)"
    except (OSError, KeyError):
        return "terminal"


def degrees(milli: int | None) -> str:
    return "no probe" if milli is None else f"{milli / 1000:.1f} °C"


# By drivers.modbus.fault: what an engineer looks at where a meter gives no answer.
METER_FAULTS = (
    "answers",
    "no answer: check address, baud, parity and the wires A and B",
    "no valid answer: check termination, wires A and B, and for a second meter with this address",
    "refuses the question: another model",
)


def measured(power: str | int | list[int | None]) -> str:
    """A zone's power sensor: what its converter reads, pulses as W, or a meter's fault, power [W] and register [Wh]."""
    if isinstance(power, int):
        return f"meter {power} W"
    if isinstance(power, str):
        return f"current {power}"
    fault, watt, wh = power
    if fault or wh is None:
        return f"meter {METER_FAULTS[fault or 1]}"
    return f"meter {watt} W, {wh / 1000:.1f} kWh"
