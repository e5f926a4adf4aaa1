"""Fixtures: where a record is, on each of its two engines, for tests that hold for both."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor.store.place import Place, Server
from tools.postgres_server import PostgresServer, find_postgres, postgres_server

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for the tests of one process; each takes districts of its own."""
    if find_postgres("initdb") is None:
        pytest.skip("no PostgreSQL on this machine: make servers")
    with postgres_server() as server:
        yield server


def on_server(server: PostgresServer) -> Server:
    """A district that no other test has."""
    return Server(server.address, f"test-{next(_NUMBERS)}")


def own_database(server: PostgresServer) -> Server:
    """A district in a database of its own, for tests that start whole services: each has the example's boards."""
    number = next(_NUMBERS)
    server.create_database(f"roadheat_{number}")
    return Server(server.address.replace("/roadheat?", f"/roadheat_{number}?"), f"test-{number}")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def place_named(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Place]:
    """Where the record of that name is, the same each time: tests run once on a file and once on PostgreSQL."""
    if request.param == "sqlite":
        return lambda name: tmp_path / name
    server = request.getfixturevalue("postgres")
    known: dict[str, Place] = {}
    return lambda name: known.setdefault(name, on_server(server))


@pytest.fixture
def place(place_named: Callable[[str], Place]) -> Place:
    return place_named("roadheat.db")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def service_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """As `place`, for a whole service."""
    return tmp_path / "roadheat.db" if request.param == "sqlite" else own_database(request.getfixturevalue("postgres"))
