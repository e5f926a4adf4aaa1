"""What a command would do, as people are shown it before they send it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from msgspec import Struct

from supervisor.control.live import LiveState
from supervisor.control.overrides import Overrides
from supervisor.control.turns import Turns, schedule
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.zone import Feeder
from supervisor.planner.preview import FeederPreview, ZonePreview
from supervisor.road.pavement import SNOW_DENSITY_KG_M3
from supervisor.runtime.clock import Clock


class Replaced(Struct, frozen=True):
    """The command that ends with the new one."""

    mode: OverrideMode
    user: str
    expires_utc_s: int


class ZoneForecast(Struct, frozen=True):
    """A commanded road: as planned, and under the command."""

    zone: str
    kwh_more: float
    icy_min_planned: int  # minutes with snow, ice or frost, until six hours after the command
    icy_min: int
    lying_cm: float  # most snow that lies under the command, settled
    surface_min_c: float
    hazard: bool  # something lies, falls or freezes before the command ends
    replaces: Replaced | None


class Shed(Struct, frozen=True):
    """A road that heats less so that its feeder stays within the contract."""

    zone: str
    minutes: int  # of full power
    icy_min_more: int


class FeederForecast(Struct, frozen=True):
    """Peaks of 15-min means within the plan's horizon."""

    feeder: str
    peak_kw_planned: float
    peak_kw: float
    billed_kw: float  # of this month by now
    contract_kw: float
    breaker_kw: float
    base_cost_more: float


class CommandPreview(Struct, frozen=True):
    """What a command would do against the plan. Money in `currency`, "" where there is no tariff."""

    zones: tuple[ZoneForecast, ...]
    shed: tuple[Shed, ...]
    feeders: tuple[FeederForecast, ...]
    kwh_more: float
    energy_cost_more: float
    base_cost_more: float
    currency: str
    snows_until_utc_s: float | None
    ask_twice: bool  # OFF where something lies, falls or freezes
    turns: int = 1  # in which the roads take part, each a quarter of an hour; 1: all at once


class Previews:
    """The use case; changes nothing."""

    def __init__(
        self,
        live: LiveState,
        overrides: Overrides,
        feeders: Sequence[Feeder],
        planned: Callable[[Sequence[Override]], Awaitable[list[FeederPreview]]],
        currency: Callable[[], str],
        clock: Clock,
    ) -> None:
        """`planned` compares plans with and without overrides that are not made (`PlanLoop.preview`)."""
        self._live = live
        self._overrides = overrides
        self._feeders = {feeder.id: feeder for feeder in feeders}
        self._planned = planned
        self._currency = currency
        self._clock = clock

    async def of(self, zones: Sequence[str], mode: OverrideMode, minutes: int) -> CommandPreview:
        """Preview one command for known zones. Raises PlanError where that cannot be said now."""
        now = int(self._clock.utc_s())
        wanted = [
            Override(
                id=0, zone=zone, mode=mode, reason="preview", user="preview", created_utc_s=now,
                expires_utc_s=now + 60 * min(minutes, self._live.zones[zone].zone.longest_override_min),
            )
            for zone in zones
        ]  # fmt: skip
        return await self._compared(zones, wanted, mode)

    async def of_turns(self, turns: Turns) -> CommandPreview:
        """Preview roads that take turns. Raises PlanError where that cannot be said now."""
        zones = [zone for group in turns.groups for zone in group]
        made = await self._compared(zones, schedule(turns), OverrideMode.ON)
        return msgspec.structs.replace(made, turns=len(turns.groups))

    async def _compared(self, zones: Sequence[str], wanted: Sequence[Override], mode: OverrideMode) -> CommandPreview:
        found = await self._planned(wanted)
        rows = {row.zone: row for feeder in found for row in feeder.zones}
        forecasts = tuple(self._zone(rows[zone]) for zone in zones if zone in rows)
        falls = [one.snows_until_utc_s for one in found if one.snows_until_utc_s is not None]
        return CommandPreview(
            zones=forecasts,
            shed=tuple(
                Shed(row.zone, round(row.shed_min), round(row.icy_min[1] - row.icy_min[0]))
                for row in rows.values() if row.zone not in zones
            ),
            feeders=tuple(self._feeder(one) for one in found),
            kwh_more=sum(one.kwh[1] - one.kwh[0] for one in found),
            energy_cost_more=sum(one.energy_cost[1] - one.energy_cost[0] for one in found),
            base_cost_more=sum(one.base_cost[1] - one.base_cost[0] for one in found),
            currency=self._currency(),
            snows_until_utc_s=max(falls, default=None),
            ask_twice=mode is OverrideMode.OFF and any(forecast.hazard for forecast in forecasts),
        )  # fmt: skip

    def _zone(self, row: ZonePreview) -> ZoneForecast:
        held = self._overrides.live_for(row.zone)
        return ZoneForecast(
            zone=row.zone,
            kwh_more=row.kwh[1] - row.kwh[0],
            icy_min_planned=round(row.icy_min[0]),
            icy_min=round(row.icy_min[1]),
            lying_cm=row.lying_max_mm[1] * 100.0 / SNOW_DENSITY_KG_M3,
            surface_min_c=row.surface_min_c[1],
            hazard=row.hazard,
            replaces=None if held is None else Replaced(held.mode, held.user, held.expires_utc_s),
        )

    def _feeder(self, one: FeederPreview) -> FeederForecast:
        feeder = self._feeders[one.feeder]
        return FeederForecast(
            feeder=one.feeder, peak_kw_planned=one.peak_kw[0], peak_kw=one.peak_kw[1], billed_kw=one.billed_kw,
            contract_kw=feeder.contract_kw, breaker_kw=feeder.breaker_kw,
            base_cost_more=one.base_cost[1] - one.base_cost[0],
        )  # fmt: skip
