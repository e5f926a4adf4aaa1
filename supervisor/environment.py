"""A service's environment from its file, in the form of systemd's EnvironmentFile: `NAME=value`, a line each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from supervisor.domain.errors import ConfigError

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTES: Final = ('"', "'")


def read_environment(path: Path) -> dict[str, str]:
    """The variables of a file. Raises ConfigError where it cannot be read, or names the first line that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8", where=str(path), remedy="Give the file of NAME=value lines") from None
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {(error.strerror or str(error)).lower()}", where=str(path),
            remedy="Run the check as a user who may read it, such as with sudo -u roadheat",
        ) from None  # fmt: skip
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        name, equals, value = line.partition("=")
        if not equals or not _NAME.fullmatch(name.strip()):
            raise ConfigError("not NAME=value", where=f"{path}:{number}", remedy="Write one variable a line")
        value = value.strip()
        if len(value) >= 2 and value[0] in _QUOTES and value[-1] == value[0]:
            value = value[1:-1]
        found[name.strip()] = value
    return found
