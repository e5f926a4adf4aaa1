"""DATEX II and NTCIP 1204: validated by a schema written from the public model, which refuses seeded errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from supervisor.city.documents import Documents
from supervisor.city.registry import City
from supervisor.city.tests.test_city_service import config_of
from supervisor.city.traffic import COM, ROA, Traffic
from supervisor.config.city import TrafficConfig
from supervisor.domain.alarm import AlarmCode
from supervisor.web.keys import SERVICES

HERE = Path(__file__).with_name("datex")
NAMES = {"com": COM, "roa": ROA}


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(HERE / "d2Payload.xsd"))


@pytest.fixture
def traffic(city: City) -> Traffic:
    return Traffic(TrafficConfig(country="kr", publisher="Seongbuk-gu <road & snow>"), city.readings)


def text(node: Any, path: str) -> list[str]:
    return [one.text for one in node.iterfind(path, NAMES)]


async def test_every_road_of_which_something_is_known(traffic: Traffic, district: Any, schema: etree.XMLSchema) -> None:
    district.live.zones["z03"].freezing_c = -4.5
    root = etree.fromstring(traffic.datex())
    schema.assertValid(root)
    sites = {site[0].get("id"): site for site in root.iterfind("roa:siteMeasurements", NAMES)}
    assert list(sites) == ["z01", "z02", "z03", "z04", "z05", "z06", "z07"]  # z08 is silent
    z02 = sites["z02"]
    assert text(z02, ".//roa:weatherRelatedRoadConditionType") == ["freshSnow"]
    assert text(z02, ".//com:roadSurfaceTemperature/com:temperature") == ["-0.4"]
    assert text(z02, ".//com:heightBelowOrAboveRoadSurface") == ["-0.07"]
    metres = float(text(z02, ".//com:depthOfSnow/com:distance")[0])
    assert metres == pytest.approx(district.live.view("z02").snow_cm / 100, abs=1e-3)
    assert text(sites["z03"], ".//com:protectionTemperature/com:temperature") == ["-4.5"]
    assert text(root, "com:publicationCreator/com:nationalIdentifier") == ["Seongbuk-gu <road & snow>"]


async def test_every_surface_has_a_word_of_the_model(traffic: Traffic, district: Any, schema: etree.XMLSchema) -> None:
    for word in ("dry", "trace", "dew", "moist", "wet", "slush", "frost", "snow", "ice"):
        district.hear("z01", -1.0, word)
        schema.assertValid(etree.fromstring(traffic.datex()))
    district.hear("z01", -1.0, "ice", 0.5, online=False)  # a warning may be an estimate, "dry" may not
    root = etree.fromstring(traffic.datex())
    schema.assertValid(root)
    z01 = root.find("roa:siteMeasurements", NAMES)
    assert text(z01, ".//roa:weatherRelatedRoadConditionType") == ["ice"]
    assert text(z01, ".//com:temperature") == []


def test_documents_of_others_are_valid_too(schema: etree.XMLSchema) -> None:
    schema.assertValid(etree.parse(HERE / "sample.xml"))


SEEDED = {
    "no time of publication": ("<c:publicationTime>2026-01-15T05:10:00+09:00</c:publicationTime>", ""),
    "time without zone": ("05:10:00+09:00</c:publicationTime>", "05:10:00</c:publicationTime>"),
    "no such day": ("2026-01-15T05:10", "2026-02-30T05:10"),
    "country in capitals": (">kr<", ">KR<"),
    "country as a word": (">kr<", ">korea<"),
    "nameless publisher": (">another publisher<", "><"),
    "no header": ("<r:headerInformation><c:informationStatus>real</c:informationStatus></r:headerInformation>", ""),
    "unknown status": (">real<", ">draft<"),
    "no model version": (' modelBaseVersion="3"', ""),
    "model version 2": ('modelBaseVersion="3"', 'modelBaseVersion="2"'),
    "no language": (' lang="en"', ""),
    "wrong kind of publication": ("r:MeasuredDataPublication", "r:SituationPublication"),
    "site without id": (' id="bridge-1"', ""),
    "site of another class": ('targetClass="roa:MeasurementSite" id', 'targetClass="roa:Site" id'),
    "unknown word": (">icyPatches<", ">slippy<"),
    "word of an older version": (">icyPatches<", ">frost<"),
    "temperature as text": (">-1.25<", ">cold<"),
    "temperature not a number": (">-1.25<", ">NaN<"),
    "temperature too high": (">-1.25<", ">451<"),
    "temperature in an attribute": ("<c:temperature>-1.25</c:temperature>", '<c:temperature value="-1.25"/>'),
    "negative thickness": (">0.0004<", ">-0.0004<"),
    "more than all of it icy": (">12<", ">120<"),
    "order of measurements": ("<c:friction><c:friction>0.31</c:friction></c:friction>", "<c:depthOfSnow/>"),
    "index as a word": ('index="3"', 'index="first"'),
    "no index": (' index="3"', ""),
    "no time of measurement": ("2026-01-15T05:09:30.5+09:00", ""),
    "wrong namespace": ("schema/3/common", "schema/2/2_0"),
    "unknown element": ("<c:friction>0.31</c:friction>", "<c:grip>0.31</c:grip>"),
}  # fmt: skip


@pytest.mark.parametrize("error", SEEDED)
def test_seeded_errors_are_refused(schema: etree.XMLSchema, error: str) -> None:
    old, new = SEEDED[error]
    good = (HERE / "sample.xml").read_text(encoding="utf-8")
    assert old in good
    assert not schema.validate(etree.fromstring(good.replace(old, new).encode()))


async def test_names_of_ntcip(traffic: Traffic, district: Any) -> None:
    district.alarms.set(AlarmCode.SENSOR_DOUBTFUL, "z03", True, "test")
    roads = {road.zone: road for road in traffic.ntcip()}
    assert (roads["z01"].surface_status, roads["z01"].black_ice_signal) == ("iceWarning", "blackIce")
    assert (roads["z02"].surface_status, roads["z02"].surface_temp) == ("snowWarning", -0.4)
    assert (roads["z03"].sensor_error, roads["z07"].sensor_error) == ("other", "none")
    silent = roads["z08"]
    assert (silent.surface_status, silent.surface_temp, silent.black_ice_signal) == ("error", None, "error")
    assert silent.sensor_error == "noResponse"
    assert {road.pavement_type for road in roads.values()} == {"asphalt"}


async def test_over_http_for_signed_in_programs_only(
    traffic: Traffic, district: Any, sign_in: Any, aiohttp_client: Any, schema: etree.XMLSchema
) -> None:
    viewer = await sign_in("viewer")
    assert (await viewer.ask("GET", "/api/v1/datex2"))[0] == 404  # switched off
    object.__setattr__(district.app[SERVICES], "documents", Documents(traffic=traffic))
    async with viewer.client.get("/api/v1/datex2") as answer:
        assert (answer.status, answer.content_type) == (200, "application/xml")
        schema.assertValid(etree.fromstring(await answer.read()))
    status, roads = await viewer.ask("GET", "/api/v1/ntcip1204")
    assert (status, len(roads)) == (200, 8)
    stranger = await aiohttp_client(district.app)
    for path in ("/api/v1/datex2", "/api/v1/ntcip1204"):
        assert (await stranger.get(path)).status == 401


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('country = "KR"\npublisher = "x"', "city.traffic.country = 'KR': not a country"),
        ('country = "kr"\npublisher = " "', "city.traffic.publisher = ' ': empty"),
    ],
)
def test_what_is_wrong_in_its_table_is_said(tmp_path: Path, keys: str, said: str) -> None:
    _, problems = config_of(tmp_path, f"[city.traffic]\n{keys}")
    assert len(problems) == 1
    assert said in problems[0]
