"""`[influx]`: where the record's points are sent, and how long each measurement is kept there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from supervisor.config.source import Source
from supervisor.domain.errors import ConfigError

if TYPE_CHECKING:
    from supervisor.config.schema import InfluxConfig

SPOOL_MIB: Final = (16, 1_048_576)  # an hour of a district at least, a terabyte at most
MEASUREMENTS: Final = ("zone", "zone_1h", "zone_1d", "feeder_15m", "event")
DAYS_MAX: Final = 36_525  # a hundred years; more is for ever
BILLED_DAYS: Final = 1_827  # five years: what a utility's bills can be disputed for
RAW_DAYS_MIN: Final = 7  # a spool drains for days after an outage, and a board's journal comes late


def find_influx_problems(influx: InfluxConfig | None, source: Source) -> Iterator[ConfigError]:
    """Everything that is wrong in `[influx]`."""
    if influx is None:
        return
    needed = {"v1": ("database",), "v2": ("bucket", "org")}[influx.api]
    for name in needed:
        if not getattr(influx, name):
            yield source.problem("influx", f"`{name}` is missing", f'api = "{influx.api}" needs it: add {name} = "…"')
    if influx.spool_mib is not None and not SPOOL_MIB[0] <= influx.spool_mib <= SPOOL_MIB[1]:
        yield source.problem(
            "influx.spool_mib",
            f"outside {SPOOL_MIB[0]}…{SPOOL_MIB[1]}",
            "Write 1024: fourteen days of fifty zones; without the key it is fourteen days of all zones",
        )
    if not is_url(influx.url):
        yield source.problem("influx.url", "not a URL", 'Write "http://host:8086"')
    yield from _retention(influx, source)


def _retention(influx: InfluxConfig, source: Source) -> Iterator[ConfigError]:
    if influx.retention_days and influx.api == "v2":
        yield source.problem(
            "influx.retention_days",
            'api = "v2" has no retention policies',
            "Give buckets their retention in InfluxDB and name them in [influx.buckets]",
        )
    if influx.buckets and influx.api == "v1":
        yield source.problem("influx.buckets", 'api = "v1" has no buckets', "Write [influx.retention_days]")
    for table, names in (("retention_days", influx.retention_days), ("buckets", influx.buckets)):
        for name in names:
            if name not in MEASUREMENTS:
                known = ", ".join(MEASUREMENTS)
                yield source.problem(f"influx.{table}.{name}", "no such measurement", f"There are {known}")
    for name, bucket in influx.buckets.items():
        if not bucket.strip():
            yield source.problem(f"influx.buckets.{name}", "empty", "Name a bucket, or leave the line out")
    for name, days in influx.retention_days.items():
        least = BILLED_DAYS if name == "feeder_15m" else RAW_DAYS_MIN
        if days != 0 and not least <= days <= DAYS_MAX:
            why = "bills are disputed for five years" if name == "feeder_15m" else "records may come days late"
            yield source.problem(
                f"influx.retention_days.{name}",
                f"{days} is outside {least}…{DAYS_MAX}",
                f"Write {least} or more ({why}), or 0 for ever",
            )


def is_url(text: str) -> bool:
    """Whether it names a web address with a host and, where given, a port that exists."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in text
    except ValueError:  # a port above 65535, a bracket that does not close
        return False
