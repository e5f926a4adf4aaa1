"""`roadheat check-config`: what a configuration needs beyond itself (files, environment, limits of the machine)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from supervisor.config import Config
from supervisor.config.chosen import unread_keys
from supervisor.config.source import Source, parse
from supervisor.domain.errors import RoadheatError, TariffError
from supervisor.net.handles import needed, raise_limit
from supervisor.tariff.configured import configured_tariff, tariff_file
from supervisor.weather.providers.registry import provider_kind


def explain(config: Config) -> tuple[tuple[RoadheatError, ...], tuple[str, ...]]:
    """Problems beyond city.toml itself (the files it names, the environment), and warnings about what is allowed."""
    source = parse(config.path)
    problems: list[RoadheatError] = []
    warnings: list[str] = []
    try:
        configured_tariff(config)
    except TariffError as error:  # of a file of its own, or of the tables of city.toml
        where = error.where if tariff_file(config) else f"{config.path.name}: {error.where}"
        problems.append(TariffError(error.message, where=where, remedy=error.remedy))
    provider = provider_kind(config.weather)
    try:
        treated = provider.check(config.weather, config)
        named = ", ".join(getattr(config.weather, key) for key in provider.files)
        if treated:
            warnings.append(f"{named}: {treated.text()}")
    except RoadheatError as error:
        problems.append(error)
    problems += [
        source.problem(
            key,
            f"environment variable {name} is not set",
            f"Set {name} for the service. If only the service has it, run this check with the service's environment",
        )
        for key, name in _variables(config)
        if not os.environ.get(name)
    ]
    problems += [
        source.problem(
            key,
            f"environment variable {name} contains a line break or another control character",
            f"Set {name} to the token alone: no header can carry more",
        )
        for key, name in _variables(config)
        if not os.environ.get(name, "").strip().isprintable()
    ]
    warnings += [*_unread(config, source), *_limits(config)]
    return tuple(problems), tuple(warnings)


def _unread(config: Config, source: Source) -> Iterator[str]:
    for table, struct in (("weather", config.weather), ("tariff", config.tariff)):
        for key in unread_keys(struct, source.data.get(table, {})):
            yield f"{table}.{key} is not read with the other keys of [{table}]: remove it"


def _limits(config: Config) -> Iterator[str]:
    limit, boards = raise_limit(), len(config.board)
    if limit < needed(boards):
        yield (
            f"{boards} boards need {needed(boards)} open files, and the limit here is {limit}: raise it, or "
            "`roadheat serve` refuses to start"
        )
    for feeder in config.feeder:
        installed_kw = sum(zone.power_w for zone in config.zone if zone.feeder == feeder.id) / 1000
        if installed_kw > feeder.breaker_kw:
            yield (
                f"feeder {feeder.id}: {installed_kw:g} kW are connected to a {feeder.breaker_kw:g} kW breaker; without "
                "the network every board may heat at once"
            )


def _variables(config: Config) -> Iterator[tuple[str, str]]:
    """Key of city.toml, and the environment variable that it needs."""
    if config.web.metrics_token_env:
        yield "web.metrics_token_env", config.web.metrics_token_env
    if config.influx and config.influx.token_env:
        yield "influx.token_env", config.influx.token_env
    for key, name in provider_kind(config.weather).variables(config.weather):
        yield f"weather.{key}", name
