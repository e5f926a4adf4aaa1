"""Real InfluxDB and VictoriaMetrics servers."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import servers


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Influxd]:
    """A real InfluxDB 1.6; each test makes a database of its own."""
    if servers.find_program("influxd") is None:
        pytest.skip("InfluxDB 1.6 is not installed: as root on Debian, python -m tools.get_servers")
    with servers.running_influxd(tmp_path_factory.mktemp("influxd")) as running:
        yield running


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[servers.Victoria]:
    """A real VictoriaMetrics, empty."""
    if servers.find_program("victoria-metrics") is None:
        pytest.skip("VictoriaMetrics is not installed: as root on Debian, python -m tools.get_servers")
    with servers.running_victoria(tmp_path) as running:
        yield running


@pytest.fixture
def database(influxd: servers.Influxd, request: pytest.FixtureRequest) -> str:
    """A fresh database on the real InfluxDB."""
    name = f"roadheat_{zlib.crc32(request.node.nodeid.encode())}"
    influxd.create(name)
    return name
