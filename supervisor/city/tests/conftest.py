"""The district of the web layer's tests, with the read-model and commands of interfaces."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.city.readings import Readings
from supervisor.city.registry import City
from supervisor.config.city import CityConfig
from supervisor.web.tests.conftest import district, sign_in

__all__ = ["district", "sign_in"]


@pytest.fixture
def city(district: Any) -> City:
    readings = Readings(district.live, district.store.telemetry, district.alarms.standing, district.clock)
    return City(CityConfig(), readings, district.overrides, district.clock)
