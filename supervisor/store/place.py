"""Where a district's record is: a file of SQLite, or a schema of its own in a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from supervisor.config import Config
from supervisor.domain.errors import StoreError

DATABASE_NAME = "roadheat.db"  # in the state folder
RIGHTS = "The user needs the right to create schemas: GRANT CREATE ON DATABASE … TO …"
LOST = "lease"  # code of the error of a core that another one has followed


class Server(Struct, frozen=True):
    """A record on PostgreSQL. `address` has no password: libpq takes it from PGPASSFILE or PGPASSWORD."""

    address: str
    district: str
    fence: int = 0  # of the lease that the writer must still have; 0: none, as at the console

    @property
    def schema(self) -> str:
        return f"district_{self.district}"

    def __str__(self) -> str:
        return f"{self.address}, district {self.district}"


Place = Path | Server


def lost(place: Server) -> StoreError:
    """The sentence of a core that another one has followed."""
    return StoreError(
        f"another core runs district {place.district} now: nothing more is recorded or commanded by this one",
        where=str(place),
        remedy="It ends, and stands by once it is started again",
        code=LOST,
    )


def file_of(config: Config, instead: str) -> Path:
    """The record's file, for what only a file has; raises StoreError with the remedy `instead` for one on a server."""
    place = place_of(config)
    if isinstance(place, Server):
        raise StoreError("the record is on PostgreSQL, this is for a file", where=str(place), remedy=instead)
    return place


def place_of(config: Config) -> Place:
    """Where the record of a configured district is."""
    if config.database is None:
        return config.state_dir / DATABASE_NAME
    return Server(config.database.address, config.database.district)
