"""Alarms: what a person should know and act on. The texts in both languages are `alarm.<code>` in static/i18n."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """How soon a person has to act, after ITU-T X.733."""

    CRITICAL = "critical"  # now: people are in danger, or a road stays cold whatever is commanded
    MAJOR = "major"  # today: heat, commands or the record are impaired, or will be within hours
    MINOR = "minor"  # in working hours: roads are heated as planned


class AlarmCode(StrEnum):
    """Every alarm, with its severity and what its subject names. The values are stored: none changes its meaning."""

    severity: Severity
    subject: str

    def __new__(cls, value: str, severity: Severity = Severity.MAJOR, subject: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.severity, member.subject = severity, subject
        return member

    # Faults that a board reports or that its telemetry shows
    ELECTRIC_DANGER = "electric-danger", Severity.CRITICAL, "zone or feeder"
    CONTACTOR_WELDED = "contactor-welded", Severity.CRITICAL, "zone"
    EARTH_FAULT = "earth-fault", Severity.CRITICAL, "zone"
    THERMAL_CUT_OUT = "thermal-cut-out", Severity.CRITICAL, "zone"
    CABLE_BROKEN = "cable-broken", Severity.CRITICAL, "zone"
    SENSOR_IMPLAUSIBLE = "sensor-implausible", Severity.CRITICAL, "zone"
    LATCHED = "latched", Severity.CRITICAL, "zone"
    OVER_TEMPERATURE = "over-temperature", Severity.MAJOR, "zone"
    MAX_ON_TIME = "max-on-time", Severity.MAJOR, "zone"
    MOISTURE_IMPLAUSIBLE = "moisture-implausible", Severity.MINOR, "zone"
    LEAKAGE_HIGH = "leakage-high", Severity.MAJOR, "zone"
    METER_SILENT = "meter-silent", Severity.MAJOR, "zone"
    SENSOR_DOUBTFUL = "sensor-doubtful", Severity.MAJOR, "zone"
    ICE_REPORTED = "ice-reported", Severity.MAJOR, "zone"
    ICE_SEEN = "ice-seen", Severity.MAJOR, "zone"
    STOCK_LOW = "stock-low", Severity.MINOR, "zone"
    REFREEZING_AT_FOOT = "refreezing-at-foot", Severity.MAJOR, "zone"
    # Boards
    BOARD_RESTARTS = "board-restarts", Severity.MAJOR, "board"
    BOARD_ABSENT = "board-absent", Severity.CRITICAL, "board"
    BOARD_KEY_TWICE = "board-key-twice", Severity.MAJOR, "board"
    BOARD_ZONES = "board-zones", Severity.MAJOR, "board"
    BOARD_FILES = "board-files", Severity.MAJOR, "board"
    UPDATE_HALTED = "update-halted", Severity.MAJOR, ""
    NEWER_SUPERVISOR = "newer-supervisor", Severity.MAJOR, "board"
    PLAN_REFUSED = "plan-refused", Severity.MAJOR, "zone"
    TELEMETRY_REFUSED = "telemetry-refused", Severity.MAJOR, "board"
    ENERGY_QUARANTINED = "energy-quarantined", Severity.MINOR, "zone"
    ESTIMATE_RESET = "estimate-reset", Severity.MAJOR, "zone"
    # Planning
    CONTRACT = "contract", Severity.MAJOR, "feeder"
    FORECAST = "forecast", Severity.MAJOR, ""
    PLAN = "plan", Severity.MAJOR, ""
    PRICES = "prices", Severity.MINOR, ""
    # The service and its record
    STORE = "store", Severity.MAJOR, ""
    DISK_LOW = "disk-low", Severity.MAJOR, ""
    NOT_RECORDED = "not-recorded", Severity.MAJOR, ""
    AUDIT_ALTERED = "audit-altered", Severity.MAJOR, ""
    AUDIT_NOT_SENT = "audit-not-sent", Severity.MINOR, ""
    CERTIFICATE_ENDS = "certificate-ends", Severity.MAJOR, "certificate"
    TOKEN_ENDS = "token-ends", Severity.MINOR, "program"
    CLOCK = "clock", Severity.MAJOR, ""
    CLOCK_UNSYNCED = "clock-unsynced", Severity.MINOR, ""
    LOOP_FAILED = "loop-failed", Severity.MAJOR, "loop"
    # Telling people
    NOTIFIER_FAILED = "notifier-failed", Severity.MAJOR, "receiver"
    DUTY_GAP = "duty-gap", Severity.MINOR, ""
    # Other systems of the city
    SNOW_UPWIND = "snow-upwind", Severity.MINOR, "place"
    CITY_NOT_DELIVERED = "city-not-delivered", Severity.MINOR, "interface"
    # Delivery to InfluxDB
    INFLUX_HELD = "influx-held", Severity.MINOR, ""
    INFLUX_LATE = "influx-late", Severity.MINOR, ""
    INFLUX_SPOOL_FILLING = "influx-spool-filling", Severity.MAJOR, ""
    INFLUX_SPOOL_DROPPED = "influx-spool-dropped", Severity.MAJOR, ""
    INFLUX_DEAD_LETTERS = "influx-dead-letters", Severity.MINOR, ""


# Alarms with which the service does not do its work: it cannot record, or a part of it does not run.
NOT_READY = (AlarmCode.STORE, AlarmCode.NOT_RECORDED, AlarmCode.LOOP_FAILED)
