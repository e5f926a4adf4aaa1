"""`roadheat bench …`: what the road model, the planner and the control law can show, each against its peers.

The benches import numpy-heavy rooms; they load only when called.
"""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = {
    "control": "tools.bench.control:control",
    "energy": "tools.bench.energy:energy",
    "fuzz": "tools.bench.fuzz:fuzz",
    "planner": "tools.bench.planner:planner",
    "road": "tools.bench.road:road",
}


class _Lazy(click.Group):
    """A group whose commands are imported when asked for by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, name = target.split(":")
        try:
            command = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            return None
        assert isinstance(command, click.Command)
        return command


@click.command(cls=_Lazy)
def bench() -> None:
    """Benchmarks against the best that exists elsewhere."""
