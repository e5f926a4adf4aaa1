"""city.toml → typed structs. Every error says file, line, key, value and remedy.

`load(path)` is for those who need a configuration, `read(path)` for those who explain one. Files that it names are
relative to it. The modules: `schema` (tables and keys), `source` (lines and values), `values` (what no key may hold),
`chosen` (keys that depend on a choice), `convert` (one table), `files` (named files exist), `rules` and `zone_rules`
(limits and references).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from supervisor.config.chosen import chosen
from supervisor.config.city import CityConfig
from supervisor.config.convert import convert
from supervisor.config.rules import find_problems
from supervisor.config.schema import (
    AlarmsConfig,
    AuditConfig,
    BoardConfig,
    BoardsConfig,
    CalibrationConfig,
    Config,
    DatabaseConfig,
    HealthConfig,
    InfluxConfig,
    OutlookConfig,
    PlannerConfig,
    ReportsConfig,
    ServiceConfig,
    WebConfig,
)
from supervisor.config.source import MISSING_DATA, Source, parse
from supervisor.config.values import unusable
from supervisor.domain.board_profile import Limits
from supervisor.domain.errors import ConfigError
from supervisor.domain.zone import Feeder, Site, Zone
from supervisor.notify.kind import NotifySettings
from supervisor.tariff.kind import TariffSettings
from supervisor.weather.providers.kind import WeatherSettings

__all__ = [
    "AlarmsConfig",
    "BoardConfig",
    "BoardsConfig",
    "CalibrationConfig",
    "Config",
    "InfluxConfig",
    "InvalidConfig",
    "PlannerConfig",
    "ReportsConfig",
    "ServiceConfig",
    "WebConfig",
    "load",
    "read",
]


class InvalidConfig(ConfigError):
    """Everything wrong with a file; the message is the first problem and how many more there are."""

    def __init__(self, problems: tuple[ConfigError, ...]) -> None:
        first, more = problems[0], len(problems) - 1
        message = f"{first.message} (and {more} more: run `roadheat check-config`)" if more else first.message
        super().__init__(message, where=first.where, remedy=first.remedy)
        self.problems = problems


S = TypeVar("S", bound=Struct)

TABLES: Mapping[str, type[Struct]] = {
    "site": Site,
    "service": ServiceConfig,
    "boards": BoardsConfig,
    "web": WebConfig,
    "weather": WeatherSettings,
    "tariff": TariffSettings,
    "planner": PlannerConfig,
    "calibration": CalibrationConfig,
    "audit": AuditConfig,
    "reports": ReportsConfig,
    "outlook": OutlookConfig,
    "health": HealthConfig,
    "limits": Limits,
    "influx": InfluxConfig,
    "database": DatabaseConfig,
    "alarms": AlarmsConfig,
    "city": CityConfig,
}
LISTS: Mapping[str, type[Struct]] = {"feeder": Feeder, "board": BoardConfig, "zone": Zone, "notify": NotifySettings}
OPTIONAL_LISTS = ("notify",)
REQUIRED = ("site", "weather", "tariff")


def read(path: Path) -> tuple[Config | None, tuple[ConfigError, ...]]:
    """The configuration (None where it cannot be built) and everything that is wrong with it."""
    try:
        source = parse(path)
    except ConfigError as error:
        return None, (error,)
    problems: list[ConfigError] = []
    parts: dict[str, Any] = {"influx": None, "database": None}
    for key in source.data:
        if key not in TABLES and key not in LISTS:
            close = difflib.get_close_matches(key, [*TABLES, *LISTS], n=1)
            remedy = f"Did you mean `{close[0]}`?" if close else f"Remove it. Known: {', '.join([*TABLES, *LISTS])}"
            problems.append(source.problem(key, "unknown table", remedy))
    for table, struct in TABLES.items():
        if table in source.data:
            parts[table] = _convert(source, table, struct, source.data[table], problems)
        elif table in REQUIRED:
            problems.append(source.problem(table, "this table is missing", f"Add [{table}]: see docs/examples"))
        elif table not in parts:
            parts[table] = struct()
    for table, struct in LISTS.items():
        rows = source.data.get(table, [])
        if table in OPTIONAL_LISTS and table not in source.data:
            parts[table] = ()
            continue
        if not isinstance(rows, list) or not rows:
            problems.append(source.problem(table, f"no [[{table}]] table", f"Add at least one [[{table}]]"))
            continue
        if table == "zone" and parts.get("limits") is not None:
            rows = [_with_limits(row, source.data.get("limits", {})) for row in rows]
        parts[table] = tuple(_convert(source, f"{table}[{i}]", struct, row, problems) for i, row in enumerate(rows))
    if problems:
        return None, tuple(problems)
    config = Config(path=path, **parts)
    return config, tuple(find_problems(config, source))


def _with_limits(row: Any, city: Mapping[str, Any]) -> Any:
    """The zone's table with the limits in force: its own before those of the city."""
    own = row.get("limits", {}) if isinstance(row, dict) else None
    return {**row, "limits": {**city, **own}} if isinstance(own, dict) else row


def _convert(source: Source, key: str, struct: type[S], raw: Any, problems: list[ConfigError]) -> S | None:
    """The struct of a table, or None and what is wrong with it among the problems."""
    found = list(unusable(source, key, raw))
    try:
        struct, raw = chosen(source, key, struct, raw)
    except ConfigError as error:
        found.append(error)
    problems += found
    return None if found else convert(source, key, struct, raw, problems)


def load(path: Path | str, *, without_data: bool = False) -> Config:
    """The configuration in `path`; raises InvalidConfig with everything that is wrong.

    `without_data`: a missing weather or price file is not a problem, for a service that can start without it.
    """
    config, found = read(Path(path))
    problems = tuple(problem for problem in found if not (without_data and problem.code == MISSING_DATA))
    if problems or config is None:
        raise InvalidConfig(problems)
    return config
