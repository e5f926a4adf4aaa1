"""Feeder load from telemetry: the running 15-min mean that the contract limits, and the month's highest.

Power comes in intervals of some seconds from each zone; journals fill gaps later, so the last slots stay open.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from supervisor.control.metrics import Metrics
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder, Zone
from supervisor.tariff.demand import Demand, Month
from supervisor.wire.messages import ZoneSample

OPEN_SLOTS = 4  # an hour during which late telemetry still counts into its slot
COVER_MAX_S = SLOT_S + 60.0  # of a zone in one slot: an interval that ends in a slot may have begun a minute before it
PEAK_MAX_KW = 1e6  # a gigawatt: above any city's grid
_J_PER_KWH = 3.6e6


class FeederMeter:
    """Joules per feeder and slot. Pure: the caller brings the time and keeps the peaks."""

    def __init__(self, feeders: Iterable[Feeder], zones: Iterable[Zone], timezone: str, metrics: Metrics) -> None:
        self.feeders = {feeder.id: feeder for feeder in feeders}
        self._feeder_of = {zone.id: zone.feeder for zone in zones}
        self._timezone = ZoneInfo(timezone)
        self._metrics = metrics
        self._joules: dict[int, defaultdict[str, float]] = {}
        self._covered_s: dict[int, defaultdict[str, float]] = {}  # by slot and zone
        self._rolled_utc_s = float("-inf")
        self._month_of: dict[int, str] = {}  # of the slots at hand: asked every few seconds
        self.peaks_kw: dict[str, float] = dict.fromkeys(self.feeders, 0.0)  # of `month`
        self.month = ""
        self.demand = Demand()  # how the base charge is found
        self.earlier_kw: dict[Month, dict[str, float]] = {}  # peaks of the months that it looks back to
        self.counts_peak: Callable[[float], bool] = lambda _: True  # whether a peak at this time is billed

    def add(self, start_utc_s: float, dt_s: float, samples: Iterable[ZoneSample]) -> None:
        """Take in one telemetry interval; it counts into the slot in which it ends.

        A zone fills each slot once, however many intervals its board sends: a feeder's load is never more than what
        its cables draw. Values that are not finite are ignored.
        """
        if not (math.isfinite(start_utc_s) and math.isfinite(dt_s) and dt_s > 0):
            return
        slot = int((start_utc_s + dt_s - 1e-3) // SLOT_S)
        if self._joules and slot <= max(self._joules) - OPEN_SLOTS:
            return
        joules: defaultdict[str, float] = self._joules.setdefault(slot, defaultdict(float))
        covered = self._covered_s.setdefault(slot, defaultdict(float))
        for sample in samples:
            feeder = self._feeder_of.get(sample.zone)
            if feeder is not None:
                new_s = max(0.0, min(dt_s, COVER_MAX_S - covered[sample.zone]))
                covered[sample.zone] += new_s
                joules[feeder] += sample.power_w * new_s

    def take_up(self, text: str) -> None:
        """Load the stored peaks of the month. Raises ValueError, without any change, where they are damaged."""
        for feeder, kw in stored_peaks(text).items():
            if feeder in self.peaks_kw:
                self.peaks_kw[feeder] = kw

    def demand_prices(self) -> dict[str, float]:
        """Price of a kW of billed peak by feeder: its own, else the tariff's."""
        return {name: one.demand_price_per_kw or self.demand.price_per_kw for name, one in self.feeders.items()}

    def billed_kw(self) -> dict[str, float]:
        """What is billed this month by now, by feeder: a load up to it costs nothing more."""
        if not self.month:
            return dict(self.peaks_kw)
        month = month_of(self.month)
        return {
            name: max(
                kw,
                self.demand.floor_kw(
                    month,
                    {earlier: peaks.get(name, 0.0) for earlier, peaks in self.earlier_kw.items()},
                    self.feeders[name].contract_kw,
                ),
            )
            for name, kw in self.peaks_kw.items()
        }

    def mean_kw(self, utc_s: float) -> dict[str, float]:
        """Mean of the running slot over its whole 15 min, as if nothing more were drawn."""
        joules: Mapping[str, float] = self._joules.get(int(utc_s // SLOT_S), {})
        return {feeder: joules.get(feeder, 0.0) / SLOT_S / 1000.0 for feeder in self.feeders}

    def roll(self, utc_s: float) -> bool:
        """Bring the month's peaks up to date; returns whether one rose or the month changed."""
        month = self._month(int(utc_s // SLOT_S))
        changed = month != self.month
        if changed:
            self.month, self.peaks_kw = month, dict.fromkeys(self.feeders, 0.0)
        for slot, joules in self._joules.items():
            if self._month(slot) != month or not self.counts_peak(slot * SLOT_S):
                continue
            for feeder, energy_j in joules.items():
                kw = energy_j / _J_PER_KWH * (3600.0 / SLOT_S)
                if kw > self.peaks_kw.get(feeder, 0.0):
                    self.peaks_kw[feeder], changed = kw, True
        newest = int(utc_s // SLOT_S)
        repeats = utc_s < self._rolled_utc_s  # the clock was set back: these slots come a second time
        self._rolled_utc_s = utc_s
        for slot in [slot for slot in self._joules if slot <= newest - OPEN_SLOTS or (repeats and slot >= newest)]:
            del self._joules[slot]
            self._covered_s.pop(slot, None)
        for slot in [slot for slot in self._month_of if slot <= newest - OPEN_SLOTS]:
            del self._month_of[slot]
        for feeder, kw in self.mean_kw(utc_s).items():
            self._metrics.feeder_kw.labels(feeder).set(kw)
            self._metrics.feeder_peak_kw.labels(feeder).set(self.peaks_kw[feeder])
        return changed

    def _month(self, slot: int) -> str:
        """Local month of a slot's beginning."""
        if slot not in self._month_of:
            self._month_of[slot] = datetime.fromtimestamp(slot * SLOT_S, self._timezone).strftime("%Y-%m")
        return self._month_of[slot]


def month_of(name: str) -> Month:
    """Year and month of "2026-11"."""
    year, _, month = name.partition("-")
    return int(year), int(month)


def stored_peaks(text: str) -> dict[str, float]:
    """Peaks by feeder as `KeptPeaks` stores them [kW]; raises ValueError where they are damaged."""
    try:
        kept = msgspec.json.decode(text, type=dict[str, float])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(f"stored peaks are not readable: {error}") from None
    if not all(math.isfinite(kw) and 0.0 <= kw <= PEAK_MAX_KW for kw in kept.values()):
        raise ValueError("stored peaks are not within range")
    return kept
