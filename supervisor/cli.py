"""`roadheat`: the service, its configuration, the energy record; other commands plug in by entry point.

Commands are imported when they are called, so that `roadheat board` waits for no solver and `roadheat serve` for no
plotting.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from supervisor.domain.errors import RoadheatError

if TYPE_CHECKING:
    from supervisor.config import Config

# Matrices are small here: a library's own threads would only spin beside them. Read when numpy is imported, so early.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

PLUGINS = "roadheat.commands"
OWN = {
    "calibrate": "supervisor.calibration.calibrate_cli:calibrate",
    "energy": "supervisor.energy.cli:energy",
    "user": "supervisor.people_cli:user",
}


def fail(error: RoadheatError) -> NoReturn:
    """Say what went wrong, where and what to do; end with status 1."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True)
    console.print(Text.assemble((f"{error.where}: " if error.where else "", "bold"), (error.message, "red")))
    if error.remedy:
        console.print(Text(f"  {error.remedy}"))
    sys.exit(1)


class Commands(click.Group):
    """Own commands and those of the entry points, loaded when asked for."""

    def _points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=PLUGINS)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *OWN, *self._points()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            return command
        try:
            if cmd_name in OWN:
                module, _, name = OWN[cmd_name].partition(":")
                loaded: Any = getattr(importlib.import_module(module), name)
            elif point := self._points().get(cmd_name):
                loaded = point.load()
            else:
                return None
        except ImportError as error:
            return _missing(cmd_name, error)
        assert isinstance(loaded, click.Command)
        return loaded

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RoadheatError as error:
            fail(error)


def _missing(name: str, error: ImportError) -> click.Command:
    """Stands for a command that cannot be loaded, and says why."""

    def say() -> None:
        raise RoadheatError(f"`roadheat {name}` cannot be loaded: {error}", remedy="Install what it names")

    return click.Command(name, callback=say, short_help=f"(cannot be loaded: {error})")


config_option = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default="city.toml",
    show_default=True,
    help="The district's configuration.",
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="roadheat")
def main() -> None:
    """Heats steep city roads ahead of the snow."""


@main.command()
@config_option
@click.option("--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]))
@click.option("--take-over", is_flag=True, help="Command boards that have followed a newer service.")
@click.option("--lockstep", type=click.Path(path_type=Path), hidden=True, help="Socket that grants virtual time.")
def serve(path: Path, log_level: str, take_over: bool, lockstep: Path | None) -> None:
    """Run the service: boards, plans, crew app, energy record."""
    from supervisor.app import serve as run_service
    from supervisor.config import load
    from supervisor.runtime import logs
    from supervisor.runtime.clock import Clock, SystemClock

    config = load(path, without_data=True)

    async def whole(clock: Clock) -> None:
        logs.configure(clock, log_level)
        await run_service(config, clock, take_over=take_over, say=lambda text: print(text, flush=True))

    if lockstep is not None:
        from supervisor.runtime import lockstep as virtual

        virtual.run(whole, lockstep)
    else:
        asyncio.run(whole(SystemClock()))


@main.command("check-config")
@click.argument("path", type=click.Path(path_type=Path), default=Path("city.toml"))
def check_config(path: Path) -> None:
    """Explain every error of a configuration; status 1 if there is one."""
    from rich.console import Console
    from rich.table import Table

    from supervisor.config import read
    from supervisor.parts import explain

    config, found = read(path)
    problems: tuple[RoadheatError, ...] = found
    warnings: tuple[str, ...] = ()
    if config is not None and not problems:
        problems, warnings = explain(config)
    console = Console()
    if problems:
        table = Table("where", "what is wrong", "what to do", title=f"{path}: {len(problems)} to correct")
        for problem in problems:
            table.add_row(problem.where, problem.message, problem.remedy)
        console.print(table)
        sys.exit(1)
    assert config is not None
    console.print(_summary(config))
    for warning in warnings:
        console.print(f"[yellow]{warning}[/yellow]")
    console.print(f"{path}: good")


def _summary(config: Config) -> Any:
    from rich.table import Table

    table = Table("feeder", "zones", "boards", "installed kW", "contract kW", "breaker kW", title=config.site.name)
    for feeder in config.feeder:
        zones = [zone for zone in config.zone if zone.feeder == feeder.id]
        table.add_row(
            feeder.id,
            str(len(zones)),
            str(len({zone.board for zone in zones})),
            f"{sum(zone.power_w for zone in zones) / 1000:g}",
            f"{feeder.contract_kw:g}",
            f"{feeder.breaker_kw:g}",
        )
    return table


if __name__ == "__main__":
    main()
