"""Telemetry: stamp, commit, acknowledge, show; and see whether the road does what it was told.

An interval is stamped by the board's clock where that agrees with its uptime, else by its uptime, which no clock
error can touch. What cannot be committed is not acknowledged; the board keeps it and sends it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from supervisor.control.alarms import Alarms
from supervisor.control.background import Background
from supervisor.control.broken_cable import BrokenCables
from supervisor.control.dispatch import BoardLink, Dispatcher
from supervisor.control.estimation import Estimation
from supervisor.control.listeners import tell
from supervisor.control.live import LiveState, ZoneLive
from supervisor.control.meter import FeederMeter
from supervisor.control.metrics import Metrics
from supervisor.control.overrides import Overrides
from supervisor.domain.clock import Clock
from supervisor.domain.errors import StoreError
from supervisor.domain.override import LIVE_STATES, Override, OverrideMode, OverrideState
from supervisor.store.store import Store
from supervisor.wire.messages import Ack, Flag, Hello, ResultFrame, Telemetry, Winner, ZoneSample

logger = logging.getLogger(__name__)

CLOCK_TRUST_S = 120.0  # board's clock against its uptime; crystals drift 4 s a day
LIVE_S = 30.0  # an interval that ended longer ago is from the journal
POWER_ON, POWER_OFF = 0.5, 0.05  # of rated power: what counts as heating, and as not
OBEY_S = 30.0  # from acceptance until the board's telemetry must show it
FLAG_ALARMS = {
    Flag.OVER_TEMPERATURE: "Too hot: the board has switched it off until it has cooled. Inspect cable and sensor",
    Flag.SENSOR_IMPLAUSIBLE: "Sensor gives no plausible temperature: heating is off. Inspect it, treat with salt",
    Flag.EARTH_FAULT: "Earth fault: heating is off until a person has reset it on site",
    Flag.CONTACTOR_WELDED: "Current although switched off: open the upstream switch, change the contactor",
    Flag.MAX_ON_TIME: "Longest on-time reached: heating is off for a while. Is the sensor wet for another reason?",
    Flag.LATCHED: "Heating is off until reset: needs a person on site",
    Flag.MOISTURE_IMPLAUSIBLE: "Moisture sensor gives no plausible value: treated as wet. Clean or change it",
}


class Intake:
    """What the gateway hands up: sessions, answers and telemetry (`gateway.session.BoardControl`)."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        store: Store,
        live: LiveState,
        overrides: Overrides,
        estimation: Estimation,
        meter: FeederMeter,
        alarms: Alarms,
        metrics: Metrics,
        clock: Clock,
        background: Background,
    ) -> None:
        self._dispatcher = dispatcher
        self._store = store
        self._live = live
        self._overrides = overrides
        self._estimation = estimation
        self._meter = meter
        self._alarms = alarms
        self.cables = BrokenCables(live, alarms)
        self._commit_s = metrics.commit_s
        self._new, self._duplicate = metrics.telemetry.labels("new"), metrics.telemetry.labels("duplicate")
        self._clock = clock
        self._background = background
        self._booted_utc_s: dict[str, tuple[int, float]] = {}  # board → boot and the UTC at which it was powered
        self._bad_frames: dict[str, int] = {}
        self.returned: list[Callable[[str], None]] = []  # called with the zone that is heard again

    def attach(self, link: BoardLink, hello: Hello) -> None:
        """A board has proven itself."""
        self._booted_utc_s[hello.b] = hello.boot, self._clock.utc_s() - hello.up
        self._dispatcher.attach(link, hello)
        logger.info("board %s is here: firmware %s, boot %d, up %d s", hello.b, hello.fw, hello.boot, hello.up)

    def detach(self, link: BoardLink) -> None:
        """A session is over."""
        self._dispatcher.detach(link)

    async def answered(self, link: BoardLink, result: ResultFrame) -> None:
        """A board's answer to a command."""
        await self._dispatcher.answered(link, result)

    async def heard(self, link: BoardLink, hello: Hello, frames: Sequence[Telemetry]) -> None:
        """Commit frames of one board, acknowledge those that are kept, then act on the live ones.

        Raises StoreError where one could not be kept; the others are acknowledged. A live one is shown all the same.
        """
        board, received = link.board_id, self._clock.utc_s()
        began = self._clock.monotonic_s()
        ends = [self.end_utc_s(board, frame, received) for frame in frames]
        commits = [self._commit(board, frame, received, end) for frame, end in zip(frames, ends, strict=True)]
        outcomes = [await commits[0]] if len(commits) == 1 else await asyncio.gather(*commits)
        self._commit_s.observe(self._clock.monotonic_s() - began)
        kept: dict[int, list[int]] = {}
        failure: StoreError | None = None
        for frame, end, outcome in zip(frames, ends, outcomes, strict=True):
            if isinstance(outcome, StoreError):
                failure = outcome
                self._show_frame(board, frame, end)  # people see what the disk cannot take; it counts when it is kept
                continue
            kept.setdefault(frame.boot, []).append(frame.q)
            (self._new if outcome else self._duplicate).inc()
            if outcome:
                self._take_in(board, frame, end)
        for boot, sequences in kept.items():
            link.send(msgspec.json.encode(Ack(b=board, boot=boot, q=tuple(sequences))))
        self._alarms.set(
            "store", "", failure is not None, f"Telemetry cannot be kept ({failure}): boards hold it. Free the disk"
        )
        if failure is not None:
            raise failure

    async def _commit(self, board: str, frame: Telemetry, received_utc_s: float, end_utc_s: float) -> bool | StoreError:
        """Whether it was new, or why it could not be kept."""
        try:
            return await self._store.commit_telemetry(
                board, frame, received_utc_s, end_utc_s - frame.dt, self._estimation.air_c
            )
        except StoreError as error:
            return error

    def end_utc_s(self, board: str, frame: Telemetry, received_utc_s: float) -> float:
        """UTC at which a frame's interval ended, never after its receipt."""
        boot, booted = self._booted_utc_s.get(board, (-1, 0.0))
        if boot == frame.boot:
            by_uptime = booted + frame.up
            trusted = frame.utc > 0 and abs(frame.utc - by_uptime) <= CLOCK_TRUST_S
            return min(float(frame.utc) if trusted else by_uptime, received_utc_s)
        return min(float(frame.utc), received_utc_s) if frame.utc > 0 else received_utc_s

    def _take_in(self, board: str, frame: Telemetry, end_utc_s: float) -> None:
        self._meter.add(end_utc_s - frame.dt, frame.dt, frame.z)
        self._show_frame(board, frame, end_utc_s)

    def _show_frame(self, board: str, frame: Telemetry, end_utc_s: float) -> None:
        """Act on a live frame, once: a frame sent again is not newer than what is shown."""
        now = self._clock.utc_s()
        if now - end_utc_s > LIVE_S:
            return
        if frame.bad > self._bad_frames.get(board, frame.bad):
            text = f"{frame.bad} frames refused by the board since it booted"
            self._background.spawn(self._store.append_event("bad-frames", board, text), "event")
        self._bad_frames[board] = frame.bad
        for sample in frame.z:
            zone = self._live.zones.get(sample.zone)
            if zone is not None and zone.zone.board == board and end_utc_s > zone.sample_utc_s:
                self._show(zone, sample, frame.dt, end_utc_s)

    def _show(self, zone: ZoneLive, sample: ZoneSample, dt_s: float, end_utc_s: float) -> None:
        known = zone.sample.flags if zone.sample is not None else 0
        was_online = zone.online
        zone.sample, zone.sample_utc_s = sample, end_utc_s
        zone.heard_monotonic_s, zone.online = self._clock.monotonic_s(), True
        self._estimation.observe(sample, dt_s)
        self.cables.hear(zone, sample, dt_s, bool(known & Flag.CABLE_BROKEN))
        if sample.flags != known:
            for flag, text in FLAG_ALARMS.items():
                self._alarms.set(flag.name.lower().replace("_", "-") if flag.name else "", sample.zone,
                                 bool(sample.flags & flag), text)  # fmt: skip
        if zone.override is not None:
            self._check_override(zone, zone.override, end_utc_s - dt_s)
        if zone.plan is not None and zone.plan_state == "accepted" and sample.who == Winner.PLAN:
            zone.plan_state = "measured"
        self._live.touch(sample.zone)
        if not was_online:
            tell(self.returned, "zone heard again", sample.zone)

    def _check_override(self, zone: ZoneLive, override: Override, start_utc_s: float) -> None:
        """Accepted is not yet done: telemetry decides."""
        accepted = self._dispatcher.accepted_at.get(override.id)
        sample = zone.sample
        if override.state not in LIVE_STATES or accepted is None or sample is None:
            return
        share = sample.power_w / zone.zone.power_w
        obeyed = share <= POWER_OFF if override.mode is OverrideMode.OFF else share >= POWER_ON
        off_anyway = override.mode is OverrideMode.OFF and sample.who in (Winner.INTERLOCK, Winner.MAINTENANCE)
        if sample.who == Winner.OVERRIDE or off_anyway:
            if obeyed and override.state is OverrideState.ACCEPTED:
                self._background.spawn(
                    self._overrides.advance(override.id, OverrideState.MEASURED), "override-measured"
                )
        elif sample.who in (Winner.PLAN, Winner.LOCAL) and start_utc_s > accepted + OBEY_S:
            if override.mode is OverrideMode.BOOST:  # the board ends it by itself once the road is clear
                self._background.spawn(self._overrides.advance(override.id, OverrideState.EXPIRED), "boost-over")
            else:
                self._dispatcher.resend(override)
