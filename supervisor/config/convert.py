"""One table → one struct; msgspec's message becomes file, key, value and remedy."""

from __future__ import annotations

import difflib
import re
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from supervisor.config.schema import TariffBand
from supervisor.config.source import Source
from supervisor.domain.board_profile import Limits
from supervisor.domain.errors import ConfigError
from supervisor.domain.zone import Cable, HorizonPoint, Layer

S = TypeVar("S", bound=Struct)

WORDS = {  # msgspec's names of types, as a person would say them
    "int": "a whole number",
    "float": "a number",
    "str": 'text in "quotes"',
    "array": "a [list]",
    "object": "a table",
}


def _fields(struct: type[Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def _nested(struct: type[Struct], path: str) -> type[Struct]:
    """The struct that holds the key an error speaks of, for the list of keys that it knows."""
    for part, inner in (
        ("layers", Layer),
        ("cable", Cable),
        ("horizon", HorizonPoint),
        ("band", TariffBand),
        ("limits", Limits),
    ):
        if part in path.split("[")[0].split("."):
            return inner
    return struct


def _explain(source: Source, table: str, struct: type[Struct], error: msgspec.ValidationError) -> ConfigError:
    """msgspec's message in the form file, key, value, remedy."""
    text = str(error)
    message, _, at = text.partition(" - at `$")
    inside = at.rstrip("`").removeprefix(".")
    if unknown := re.search(r"unknown field `(.+?)`", message):
        holder = _nested(struct, inside)
        key = ".".join(part for part in (table, inside, unknown[1]) if part)
        close = difflib.get_close_matches(unknown[1], _fields(holder), n=1)
        known = ", ".join(_fields(holder))
        remedy = f"Did you mean `{close[0]}`?" if close else f"Remove it. Known keys: {known}"
        return source.problem(key, "unknown key", remedy)
    if missing := re.search(r"missing required field `(.+?)`", message):
        key = ".".join(part for part in (table, inside) if part)
        return source.problem(key, f"`{missing[1]}` is missing", f"Add a line `{missing[1]} = …`")
    key = f"{table}.{inside}" if inside else table
    if expected := re.search(r"Expected `(.+?)`, got `(.+?)`", message):
        words = {
            "int": "a whole number",
            "float": "a number",
            "str": 'text in "quotes"',
            "array": "a [list]",
            "object": "a table",
        }
        wanted = words.get(expected[1].split(" | ")[0], expected[1])
        return source.problem(key, f"this is no {wanted.removeprefix('a ')}", f"Write {wanted}")
    choices = _choices(_nested(struct, inside), inside)
    remedy = f"Write one of {choices}" if choices else "See docs/configuration.md"
    return source.problem(key, message[0].lower() + message[1:], remedy)


def _choices(struct: type[Struct], inside: str) -> str:
    name = re.sub(r"\[\d*\.*\]", "", inside).split(".")[-1]
    for field in msgspec.structs.fields(struct):
        if field.encode_name == name:
            return ", ".join(re.findall(r"'([\w-]+)'", str(field.type)))
    return ""


def convert(source: Source, table: str, struct: type[S], raw: Any, problems: list[ConfigError]) -> S | None:
    try:
        return msgspec.convert(raw, struct, strict=True)
    except msgspec.ValidationError as error:
        problems.append(_explain(source, table, struct, error))
        return None
