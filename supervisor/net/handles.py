"""File handles: the process's limit raised, and divided so that neither listener can exhaust the other's share."""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass
from typing import Final

from supervisor.domain.errors import ConfigError

logger = logging.getLogger(__name__)

# SQLite (4 connections with WAL and index: 12), pipes of up to 64 planning processes, forecasts, InfluxDB, log, files.
RESERVED: Final = 160
WEB_MIN: Final = 64  # a crew of twenty with three connections each
WEB_MAX: Final = 1024  # the stream takes 200 readers; a browser has up to 6 connections
SPARE_MIN: Final = 32  # beside one for each board: boards reconnect before their old connection is known dead
LIMIT_MAX: Final = 1 << 20  # more than Linux allows by default; "unlimited" is not a number


@dataclass(frozen=True)
class Budgets:
    """Connections at a time, each one file handle."""

    boards: int
    web: int


def raise_limit() -> int:
    """Raise the soft limit on open files to the hard one; returns the limit now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = LIMIT_MAX if hard == resource.RLIM_INFINITY else min(hard, LIMIT_MAX)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return LIMIT_MAX if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        logger.warning("limit of open files stays at %d: %s", soft, error)
        return soft
    return wanted


def needed(boards: int) -> int:
    """The limit on open files with which so many boards and a crew can be connected."""
    return RESERVED + WEB_MIN + boards + max(SPARE_MIN, boards // 8)


def share_out(limit: int, boards: int) -> Budgets:
    """Budgets for a limit on open files and so many configured boards. Raises ConfigError where they cannot fit."""
    if limit < needed(boards):
        raise ConfigError(
            f"{boards} boards need {needed(boards)} open files, the limit is {limit}", where="open files",
            remedy=f"Set LimitNOFILE={max(4096, 2 * needed(boards))} in the systemd unit, or raise `ulimit -Hn`",
        )  # fmt: skip
    rest = limit - RESERVED
    web = min(WEB_MAX, max(WEB_MIN, rest // 4), rest - boards - max(SPARE_MIN, boards // 8))
    return Budgets(boards=min(rest - web, 2 * boards + 256), web=web)
