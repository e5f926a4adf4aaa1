"""Brine sprayers and salt boxes beside the roads: what is chosen for each road, what a sprayer may do, what is left.

A sprayer's own controller asks (`GET /api/v1/treatments`), sprays what is wanted, and reports it like a crew (`POST
/api/v1/works`): then the estimate has the salt and the plan heats only what is still needed. Nothing is sprayed by a
lost answer: an offer ends by itself, and every interlock is asked at each look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct

from supervisor.control.alarms import Alarms
from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.live import LiveState
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import CommandError
from supervisor.domain.observed import stale
from supervisor.domain.plan import SLOT_S
from supervisor.domain.road_work import Agent, WorkKind
from supervisor.domain.weather import Forecast
from supervisor.planner.brine import Choice, Chosen, choose
from supervisor.planner.pipeline import PlanOutcome
from supervisor.runtime.clock import Clock
from supervisor.tariff.kind import Tariff
from supervisor.weather.resample import interval_starts_s

AHEAD_SLOTS: Final = 24  # 6 h: what one dose has to last
OFFER_S: Final = 1800.0  # a sprayer that asks later asks again
STOCK_KEEP_S: Final = 12 * 3600.0  # a level that old is not known any more
LOW_PERMILLE: Final = 200
AGE_MAX_S: Final = 3600
STOCKS: Final = ("brine", "salt-box")


class Lock(StrEnum):
    """Why a sprayer may not spray although brine was chosen."""

    JUST_TREATED = "just-treated"  # within its lock-out
    DAY_FULL = "day-full"  # as many doses as a day may have
    STOCK = "stock"  # empty, or nobody knows
    DANGER = "danger"  # electric danger on the road: nobody and nothing works there
    COMMAND = "command"  # a person's command holds: people decide now


class Stock(Struct, frozen=True):
    """What is left in a tank or a box."""

    kind: str  # brine, salt-box
    left_permille: int
    utc_s: int


class Offer(Struct, frozen=True):
    """What a sprayer may spread until then."""

    agent: Agent
    dose_g_m2: float
    until_utc_s: int


class Treatment(Struct, frozen=True, kw_only=True):
    """A road that has a sprayer, or a salt box that somebody reports."""

    zone: str
    choice: Choice | None  # heat or brine, and why; null: no sprayer, or no plan yet
    offer: Offer | None  # null: nothing is to be sprayed
    locked: Lock | None  # why not, although brine was chosen
    stocks: list[Stock]


@dataclass(frozen=True)
class Ahead:
    """What the choice is made by: what lies, what comes, what is planned against it, and at which prices."""

    estimation: Estimation
    forecasts: Forecasts
    planned: Callable[[], PlanOutcome | None]
    tariff: Callable[[], Tariff]


class Sprayers:
    """The use case. Give `look` to the watch."""

    def __init__(self, live: LiveState, ahead: Ahead, alarms: Alarms, clock: Clock, timezone: ZoneInfo) -> None:
        self._live = live
        self._ahead = ahead
        self._alarms = alarms
        self._clock = clock
        self._timezone = timezone
        self._stocks: dict[tuple[str, str], Stock] = {}

    def all(self) -> list[Treatment]:
        """Every road with a sprayer or a box, as it is now."""
        boxes = {zone for zone, _ in self._stocks}
        return [
            self._of(zone) for zone, live in self._live.zones.items()
            if live.zone.sprayer is not None or zone in boxes
        ]  # fmt: skip

    def stock(self, zone: str, kind: str, left_permille: int, utc_s: int) -> None:
        """A level was read. Raises CommandError for a kind that is none, and for one that is stale."""
        if kind not in STOCKS:
            raise CommandError("no such stock", where="kind", remedy=f"Use {' or '.join(STOCKS)}", code="invalid")
        known = self._stocks.get((zone, kind))
        if stale(utc_s, self._clock.utc_s(), AGE_MAX_S, -1 if known is None else known.utc_s):
            raise CommandError(
                "older than an hour, in the future, or not newer than the last", where="observed_utc_s",
                remedy="Send each reading once, with its time", code="stale",
            )  # fmt: skip
        self._stocks[zone, kind] = Stock(kind, left_permille, utc_s)
        self._warn(zone)

    def _warn(self, zone: str) -> None:
        low = [one for one in self._known(zone) if one.left_permille < LOW_PERMILLE]
        text = "; ".join(f"{one.kind} {one.left_permille / 10:.0f} %" for one in low)
        self._alarms.set(AlarmCode.STOCK_LOW, zone, bool(low), f"Left: {text}. Fill it up" if low else "")

    def look(self) -> None:
        """Clear what nobody has read for half a day."""
        for zone in {zone for zone, _ in self._stocks}:
            self._warn(zone)

    def _known(self, zone: str) -> list[Stock]:
        now = self._clock.utc_s()
        return [one for (of, _), one in self._stocks.items() if of == zone and now - one.utc_s <= STOCK_KEEP_S]

    def _of(self, zone: str) -> Treatment:
        choice = self._choice(zone)
        brine = choice is not None and choice.chosen is Chosen.BRINE
        locked = self._locked(zone) if brine else None
        offer = None
        sprayer = self._live.zones[zone].zone.sprayer
        if brine and locked is None and sprayer is not None:
            offer = Offer(sprayer.agent, sprayer.dose_g_m2, int(self._clock.utc_s() + OFFER_S))
        return Treatment(zone=zone, choice=choice, offer=offer, locked=locked, stocks=self._known(zone))

    def _choice(self, zone_id: str) -> Choice | None:
        zone, outcome, forecast = self._live.zones[zone_id].zone, self._ahead.planned(), self._ahead.forecasts.latest
        if zone.sprayer is None or outcome is None or forecast is None or zone_id not in outcome.traces:
            return None
        trace = outcome.traces[zone_id]
        first = max(0, int((self._clock.utc_s() - outcome.start_utc_s) // SLOT_S))
        duty, free = trace.duty[first : first + AHEAD_SLOTS], trace.unheated_c[first : first + AHEAD_SLOTS]
        if len(free) == 0:
            return None
        kwh = duty * zone.power_w / 1000 * SLOT_S / 3600
        price = np.maximum(self._ahead.tariff().prices(outcome.start_utc_s + first * SLOT_S, len(duty)), 0.0)
        lying = self._ahead.estimation.lying(zone_id)
        rain_mm, snow_mm = self._falls(forecast)
        return choose(
            zone.sprayer, heat_kwh=float(kwh.sum()), heat_cost=float(kwh @ price), low_c=float(free.min()),
            water_mm=lying.water_mm + lying.frozen_mm + rain_mm + snow_mm, snow_mm=lying.frozen_mm + snow_mm,
            salt_g_m2=lying.salt_g_m2,
        )  # fmt: skip

    def _falls(self, forecast: Forecast) -> tuple[float, float]:
        """Rain and snow of the hours ahead [mm], of the member that brings most."""
        now = self._clock.utc_s()
        most = (0.0, 0.0)
        for member in forecast.members:
            begins = np.maximum(interval_starts_s(member), now)
            ends = np.minimum(member.time_utc_s, now + AHEAD_SLOTS * SLOT_S)
            mm = member.precipitation_mm_h * np.clip(ends - begins, 0.0, None) / 3600.0
            snow = float((mm * member.snow_fraction).sum())
            most = max(most, (float(mm.sum()) - snow, snow), key=sum)
        return most

    def _locked(self, zone: str) -> Lock | None:
        """The first interlock that holds."""
        live, now = self._live.zones[zone], self._clock.utc_s()
        sprayer = live.zone.sprayer
        assert sprayer is not None
        if live.dangers:
            return Lock.DANGER
        if live.override is not None:
            return Lock.COMMAND
        salted = [one.utc_s for one in live.works if one.kind is WorkKind.SALTED and one.taken_back_utc_s is None]
        if any(now - at < 60 * sprayer.lockout_min for at in salted):
            return Lock.JUST_TREATED
        today = datetime.fromtimestamp(now, self._timezone).date()
        if sum(datetime.fromtimestamp(at, self._timezone).date() == today for at in salted) >= sprayer.doses_max_day:
            return Lock.DAY_FULL
        levels: Mapping[str, int] = {one.kind: one.left_permille for one in self._known(zone)}
        return Lock.STOCK if levels.get("brine", 0) <= 0 else None
