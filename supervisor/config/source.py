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
_PART = re.compile(r"([\w-]+)(?:\[(\d+)\])?")  # of a key: a name and the index behind it
_TOKEN = re.compile(r"""#|"(?:\\.|[^"\\])*"|'[^']*'|[\[\]{},]|[^\s\[\]{},"'#]+""")
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
        """The line of `key`, else that of the table it belongs in, as far as line-wise reading can tell."""
        parts = [(name, int(index) if index else None) for name, index in _PART.findall(key)]
        start, end, depth = 0, len(self._lines) + 1, 0
        for count in range(1, len(parts) + 1):
            table = ".".join(name for name, _ in parts[:count])
            inside = [span for span in self._tables.get(table, []) if start <= span[0] < end]
            which = parts[count - 1][1] or 0
            if which < len(inside):
                (start, end), depth = inside[which], count
        if not depth:
            return self._first_of(parts[0][0]) if parts else None
        for number in range(start + 1, min(end, self._next_header(start))):
            if depth < len(parts) and _begins(self._lines[number - 1], parts[depth][0]):
                index = parts[depth][1]
                return number if index is None else self._item(number, end, index)
        return start

    def _next_header(self, line: int) -> int:
        starts = (start for spans in self._tables.values() for start, _ in spans if start > line)
        return min(starts, default=len(self._lines) + 1)

    def _first_of(self, table: str) -> int | None:
        """The line of `table = …`, or of the first header of a table inside it."""
        inside = (spans[0][0] for name, spans in self._tables.items() if name.startswith(f"{table}."))
        return self._inline.get(table) or min(inside, default=None)

    def _item(self, first: int, end: int, index: int) -> int:
        """The line of the `index`-th item of a list that begins in line `first`."""
        depth, starts = 0, False
        for number in range(first, end):
            text = self._lines[number - 1]
            for token in _TOKEN.findall(text[text.index("=") + 1 :] if number == first else text):
                if token.startswith("#"):
                    break
                if depth == 1 and token not in "],":
                    index, starts = index - starts, False
                    if index < 0:
                        return number
                depth += (token in "[{") - (token in "]}")
                starts = starts or (depth == 1 and token in "[,")
        return first

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

    def place(self, key: str) -> str:
        """File and line of `key`."""
        line = self.line(key)
        return f"{self.path.name}:{line}" if line else self.path.name

    def problem(
        self, key: str, message: str, remedy: str, *, code: str | None = None, value: Any = None
    ) -> ConfigError:
        """An error that names file, line, key and value (where not given: what stands at `key`)."""
        value = self.value(key) if value is None else value
        shown = "" if value is None or isinstance(value, dict | list) else f" = {_shown(value)}"
        return ConfigError(
            message, where=f"{self.place(key)}: {_shortened(key) or '(no name)'}{shown}", remedy=remedy, code=code
        )


def _begins(line: str, key: str) -> bool:
    return re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line) is not None


def _broken(path: Path, text: str, error: ValueError) -> ConfigError:
    """Of a file that is not TOML: the line and the key that begins there, where the parser says so."""
    said = str(error)
    found = re.search(r" \(at line (\d+), column \d+\)", said)
    line = int(found[1]) if found else text.rstrip().count("\n") + 1 if "end of document" in said else 0
    said = re.sub(r" \(at .*\)$", "", said).replace("Cannot overwrite a value", "the key is given twice")
    written = text.split("\n")[line - 1] if line else ""
    key = re.match(r"\s*([\w.-]+)\s*=", written)
    place = f"{path.name}:{line}" if line else path.name
    where = f"{place}: {_shortened(key[1] if key else written.strip())}".removesuffix(": ")
    return ConfigError(
        f"broken TOML: {_shortened(said)}", where=where, remedy="Correct that line; the format is at toml.io"
    )


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
        raise _broken(path, text, error) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), remedy="Correct the path") from None
