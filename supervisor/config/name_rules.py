"""Rules for names that people give: they become tags of the energy record, cells, labels and lines of the log.

What no key may hold (control and invisible characters) is in `values`; ids have a rule of their own in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.config.schema import Config
from supervisor.config.source import Source
from supervisor.domain.errors import ConfigError

NAME_MAX = 100  # characters: more than any road's name; in InfluxDB a series' key has 64 KiB at most

Problems = Iterator[ConfigError]


def find_name_problems(config: Config, source: Source) -> Problems:
    """Problems of the names of site, boards and zones; an absent name of a board or a zone in Korean is none."""
    yield from _name("site.name", config.site.name, source)
    if "\\" in config.site.name:
        # InfluxDB cannot hold a tag that ends with one, and VictoriaMetrics reads two where InfluxDB reads one.
        yield source.problem("site.name", "contains a backslash", "Leave it out: databases read it in different ways")
    for number, board in enumerate(config.board):
        yield from _name(f"board[{number}].name", board.name, source)
    for number, zone in enumerate(config.zone):
        yield from _name(f"zone[{number}].name", zone.name, source)
        yield from _name(f"zone[{number}].name_ko", zone.name_ko, source)


def _name(key: str, name: str, source: Source) -> Problems:
    if name.strip() and name != name.strip():
        yield source.problem(key, "begins or ends with a space", f"Write {name.strip()!r}")
    if len(name) > NAME_MAX:
        yield source.problem(key, f"longer than {NAME_MAX} characters", "Shorten it")
