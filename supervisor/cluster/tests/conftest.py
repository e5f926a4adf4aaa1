"""A NATS server of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.servers import Nats, find_program, running_nats


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[Nats]:
    if find_program("nats-server") is None:
        pytest.skip("nats-server is not installed: make servers")
    with running_nats(tmp_path) as server:
        yield server
