"""Whether the files and the folder that city.toml names exist and can be read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from supervisor.config.schema import Config
from supervisor.config.source import MISSING_DATA, Source
from supervisor.domain.errors import ConfigError
from supervisor.tariff.kind import FileSettings
from supervisor.weather.providers.registry import planned


def find_file_problems(config: Config, source: Source) -> Iterator[ConfigError]:
    """Each named file must be a readable one, `state_dir` a folder or not there yet."""
    named = [
        (f"weather.{key}", getattr(config.weather, key)) for one in planned(config.weather) for key in one.kind.files
    ]
    if isinstance(config.tariff, FileSettings):
        named.append(("tariff.file", config.tariff.file))
    data = {key for key, _ in named}  # read again when they change: the service starts without them
    for key, name in [
        ("web.cert", config.web.cert),
        ("web.key", config.web.key),
        ("web.map_file", config.web.map_file),
        ("audit.syslog_ca", config.audit.syslog_ca),
        *named,
    ]:
        if not name and key not in data:
            continue
        code = MISSING_DATA if key in data else None
        try:
            path = config.resolve(name)
            regular = stat.S_ISREG(path.stat().st_mode)
        except FileNotFoundError:
            yield source.problem(key, "no such file", f"Put it at {config.resolve(name)}", code=code)
            continue
        except (OSError, RuntimeError, ValueError) as error:  # too long a name, a loop of links, no permission
            yield source.problem(key, f"cannot be read: {_reason(error)}", "Correct the path", code=code)
            continue
        if not regular:
            yield source.problem(key, "not a file", "Write the path of a file", code=code)
        elif not os.access(path, os.R_OK):
            yield source.problem(key, "cannot be read: permission denied", "Let the service's user read it", code=code)
    key = "service.state_dir"
    try:
        folder = config.state_dir
        if not config.service.state_dir.strip():
            yield source.problem(key, "empty", 'Write a folder such as "state"')
        elif folder.exists() and not folder.is_dir():
            yield source.problem(key, "not a folder", 'Write a folder such as "state"')
    except (OSError, RuntimeError, ValueError) as error:
        yield source.problem(key, f"cannot be used: {_reason(error)}", 'Write a folder such as "state"')


def _reason(error: Exception) -> str:
    return str(error.strerror if isinstance(error, OSError) and error.strerror else error).lower()
