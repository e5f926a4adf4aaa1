"""Where roads run: lines in WGS84, from city.toml or from a GeoJSON file that it names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from supervisor.config.source import Source
from supervisor.domain.errors import ConfigError
from supervisor.domain.zone import Line, Site

if TYPE_CHECKING:
    from supervisor.config.schema import Config

FILE_MAX_BYTES: Final = 4 * 1024 * 1024  # 500 roads of 100 points are 1 MB
POINTS: Final = range(2, 501)  # of a line
AWAY_MAX_KM: Final = 100.0  # from the site; swapped degrees are thousands of kilometres off
KM_PER_DEGREE: Final = 111.2
FORM: Final = (
    'Write a FeatureCollection of LineStrings, each with "properties": {"zone": "z01"} and longitude before latitude'
)


class _Geometry(Struct):
    type: str
    coordinates: list[list[float]]  # a third number is the height


class _Properties(Struct):
    zone: str


class _Feature(Struct):
    geometry: _Geometry
    properties: _Properties


class _Collection(Struct):
    type: str
    features: list[_Feature]


def read_lines(path: Path) -> list[tuple[str, Line]]:
    """Zone and line of each feature, not compared with city.toml yet. Raises ConfigError."""
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise _refused(path, f"larger than {FILE_MAX_BYTES // 1024**2} MiB", "Leave out points: a road needs a few")
        found = msgspec.json.decode(path.read_bytes(), type=_Collection)
    except OSError as error:
        raise _refused(path, f"cannot be read: {(error.strerror or str(error)).lower()}", "Correct the path") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(path, f"not GeoJSON of lines: {error}", FORM) from error
    if found.type != "FeatureCollection":
        raise _refused(path, f"a {found.type[:40]!r}, not a FeatureCollection", FORM)
    lines = []
    for number, feature in enumerate(found.features):
        if feature.geometry.type != "LineString":
            raise _refused(path, f"features[{number}] is a {feature.geometry.type[:40]!r}, not a LineString", FORM)
        if any(len(point) < 2 for point in feature.geometry.coordinates):
            raise _refused(path, f"features[{number}] has a point without two degrees", FORM)
        line = tuple((point[0], point[1]) for point in feature.geometry.coordinates)
        lines.append((feature.properties.zone, line))
    return lines


def _refused(path: Path, message: str, remedy: str) -> ConfigError:
    return ConfigError(message, where=str(path), remedy=remedy)


def district_lines(config: Config) -> dict[str, Line]:
    """Zone → its line, of those that have one. Raises ConfigError where the file has changed for the worse."""
    named = dict(read_lines(config.resolve(config.web.map_file))) if config.web.map_file else {}
    return {zone.id: line for zone in config.zone if (line := zone.geometry or named.get(zone.id, ()))}


def find_geometry_problems(config: Config, source: Source) -> Iterator[ConfigError]:
    """Lines that are none, lie elsewhere, or belong to no zone."""
    lines: list[Line] = []
    own: set[str] = set()
    for number, zone in enumerate(config.zone):
        if zone.geometry:
            own.add(zone.id)
            lines.append(zone.geometry)
            for message in line_problems(zone.geometry):
                yield source.problem(f"zone[{number}].geometry", message, "Write [[longitude, latitude], …] in degrees")
    path = config.resolve(config.web.map_file) if config.web.map_file else None
    if path is not None and path.is_file():  # where it is none, that is said with the other files
        try:
            named = read_lines(path)
        except ConfigError as error:
            yield error
            return
        lines += [line for _, line in named]
        yield from _file_problems(path, named, {zone.id for zone in config.zone}, own)
    yield from _elsewhere(lines, config.site, source)


def _file_problems(
    path: Path, named: Sequence[tuple[str, Line]], known: set[str], own: set[str]
) -> Iterator[ConfigError]:
    seen = set(own)
    for number, (zone, line) in enumerate(named):
        where = f"features[{number}], zone {zone[:40]!r}"
        if zone not in known:
            yield _refused(path, f"{where}: no such zone in city.toml", "Correct its id, or remove the feature")
        elif zone in seen:
            yield _refused(path, f"{where}: has a line already", "Keep one line for each zone")
        seen.add(zone)
        for message in line_problems(line):
            yield _refused(path, f"{where}: {message}", FORM)


def _elsewhere(lines: Sequence[Line], site: Site, source: Source) -> Iterator[ConfigError]:
    """Said once: where degrees are swapped, or the site is, all roads are far from it."""
    if not _on_earth(site.longitude, site.latitude):
        return  # said with the site
    away_km = [_away_km(*point, site) for line in lines for point in line if _on_earth(*point)]
    if away_km and max(away_km) > AWAY_MAX_KM:
        yield source.problem(
            "site.latitude", f"a road lies {max(away_km):,.0f} km from the site",
            "Correct the site, or the road's geometry: longitude first, then latitude",
        )  # fmt: skip


def line_problems(line: Line) -> Iterator[str]:
    """What is wrong with a line, the first of each kind."""
    if len(line) not in POINTS:
        yield f"{len(line)} points, outside {POINTS[0]}…{POINTS[-1]}"
        return
    beyond = next((number for number, point in enumerate(line) if not _on_earth(*point)), None)
    if beyond is not None:
        yield f"point {beyond} is outside −180…180° of longitude and −90…90° of latitude"
    elif len(set(line)) == 1:
        yield "all points are the same"


def _on_earth(longitude: float, latitude: float) -> bool:
    return -180 <= longitude <= 180 and -90 <= latitude <= 90


def _away_km(longitude: float, latitude: float, site: Site) -> float:
    east = (longitude - site.longitude + 180) % 360 - 180
    return KM_PER_DEGREE * math.hypot(latitude - site.latitude, east * math.cos(math.radians(site.latitude)))
