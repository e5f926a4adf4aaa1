"""`[city]`: interfaces for other systems of the city. A table that is not there switches its interface off."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

# Field of open data → the column's name as Korean districts publish it (the last two stand in every public file).
COLUMNS: Final = {
    "number": "연번",
    "district": "행정동",
    "road": "노선명",
    "begins": "기점",
    "ends": "종점",
    "latitude": "위도",
    "longitude": "경도",
    "cable_m": "열선연장(m)",
    "lanes": "차로수",
    "installed_year": "설치년도",
    "installed_month": "설치월",
    "area_m2": "가열면적(㎡)",
    "power_kw": "정격전력(kW)",
    "kwh": "전일사용전력량(kWh)",
    "note": "비고",
    "licence": "이용허락범위",
    "reference_date": "데이터기준일자",
}


EVENTS: Final = ("ice", "earth-fault", "icing-outlook")  # of the integration platform


class ModbusConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[city.modbus]`: Modbus TCP server for building management."""

    listen: str = "127.0.0.1:5020"
    allow: tuple[str, ...] = ("127.0.0.1",)  # addresses or networks that may read: Modbus itself knows no password
    writers: tuple[str, ...] = ()  # those of them that may command too
    minutes: int = 60  # of a command that gives no time


class BacnetConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[city.bacnet]`: BACnet/IP device for building management."""

    address: str  # IPv4 address with mask and port: "10.20.0.2/24:47808"
    device: int  # instance of the device object, once in the network
    allow: tuple[str, ...] = ("127.0.0.1",)  # addresses or networks that may read: BACnet/IP itself knows no password
    writers: tuple[str, ...] = ()  # those of them that may command too
    minutes: int = 60  # of a command


class OpenDataConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[city.open_data]`: the district's roads for everybody, at /open-data."""

    licence: str  # as the city's portal names it, such as "공공누리 제1유형"
    columns: dict[str, str] = {}  # field → other name of its column; "" leaves it out


class NgsiLdConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[city.ngsi_ld]`: entities for a city data hub, to be read here and pushed to a broker."""

    url: str = ""  # where changed entities are posted; "": they are only read here
    form: Literal["upsert", "ingest"] = "upsert"  # NGSI-LD's batch operation, or the form of the Korean City Data Hub
    dataset: str = ""  # datasetId of the ingest form
    token_env: str = ""  # environment variable with the bearer token
    every_s: int = 60  # between two looks for what has changed
    segments: dict[str, str] = {}  # zone → id of the RoadSegment that it lies on


class TrafficConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[city.traffic]`: road surfaces for traffic centres, by DATEX II and NTCIP 1204."""

    country: str  # ISO 3166-1, two small letters
    publisher: str  # nationalIdentifier: who publishes
    url: str = ""  # where the publication is posted; "": it is only read here
    token_env: str = ""  # environment variable with the bearer token
    every_s: int = 60  # between two looks for what has changed


class PlatformConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[city.platform]`: events for a Korean city's integration platform (통합플랫폼). The city issues the codes."""

    url: str  # where events are posted
    send_code: str  # sendCd
    receive_code: str  # rcvCd
    system_code: str  # sysCd
    event_ids: dict[str, str]  # event → evtId; events without one are not sent
    grades: dict[str, str] = {}  # event → evtGrad, where it differs from ours
    callback: str = ""  # callBack: whom to call
    headers: dict[str, str] = {}  # X-Scsns-…


class CityConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every interface; None: off."""

    upwind: dict[str, int] = {}  # place where snow is seen first → minutes that it takes from there
    modbus: ModbusConfig | None = None
    bacnet: BacnetConfig | None = None
    open_data: OpenDataConfig | None = None
    ngsi_ld: NgsiLdConfig | None = None
    traffic: TrafficConfig | None = None
    platform: PlatformConfig | None = None
