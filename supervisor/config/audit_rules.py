"""`[audit]`: how long names are kept, and where entries are sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from supervisor.config.source import Source
from supervisor.domain.errors import ConfigError

if TYPE_CHECKING:
    from supervisor.config.schema import AuditConfig

NAMES_DAYS: Final = range(365, 3651)  # access records have to be kept for a year; ten years are longer than any need
PORTS: Final = {"udp": 514, "tcp": 601, "tls": 6514}  # RFC 5426, 6587, 5425


@dataclass(frozen=True)
class SyslogTarget:
    """Where syslog messages go."""

    transport: str  # a key of PORTS
    host: str
    port: int


def syslog_target(text: str) -> SyslogTarget:
    """From "tls://host:6514"; without a port the one registered for it. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query or " " in text:
        raise ValueError(text)
    port = parts.port if parts.port is not None else PORTS[parts.scheme]
    if port == 0:
        raise ValueError(text)
    return SyslogTarget(parts.scheme, parts.hostname, port)


def find_audit_problems(audit: AuditConfig, source: Source) -> Iterator[ConfigError]:
    """Problems of the table."""
    if audit.names_days not in NAMES_DAYS:
        yield source.problem(
            "audit.names_days", f"outside {NAMES_DAYS[0]}…{NAMES_DAYS[-1]}",
            "Write 730: names stay for two years, then pseudonyms take their place",
        )  # fmt: skip
    if audit.syslog:
        try:
            target = syslog_target(audit.syslog)
        except ValueError:
            yield source.problem(
                "audit.syslog", "not an address of a syslog server", 'Write "tls://host:6514", or tcp:// or udp://'
            )
        else:
            if audit.syslog_ca and target.transport != "tls":
                yield source.problem("audit.syslog_ca", "is for tls:// only", "Leave it out, or write tls://")
    elif audit.syslog_ca:
        yield source.problem(
            "audit.syslog_ca", "is not used without audit.syslog", "Give audit.syslog, or leave it out"
        )
