"""Lines of roads from city.toml and from a GeoJSON file: read as they are, refused with zone and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import load, read
from supervisor.config.geometry import FILE_MAX_BYTES, district_lines
from supervisor.config.tests.examples import banded

LINE = [[127.0161, 37.6012], [127.0170, 37.6018]]


def city(folder: Path, *, own: str = "", file: object = None, text: str | None = None) -> Path:
    """The example without its lines, with one of z01 and a map file."""
    lines = [line for line in banded().splitlines() if not line.startswith("geometry")]
    written = "\n".join(lines).replace('id = "z01"\n', f'id = "z01"\n{own}\n', 1)
    if file is not None or text is not None:
        written = written.replace("[web]\n", '[web]\nmap_file = "roads.geojson"\n', 1)
        (folder / "roads.geojson").write_text(json.dumps(file) if text is None else text)
    path = folder / "city.toml"
    path.write_text(written)
    (folder / "weather.csv").write_text("time_utc\n")
    return path


def feature(zone: str, line: Any, kind: str = "LineString") -> dict[str, Any]:
    return {"type": "Feature", "properties": {"zone": zone}, "geometry": {"type": kind, "coordinates": line}}


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def test_lines_of_zones_and_of_the_file(tmp_path: Path) -> None:
    with_height = [[*point, 61.0] for point in LINE]
    config = load(city(tmp_path, own=f"geometry = {LINE}", file=collection(feature("z02", with_height))))
    line = tuple((lon, lat) for lon, lat in LINE)
    assert district_lines(config) == {"z01": line, "z02": line}
    assert district_lines(load(city(tmp_path))) == {}


@pytest.mark.parametrize(
    ("own", "file", "text", "says"),
    [
        (f"geometry = {LINE[:1]}", None, None, "zone[0].geometry = (2 values): 1 points, outside 2…500"),
        ("geometry = [[37.6012, 127.0161], [37.6018, 127.0170]]", None, None, "outside −180…180° of longitude"),
        ("geometry = [[12.5, 41.9], [12.6, 41.9]]", None, None, "km from the site"),
        (f"geometry = {[LINE[0], LINE[0]]}", None, None, "all points are the same"),
        ("geometry = [[127.0, nan], [127.0, 37.6]]", None, None, "geometry"),
        ("", collection(feature("z99", LINE)), None, "zone 'z99': no such zone in city.toml"),
        ("", collection(feature("z02", LINE), feature("z02", LINE)), None, "has a line already"),
        (f"geometry = {LINE}", collection(feature("z01", LINE)), None, "has a line already"),
        ("", collection(feature("z02", LINE[:1])), None, "features[0], zone 'z02': 1 points"),
        ("", collection(feature("z02", LINE, "MultiPoint")), None, "features[0] is a 'MultiPoint', not a LineString"),
        ("", collection(feature("z02", [LINE])), None, "not GeoJSON of lines"),
        ("", collection(feature("z02", [[127.0], [127.1]])), None, "a point without two degrees"),
        ("", {"type": "Feature", "features": []}, None, "a 'Feature', not a FeatureCollection"),
        ("", None, "{", "not GeoJSON of lines"),
        ("", None, "[" * 100_000, "not GeoJSON of lines"),
        ("", None, " " * (FILE_MAX_BYTES + 1), "larger than 4 MiB"),
    ],
)
def test_what_is_no_line_is_a_sentence(tmp_path: Path, own: str, file: object, text: str | None, says: str) -> None:
    _, problems = read(city(tmp_path, own=own, file=file, text=text))
    said = [f"{one.where}: {one.message}" for one in problems]
    assert any(says.partition(": ")[2] in one or says in one for one in said), said
    assert all(one.remedy for one in problems)


def test_a_map_file_that_is_not_there(tmp_path: Path) -> None:
    path = city(tmp_path, file=collection())
    (tmp_path / "roads.geojson").unlink()
    _, problems = read(path)
    assert ["no such file" in one.message for one in problems] == [True]
