"""Tables whose keys depend on what they choose: `[weather]` on the provider, `[tariff]` on the kind of price,
`[[notify]]` on the kind of channel."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct

from supervisor.config.source import Source
from supervisor.domain.errors import TariffError
from supervisor.notify import CHANNELS
from supervisor.notify.kind import NotifySettings
from supervisor.tariff.kind import TariffSettings
from supervisor.tariff.registry import KINDS, choose
from supervisor.weather.providers.kind import WeatherSettings
from supervisor.weather.providers.registry import PROVIDERS, settings_of

S = TypeVar("S", bound=Struct)


def keys_of(struct: type[Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def chosen(source: Source, table: str, struct: type[S], raw: Any) -> tuple[type[S], Any]:
    """The struct that the table's own choice asks for, and the table without what belongs to other choices.

    Other tables come back as they are. Raises ConfigError for a choice that does not exist.
    """
    if struct is NotifySettings and isinstance(raw, dict):
        return cast(type[S], _channel_settings(source, table, raw)), raw
    if not isinstance(raw, dict) or struct not in (WeatherSettings, TariffSettings):
        return struct, raw
    found = _provider_settings(source, raw) if struct is WeatherSettings else _tariff_settings(source, table, raw)
    return cast(type[S], found), _without_foreign(source, table, found, raw)


def _provider_settings(source: Source, raw: dict[str, Any]) -> type[WeatherSettings]:
    names = raw.get("providers")
    if names is None:
        key, names = "weather.provider", [raw.get("provider", WeatherSettings().provider)]
    else:
        key = "weather.providers"
        if "provider" in raw:
            remedy = "Remove `provider`; the first of `providers` plans while it can"
            raise source.problem(key, "`provider` is given too", remedy)
        if names == []:
            raise source.problem(key, "empty", f"Write one or more of {', '.join(PROVIDERS)}")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return WeatherSettings  # its conversion says what is wrong
    for name in names:
        if name not in PROVIDERS:
            shown = name if len(name) <= 40 else f"{name[:40]}…"
            raise source.problem(key, f"invalid enum value {shown!r}", f"Write one of {', '.join(PROVIDERS)}")
        if names.count(name) > 1:
            raise source.problem(key, f"{name!r} is named twice", "Name each provider once")
    return settings_of(names)


def _channel_settings(source: Source, table: str, raw: dict[str, Any]) -> type[NotifySettings]:
    kind = raw.get("kind")
    if not isinstance(kind, str):
        return NotifySettings  # its conversion says what is wrong
    if kind not in CHANNELS:
        raise source.problem(f"{table}.kind", "no such channel", f"Write one of {', '.join(CHANNELS)}")
    found: type[NotifySettings] = CHANNELS[kind].settings
    return found


def _tariff_settings(source: Source, table: str, raw: dict[str, Any]) -> type[TariffSettings]:
    try:
        return choose(raw).settings
    except TariffError as error:
        raise source.problem(table, error.message, error.remedy) from error


def _without_foreign(source: Source, table: str, struct: type[Struct], raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` without the keys that only other choices read; raises ConfigError for one of a tariff or of a file."""
    others = PROVIDERS.values() if issubclass(struct, WeatherSettings) else KINDS
    foreign = set().union(*(keys_of(kind.settings) for kind in others)) - keys_of(struct)
    if issubclass(struct, TariffSettings):
        for key in raw:
            if key in foreign:
                name = next(kind.name for kind in KINDS if kind.settings is struct)
                raise source.problem(f"{table}.{key}", f"not read by a tariff of the kind {name}", "Remove it")
    for kind in PROVIDERS.values() if issubclass(struct, WeatherSettings) else ():
        for key in kind.files:
            if key in foreign and raw.get(key):
                raise source.problem(
                    f"{table}.{key}", "provider reads no file", f'Remove it or write provider = "{kind.name}"'
                )
    return {key: value for key, value in raw.items() if key not in foreign}


def unread_keys(config_table: Struct, raw: dict[str, Any]) -> list[str]:
    """Keys of a table with a value that the chosen provider or kind does not read."""
    return [key for key, value in raw.items() if value and key not in keys_of(type(config_table))]
