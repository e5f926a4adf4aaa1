"""Road surfaces for traffic centres: DATEX II v3 as XML, and the names of NTCIP 1204 as JSON.

What is not known is left out of the XML (every measurement is optional there) and null in the JSON. Without contact
nothing measured is told.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from msgspec import Struct

from supervisor.city.readings import Readings, ZoneReading
from supervisor.city.surface import snow_depth_m, surface_of, surface_status, weather_related
from supervisor.config.city import TrafficConfig
from supervisor.domain.alarm import AlarmCode
from supervisor.road.surface import Surface
from supervisor.wire.messages import Flag

D2: Final = "http://datex2.eu/schema/3/d2Payload"
COM: Final = "http://datex2.eu/schema/3/common"
ROA: Final = "http://datex2.eu/schema/3/roadTrafficData"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
TABLE: Final = "heated-roads"  # id of the table of measurement sites; its version is that of its meaning
for _prefix, _namespace in (("d2", D2), ("com", COM), ("roa", ROA), ("xsi", XSI)):
    ET.register_namespace(_prefix, _namespace)


class RoadWeather(Struct, frozen=True, kw_only=True):
    """A road by the names of NTCIP 1204. Temperatures °C; null: not known."""

    zone: str
    observed_utc_s: int | None
    surface_status: str  # essSurfaceStatus; "error": not known
    surface_temp: float | None
    pavement_temp: float | None  # at the cable
    surface_freeze_point: float | None
    surface_water_depth: float | None
    salinity: float | None
    black_ice_signal: str  # blackIce, noIce, error
    sensor_error: str  # none, or what is wrong with the pavement sensor
    pavement_type: str
    exposure: str


def _stamp(utc_s: float) -> str:
    return datetime.fromtimestamp(int(utc_s), UTC).isoformat()


class Traffic:
    """Both documents of what is known now."""

    def __init__(self, config: TrafficConfig, readings: Readings) -> None:
        self._config = config
        self._readings = readings

    def datex(self) -> bytes:
        """A MeasuredDataPublication with RoadSurfaceConditionInformation of every road of which something is known."""
        now = self._readings.now_utc_s()
        root = ET.Element(f"{{{D2}}}payload", {
            f"{{{XSI}}}type": "roa:MeasuredDataPublication", "lang": "ko", "modelBaseVersion": "3"
        })  # fmt: skip
        _text(root, COM, "publicationTime", _stamp(now))
        creator = ET.SubElement(root, f"{{{COM}}}publicationCreator")
        _text(creator, COM, "country", self._config.country)
        _text(creator, COM, "nationalIdentifier", self._config.publisher)
        ET.SubElement(root, f"{{{ROA}}}measurementSiteTableReference", {
            "targetClass": "roa:MeasurementSiteTable", "id": TABLE, "version": "1"
        })  # fmt: skip
        header = ET.SubElement(root, f"{{{ROA}}}headerInformation")
        _text(header, COM, "informationStatus", "real")
        for reading in self._readings.all():
            _site(root, reading)
        return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))

    def ntcip(self) -> list[RoadWeather]:
        """Every road."""
        return [_road_weather(one) for one in self._readings.all()]


def _text(parent: ET.Element, namespace: str, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{namespace}}}{name}").text = text


def _value(parent: ET.Element, name: str, inner: str, value: float | None) -> None:
    """A value in its element; nothing where it is not known."""
    if value is not None:
        _text(ET.SubElement(parent, f"{{{COM}}}{name}"), COM, inner, f"{value:g}")


def _site(root: ET.Element, reading: ZoneReading) -> None:
    """One road, with the time of its telemetry; an estimate without contact has the time of now."""
    view = reading.view
    word = weather_related(view)
    if word is None and not view.online:
        return
    site = ET.SubElement(root, f"{{{ROA}}}siteMeasurements")
    ET.SubElement(site, f"{{{ROA}}}measurementSiteReference", {
        "targetClass": "roa:MeasurementSite", "id": view.id, "version": "1"
    })  # fmt: skip
    indexed = ET.SubElement(site, f"{{{ROA}}}physicalQuantity", {"index": "1"})
    quantity = ET.SubElement(indexed, f"{{{ROA}}}physicalQuantity", {f"{{{XSI}}}type": "roa:SinglePhysicalQuantity"})
    data = ET.SubElement(quantity, f"{{{ROA}}}basicData", {f"{{{XSI}}}type": "roa:RoadSurfaceConditionInformation"})
    if word is not None:
        _text(data, ROA, "weatherRelatedRoadConditionType", word)
    measured = ET.SubElement(data, f"{{{ROA}}}roadSurfaceConditionMeasurements")
    if view.online and view.cable_c is not None:
        below = ET.SubElement(measured, f"{{{COM}}}temperatureBelowOrAboveRoadSurface")
        _text(below, COM, "heightBelowOrAboveRoadSurface", f"{-reading.zone.cable.depth_m:g}")
        _value(below, "temperatureBelowOrAboveRoadSurface", "temperature", round(view.cable_c, 1))
    if view.online and view.surface_c is not None:
        _value(measured, "roadSurfaceTemperature", "temperature", round(view.surface_c, 1))
    _value(measured, "protectionTemperature", "temperature", view.freezing_c)
    _value(measured, "depthOfSnow", "distance", snow_depth_m(view))
    time = ET.SubElement(site, f"{{{ROA}}}measurementTimeDefault")
    at = view.updated_utc_s if view.online and view.updated_utc_s is not None else reading.now_utc_s
    _text(time, ROA, "timeValue", _stamp(at))


def _road_weather(reading: ZoneReading) -> RoadWeather:
    view, state = reading.view, surface_of(reading.view)
    return RoadWeather(
        zone=view.id,
        observed_utc_s=view.updated_utc_s if view.online else None,
        surface_status=surface_status(view),
        surface_temp=view.surface_c if view.online else None,
        pavement_temp=view.cable_c if view.online else None,
        surface_freeze_point=view.freezing_c,
        surface_water_depth=None,  # the board's sensor tells wet or dry, no depth
        salinity=None,
        black_ice_signal="error" if state is None else "blackIce" if state is Surface.ICE else "noIce",
        sensor_error=_sensor_error(reading),
        pavement_type=_pavement(reading),
        exposure=_exposure(reading.zone.sky_view),
    )


def _sensor_error(reading: ZoneReading) -> str:
    if not reading.view.online:
        return "noResponse"
    if reading.view.flags & (Flag.SENSOR_IMPLAUSIBLE | Flag.MOISTURE_IMPLAUSIBLE):
        return "other"
    return "other" if any(alarm.code is AlarmCode.SENSOR_DOUBTFUL for alarm in reading.alarms) else "none"


def _pavement(reading: ZoneReading) -> str:
    top = reading.zone.layers[0].material
    return "concrete" if "concrete" in top else "asphalt" if "asphalt" in top else "other"


def _exposure(sky_view: float | None) -> str:
    return "other" if sky_view is None else "mostlySunny" if sky_view >= 0.7 else "partlyShaded"
