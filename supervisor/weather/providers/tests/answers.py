"""Answers of forecast services with nothing wrong in them, for tests to spoil, and what became of a spoilt one."""

from __future__ import annotations

import json
from typing import Any

from supervisor.domain.treatment import Treatment
from supervisor.domain.weather import Forecast
from supervisor.weather.design_storm import SEOUL
from supervisor.weather.providers import met_norway, openmeteo

T0 = 1_767_225_600  # 2026-01-01T00:00:00Z
SNOW = slice(10, 18)  # hours of 1 mm/h


def open_meteo(hours: int = 48, members: int = 1, air_c: float = -5.0) -> dict[str, Any]:
    """A frost with eight hours of snow, the same in all members."""
    hourly: dict[str, list[Any]] = {"time": [T0 + 3600 * i for i in range(hours)]}
    for k in range(members):
        suffix = f"_member{k:02d}" if k else ""
        rain = [1.0 if SNOW.start <= i < SNOW.stop else 0.0 for i in range(hours)]
        for key, values in {
            "temperature_2m": [air_c - 0.1 * (i % 24) for i in range(hours)],
            "dew_point_2m": [air_c - 4.0] * hours,
            "relative_humidity_2m": [80] * hours,
            "wind_speed_10m": [2.0] * hours,
            "surface_pressure": [1010.0] * hours,
            "cloud_cover": [100] * hours,
            "shortwave_radiation": [0.0] * hours,
            "precipitation": rain,
            "snowfall": [0.7 * r for r in rain],
            "weather_code": [73 if r else 3 for r in rain],
        }.items():
            hourly[key + suffix] = values
    units = {
        "temperature_2m": "°C", "dew_point_2m": "°C", "relative_humidity_2m": "%", "wind_speed_10m": "m/s",
        "surface_pressure": "hPa", "cloud_cover": "%", "shortwave_radiation": "W/m²", "precipitation": "mm",
        "snowfall": "cm", "weather_code": "wmo code",
    }  # fmt: skip
    return {"latitude": 37.5, "longitude": 127.0, "elevation": 60.0, "hourly": hourly, "hourly_units": units}


def read(answer: dict[str, Any]) -> Forecast:
    return openmeteo.parse(json.dumps(answer).encode(), T0, SEOUL)


def estimated(forecast: Forecast) -> dict[str, int]:
    return forecast.treated.of(Treatment.ESTIMATED)


def dropped(forecast: Forecast) -> dict[str, int]:
    return forecast.treated.of(Treatment.DROPPED)


def met(hours: int = 30, air_c: float = -3.0, **changes: dict[int, Any]) -> bytes:
    """Rows with 1 mm of snow in the hours 4 to 7; `changes`: row → what its `data` becomes (None: no such row)."""
    rows = []
    for i in range(hours):
        details = {
            "air_temperature": air_c, "dew_point_temperature": air_c - 1.0, "relative_humidity": 92.0,
            "wind_speed": 2.0, "air_pressure_at_sea_level": 1015.0, "cloud_area_fraction": 100.0,
        }  # fmt: skip
        wet = 4 <= i < 8
        ahead = {
            "summary": {"symbol_code": "snow" if wet else "cloudy"},
            "details": {"precipitation_amount": 1.0 * wet},
        }
        data: Any = {"instant": {"details": details}, "next_1_hours": ahead}
        data = changes["data"](i, data) if "data" in changes else data
        if data is not None:
            rows.append({"time": f"2026-01-{10 + i // 24}T{i % 24:02d}:00:00Z", "data": data})
    properties = {
        "meta": {"updated_at": "2026-01-10T00:10:00Z", "units": dict(met_norway.UNITS)},
        "timeseries": rows,
    }
    answer = {"type": "Feature", "geometry": {"coordinates": [127.0, 37.6, 60]}, "properties": properties}
    return json.dumps(answer).encode()


def village(hours: int = 30, **changes: Any) -> bytes:
    """Hours with 1 mm and 1 cm in the hours 5 to 11; `changes["row"]`: (hour, its categories) → categories."""
    items = []
    for i in range(hours):
        day, clock = 10 + (i + 6) // 24, (i + 6) % 24
        wet = 5 <= i < 12
        row = {
            "TMP": "-4", "REH": "90", "WSD": "2.0", "SKY": "4", "PTY": "3" if wet else "0", "POP": "80",
            "PCP": "1.0mm" if wet else "강수없음", "SNO": "1.0cm" if wet else "적설없음",
        }  # fmt: skip
        row = changes["row"](i, row) if "row" in changes else row
        items += [
            {"baseDate": "20260110", "baseTime": "0500", "fcstDate": f"202601{day}", "fcstTime": f"{clock:02d}00",
             "category": category, "fcstValue": value}
            for category, value in row.items()
        ]  # fmt: skip
    items += changes.get("later", [])
    body = {"items": {"item": items[: changes.get("page", len(items))]}, "totalCount": len(items)}
    return json.dumps({"response": {"header": {"resultCode": "00"}, "body": body}}).encode()
