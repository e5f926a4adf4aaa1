"""Names of city.toml in InfluxDB: each is refused by the configuration, or comes back exactly as it was written."""

from __future__ import annotations

import csv
import itertools
import urllib.error
import urllib.request
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor.config import Config, read
from supervisor.energy import tables
from supervisor.energy.tests.gathering import gather
from supervisor.store import events
from supervisor.store.labels import Labels
from supervisor.store.meter import Meter
from supervisor.store.rollup import rollup_line
from supervisor.store.tests.hours import HourEnergy
from supervisor.store.tick import Tick, ZoneTick, zone_line
from supervisor.wire.messages import ZoneSample
from tools.servers import Influxd, Victoria

EXAMPLE = (Path(__file__).parents[3] / "docs" / "examples" / "city.toml").read_text(encoding="utf-8")
AWKWARD = (
    "", " ", "성북\\", "\\", "a\\ b", "seongbuk ", " seongbuk", "seong\rbuk\t", "성북구 ❄️, 1=가",
    "\U0001f469\u200d\U0001f692 구조대", "a\nb", "a\r\nb", "a\0b", "\u202egnolb", "\u200b", "\u2066x\u2069",
    "\u2028", "\u2029", "\u3164", "\ufeff", "a\u00a0", "\u3000",
    'say "x"', "it's", "#", ",", "=", "==", ",,", "a=b,c=d e", "`", "${x}", "%00", "x" * 100, "x" * 101,
    "가" * 100, "\U0001f9ca" * 100, "\ufffe", "e\u0301", "\x85", "\x7f",
)  # fmt: skip
TEXT = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(max_size=20),
    st.text(alphabet="ab \\,=\"'#\n가❄", max_size=8),
    st.from_regex(r"[a-z0-9][a-z0-9_-]{0,15}", fullmatch=True),
)
EXAMPLES = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
FEEDER = "옆, a=b's"
_seconds = itertools.count(1_700_000_000)


def toml(text: str) -> str:
    """A TOML string that stands for exactly this text."""
    return '"' + "".join(c if c.isalnum() else f"\\U{ord(c):08X}" for c in text) + '"'


def accepted(folder: Path, site: str, zone: str, board: str, road: str) -> Config | None:
    """The example with these names, where the configuration accepts them; every refusal says where and what to do."""
    content = EXAMPLE.replace('name = "seongbuk"', f"name = {toml(site)}", 1)
    content = content.replace('"b01"', toml(board)).replace('"z01"', toml(zone))
    content = content.replace('name = "Bogungmun-ro 34-gil"', f"name = {toml(road)}", 1)
    (folder / "weather.csv").write_text("time_utc\n")
    path = folder / "city.toml"
    path.write_text(content, encoding="utf-8")
    config, problems = read(path)
    assert all(problem.remedy and problem.where.startswith("city.toml") for problem in problems)
    return None if problems else config


def lines_of(config: Config, utc_s: int) -> list[str]:
    """One line of each measurement about the first zone, and an event that contains its road's name."""
    site, zone = config.site.name, config.zone[0]
    sample = ZoneSample(zone.id, 1250, 9000, 300, 10, 60_000, 5, 500, 4, 0)
    tick = Tick(zone.board, 0, 1, 10, 1, utc_s, 10, utc_s, -1000, (ZoneTick(sample, 5, Meter(5, 0, 1, 10, 5, 5)),))
    return [
        zone_line(Labels(site, {zone.id: ((0, FEEDER),)}), tick, tick.zones[0]),
        rollup_line("zone_1h", site, zone.id, 7, 3600, 3600, 1000.0, 900, utc_s),
        events.line(site, events.Event(utc_s, zone.name, zone.id, zone.name_ko), utc_s),
    ]


def post(url: str, lines: list[str]) -> int:
    request = urllib.request.Request(url, data="\n".join(lines).encode(), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        pytest.fail(f"{error.code}: {error.read().decode()} for {lines}")


@pytest.mark.influx
@EXAMPLES
@given(site=TEXT, zone=st.just("z01") | TEXT, board=st.just("b01") | TEXT, road=st.just("Seonjam-ro") | TEXT)
def test_any_name_is_refused_or_comes_back_exactly(
    influxd: Influxd, database: str, tmp_path: Path, site: str, zone: str, board: str, road: str
) -> None:
    config = accepted(tmp_path, site, zone, board, road)
    if config is None:
        return
    utc_s = next(_seconds)
    assert post(f"{influxd.url}/write?db={database}&precision=s", lines_of(config, utc_s)) == 204
    period = f"time >= {utc_s}s AND time < {utc_s + 1}s"
    [found] = influxd.query(f"SELECT delta_wh FROM zone WHERE {period} GROUP BY *", database)
    assert found["tags"] == {"site": site, "zone": zone, "ctl": board, "feeder": FEEDER}
    assert found["values"] == [[utc_s, 5]]
    [hour] = influxd.query(f"SELECT energy_wh FROM zone_1h WHERE {period} GROUP BY *", database)
    assert (hour["tags"], hour["values"]) == ({"site": site, "zone": zone}, [[utc_s, 7]])
    [event] = influxd.query(f"SELECT kind FROM event WHERE {period} GROUP BY *", database)
    assert (event["tags"], event["values"]) == ({"site": site, "zone": zone}, [[utc_s, road]])


@pytest.mark.influx
@EXAMPLES
@given(detail=TEXT, subject=TEXT)
def test_an_event_about_anything_is_one_line(influxd: Influxd, database: str, detail: str, subject: str) -> None:
    """What a board or a server said is a string field; only line breaks change."""
    utc_s = next(_seconds)
    line = events.line("s", events.Event(utc_s, detail, subject, detail), utc_s)
    assert post(f"{influxd.url}/write?db={database}&precision=s", [line]) == 204
    [event] = influxd.query(f"SELECT kind FROM event WHERE time = {utc_s}s", database)
    assert event["values"] == [[utc_s, detail.replace("\n", " ")]]


@pytest.mark.influx
def test_accepted_names_come_back_from_victoriametrics_exactly(victoria: Victoria, tmp_path: Path) -> None:
    sites = [site for site in AWKWARD if accepted(tmp_path, site, "z01", "b01", "Seonjam-ro") is not None]
    assert len(sites) >= 12
    for site in sites:
        config = accepted(tmp_path, site, "z01", "b01", "Seonjam-ro")
        assert config is not None
        assert post(f"{victoria.url}/api/v2/write?precision=s", lines_of(config, next(_seconds))) == 204
    exported = victoria.export("zone_1h_energy_wh")
    assert sorted(found["metric"]["site"] for found in exported) == sorted(sites)
    assert all(found["values"] == [7] for found in exported)


@pytest.mark.parametrize(
    ("site", "message"),
    [
        ("성북\\", "backslash"),
        ("", "empty"),
        ("seongbuk ", "space"),
        ("seong\rbuk\t", "control character"),
        ("seong\u202ebuk", "U+202E"),
        ("seong\u2028buk", "U+2028"),
        ("\u3164", "U+3164"),
        ("x" * 101, "longer than 100"),
    ],
)
def test_a_name_that_no_tag_can_hold_is_refused_with_a_remedy(tmp_path: Path, site: str, message: str) -> None:
    (tmp_path / "city.toml").write_text(EXAMPLE.replace('"seongbuk"', toml(site), 1), encoding="utf-8")
    _, problems = read(tmp_path / "city.toml")
    [problem] = [problem for problem in problems if "site.name" in problem.where]
    assert message in problem.message
    assert problem.remedy


@pytest.mark.parametrize("road", ['=1+1, "x"', "성북로 1; 2", "'; --", "a\u00a0b"])
def test_a_name_is_one_cell_of_a_csv_that_begins_with_the_id(tmp_path: Path, road: str) -> None:
    """A spreadsheet takes a cell that begins with `=` for a formula."""
    config = accepted(tmp_path, "seongbuk", "z01", "b01", road)
    assert config is not None
    record = gather([HourEnergy(0, "z01", (1, 2, 3, 4), 3600, 3600)], 0, 3600)
    lines = tables.report(record, "zone", ZoneInfo("UTC"), None, tables.Places(config.zone))
    tables.write_csv(tmp_path / "e.csv", lines, "zone", "")
    with (tmp_path / "e.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[1][0] == f"z01 {road}"
    assert {len(row) for row in rows} == {5}
