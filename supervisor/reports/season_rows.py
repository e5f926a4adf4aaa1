"""What the app's energy page shows of a heating season. Null: not known."""

from __future__ import annotations

from msgspec import Struct


class Spent(Struct, frozen=True):
    """What a part of the season took, over all roads. Money in the answer's `currency`; null: no tariff."""

    kwh: float
    energy_cost: float | None
    peak_kw: float  # highest mean of 15 min of all supplies together
    by_hand_kwh: float  # while somebody's ON or boost was in force
    heated_h: float  # of roads
    covered: float  # part of the roads' time with telemetry, 0–1


class SeasonMonth(Struct, frozen=True):
    """A calendar month, so far."""

    month: str  # 2025-12
    spent: Spent
    base_cost: float | None
    billed_kw: float  # of all supplies: by their own peaks, earlier months and contracts


class SeasonZone(Struct, frozen=True):
    """A road over the season."""

    zone: str
    kwh: float
    kwh_m2: float | None  # null: no longer configured
    energy_cost: float | None
    peak_kw: float
    heated_h: float
    covered: float


class SeasonFeeder(Struct, frozen=True):
    """A supply over the season, and what its newest month is billed so far."""

    feeder: str
    contract_kw: float
    kwh: float
    energy_cost: float | None
    base_cost: float | None
    peak_kw: float
    peak_utc_s: int | None
    billed_kw: float


class SeasonStorm(Struct, frozen=True):
    """A storm and what was spent from six hours before it to six hours after it."""

    onset_utc_s: int
    end_utc_s: int
    ongoing: bool
    water_mm: float
    depth_cm: float
    depth_measured: bool
    rain: bool  # some of it fell as rain in frost, or as rain after the snow
    spent: Spent


class SeasonEnergy(Struct, frozen=True):
    """A season until now. Costs are energy and base charge; tax and levies are in the bill only."""

    season: str
    from_utc_s: int
    to_utc_s: int
    currency: str
    contract_kw: float
    area_m2: float
    total: Spent
    base_cost: float | None
    months: list[SeasonMonth]
    storms: list[SeasonStorm]  # newest first
    between: Spent | None  # what no storm accounts for: frost, wet nights; null: no weather is known
    zones: list[SeasonZone]  # most per area first
    feeders: list[SeasonFeeder]
    seasons: list[str]  # that the record has, newest first
    notes: list[str]  # what could not be found out, and why
