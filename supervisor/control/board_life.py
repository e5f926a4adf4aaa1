"""How old boards and contactors get: switchings, hours, earth-leakage current, and what ended a start.

All of it as metrics, and once a day for each road in the record of events, from where it reaches the analysts, and in
that of health, which tells how long a contactor lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from supervisor.control.metrics import Metrics
from supervisor.control.zone_live import ZoneLive
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock
from supervisor.store.health import LifeDay
from supervisor.store.rollup import local_day
from supervisor.store.store import Store
from supervisor.wire.messages import Hello, Life, Telemetry

DAY_S: Final = 86_400.0


class BoardLife:
    """`greeted` and `shown` take what boards say. `zones`: by id."""

    def __init__(
        self,
        zones: Mapping[str, ZoneLive],
        metrics: Metrics,
        store: Store,
        clock: Clock,
        timezone: ZoneInfo,
        background: Background,
    ) -> None:
        self._zones = zones
        self._metrics = metrics
        self._store = store
        self._clock = clock
        self._timezone = timezone
        self._background = background
        self._crash: dict[str, str] = {}
        self._peak_ma: dict[str, int] = {}  # since the last event of the zone
        self._told_s: dict[str, float] = {}

    def greeted(self, hello: Hello) -> None:
        """A board has connected. The error of its last bad start is told once, and not again after our own start."""
        if hello.cr != self._crash.get(hello.b, hello.cr) and hello.cr:
            self._tell("board-crash", hello.b, hello.cr)
        self._crash[hello.b] = hello.cr

    def shown(self, board: str, frame: Telemetry) -> None:
        """A live frame of a board."""
        for sample, leakage_ma in zip(frame.z, frame.lk, strict=False):
            if leakage_ma >= 0 and self._is_of(board, sample.zone):
                self._metrics.leakage_ma.labels(sample.zone).set(leakage_ma)
                self._peak_ma[sample.zone] = max(leakage_ma, self._peak_ma.get(sample.zone, 0))
        for sample, life in zip(frame.z, frame.wr, strict=False):
            if self._is_of(board, sample.zone):
                self._note(sample.zone, life)

    def _is_of(self, board: str, zone: str) -> bool:
        known = self._zones.get(zone)
        return known is not None and known.zone.board == board

    def _note(self, zone: str, life: Life) -> None:
        self._metrics.switchings.labels(zone).set(life.switchings)
        self._metrics.on_hours.labels(zone).set(life.on_h)
        now_s = self._clock.monotonic_s()
        if now_s - self._told_s.get(zone, float("-inf")) < DAY_S:
            return
        self._told_s[zone] = now_s
        peak_ma = self._peak_ma.pop(zone, None)
        leakage = "" if peak_ma is None else f", leakage up to {peak_ma} mA"
        self._tell("contactor-life", zone, f"{life.switchings} switchings, {life.on_h} h on{leakage}")
        day, _, _ = local_day(int(self._clock.utc_s()), self._timezone)
        kept = LifeDay(zone, day, life.switchings, life.on_h)
        self._background.spawn(self._store.health.keep_life(kept), "life of a contactor")

    def _tell(self, kind: str, subject: str, text: str) -> None:
        self._background.spawn(self._store.events.append(kind, subject, text), "event")
