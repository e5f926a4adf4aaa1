"""All operations of the interface: a line for each module that has some."""

from __future__ import annotations

from typing import Final

from supervisor.web import (
    api,
    city,
    city_entities,
    commands,
    district_map,
    duty,
    energy,
    passkey_routes,
    past,
    road_work,
    safety,
    shift,
)

ALL_ROUTES: Final = (
    *api.ROUTES, *commands.ROUTES, *passkey_routes.PASSKEY_ROUTES, *safety.ROUTES, *duty.ROUTES, *road_work.ROUTES,
    *past.ROUTES, *shift.ROUTES, *city.ROUTES,
    *city_entities.ROUTES,
    *energy.ROUTES,
    *district_map.ROUTES,
)  # fmt: skip
