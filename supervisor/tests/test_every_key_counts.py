"""No accepted key is ignored: each key of city.toml, and of a tariff's file, changes something that can be observed.

`ROWS` says for every field of every table which other value it gets and where the difference shows; a field without a
row fails. Where only the running service shows it, the row names the test that proves it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from supervisor.config import LISTS, TABLES, Config
from supervisor.notify import CHANNELS
from supervisor.store.place import place_of
from supervisor.store.spool_cap import spool_cap_bytes
from supervisor.tariff.bands_file import TariffFile
from supervisor.tariff.kind import FileSettings as TariffFileSettings
from supervisor.tariff.registry import KINDS
from supervisor.tests.observing import (
    BASE,
    DAY,
    DAYS,
    NIGHT,
    ROOT,
    WEEK,
    address,
    asked,
    board,
    charge,
    city,
    database,
    fetch,
    folder,
    gateway,
    kepco,
    missing_files,
    people_caps,
    plan,
    pool,
    prices,
    receivers,
    services,
    shown,
    taxed,
)
from supervisor.weather.providers.registry import PROVIDERS

KOREA = {"country": "KR"}
FETCHED = {"currency": "EUR", "source": "energy-charts", "area": "AT"}
DAY_AHEAD = {"currency": "EUR", "file": "day.csv", "area": "AT"}
BANDS_FILE = {"currency": "EUR", "file": "bands.json"}
REST = [*range(2, 13)]
KEPCO = {"utility": "kepco", "option": "general_B_HA_II"}
PLACE = {"address": "postgresql://a/r", "district": "one"}
OLD = {"name": "o", "price_per_kwh": 1.0, "until": date(2026, 2, 12)}
NEW = {"name": "n", "price_per_kwh": 3.0, "from": date(2026, 2, 12)}
LATER = date(2026, 2, 14)

Row = tuple[dict[str, Any], dict[str, Any], Callable[[Config], Any]] | str


def change(path: str, value: Any, observe: Callable[[Config], Any], **more: Any) -> Row:
    """`path` gets `value`; `more` is what both configurations have besides the base, with dots as two underscores."""
    both = {name.replace("__", "."): inner for name, inner in more.items()}
    return both, {**both, path: value}, observe


def limits() -> dict[str, Row]:
    other = {
        "t_max_mc": 14_000, "cable_max_mc": 70_000, "lockout_mc": 5_000, "cold_cutoff_mc": -12_000, "min_on_s": 240,
        "min_off_s": 240, "period_s": 840, "max_on_s": 40_000, "max_on_day_s": 70_000, "override_max_s": 20_000,
        "lease_max_s": 80_000, "power_return_min_s": 40, "power_return_max_s": 170, "local_duty_permille": 900,
        "leakage_trip_ma": 100, "leakage_warn_ma": 10,
    }  # fmt: skip
    return {f"Limits.{name}": change(f"limits.{name}", value, board) for name, value in other.items()}


def told() -> dict[str, Row]:
    """Keys of `[[notify]]`: what a receiver is, and what its server gets."""
    base: dict[str, dict[str, Any]] = {
        "ntfy": {"url": "https://n.example/topic", "token_env": "TOKEN"},
        "webhook": {"url": "https://w.example/", "secret_env": "TOKEN"},
        "mail": {"to": ["a@x.example"], "sender": "r@x.example", "host": "m.example", "user": "u",
                 "password_env": "TOKEN"},
    }  # fmt: skip
    other = {
        "NotifySettings": ("ntfy", {
            "name": "else", "kind": None, "language": "en", "severity": "major", "quiet": ["01:00-02:00"],
            "per_hour": 5, "after_min": 9, "person": "Kim"}),
        "NtfySettings": ("ntfy", {"url": "https://n.example/else", "token_env": "OTHER"}),
        "WebhookSettings": ("webhook", {"url": "https://w.example/else", "secret_env": "OTHER"}),
        "MailSettings": ("mail", {
            "to": ["b@x.example"], "sender": "s@x.example", "host": "n.example", "port": 25, "security": "tls",
            "user": "v", "password_env": "OTHER"}),
    }  # fmt: skip
    rows: dict[str, Row] = {}
    for struct, (kind, values) in other.items():
        one = {"name": "n", "kind": kind, **base[kind]}
        for key, value in values.items():
            changed = {"name": "n", "kind": "webhook", **base["webhook"]} if key == "kind" else {**one, key: value}
            rows[f"{struct}.{key}"] = {"notify": [one]}, {"notify": [changed]}, receivers
    return rows


def rewritten(values: dict[str, Any]) -> Row:
    """A time-of-use file with other values."""

    def observe(config: Config) -> Any:
        changed = values if config.site.name == "changed" else {}
        table = {"currency": "EUR", "bands": DAYS} | changed
        (config.path.parent / "bands.json").write_text(json.dumps(table))
        return prices(config)

    return {"tariff": BANDS_FILE}, {"tariff": BANDS_FILE, "site.name": "changed"}, observe


TELLING = "supervisor/control/tests/test_telling_configured.py"
SERVICE = "supervisor/tests/test_service.py"
RECALIBRATION = "supervisor/control/tests/test_recalibration.py"
OUTLOOK = "supervisor/control/tests/test_outlook.py"
SPRAYERS = "supervisor/control/tests/test_sprayers.py"
HEALTH = "supervisor/reports/tests/test_health.py"
CITY = "supervisor/city/tests/test_city_service.py"
MODBUS = "supervisor/city/tests/test_city_modbus.py"
NGSI_LD = "supervisor/city/tests/test_ngsi.py"
TRAFFIC = "supervisor/city/tests/test_traffic.py"
TRAFFIC_PUSH = "supervisor/city/tests/test_traffic_push.py"
PLATFORM = "supervisor/city/tests/test_platform.py"
BACNET = "supervisor/city/tests/test_city_bacnet.py"
OPEN_DATA = "supervisor/city/tests/test_open_data.py"
ROWS: dict[str, Row] = {
    "Site.name": change("site.name", "other", services),
    "Site.timezone": change("site.timezone", "Europe/Berlin", prices),
    "Site.latitude": change("site.latitude", 60.0, plan),
    "Site.longitude": change("site.longitude", 20.0, plan),
    "Site.elevation_m": change("site.elevation_m", 900, asked, weather={"provider": "open-meteo"}),
    "ServiceConfig.state_dir": change("service.state_dir", "elsewhere", folder),
    "BoardsConfig.listen": change("boards.listen", "127.0.0.1:9443", board),
    "BoardsConfig.server_name": change("boards.server_name", "other", board),
    "BoardsConfig.connections_per_address": change("boards.connections_per_address", 9, gateway,
                                                   boards__listen="127.0.0.1:0"),
    "BoardsConfig.handshakes_max": change("boards.handshakes_max", 9, gateway, boards__listen="127.0.0.1:0"),
    "WebConfig.listen": change("web.listen", "127.0.0.1:9080", address),
    "WebConfig.cert": change("web.cert", "cert.pem", address, web__key="key.pem"),
    "WebConfig.key": change("web.key", "gone.pem", missing_files, web__cert="cert.pem"),
    "WebConfig.public_url": change("web.public_url", "https://x", address),
    "CityConfig.upwind": "supervisor/city/tests/test_eyes.py",
    **{f"Sprayer.{name}": SPRAYERS for name in ("dose_g_m2", "price_per_dose", "agent", "lockout_min",
                                               "doses_max_day", "least_c")},
    "OutlookConfig.stages_cm": OUTLOOK,
    "OutlookConfig.ice_probability": OUTLOOK,
    "OutlookConfig.tell_at": OUTLOOK,
    "HealthConfig.contactor_cycles": HEALTH,
    "HealthConfig.sensor_years": HEALTH,
    "HealthConfig.cable_rise_percent": HEALTH,
    "WebConfig.residents": "supervisor/web/tests/test_web_residents.py",
    "WebConfig.map_file": "supervisor/config/tests/test_geometry.py",
    "WebConfig.contact": "supervisor/web/tests/test_web_entry.py",
    "WebConfig.hosts": change("web.hosts", ["heat.local"], services),
    "WebConfig.proxies": change("web.proxies", ["10.0.0.5"], people_caps),
    "WebConfig.connections_per_address": change("web.connections_per_address", 9, people_caps),
    "WebConfig.metrics_token_env": change("web.metrics_token_env", "TOKEN", services),
    "AuditConfig.names_days": "supervisor/control/tests/test_audit_watch.py",
    "AuditConfig.syslog": "supervisor/control/tests/test_audit_watch.py",
    "AuditConfig.syslog_ca": change("audit.syslog_ca", "gone.pem", missing_files, audit__syslog="tls://log.example"),
    "ReportsConfig.clear_within_min": "supervisor/reports/tests/test_season.py",
    "WeatherSettings.provider": change("weather", {"provider": "met-norway"}, asked),
    "WeatherSettings.providers": change("weather", {"providers": ["met-norway", "open-meteo"]}, asked),
    "FileSettings.file": change("weather.file", "other.csv", asked),
    "OpenMeteoSettings.models": change("weather.models", "icon_seamless", asked, weather={"provider": "open-meteo"}),
    "KmaSettings.nowcast": "supervisor/weather/providers/tests/test_kma_ultra.py",
    "KmaSettings.station": change("weather.station", 108, asked, weather={"provider": "kma"}),
    "TariffSettings.currency": change("tariff.currency", "EUR", prices),
    "TariffSettings.demand": change("tariff.demand", {"price_per_kw": 7.0}, prices),
    "TariffSettings.taxes": change("tariff.taxes", {"vat_percent": 20.0}, taxed),
    "Taxes.vat_percent": change("tariff.taxes.vat_percent", 25.0, taxed),
    "Taxes.per_kwh": change("tariff.taxes.per_kwh", {"grid": 0.02}, taxed),
    "KepcoSettings.utility": "supervisor/energy/tests/test_energy_bill.py",
    "KepcoSettings.option": change("tariff.option", "general_B_HA_III", kepco, tariff=KEPCO),
    "KepcoSettings.holidays": change("tariff.holidays", [], kepco, tariff=KEPCO),
    "KepcoSettings.temporary_holidays": "supervisor/energy/tests/test_energy_bill.py",
    "KepcoSettings.light_hours_set_peak": change("tariff.light_hours_set_peak", True, kepco, tariff=KEPCO),
    "KepcoSettings.reform_deferred": change("tariff.reform_deferred", True, kepco, tariff={
        **KEPCO, "option": "industrial_B_HA_I"}),
    "KepcoSettings.billing_day": change("tariff.billing_day", 15, kepco, tariff=KEPCO),
    "KepcoSettings.power_factor_lagging": change("tariff.power_factor_lagging", 80, kepco, tariff=KEPCO),
    "KepcoSettings.power_factor_leading": change("tariff.power_factor_leading", 80, kepco, tariff=KEPCO),
    "KepcoSettings.earlier_contracts": change("tariff.earlier_contracts", {"f1": [{"kw": 5.0, "until": LATER}]},
                                              kepco, tariff={**KEPCO, "option": "general_A1_low"}),
    "EarlierContract.kw": change("tariff.earlier_contracts.f1.0.kw", 6.0, kepco, tariff={
        **KEPCO, "option": "general_A1_low", "earlier_contracts": {"f1": [{"kw": 5.0, "until": LATER}]}}),
    "EarlierContract.until": change("tariff.earlier_contracts.f1.0.until", date(2026, 2, 9), kepco, tariff={
        **KEPCO, "option": "general_A1_low", "earlier_contracts": {"f1": [{"kw": 5.0, "until": LATER}]}}),
    "KepcoSettings.cut": change("tariff.cut", [{"from": LATER, "until": date(2026, 6, 1)}], kepco, tariff=KEPCO),
    "Cut.from": change("tariff.cut.0.from", date(2026, 2, 9), kepco, tariff={
        **KEPCO, "cut": [{"from": LATER, "until": date(2026, 6, 1)}]}),
    "Cut.until": change("tariff.cut.0.until", date(2026, 2, 20), kepco, tariff={
        **KEPCO, "cut": [{"from": LATER, "until": date(2026, 6, 1)}]}),
    "KepcoSettings.excess": "supervisor/energy/tests/test_over_contract.py",
    "ExcessUse.charge": "supervisor/energy/tests/test_over_contract.py",
    "ExcessUse.tiers": "supervisor/energy/tests/test_over_contract.py",
    "FlatSettings.flat": change("tariff", {"flat": 2.0}, prices),
    "BandSettings.band": change("tariff", {"band": DAYS}, prices),
    "BandSettings.holidays": change("tariff.holidays", [date(2026, 2, 17)], prices, tariff={"band": DAYS}),
    "BandsFileSettings.holidays": change("tariff.holidays", [date(2026, 2, 17)], prices, tariff=BANDS_FILE),
    "FileSettings.file (tariff)": change("tariff.file", "else.json", prices, tariff=BANDS_FILE),
    "DayAheadSettings.area": change("tariff.area", "FR", prices, tariff=DAY_AHEAD),
    "DayAheadSettings.adder_per_kwh": change("tariff.adder_per_kwh", 0.1, prices, tariff=DAY_AHEAD),
    "DayAheadSettings.vat": change("tariff.vat", 0.2, prices, tariff=DAY_AHEAD),
    "FetchedSettings.source": change("tariff.source", "energi-data-service", fetch, tariff=FETCHED),
    "FetchedSettings.area": change("tariff.area", "FR", fetch, tariff=FETCHED),
    "FetchedSettings.adder_per_kwh": change("tariff.adder_per_kwh", 0.1, prices, tariff=FETCHED),
    "FetchedSettings.vat": change("tariff.vat", 0.2, prices, tariff=FETCHED),
    "Band.name": "supervisor/tariff/tests/test_tariff.py",
    "Band.price_per_kwh": change("tariff.band.0.price_per_kwh", 5.0, prices),
    "Band.hours": change("tariff.band", [{**NIGHT, "hours": ["22-07"]}, {**DAY, "hours": ["07-22"]}], prices,
                         tariff={"band": [NIGHT, DAY]}),
    "Band.months": change("tariff.band", [{**NIGHT, "hours": [], "months": [1]}, {**DAY, "hours": [], "months": REST}],
                          prices, tariff={"band": [NIGHT, DAY]}),
    "Band.days": change("tariff.band", [{**DAYS[0], "days": WEEK[:5]}, {**DAYS[1], "days": ["sat", "sun"]}], prices,
                        tariff={"band": DAYS}),
    "Band.from": change("tariff.band", [{**OLD, "until": LATER}, {**NEW, "from": LATER}], prices,
                        tariff={"band": [OLD, NEW]}),
    "Band.until": change("tariff.band", [{**OLD, "until": LATER}, {**NEW, "from": LATER}], prices,
                         tariff={"band": [OLD, NEW]}),
    "Band.counts_peak": change("tariff.band.0.counts_peak", False, charge),
    "Country.country": change("tariff.holidays.country", "DE", prices, tariff={"band": DAYS, "holidays": KOREA}),
    "Country.subdivision": change("tariff.holidays.subdivision", "BY", prices, tariff={
        "band": DAYS, "holidays": {"country": "DE"}}),
    "Country.extra": change("tariff.holidays.extra", [date(2026, 2, 20)], prices, tariff={
        "band": DAYS, "holidays": KOREA}),
    "Country.except": change("tariff.holidays.except", [date(2026, 2, 18)], prices, tariff={
        "band": DAYS, "holidays": KOREA}),
    "Demand.price_per_kw": change("tariff.demand.price_per_kw", 7.0, charge, feeder__0__demand_price_per_kw=0.0),
    "Demand.ratchet": change("tariff.demand.ratchet", 1.0, charge),
    "Demand.window_months": change("tariff.demand.window_months", 2, charge, tariff__demand={"ratchet": 1.0}),
    "Demand.months": change("tariff.demand.months", [12], charge, tariff__demand={"ratchet": 1.0}),
    "Demand.least_of_contract": change("tariff.demand.least_of_contract", 1.0, plan),
    "PlannerConfig.horizon_h": change("planner.horizon_h", 12, plan),
    "PlannerConfig.price_per_ice_free_hour": change("planner.price_per_ice_free_hour", 4000.0, plan),
    "PlannerConfig.hours_of_use": change("planner.hours_of_use", {"school": {"0-24": 2.0}}, plan,
                                         planner__hours_of_use={"school": {}}, zone__0__use="school"),
    "PlannerConfig.members": SERVICE,
    "PlannerConfig.time_limit_s": change("planner.time_limit_s", 9.0, plan),
    "PlannerConfig.processes": change("planner.processes", 1, pool, planner__processes=3),
    "CalibrationConfig.weekly": RECALIBRATION,
    "CalibrationConfig.days": RECALIBRATION,
    **limits(),
    "AlarmsConfig.escalate_min": TELLING,
    "AlarmsConfig.remind_h": TELLING,
    "AlarmsConfig.heartbeat_url": TELLING,
    "AlarmsConfig.local_hosts": TELLING,
    "AlarmsConfig.push_contact": TELLING,
    **told(),
    "DatabaseConfig.address": change("database.address", "postgresql://b/r", place_of, database=PLACE),
    "DatabaseConfig.district": change("database.district", "other", place_of, database=PLACE),
    "InfluxConfig.api": change("influx.api", "v1", database),
    "InfluxConfig.url": change("influx.url", "http://b:2", database),
    "InfluxConfig.database": change("influx.database", "e", database),
    "InfluxConfig.bucket": change("influx.bucket", "e", database),
    "InfluxConfig.org": change("influx.org", "e", database),
    "InfluxConfig.spool_mib": change("influx.spool_mib", 512, spool_cap_bytes),
    "InfluxConfig.retention_days": change("influx.retention_days", {"zone": 90}, database,
                                          influx={"api": "v1", "url": "http://a:1", "database": "d"}),
    "InfluxConfig.buckets": change("influx.buckets", {"zone": "raw"}, database),
    "InfluxConfig.token_env": change("influx.token_env", "OTHER", database),
    "CityConfig.modbus": CITY,
    "CityConfig.open_data": OPEN_DATA,
    "CityConfig.ngsi_ld": NGSI_LD,
    "CityConfig.traffic": TRAFFIC,
    "CityConfig.bacnet": BACNET,
    **dict.fromkeys((f"BacnetConfig.{name}" for name in (
        "address", "device", "allow", "writers", "minutes")), BACNET),
    "CityConfig.platform": PLATFORM,
    **dict.fromkeys((f"PlatformConfig.{name}" for name in (
        "url", "send_code", "receive_code", "system_code", "event_ids", "grades", "callback", "headers")), PLATFORM),
    "TrafficConfig.country": TRAFFIC,
    "TrafficConfig.publisher": TRAFFIC,
    "TrafficConfig.url": TRAFFIC_PUSH,
    "TrafficConfig.token_env": TRAFFIC_PUSH,
    "TrafficConfig.every_s": TRAFFIC_PUSH,
    **dict.fromkeys((f"NgsiLdConfig.{name}" for name in (
        "url", "form", "dataset", "token_env", "every_s", "segments")), NGSI_LD),
    **dict.fromkeys((f"ModbusConfig.{name}" for name in ("listen", "allow", "writers", "minutes")), MODBUS),
    **dict.fromkeys((f"OpenDataConfig.{name}" for name in ("licence", "columns")), OPEN_DATA),
    **dict.fromkeys((f"Inventory.{name}" for name in (
        "district", "road", "begins", "ends", "latitude", "longitude", "cable_m", "lanes", "installed",
        "note")), OPEN_DATA),
    "Zone.inventory": OPEN_DATA,
    "Feeder.id": (
        {},
        {
            "feeder": [{**one, "id": f"g{one['id'][1:]}"} for one in BASE["feeder"]],
            "zone": [{**one, "feeder": f"g{one['feeder'][1:]}"} for one in BASE["zone"]],
        },
        plan,
    ),
    "Feeder.contract_kw": change("feeder.0.contract_kw", 150.0, plan),
    "Feeder.breaker_kw": change("feeder.0.breaker_kw", 220.0, plan),
    "Feeder.demand_price_per_kw": change("feeder.0.demand_price_per_kw", 9.0, plan),
    "BoardConfig.id": ({}, {"board.0.id": "b99", "zone.0.board": "b99", "zone.1.board": "b99"}, board),
    "BoardConfig.name": "supervisor/control/tests/test_intake.py",
    "Zone.id": change("zone.0.id", "zz", shown),
    "Zone.name": change("zone.0.name", "Hill", shown),
    "Zone.name_ko": change("zone.0.name_ko", "언덕", shown),
    "Zone.board": change("zone.0.board", "b02", board),
    "Zone.relay": change("zone.0.relay", 2, board),
    "Zone.feeder": change("zone.0.feeder", "f2", plan),
    "Zone.power_w": change("zone.0.power_w", 30_000, plan),
    "Zone.area_m2": change("zone.0.area_m2", 150, plan),
    "Zone.layers": change("zone.0.layers", [{"material": "concrete", "thickness_m": 0.3}], plan),
    "Zone.cable": change("zone.0.cable", {"depth_m": 0.05}, plan),
    "Zone.bridge": change("zone.0.bridge", True, plan),
    "Zone.sky_view": change("zone.0.sky_view", 0.3, plan),
    "Zone.geometry": "supervisor/config/tests/test_geometry.py",
    "Zone.horizon": change("zone.0.horizon", [], plan),
    "Zone.use": change("zone.0.use", "school", plan, planner__hours_of_use={"school": {"0-24": 3.0}}),
    "Zone.priority": change("zone.0.priority", 3, plan),
    "Zone.slope_percent": "supervisor/control/tests/test_section.py",
    "Zone.place": "supervisor/control/tests/test_section.py",
    "Zone.override_max_min": change("zone.0.override_max_min", 30, shown),
    "Zone.sprayer": SPRAYERS,
    "Zone.limits": change("zone.0.limits", {"t_max_mc": 12_000}, board),
    "Layer.material": change("zone.0.layers.0.material", "concrete", plan),
    "Layer.thickness_m": change("zone.0.layers.0.thickness_m", 0.2, plan),
    "Cable.depth_m": change("zone.0.cable.depth_m", 0.05, plan),
    "Cable.spacing_m": change("zone.0.cable.spacing_m", 0.3, plan),
    "Cable.efficiency": change("zone.0.cable.efficiency", 0.7, plan),
    "HorizonPoint.azimuth_deg": change("zone.0.horizon.1.azimuth_deg", 300, plan),
    "HorizonPoint.elevation_deg": change("zone.0.horizon.1.elevation_deg", 80, plan),
    "TariffFile.currency": rewritten({"currency": "SEK"}),
    "TariffFile.bands": rewritten({"bands": [NIGHT, DAY]}),
    "TariffFile.timezone": rewritten({"timezone": "America/New_York"}),
    "TariffFile.holidays": rewritten({"holidays": ["2026-02-17"]}),
    "TariffFile.demand": rewritten({"demand": {"price_per_kw": 7}}),
    "TariffFile.note": "docs/planner.md",  # for readers of the file
}  # fmt: skip


def structs(found: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """A table's struct and those inside it."""
    yield found
    for field in msgspec.structs.fields(found):
        for inner in _inner(field.type):
            yield from structs(inner)


def _inner(annotation: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    for part in get_args(annotation):
        yield from _inner(part)


def names() -> dict[str, None]:
    """Every key as the struct that declares it and its name; in the order of the tables."""
    tables = [*TABLES.values(), *LISTS.values(), TariffFile]
    tables += [kind.settings for kind in (*KINDS, *PROVIDERS.values(), *CHANNELS.values())]
    found: dict[str, None] = {}
    for table in tables:
        for struct in structs(table):
            for field in msgspec.structs.fields(struct):
                bases = reversed(struct.__mro__)
                owner = next(one for one in bases if field.name in vars(one).get("__annotations__", ()))
                place = " (tariff)" if owner is TariffFileSettings else ""
                found[f"{owner.__name__}.{field.encode_name}{place}"] = None
    return found


def test_every_key_has_a_row_and_every_row_a_key() -> None:
    assert set(names()) == set(ROWS)


@pytest.mark.parametrize("key", [key for key, row in ROWS.items() if not isinstance(row, str)])
def test_a_key_changes_what_can_be_observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("TOKEN", "t")
    monkeypatch.setenv("OTHER", "u")
    row = ROWS[key]
    assert not isinstance(row, str)
    before, after, observe = row
    assert repr(observe(city(tmp_path, before))) != repr(observe(city(tmp_path, after))), key


@pytest.mark.parametrize("key", [key for key, row in ROWS.items() if isinstance(row, str)])
def test_a_key_that_only_the_running_service_shows_is_in_its_test(key: str) -> None:
    row = ROWS[key]
    assert isinstance(row, str)
    assert key.split(".")[1] in (ROOT / row).read_text()
