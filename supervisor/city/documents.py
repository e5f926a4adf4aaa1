"""What the web listener serves to other systems of the city. What is None is switched off."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.city.briefing import Briefings
from supervisor.city.eyes import Drains, Upwind
from supervisor.city.ngsi.entities import Entities
from supervisor.city.observations import Observations
from supervisor.city.open_data import OpenData
from supervisor.city.traffic import Traffic


@dataclass(frozen=True)
class Documents:
    """By interface."""

    open_data: OpenData | None = None
    briefings: Briefings | None = None  # for signed-in people and programs: always there in the service
    entities: Entities | None = None
    traffic: Traffic | None = None
    drains: Drains | None = None  # always there in the service, by the same scope
    upwind: Upwind | None = None
    observations: Observations | None = None  # always there in the service: a token of scope observe is needed
