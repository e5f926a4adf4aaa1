"""`[database]`: a record on PostgreSQL instead of a file in the state folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from msgspec import structs

from supervisor.config.source import Source
from supervisor.domain.errors import CommandError, ConfigError

if TYPE_CHECKING:
    from supervisor.config.schema import Config, DatabaseConfig

DISTRICT = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")  # names a schema: PostgreSQL allows 63 bytes, `district_` included
SCHEMES = ("postgresql", "postgres")


def find_database_problems(database: DatabaseConfig | None, source: Source) -> Iterator[ConfigError]:
    """Everything that is wrong in `[database]`."""
    if database is None:
        return
    if problem := address_problem(database.address):
        yield source.problem("database.address", *problem, value={})  # not shown: there may be a password in it
    if not DISTRICT.fullmatch(database.district):
        yield source.problem(
            "database.district",
            "not an id",
            'Write up to 40 letters a-z, digits, "-" or "_": district = "seongbuk"',
        )


def with_database(config: Config, address: str) -> Config:
    """The configuration with its record at `address`; the district is `[database] district` or the site's name.

    Raises CommandError.
    """
    district = config.database.district if config.database else config.site.name
    if problem := address_problem(address):
        raise CommandError(problem[0], where="--database", remedy=problem[1])
    if not DISTRICT.fullmatch(district):
        raise CommandError(
            f"the site's name {district!r} cannot name a district there", where="--database",
            remedy="Give [database] address and district in city.toml",
        )  # fmt: skip
    from supervisor.config.schema import DatabaseConfig

    return structs.replace(config, database=DatabaseConfig(address=address, district=district))


def address_problem(address: str) -> tuple[str, str] | None:
    """What is wrong with an address, never repeating it, and the remedy; None where nothing is."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 -- raises for one above 65535
        query = parse_qsl(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        parts, query = None, []
    if parts is None or parts.scheme not in SCHEMES or not parts.path.strip("/") or " " in address:
        return "not the address of a database", 'Write "postgresql://roadheat@host/roadheat"'
    if parts.password is not None or any("password" in name for name, _ in query):
        return "contains a password", "Leave it out: libpq takes it from the file PGPASSFILE or the variable PGPASSWORD"
    if any(name == "options" for name, _ in query):
        return "contains `options`", "Leave them out: the service sets its own"
    return None
