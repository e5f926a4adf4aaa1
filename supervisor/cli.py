"""`roadheat`: the service, its configuration, the energy record; other commands plug in by entry point.

Commands are imported when they are called, so that `roadheat board` does not load a solver nor `roadheat serve` a
plotting library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from supervisor.commands import Lazy, LazyGroup
from supervisor.domain.errors import RoadheatError
from supervisor.roles import ROLES, check_options, core_entrance, gateway_work

if TYPE_CHECKING:
    from supervisor.config import Config

# Matrices are small here: a library's own threads would only add load. Read when numpy is imported, so set early.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

PLUGINS = "roadheat.commands"
# name → location and help text
OWN = {
    "audit": Lazy(
        "supervisor.audit_cli:audit",
        "Who did what: whether the audit log is unaltered, and its entries for other systems.",
    ),
    "backup": Lazy(
        "supervisor.backup.command:backup",
        "Copy record, keys, calibration and configuration into one encrypted file, beside a running service.",
    ),
    "calibrate": Lazy("supervisor.calibration.command:calibrate", "Fit ZONE's road to its own telemetry."),
    "check-database": Lazy(
        "supervisor.integrity_command:check_database",
        "Read the whole record, beside a running service, and say what is damaged; status 1 if anything is.",
    ),
    "energy": Lazy("supervisor.energy.cli:energy", "Energy, peak and cost from the service's own record."),
    "init": Lazy(
        "supervisor.init_command:init",
        "Write a first city.toml and its state folder into FOLDER; asks for what no option gives.",
    ),
    "mcp": Lazy(
        "supervisor.city.assistant.command:serve_mcp",
        "Let an assistant read the service at URL, and command after you have confirmed; your token is ROADHEAT_TOKEN.",
    ),
    "notify": Lazy("supervisor.telling_cli:notify", "Receivers of alarms: whether they can be reached."),
    "outlook": Lazy(
        "supervisor.reports.outlook_command:outlook",
        "How good the evenings' outlooks of ice were: Brier score, hits, false alarms.",
    ),
    "pki": Lazy(
        "supervisor.pki_cli:pki", "Authority, certificate and keys by which boards and service know each other."
    ),
    "report": Lazy(
        "supervisor.reports.cli:report_group",
        "Reports for authorities and upkeep: certification figures, health of the facilities, monthly inspection.",
    ),
    "restore": Lazy(
        "supervisor.backup.command:restore",
        "Put a backup into a new folder: boards go on without provisioning once the service runs from there.",
    ),
    "savings": Lazy(
        "supervisor.savings.command:savings",
        "What heating by plan saved against a conventional controller: as done, at the same money, at the same ice.",
    ),
    "store": Lazy("supervisor.store_cli:store", "The record itself: copy it between a file and PostgreSQL."),
    "token": Lazy(
        "supervisor.people_cli:token", "API tokens: what programs of the city may read or command, and until when."
    ),
    "roster": Lazy("supervisor.telling_cli:roster", "Who is on duty: notified of alarms first, and in which order."),
    "user": Lazy("supervisor.people_cli:user", "People: who may sign in, links for them, and how to end either."),
    "zones": Lazy("supervisor.city.zones_command:zones", "Zones of city.toml from lists that a district has."),
    "watch": Lazy(
        "supervisor.telling_commands:watch",
        "Ask whether the service answers, and tell all receivers of city.toml when it is silent for 3 min.",
    ),
}
# Help texts of the entry points in pyproject.toml; those of other packages show the package's summary.
PLUGIN_HELP = {
    "bench": "Benchmarks, compared with other software.",
    "board": "Provision, flash, test and reset boards.",
    "demo": "A storm on twelve roads, six emulated boards and three feeders.",
}


def plugins() -> Iterable[EntryPoint]:
    """Commands of other packages, and of this project's tools and emulated boards."""
    return entry_points(group=PLUGINS)


config_option = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default="city.toml",
    show_default=True,
    help="The district's configuration.",
)


@click.group(
    cls=LazyGroup,
    lazy=OWN,
    plugins=plugins,
    plugin_help=PLUGIN_HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="roadheat")
def main() -> None:
    """Heats steep city roads ahead of the snow."""


@main.command()
@config_option
@click.option("--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]))
@click.option("--take-over", is_flag=True, help="Take over boards that another, newer service instance commanded.")
@click.option("--database", metavar="postgresql://…", help="Keep the record there, in the place of [database] address.")
@click.option("--lockstep", type=click.Path(path_type=Path), hidden=True, help="Socket that grants virtual time.")
@click.option(
    "--role", default="all", show_default=True, type=click.Choice(ROLES),
    help="all: everything in this process. core: everything but the boards' listener. gateway: that listener.",
)  # fmt: skip
@click.option("--nats", envvar="ROADHEAT_NATS", help="NATS servers between core and gateways, with commas.")
@click.option("--nats-ca", type=click.Path(path_type=Path), help="PEM: who signed the NATS servers' certificates.")
@click.option("--district", help="Id of the district, the same at its core and gateways.")
@click.option("--listen", help="gateway: where boards dial in.  [default: 0.0.0.0:8443]")
@click.option("--metrics", help="gateway: where /metrics and /healthz are served, plain HTTP.")
def serve(
    path: Path, log_level: str, take_over: bool, database: str | None, lockstep: Path | None, role: str, **options: Any
) -> None:  # fmt: skip
    """Run the service: boards, plans, crew app, energy record."""
    import asyncio

    from supervisor.runtime import logs
    from supervisor.runtime.clock import Clock, SystemClock

    say = partial(print, flush=True)
    check_options(role, options, lockstep=lockstep is not None)
    if role == "gateway":
        work = gateway_work(options, say)
    else:
        from supervisor.app import serve as run_service
        from supervisor.config import load
        from supervisor.config.database_rules import with_database

        entrance = core_entrance(options) if role == "core" else None
        config = load(path, without_data=True)
        if database is not None:
            config = with_database(config, database)
        work = partial(run_service, config, take_over=take_over, say=say, entrance=entrance)

    async def whole(clock: Clock) -> None:
        logs.configure(clock, log_level)
        await work(clock)

    if lockstep is not None:
        from supervisor.runtime import lockstep as virtual

        virtual.run(whole, lockstep)
    else:
        asyncio.run(whole(SystemClock()))


@main.command("check-config")
@click.argument("path", type=click.Path(path_type=Path), default=Path("city.toml"))
@click.option(
    "--environment-file", type=click.Path(path_type=Path), help="NAME=value lines that only the service gets: tokens."
)
def check_config(path: Path, environment_file: Path | None) -> None:
    """Explain every error of a configuration; status 1 if there is one."""
    from rich.table import Table

    from supervisor import terminal
    from supervisor.check import explain
    from supervisor.config import read

    if environment_file is not None:
        from supervisor.environment import read_environment

        os.environ.update(read_environment(environment_file))
    config, found = read(path)
    problems: tuple[RoadheatError, ...] = found
    warnings: tuple[str, ...] = ()
    if config is not None and not problems:
        problems, warnings = explain(config)
    console = terminal.console()
    if problems:
        console.print(f"{path}: {len(problems)} error{'s' * (len(problems) != 1)}", style="bold", soft_wrap=True)
        table = Table("where", "what is wrong", "what to do")
        for problem in problems:
            table.add_row(problem.where, problem.message, problem.remedy)
        console.print(table)
        sys.exit(1)
    assert config is not None
    console.print(_summary(config))
    for warning in warnings:
        console.print(warning, style="yellow", soft_wrap=True)
    console.print(f"{path}: OK", soft_wrap=True)


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
