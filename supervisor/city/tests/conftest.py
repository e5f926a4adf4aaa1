"""The district of the web layer's tests, with the read-model and commands of interfaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from supervisor.city.ngsi.entities import Entities
from supervisor.city.readings import Readings
from supervisor.city.registry import City
from supervisor.config.city import CityConfig, NgsiLdConfig
from supervisor.control.metrics import Metrics
from supervisor.web.keys import SERVICES
from supervisor.web.tests.conftest import district, sign_in

__all__ = ["district", "sign_in"]


@pytest.fixture
def metrics() -> Metrics:
    """What the interfaces count."""
    return Metrics()


@pytest.fixture
def city(district: Any, tmp_path: Path, metrics: Metrics) -> City:
    readings = Readings(district.live, district.store.telemetry, district.alarms.standing, district.clock)
    services = district.app[SERVICES]
    entities = Entities(readings, services.site, services.feeders)
    return City(
        CityConfig(), district.overrides, entities, tmp_path / "city", district.alarms, district.clock,
        lambda interface, outcome: metrics.city.labels(interface, outcome).inc(),
    )  # fmt: skip


@pytest.fixture
def entities(city: City, district: Any) -> Entities:
    services = district.app[SERVICES]
    config = NgsiLdConfig(segments={"z02": "urn:ngsi-ld:RoadSegment:7"})
    return Entities(city.readings, services.site, services.feeders, config)
