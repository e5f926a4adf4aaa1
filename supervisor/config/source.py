"""The text of a configuration file: line and value of each key, for errors."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

from supervisor.domain.errors import ConfigError

MISSING_DATA = "missing-data"  # code of a problem that does not prevent a start
SHOWN_MAX = 80  # characters of a value or key in an error
INTEGER_SHOWN_BITS = 256  # Python refuses to write out very long integers


class Source:
    """The file's text: line and value of each key."""

    def __init__(self, path: Path, text: str, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data
        self._lines = text.split("\n")  # not at the other line breaks of Unicode, which TOML does not know

    def value(self, key: str) -> Any:
        """The value at `zone[2].layers[0].material`, or None."""
        here: Any = self.data
        for name, index in re.findall(r"(\w+)|\[(\d+)\]", key):
            try:
                here = here[name] if name else here[int(index)]
            except (KeyError, IndexError, TypeError):
                return None
        return here

    def line(self, key: str) -> int | None:
        """The line of the table, or of the key in it, as far as line-wise reading can tell."""
        parts = re.match(r"(\w+)(?:\[(\d+)\])?(?:\.(\w+))?", key)
        if parts is None:
            return None
        table, index, name = parts[1], int(parts[2] or 0), parts[3]
        spans = self._tables.get(table, [])
        if index >= len(spans):
            return self._inline.get(table)
        start, end = spans[index]
        for number in range(start + 1, end):
            if name and re.match(rf"\s*{re.escape(name)}\s*=", self._lines[number - 1]):
                return number
        return start

    @cached_property
    def _tables(self) -> dict[str, list[tuple[int, int]]]:
        """By table: the line of each header, and the line after its last key."""
        headers = [
            (number, found[1])
            for number, line in enumerate(self._lines, 1)
            if (found := re.match(r"\s*\[+\s*([\w.-]+)\s*\]+", line))
        ]
        spans: dict[str, list[tuple[int, int]]] = {}
        for place, (start, table) in enumerate(headers):
            after = (number for number, name in headers[place + 1 :] if not name.startswith(f"{table}."))
            spans.setdefault(table, []).append((start, next(after, len(self._lines) + 1)))
        return spans

    @cached_property
    def _inline(self) -> dict[str, int]:
        """By key at the start of a line, such as `zone = […]`: its first line."""
        lines: dict[str, int] = {}
        for number, line in enumerate(self._lines, 1):
            if found := re.match(r'"?(\w+)"?\s*=', line):
                lines.setdefault(found[1], number)
        return lines

    def problem(
        self, key: str, message: str, remedy: str, *, code: str | None = None, value: Any = None
    ) -> ConfigError:
        """An error that names file, line, key and value (where not given: what stands at `key`)."""
        line, value = self.line(key), self.value(key) if value is None else value
        place = f"{self.path.name}:{line}" if line else self.path.name
        shown = "" if value is None or isinstance(value, dict | list) else f" = {_shown(value)}"
        return ConfigError(message, where=f"{place}: {_shortened(key) or '(no name)'}{shown}", remedy=remedy, code=code)


def _shown(value: Any) -> str:
    """A value as written in the file, never longer than `SHOWN_MAX`."""
    if isinstance(value, int) and value.bit_length() > INTEGER_SHOWN_BITS:
        return f"an integer of {value.bit_length()} bits"
    return _shortened(repr(value))


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


def parse(path: Path) -> Source:
    try:
        text = path.read_text(encoding="utf-8")
        return Source(path, text, tomllib.loads(text))
    except FileNotFoundError:
        raise ConfigError(
            "configuration file is missing", where=str(path), remedy="Copy docs/examples/city.toml and edit it"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 at byte {error.start}", where=str(path), remedy="Save it as UTF-8") from None
    except RecursionError:
        raise ConfigError(
            "broken TOML: nested too deeply", where=str(path), remedy="See docs/examples/city.toml for the form"
        ) from None
    except ValueError as error:  # TOMLDecodeError is one; a number with too many digits is another
        raise ConfigError(
            f"broken TOML: {_shortened(str(error))}",
            where=str(path),
            remedy="Correct that line; the format is at toml.io",
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), remedy="Correct the path") from None
