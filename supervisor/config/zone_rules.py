"""Rules for a zone of city.toml: limits of physics, of its cable and of overrides."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supervisor.config.source import Source
from supervisor.domain.errors import ConfigError
from supervisor.domain.zone import Inventory, Sprayer, Zone
from supervisor.road.materials import MATERIALS

HEAT_MAX_W_M2 = 1300.0  # NEC 426: highest density of embedded cable
AREA_MAX_M2 = 1_000_000  # a heated zone has some hundreds
SLOPE_MAX_PERCENT = 40  # the steepest public streets have some 35 %
CABLE_MAX_M = 20_000  # the longest heated streets have some kilometres
LANES_MAX = 12
INSTALLED = re.compile(r"(19|20)\d\d(-(0[1-9]|1[0-2]))?")
SPRAYER = {
    "dose_g_m2": (1.0, 60.0), "price_per_dose": (0.0, 1e9), "lockout_min": (15, 1440), "doses_max_day": (1, 24),
    "least_c": (-30.0, 0.0),
}  # fmt: skip
HORIZON_POINTS_MIN = 2
HORIZON_MAX_DEG = 85.0  # a road has some sky above it

Problems = Iterator[ConfigError]


def find_zone_problems(zone: Zone, key: str, source: Source) -> Problems:
    """Problems of the zone at `key`, such as `zone[2]`."""
    if not zone.name.strip():
        yield source.problem(f"{key}.name", "empty", "Write what crews call the road")
    if zone.power_w <= 0:
        yield source.problem(f"{key}.power_w", "must be greater than 0", "Write the cable's rated watts")
    if zone.area_m2 <= 0:
        yield source.problem(f"{key}.area_m2", "must be greater than 0", "Write the heated square metres")
    elif zone.area_m2 > AREA_MAX_M2:
        yield source.problem(f"{key}.area_m2", f"above {AREA_MAX_M2:,}", "Write the heated square metres of one zone")
    elif zone.heat_w_m2 > HEAT_MAX_W_M2:
        yield source.problem(
            f"{key}.power_w",
            f"{zone.heat_w_m2:.0f} W/m² on {zone.area_m2:g} m²",
            f"Embedded cable carries at most {HEAT_MAX_W_M2:g} W/m²: correct watts or area",
        )
    yield from _inventory(zone.inventory, f"{key}.inventory", source)
    if zone.sprayer is not None:
        yield from _sprayer(zone.sprayer, f"{key}.sprayer", source)
    for number, layer in enumerate(zone.layers):
        at = f"{key}.layers[{number}]"
        if layer.material not in MATERIALS:
            yield source.problem(f"{at}.material", "unknown material", f"Write one of {', '.join(sorted(MATERIALS))}")
        if not 0.002 <= layer.thickness_m <= 10:
            yield source.problem(f"{at}.thickness_m", "outside 0.002…10", "Write metres")
    depth_m = sum(layer.thickness_m for layer in zone.layers)
    if not zone.layers:
        yield source.problem(f"{key}.layers", "no layers", 'Write layers = [{material = "asphalt", thickness_m = 0.1}]')
    elif not 0 < zone.cable.depth_m < depth_m:
        yield source.problem(
            f"{key}.cable.depth_m", f"outside the {depth_m:g} m of layers", "Write metres from the top"
        )
    if not 0.02 <= zone.cable.spacing_m <= 1:
        yield source.problem(f"{key}.cable.spacing_m", "outside 0.02…1", "Write metres between runs of cable")
    if not 0.5 <= zone.cable.efficiency <= 1:
        yield source.problem(f"{key}.cable.efficiency", "outside 0.5…1", "Write the part that ends in the pavement")
    if zone.sky_view is not None and not 0 < zone.sky_view <= 1:
        yield source.problem(f"{key}.sky_view", "outside 0…1", "Write the part of the sky that the road sees")
    yield from _horizon(zone, key, source)
    if zone.slope_percent is not None and not 0 <= zone.slope_percent <= SLOPE_MAX_PERCENT:
        yield source.problem(f"{key}.slope_percent", f"outside 0…{SLOPE_MAX_PERCENT}", "Write metres of rise per 100 m")
    if zone.priority not in (1, 2, 3):
        yield source.problem(f"{key}.priority", "outside 1…3", "Write 1 for the steepest, 3 for the flattest")
    most_min = zone.limits.override_max_s // 60
    if source.value(f"{key}.override_max_min") is not None and not 1 <= zone.override_max_min <= most_min:
        yield source.problem(
            f"{key}.override_max_min",
            f"outside 1…{most_min}",
            f"Boards refuse an override of more than {most_min / 60:g} h: see override_max_s in [limits]",
        )


def _horizon(zone: Zone, key: str, source: Source) -> Problems:
    if not zone.horizon:
        return
    if len(zone.horizon) < HORIZON_POINTS_MIN:
        example = "horizon = [{azimuth_deg = 90, elevation_deg = 5}, {azimuth_deg = 180, elevation_deg = 30}, …]"
        yield source.problem(
            f"{key}.horizon", f"{len(zone.horizon)} point is too few for a skyline", f"Write {example}"
        )
    before = -1.0
    for number, point in enumerate(zone.horizon):
        at = f"{key}.horizon[{number}]"
        if not 0 <= point.azimuth_deg < 360:
            yield source.problem(f"{at}.azimuth_deg", "outside 0…360", "Write degrees clockwise from north, 0 to 359")
        elif point.azimuth_deg <= before:
            yield source.problem(f"{at}.azimuth_deg", "not after the point before", "Go round clockwise from north")
        before = max(before, point.azimuth_deg)
        if not 0 <= point.elevation_deg <= HORIZON_MAX_DEG:
            yield source.problem(
                f"{at}.elevation_deg",
                f"outside 0…{HORIZON_MAX_DEG:g}",
                "Write degrees above the horizontal: 45 is a wall as high as it is far away",
            )


def _sprayer(sprayer: Sprayer, key: str, source: Source) -> Problems:
    for name, (low, high) in SPRAYER.items():
        if not low <= getattr(sprayer, name) <= high:
            yield source.problem(f"{key}.{name}", f"outside {low:g}…{high:g}", "Write what the sprayer does")


def _inventory(inventory: Inventory, key: str, source: Source) -> Problems:
    for name, most in (("latitude", 90), ("longitude", 180)):
        degrees = getattr(inventory, name)
        if degrees is not None and not -most <= degrees <= most:
            yield source.problem(f"{key}.{name}", f"outside −{most}…{most}", "Write degrees (WGS 84), decimal")
    if (inventory.latitude is None) is not (inventory.longitude is None):
        yield source.problem(key, "latitude or longitude alone", "Give both, or neither")
    if inventory.cable_m is not None and not 0 < inventory.cable_m <= CABLE_MAX_M:
        yield source.problem(f"{key}.cable_m", f"outside 0…{CABLE_MAX_M:,} m", "Write the heated metres of each lane")
    if inventory.lanes is not None and not 1 <= inventory.lanes <= LANES_MAX:
        yield source.problem(f"{key}.lanes", f"outside 1…{LANES_MAX}", "Write how many lanes are heated")
    if inventory.installed and not INSTALLED.fullmatch(inventory.installed):
        yield source.problem(f"{key}.installed", "neither a year nor a month", 'Write "2019" or "2019-11"')
