"""The district as NGSI-LD entities (ETSI GS CIM 009), in the normalised form.

Each value carries `observedAt` and, where it has one, `unitCode` (UN/ECE Recommendation 20). What is not known has no
attribute: NGSI-LD has no null. A road is a `HeatedRoadSection`, a model of our own with attributes named as in DATEX
II; a feeder is modelled like the smart data model StreetlightControlCabinet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from supervisor.city.readings import Readings, ZoneReading
from supervisor.city.surface import snow_depth_m, weather_related
from supervisor.config.city import NgsiLdConfig
from supervisor.domain.alarm import Severity
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Feeder, Site

Entity = dict[str, Any]
# What our terms mean. Entities carry it inline, so that a broker need not ask for it.
CONTEXT: Final = json.loads(Path(__file__).with_name("context.jsonld").read_text(encoding="utf-8"))["@context"]
CORE_CONTEXT: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
TYPES: Final = ("HeatedRoadSection", "HeatingControlCabinet", "KeyPerformanceIndicator", "Alert", "WeatherObserved")
OBSERVED_S: Final = 3 * 3600.0  # weather that was observed earlier says nothing of now
_SEVERITY: Final = {Severity.CRITICAL: "critical", Severity.MAJOR: "high", Severity.MINOR: "medium"}


def stamp(utc_s: float) -> str:
    """ISO 8601 in UTC, with Z, as NGSI-LD asks for."""
    return datetime.fromtimestamp(int(utc_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def urn(kind: str, site: str, *names: str) -> str:
    """The id of an entity."""
    return ":".join(("urn:ngsi-ld", kind, *(quote(name, safe="") for name in (site, *names))))


def _property(value: Any, observed: str | None = None, unit: str | None = None) -> Entity:
    found: Entity = {"type": "Property", "value": value}
    if observed is not None:
        found["observedAt"] = observed
    if unit is not None:
        found["unitCode"] = unit
    return found


def _relationship(target: str) -> Entity:
    return {"type": "Relationship", "object": target}


class Entities:
    """All entities of a district."""

    def __init__(
        self,
        readings: Readings,
        site: Site,
        feeders: Sequence[Feeder],
        config: NgsiLdConfig | None = None,
        observed: Callable[[float], WeatherSeries | None] = lambda back_s: None,
    ) -> None:
        """`observed` gives the weather that was observed in the last seconds, where a source says so."""
        self._observed = observed
        self.readings = readings
        self.site = site
        self._feeders = feeders
        self._segments = {} if config is None else config.segments

    def all(self) -> list[Entity]:
        """Every entity as it is now, in the order of `TYPES`."""
        zones = self.readings.all()
        now = self.readings.now_utc_s()
        return [
            *(self._section(one) for one in zones),
            *(self._cabinet(feeder, zones, now) for feeder in self._feeders),
            self._in_contact(zones, now),
            *self._ice_ahead(now),
            *self._alerts(),
            *self._weather(now),
        ]

    def _section(self, reading: ZoneReading) -> Entity:
        zone, view, site = reading.zone, reading.view, self.site.name
        found: Entity = {
            "id": urn("HeatedRoadSection", site, zone.id),
            "type": "HeatedRoadSection",
            "name": _property(zone.name),
            "refHeatingControlCabinet": _relationship(urn("HeatingControlCabinet", site, zone.feeder)),
            "ratedPower": _property(zone.power_w / 1000, unit="KWT"),
            "heatedArea": _property(zone.area_m2, unit="MTK"),
        }
        if zone.name_ko:
            found["alternateName"] = _property(zone.name_ko)
        if zone.inventory.latitude is not None and zone.inventory.longitude is not None:
            point = {"type": "Point", "coordinates": [zone.inventory.longitude, zone.inventory.latitude]}
            found["location"] = {"type": "GeoProperty", "value": point}
        if zone.id in self._segments:
            found["refRoadSegment"] = _relationship(self._segments[zone.id])
        measured = None if view.updated_utc_s is None else stamp(view.updated_utc_s)
        now = stamp(reading.now_utc_s)
        if view.online and measured is not None:
            found |= _known({
                "roadSurfaceTemperature": (view.surface_c, lambda c: _property(round(c, 1), measured, "CEL")),
                "activePower": (view.power_w, lambda w: _property(w / 1000, measured, "KWT")),
                "heatingMode": (reading.mode, lambda mode: _property(mode, measured)),
                "heated": (view.heated, lambda heated: _property(heated, measured)),
            })  # fmt: skip
        found |= _known({
            "weatherRelatedRoadConditionType": (weather_related(view), lambda words: _property(words, now)),
            "depthOfSnow": (snow_depth_m(view), lambda metres: _property(metres, now, "MTR")),
            "energyConsumed": (reading.energy_wh, lambda wh: _property(wh / 1000, measured or now, "KWH")),
        })  # fmt: skip
        return found

    def _cabinet(self, feeder: Feeder, zones: Sequence[ZoneReading], now_utc_s: int) -> Entity:
        mine = [one for one in zones if one.zone.feeder == feeder.id]
        heard = [one for one in mine if one.view.online and one.view.power_w is not None]
        found: Entity = {
            "id": urn("HeatingControlCabinet", self.site.name, feeder.id),
            "type": "HeatingControlCabinet",
            "name": _property(feeder.id),
            "maximumPowerAvailable": _property(feeder.contract_kw, unit="KWT"),
        }
        if len(heard) == len(mine) and mine:  # a sum without one of them would be too small
            newest = stamp(max(one.view.updated_utc_s or 0 for one in heard))
            found["activePower"] = _property(sum(one.view.power_w or 0 for one in heard) / 1000, newest, "KWT")
        known = [one.energy_wh for one in mine if one.energy_wh is not None]
        if known:
            found["energyConsumed"] = _property(sum(known) / 1000, stamp(now_utc_s), "KWH")
            found["lastMeterReading"] = _property(stamp(now_utc_s))
        return found

    def _in_contact(self, zones: Sequence[ZoneReading], now_utc_s: int) -> Entity:
        """How many of the roads are in contact: the service level that everything else rests on."""
        share = sum(one.view.online for one in zones) / len(zones)
        begin, end = stamp(now_utc_s - 60), stamp(now_utc_s)
        return {
            "id": urn("KeyPerformanceIndicator", self.site.name, "zones-in-contact"),
            "type": "KeyPerformanceIndicator",
            "name": _property("zones in contact"),
            "kpiValue": _property(round(100 * share, 1), end, "P1"),
            "calculationPeriod": _property({"from": begin, "to": end}),
            "calculationFormula": _property("100 * zones with a connected board / zones"),
            "calculationFrequency": _property("every minute"),
            "calculatedBy": _property("roadheat"),
            "currentStanding": _property("very good" if share >= 0.99 else "good" if share >= 0.95 else "bad"),
        }

    def _ice_ahead(self, now_utc_s: int) -> list[Entity]:
        """The outlook of ice as a figure; nothing without one."""
        foreseen = self.readings.foreseen()
        if foreseen is None:
            return []
        percent = round(100 * foreseen.probability, 1)
        period = {"from": stamp(now_utc_s), "to": stamp(now_utc_s + 86_400)}
        return [{
            "id": urn("KeyPerformanceIndicator", self.site.name, "ice-outlook"),
            "type": "KeyPerformanceIndicator",
            "name": _property("probability of ice on a road without heat within 24 h"),
            "kpiValue": _property(percent, stamp(now_utc_s), "P1"),
            "calculationPeriod": _property(period),
            "calculationFormula": _property("100 * forecast members with ice on a road / members"),
            "calculationFrequency": _property("every quarter of an hour"),
            "calculatedBy": _property("roadheat"),
            "currentStanding": _property("very good" if percent < 10 else "fair" if percent < 50 else "bad"),
        }]  # fmt: skip

    def _weather(self, now_utc_s: int) -> list[Entity]:
        """What a station has observed last; nothing where no source observes."""
        series = self._observed(OBSERVED_S)
        if series is None or not len(series) or now_utc_s - series.time_utc_s[-1] > OBSERVED_S:
            return []
        at, last = stamp(float(series.time_utc_s[-1])), len(series) - 1

        def value(name: str, factor: float, digits: int, unit: str) -> Entity:
            return _property(round(float(getattr(series, name)[last]) * factor, digits), at, unit)

        point = {"type": "Point", "coordinates": [self.site.longitude, self.site.latitude]}
        return [{
            "id": urn("WeatherObserved", self.site.name),
            "type": "WeatherObserved",
            "dateObserved": _property(at),
            "location": {"type": "GeoProperty", "value": point},
            "temperature": value("air_c", 1.0, 1, "CEL"),
            "dewPoint": value("dew_point_c", 1.0, 1, "CEL"),
            "windSpeed": value("wind_m_s", 1.0, 1, "MTS"),
            "atmosphericPressure": value("pressure_pa", 0.01, 1, "A97"),
            "precipitation": value("precipitation_mm_h", 1.0, 2, "MMT"),
        }]  # fmt: skip

    def _alerts(self) -> list[Entity]:
        """Alarms of roads; one that is cleared is no entity any more."""
        site, ids = self.site.name, set(self.readings.ids)
        return [
            {
                "id": urn("Alert", site, alarm.code, alarm.subject),
                "type": "Alert",
                "category": _property("traffic"),
                "subCategory": _property("hazardOnRoad"),
                "severity": _property(_SEVERITY[alarm.severity]),
                "dateIssued": _property(stamp(alarm.raised_utc_s)),
                "description": _property(f"{alarm.code}: {alarm.text}"),
                "alertSource": _property(urn("HeatedRoadSection", site, alarm.subject)),
            }
            for alarm in self.readings.alarms()
            if alarm.subject in ids and "zone" in alarm.code.subject
        ]


def _known(attributes: Mapping[str, tuple[Any, Callable[[Any], Entity]]]) -> Entity:
    """The attributes whose value is known."""
    return {name: make(value) for name, (value, make) in attributes.items() if value is not None}


def simplified(entity: Entity) -> Entity:
    """The entity as keys and values."""
    return {
        name: part if not isinstance(part, dict) else part.get("value", part.get("object"))
        for name, part in entity.items()
    }


def with_context(entities: Sequence[Entity]) -> list[Entity]:
    """Entities for a body of application/ld+json, where each carries the contexts."""
    return [{"@context": [CONTEXT, CORE_CONTEXT], **entity} for entity in entities]


def ingest_form(dataset: str, entities: Sequence[Entity]) -> Entity:
    """The form in which the Korean City Data Hub takes entities."""
    return {"datasetId": dataset, "entities": list(entities)}
