"""A plan: what a board does with a zone until its lease ends, and why."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

SLOT_S = 900  # the tariff's and the contract's averaging interval
STANDBY = -1  # a slot's duty: the board applies its local rule with the plan's thresholds


class PlanLabel(StrEnum):
    """How a plan came about; never hidden from people."""

    OPTIMAL = "optimal"  # solved to the certified gap
    INCUMBENT = "incumbent"  # best found when time ran out
    SHIFTED = "shifted"  # last plan moved on: the planner failed or its forecast is stale
    LOCAL = "local"  # no plan: the board's local rule


class Slot(Struct, frozen=True, array_like=True):
    """From `start_s` after the plan's start until the next slot."""

    start_s: int
    setpoint_mc: int  # surface temperature [m°C]
    duty_permille: int  # 0…1000, or STANDBY


class Reason(Struct, frozen=True):
    """Why a stretch of the plan heats (or not), for the crew: a translation key and its values."""

    start_s: int  # since the plan's start
    end_s: int
    code: str  # e.g. "preheat-snow", "keep-wet-above-freezing", "frost", "shed", "override"
    probability: float | None = None  # of the hazard it answers, 0–1
    hazard_utc_s: int | None = None  # when that hazard begins, UTC


class Plan(Struct, frozen=True, kw_only=True):
    """Run-length slots for one zone."""

    zone: str
    issued_utc_s: int
    start_utc_s: int
    lease_s: int = 21_600  # since receipt, by the board's monotonic clock; at most 24 h
    phase_s: int = 0  # offset of the time-proportioning period, staggers a feeder
    on_mc: int = 2_000  # local rule's thresholds for standby slots
    off_mc: int = 3_000
    after_run_s: int = 3_600  # of the local rule in standby slots, at most the board's own
    slots: tuple[Slot, ...]
    label: PlanLabel = PlanLabel.OPTIMAL
    why: tuple[Reason, ...] = ()
