"""The monthly inspection of panels: voltage, current, leakage and temperature of each road, and whether it passes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from supervisor.config import Config
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.panel import PanelReading
from supervisor.domain.zone import Zone
from supervisor.energy.period import month_span
from supervisor.store.health import by_zone, readings, wear

ELECTRIC: Final = (
    AlarmCode.ELECTRIC_DANGER, AlarmCode.CONTACTOR_WELDED, AlarmCode.EARTH_FAULT, AlarmCode.THERMAL_CUT_OUT,
    AlarmCode.CABLE_BROKEN, AlarmCode.LATCHED, AlarmCode.LEAKAGE_HIGH,
)  # fmt: skip
VOLTAGE_OFF: Final = 0.10  # of the month's median: a supply that strays further is looked at
PANEL_MAX_C: Final = 60.0  # inside a cabinet, where contactors and terminals are rated for 55 to 60 °C
OVERLOAD: Final = 1.15  # of rated power


class Row(Struct, frozen=True, kw_only=True):
    """One road's month. Null: not measured."""

    zone: str
    name: str
    name_ko: str
    readings: int
    voltage_min_v: float | None
    voltage_max_v: float | None
    current_max_a: float | None
    leakage_max_ma: float | None
    leakage_limit_ma: float
    panel_max_c: float | None
    heated_h: float
    closings: int
    alarms: int  # electrical ones that were raised
    passed: bool | None  # null: nothing was measured
    reasons: tuple[str, ...]  # voltage, current, leakage, temperature, alarm


class Inspection(Struct, frozen=True, kw_only=True):
    """A month."""

    site: str
    timezone: str
    month: str
    rows: tuple[Row, ...]


def collect(config: Config, db: sqlite3.Connection, month: str) -> Inspection:
    """Raises CommandError for what is no month."""
    begin, past = month_span(month, ZoneInfo(config.site.timezone))
    measured, days = readings(db, begin, past), wear(db, f"{month}-01", f"{month}-99")
    codes = ", ".join(f"'{code}'" for code in ELECTRIC)
    raised = dict(db.execute(
        f"SELECT subject, count(*) FROM alarm WHERE raised_utc_s >= ? AND raised_utc_s < ? AND code IN ({codes}) "
        "GROUP BY subject",
        (begin, past),
    ).fetchall())  # fmt: skip
    rows, worn, read = [], by_zone(days), by_zone(measured)
    for zone in config.zone:
        own = worn[zone.id]
        rows.append(
            _row(zone, read[zone.id], int(raised.get(zone.id, 0)),
                 sum(day.on_s for day in own) / 3600, sum(day.starts for day in own))
        )  # fmt: skip
    return Inspection(site=config.site.name, timezone=config.site.timezone, month=month, rows=tuple(rows))


def _row(zone: Zone, measured: Sequence[PanelReading], alarms: int, heated_h: float, closings: int) -> Row:
    voltages = sorted(one.voltage_v for one in measured if one.voltage_v is not None)
    currents = [one.current_a for one in measured if one.current_a is not None]
    leakages = [one.leakage_ma for one in measured if one.leakage_ma is not None]
    panels = [one.panel_c for one in measured if one.panel_c is not None]
    limit_ma = float(zone.limits.leakage_trip_ma)
    middle = voltages[len(voltages) // 2] if voltages else 0.0
    powers = [
        one.voltage_v * one.current_a for one in measured if one.voltage_v is not None and one.current_a is not None
    ]
    wrong = {
        "voltage": bool(voltages) and max(voltages[-1] - middle, middle - voltages[0]) > VOLTAGE_OFF * middle,
        "current": bool(powers) and max(powers) > OVERLOAD * zone.power_w,
        "leakage": bool(leakages) and max(leakages) >= limit_ma,
        "temperature": bool(panels) and max(panels) > PANEL_MAX_C,
        "alarm": alarms > 0,
    }
    reasons = tuple(name for name, holds in wrong.items() if holds)
    return Row(
        zone=zone.id, name=zone.name, name_ko=zone.name_ko, readings=len(measured),
        voltage_min_v=voltages[0] if voltages else None, voltage_max_v=voltages[-1] if voltages else None,
        current_max_a=max(currents, default=None), leakage_max_ma=max(leakages, default=None),
        leakage_limit_ma=limit_ma, panel_max_c=max(panels, default=None), heated_h=heated_h, closings=closings,
        alarms=alarms, passed=not reasons if measured or reasons else None, reasons=reasons,
    )  # fmt: skip
