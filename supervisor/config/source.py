"""The text of a configuration file: where a key stands and what its value is, so that every error can say so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from supervisor.domain.errors import ConfigError

MISSING_DATA = "missing-data"  # code of a problem that keeps nothing from starting


class Source:
    """The file's text, to say where a key stands and what its value is."""

    def __init__(self, path: Path, text: str, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data
        self._lines = text.splitlines()

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
        seen, start = -1, None
        for number, line in enumerate(self._lines, 1):
            header = re.match(r"\s*\[+\s*([\w.-]+)\s*\]+", line)
            if header and header[1] == table:
                seen += 1
                if seen == index:
                    start = number
            elif header and start is not None and not header[1].startswith(f"{table}."):
                break
            elif start is not None and seen == index and name and re.match(rf"\s*{re.escape(name)}\s*=", line):
                return number
        return start

    def problem(self, key: str, message: str, remedy: str, code: str | None = None) -> ConfigError:
        """An error that names file, line, key and value."""
        line, value = self.line(key), self.value(key)
        place = f"{self.path.name}:{line}" if line else self.path.name
        shown = "" if value is None or isinstance(value, dict | list) else f" = {value!r}"
        return ConfigError(message, where=f"{place}: {key}{shown}", remedy=remedy, code=code)


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
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"broken TOML: {error}", where=str(path), remedy="Correct that line; the format is at toml.io"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), remedy="Correct the path") from None
