"""An invented winter in the record, for tests: four storms and some frosty nights until a given moment."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from supervisor.domain.override import Override, OverrideMode, OverrideState
from supervisor.domain.plan import STANDBY, Plan, Reason, ReasonCode, Slot
from supervisor.domain.stage import STAGE_EVENT
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Zone
from supervisor.store import commands, events, plans, weather

SEOUL: Final = ZoneInfo("Asia/Seoul")
HOUR_S: Final = 3600


def local(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SEOUL).timestamp())


BEGIN: Final = local("2023-11-15T00:00")
# begin, hours, mm/h, part as snow
STORMS: Final = (
    (local("2023-11-27T20:00"), 10, 1.1, 1.0),
    (local("2023-12-05T04:00"), 6, 0.6, 0.3),
    (local("2023-12-16T17:00"), 12, 0.7, 1.0),
    (local("2023-12-29T23:00"), 20, 0.9, 1.0),
)
AHEAD_H, AFTER_H = 2, 3  # how long before and after the snow the roads were heated
QUARTER: Final = 0.95  # duty in a storm: what the contract leaves


def duty_at(utc_s: int, n: int) -> float:
    """What road number `n` got in an hour."""
    for begin, hours, _, _ in STORMS:
        if begin - AHEAD_H * HOUR_S <= utc_s < begin + (hours + AFTER_H) * HOUR_S:
            return QUARTER - 0.02 * (n % 7)
    hour = datetime.fromtimestamp(utc_s, SEOUL)
    return 0.25 if hour.day % 3 == n % 3 and 2 <= hour.hour < 5 and hour.month == 12 else 0.0


def series(until_utc_s: int) -> WeatherSeries:
    """Hourly weather with the storms in it."""
    ends = np.arange(BEGIN + HOUR_S, until_utc_s + 1, HOUR_S, dtype=np.float64)
    n, day = ends.size, 2 * math.pi * (ends - BEGIN) / 86_400
    air = -2.0 - 3.0 * np.cos(day - 0.8)
    rate, snow = np.zeros(n), np.zeros(n)
    for begin, hours, mm_h, part in STORMS:
        inside = (ends > begin) & (ends <= begin + hours * HOUR_S)
        rate[inside], snow[inside], air[inside] = mm_h, part, np.minimum(air[inside], -1.0)
    same = np.ones(n)
    sun = 280.0 * np.maximum(0.0, np.sin(day - 1.6))
    return WeatherSeries(ends, air, air - 2.5, 2 * same, 101_000 * same, sun, 250 * same, 0.6 * same, rate, snow)


def fill(db: sqlite3.Connection, zones: Sequence[Zone], until_utc_s: int) -> None:
    """Hours of energy and surface, the weather, two commands, the plans and the stages of the last storm."""
    rows = []
    for start in range(BEGIN, until_utc_s // HOUR_S * HOUR_S, HOUR_S):
        for n, zone in enumerate(zones):
            duty = duty_at(start, n)
            wh = round(zone.power_w / 4 * duty)
            surface = 1_500 if duty > 0.5 else -500
            covered = HOUR_S if (start // HOUR_S + n) % 200 else 0
            rows.append((start, zone.id, wh, wh, wh, wh, round(HOUR_S * duty), covered, surface * HOUR_S, surface))
    db.executemany("INSERT INTO zone_1h VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 3600, ?, 0)", rows)
    weather.put(db, series(until_utc_s))
    onset = STORMS[-1][0]
    _command(db, zones[0].id, OverrideMode.BOOST, onset)
    _command(db, zones[1].id, OverrideMode.OFF, onset)
    for utc_s, said in ((onset - 15 * HOUR_S, "one 3.5 cm, was none"), (onset - 4 * HOUR_S, "two 8.0 cm, was one")):
        events.happen(db, None, events.Event(utc_s, STAGE_EVENT, "", said))
    issued = onset - 6 * HOUR_S
    why = (Reason(3 * HOUR_S, 26 * HOUR_S, ReasonCode.PREHEAT_SNOW, 0.7, onset + HOUR_S),)
    slots = (Slot(0, 0, STANDBY), Slot(5 * HOUR_S, 3_000, 900), Slot(24 * HOUR_S, 0, STANDBY))
    plans.save_plans(
        db, [Plan(zone=zone.id, issued_utc_s=issued, start_utc_s=issued, slots=slots, why=why) for zone in zones]
    )


def _command(db: sqlite3.Connection, zone: str, mode: OverrideMode, utc_s: int) -> None:
    asked = Override(
        id=0, zone=zone, mode=mode, reason="Ice reported", user="Kim", created_utc_s=utc_s,
        expires_utc_s=utc_s + 2 * HOUR_S, state=OverrideState.EXPIRED,
    )  # fmt: skip
    commands.add_override(db, asked)
