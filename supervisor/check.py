"""`roadheat check-config`: what a configuration needs beyond itself (files, environment, limits of the machine)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from supervisor.city.registry import missing
from supervisor.config import Config
from supervisor.config.chosen import unread_keys
from supervisor.config.source import Source, parse
from supervisor.domain.errors import RoadheatError, TariffError
from supervisor.net.handles import needed, raise_limit
from supervisor.runtime.clock import SystemClock
from supervisor.store.spool_cap import SPOOL_BYTES_PER_ZONE_DAY, SPOOL_DAYS, spool_cap_bytes
from supervisor.tariff.advice import advice
from supervisor.tariff.configured import configured_demand, configured_tariff, price_fetcher, tariff_file
from supervisor.weather.providers.registry import planned


def explain(config: Config) -> tuple[tuple[RoadheatError, ...], tuple[str, ...]]:
    """Problems beyond city.toml itself (the files it names, the environment), and warnings about what is allowed."""
    source = parse(config.path)
    problems: list[RoadheatError] = []
    warnings: list[str] = []
    try:
        path = tariff_file(config)
        if price_fetcher(config) is None or (path is not None and path.exists()):
            tariff = configured_tariff(config)
            demand = configured_demand(config)
            charges = {feeder.id: feeder.demand_price_per_kw or demand.price_per_kw for feeder in config.feeder}
            worth = config.planner.price_per_ice_free_hour
            warnings += advice(tariff, config.site, SystemClock().utc_s(), worth, charges)
    except TariffError as error:  # of a file of its own, or of the tables of city.toml
        where = error.where if tariff_file(config) else f"{source.place(error.where)}: {error.where}"
        problems.append(TariffError(error.message, where=where, remedy=error.remedy))
    for one in planned(config.weather):
        try:
            treated = one.kind.check(one.settings, config)
            named = ", ".join(getattr(one.settings, key) for key in one.kind.files)
            if treated:
                warnings.append(f"{named}: {treated.text()}")
        except RoadheatError as error:
            problems.append(error)
    problems += [
        source.problem(
            key,
            f"environment variable {name} is not set",
            f"Set {name} for the service. If only the service has it, give the file: --environment-file",
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
    problems += missing(config.city)
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
    if config.influx is not None:
        room_bytes, day_bytes = spool_cap_bytes(config), len(config.zone) * SPOOL_BYTES_PER_ZONE_DAY
        if room_bytes < day_bytes * SPOOL_DAYS:
            hold = "" if config.influx.spool_mib is not None else ", a quarter of this disk,"
            yield (
                f"influx.spool_mib: {room_bytes // 1024**2} MiB{hold} hold {room_bytes / day_bytes:.1f} days of "
                f"{len(config.zone)} zones without InfluxDB; {-(-day_bytes * SPOOL_DAYS // 1024**2)} hold {SPOOL_DAYS}"
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
    if config.city.ngsi_ld and config.city.ngsi_ld.token_env:
        yield "city.ngsi_ld.token_env", config.city.ngsi_ld.token_env
    for one in planned(config.weather):
        for key, name in one.kind.variables(one.settings):
            shown = "providers" if key == "provider" and config.weather.providers else key
            yield f"weather.{shown}", name
