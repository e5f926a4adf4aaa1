"""Open data as anybody gets it, and a district's own list read into zones."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from supervisor.city.district_csv import read_district
from supervisor.city.documents import Documents
from supervisor.city.open_data import OpenData, rows_of
from supervisor.city.tests.test_city_service import config_of
from supervisor.city.zones_command import HEAD
from supervisor.cli import main
from supervisor.config import load
from supervisor.config.city import COLUMNS, OpenDataConfig
from supervisor.domain.errors import CommandError
from supervisor.domain.zone import Inventory
from supervisor.store.rollup import book
from supervisor.web.keys import SERVICES

LICENCE = "공공누리 제1유형"
ABOUT = Inventory(
    district="정릉동", road="정릉로9길", begins="정릉로 12", ends="=HYPERLINK(1)", cable_m=120.0, lanes=2,
    latitude=37.60461, longitude=127.0123,
    installed="2019-11", note="급경사, 버스",
)  # fmt: skip


def publish(district: Any, **keys: Any) -> None:
    live = district.live.zones["z02"]
    live.zone = msgspec.structs.replace(live.zone, inventory=ABOUT)
    services = district.app[SERVICES]
    made = OpenData(
        OpenDataConfig(licence=LICENCE, **keys),
        services.site,
        lambda: [one.zone for one in district.live.zones.values()],
        district.store,
        district.clock,
    )
    object.__setattr__(services, "documents", Documents(made))


async def test_everybody_gets_csv_and_json_with_licence_and_date(district: Any, aiohttp_client: Any) -> None:
    publish(district)
    client = await aiohttp_client(district.app)
    async with client.get("/open-data/zones.csv") as answer:
        assert (answer.status, answer.content_type, answer.charset) == (200, "text/csv", "utf-8")
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        assert "Set-Cookie" not in answer.headers
        etag, raw = answer.headers["ETag"], await answer.read()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert list(rows[0]) == list(COLUMNS.values())
    assert len(rows) == 8
    assert {row["이용허락범위"] for row in rows} == {LICENCE}
    assert {row["데이터기준일자"] for row in rows} == {"2023-12-30"}
    z02 = rows[1]
    assert (z02["행정동"], z02["노선명"], z02["기점"], z02["종점"]) == (
        "정릉동",
        "정릉로9길",
        "정릉로 12",
        "'=HYPERLINK(1)",
    )
    assert (z02["위도"], z02["경도"]) == ("37.60461", "127.0123")
    assert (z02["열선연장(m)"], z02["차로수"], z02["설치년도"], z02["설치월"]) == ("120", "2", "2019", "11")
    assert (z02["비고"], z02["정격전력(kW)"], z02["전일사용전력량(kWh)"]) == ("급경사, 버스", "48", "")
    async with client.get("/open-data/zones.csv", headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
    async with client.get("/open-data/zones.json") as answer:
        document = await answer.json()
    assert (document["licence"], document["reference_date"]) == (LICENCE, "2023-12-30")
    assert document["zones"][1]["종점"] == "=HYPERLINK(1)"
    assert document["zones"][0]["기점"] is None


async def test_a_district_names_its_columns_and_energy_is_that_of_the_day_before(
    district: Any, aiohttp_client: Any
) -> None:
    def add(db: Any) -> None:
        for start, wh in ((-3600, 900), (-86_400, 800), (-86_400 - 3600, 7), (0, 5)):
            book(db, "z02", {1_703_862_000 + start: wh})  # midnight in Seoul

    await district.store.write(add)
    publish(district, columns={"road": "도로명", "note": "", "kwh": "kWh"})
    client = await aiohttp_client(district.app)
    async with client.get("/open-data/zones.json") as answer:
        z02 = (await answer.json())["zones"][1]
    assert (z02["도로명"], z02["kWh"]) == ("정릉로9길", 1.7)
    assert "비고" not in z02
    district.clock.advance(86_400)
    async with client.get("/open-data/zones.json") as answer:
        document = await answer.json()
    assert (document["reference_date"], document["zones"][1]["kWh"]) == ("2023-12-31", 0.005)


async def test_there_is_none_unless_the_city_wants_it(district: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(district.app)
    for kind in ("csv", "json"):
        async with client.get(f"/open-data/zones.{kind}") as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('licence = " "', "city.open_data.licence = ' ': empty"),
        ("", "`licence` is missing"),
        ('licence = "a"\ncolumns = { rode = "x" }', "city.open_data.columns.rode = 'x': unknown field"),
        ('licence = "a"\ncolumns = { road = "기점" }', "two columns are named '기점'"),
        ('licence = "a"\ncolumns = { licence = "" }', "must stay in the file"),
    ],
)
def test_what_is_wrong_in_its_table_is_said(tmp_path: Path, keys: str, said: str) -> None:
    _, problems = config_of(tmp_path, f"[city.open_data]\n{keys}")
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [("cable_m", "-1.0"), ("lanes", "0"), ("installed", '"2019-13"'), ("latitude", "91.0\nlongitude = 1.0")],
)
def test_what_is_wrong_in_an_inventory_is_said(tmp_path: Path, key: str, value: str) -> None:
    _, problems = config_of(tmp_path, f"[zone.inventory]\n{key} = {value}")  # of the last zone
    assert len(problems) == 1
    assert f"zone[11].inventory.{key}" in problems[0]


# A list made up for this test, in the form of the published ones.
LIST = (
    "성북구 도로열선 현황,,,,,,,,,\r\n"
    "연번,행정동,노선명,기점,종점,\"열선연장\r\n(m)\",차로수,설치년도,설치월,비고\r\n"
    "1,가나동,가나로3길,가나로 1,가나로3길 20,\"1,250\",2,2019년,11,\r\n"
    "2,다라동,\"다라로\r\n7길\",\"다라로 7, 앞\",-,85.5m,,2021,,\"경사, 학교 앞\"\r\n"
    ",,,,,,,,,\r\n"
    "합계,,,,,\"1,335.5\",,,,\r\n"
)  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "euc-kr", "cp949", "utf-16"])
def test_a_published_list_is_read_whatever_its_encoding(encoding: str) -> None:
    district = read_district(LIST.encode(encoding), "list.csv")
    first, second = district.roads
    assert (first.road, first.cable_m, first.lanes, first.year, first.month) == ("가나로3길", 1250.0, 2, 2019, 11)
    assert (second.road, second.begins, second.cable_m, second.note) == (
        "다라로 7길",
        "다라로 7, 앞",
        85.5,
        "경사, 학교 앞",
    )
    assert second.missing() == ["종점", "차로수", "설치월"]
    assert district.skipped == ("line 8: a total",)


def test_the_citys_own_list_too() -> None:
    text = '관리기관,설치위치,설치연장(m)\n가나구,"가나로 1\n(고개, 정상)",300\n'
    (road,) = read_district(text.encode("cp949"), "list.csv").roads
    assert (road.road, road.cable_m, road.line) == ("가나로 1 (고개, 정상)", 300.0, 3)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("85.5m", "85.5 m 정도", "line 6: 열선연장 '85.5 m 정도': write metres"),
        ("85.5m", "", "line 6: 열선연장 is empty"),
        ("85.5m", "0", "line 6: 열선연장 '0'"),
        ("가나로3길,", ",", "line 4: 노선명 is empty"),
        (",2,2019년,11,", ",왕복,2019년,11,", "line 4: 차로수 '왕복': write 1 to 12"),
        ("2021,,", "2021,13,", "line 6: 설치월 '13': write 1 to 12"),
        ("2021,,", "21,,", "line 6: 설치년도 '21'"),
        ('"1,250"', "1,250", "line 4: 11 cells under 10 headings: put a cell with a comma in quotes"),
        ("열선연장", "길이", "no headings with the road and its heated length"),
        ('학교 앞"', "학교 앞", "not CSV from here on"),
        ("다라동", "다\u200b라동", "line 6: 행정동 has an invisible character"),
    ],
)
def test_nothing_is_imported_where_a_row_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in LIST
    (tmp_path / "list.csv").write_text(LIST.replace(old, new, 1), encoding="utf-8", newline="")
    out = tmp_path / "zones.toml"
    done = CliRunner().invoke(main, ["zones", "import", str(tmp_path / "list.csv"), "--output", str(out)])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert not out.exists()


def test_places_are_read_both_or_neither() -> None:
    text = "노선명,열선연장(m),위도,경도\n가나로,10,37.6,127.01\n다라로,10,,\n"
    first, second = read_district(text.encode(), "list.csv").roads
    assert ((first.latitude, first.longitude), second.latitude) == ((37.6, 127.01), None)
    for wrong, said in ((",127.01", "위도 or 경도 alone"), ("127.01,37.6", "위도 '127.01'")):
        with pytest.raises(CommandError, match=said):
            read_district(text.replace("37.6,127.01", wrong).encode(), "list.csv")


def test_latitude_alone_is_refused(tmp_path: Path) -> None:
    _, problems = config_of(tmp_path, "[zone.inventory]\nlatitude = 37.6")
    assert ["latitude or longitude alone" in problem for problem in problems] == [True]


def test_bytes_that_are_not_text_are_refused() -> None:
    with pytest.raises(CommandError, match="neither UTF-8 nor CP949"):
        read_district(b"\xff\x00\x81\xff" * 10, "list.csv")


def test_the_tables_are_a_part_of_a_city(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(LIST.encode("euc-kr"))
    out = tmp_path / "zones.toml"
    command = ["zones", "import", str(tmp_path / "list.csv"), "--output", str(out), "--feeder", "hill"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "line 6, 다라로 7길: no 종점, 차로수, 설치월" in done.output
    assert "left out, line 8: a total" in done.output
    (tmp_path / "city.toml").write_text(HEAD + out.read_text(encoding="utf-8"), encoding="utf-8")
    zones = load(tmp_path / "city.toml").zone
    assert [zone.name_ko for zone in zones] == ["가나로3길 (가나로 1~가나로3길 20)", "다라로 7길 (다라로 7, 앞~…)"]
    assert (zones[0].area_m2, zones[0].power_w, zones[0].feeder) == (7500.0, 2_250_000, "hill")
    row = rows_of(zones, {}, LICENCE, date(2026, 2, 1))[0]
    assert (row["road"], row["installed_year"], row["installed_month"], row["cable_m"]) == (
        "가나로3길",
        2019,
        11,
        1250.0,
    )
    assert json.dumps(row)
    assert CliRunner().invoke(main, command).exit_code == 2  # the file exists already
