"""One table → one struct; msgspec's message becomes file, key, value and remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Struct

from supervisor.config.source import Source
from supervisor.domain.errors import ConfigError

S = TypeVar("S", bound=Struct)

WORDS = {  # msgspec's names of types in plain words
    "int": "a whole number",
    "float": "a number",
    "str": 'text in "quotes"',
    "array": "a [list]",
    "object": "a table",
}
GOT = {**WORDS, "str": "text", "array": "a list", "bool": "true or false", "null": "nothing"}


def _fields(struct: type[Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def _nested(struct: type[Struct], path: str) -> type[Struct]:
    """The struct that holds the key at `path` (such as `layers[0].material`), for the list of keys that it knows."""
    for part in re.sub(r"\[[^\]]*\]", "", path).split("."):
        field = next((f for f in msgspec.structs.fields(struct) if f.encode_name == part), None)
        inner = next(_structs_in(field.type), None) if field is not None else None
        struct = inner or struct
    return struct


def _structs_in(annotation: Any) -> Iterator[type[Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        yield annotation
    for part in get_args(annotation):
        yield from _structs_in(part)


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
        wanted = WORDS.get(expected[1].split(" | ")[0], expected[1])
        return source.problem(key, f"expected {wanted}, got {GOT.get(expected[2], expected[2])}", f"Write {wanted}")
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
