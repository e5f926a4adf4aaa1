"""Telemetry: stamp, commit, acknowledge, show; and see whether the road does what it was told.

What cannot be committed now is not acknowledged; the board keeps it and sends it again. What can never be committed,
whatever the reason, is acknowledged and kept in quarantine: a board's journal must not wait behind it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from supervisor.control.admission import Admitted, admit
from supervisor.control.board_link import BoardLink
from supervisor.control.broken_cable import BrokenCables
from supervisor.control.dispatch import Dispatcher
from supervisor.control.distrust import Distrust
from supervisor.control.estimation import Estimation
from supervisor.control.live import LiveState
from supervisor.control.meter import FeederMeter
from supervisor.control.monitoring import Monitoring
from supervisor.control.overrides import Overrides
from supervisor.control.restarts import Restarts
from supervisor.control.stamps import Stamp, Stamps
from supervisor.control.zone_live import ZoneLive
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import StoreError
from supervisor.domain.override import LIVE_STATES, Override, OverrideMode, OverrideState
from supervisor.domain.plan import PlanState
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell
from supervisor.store.events import EventRepository
from supervisor.store.quarantine import QuarantineRepository
from supervisor.store.telemetry import Booking, TelemetryRepository
from supervisor.wire.messages import Ack, Flag, Get, Hello, Image, ResultFrame, Telemetry, Winner, ZoneSample
from supervisor.wire.reports import Damaged

logger = logging.getLogger(__name__)

SAME_S = 0.5  # two ends of one interval, computed at two moments, differ by less
LIVE_S = 30.0  # an interval that ended longer ago is from the journal
POWER_ON, POWER_OFF = 0.5, 0.05  # of rated power: what counts as heating, and as not
TOGETHER = 4  # frames of one board in the writer at a time: another board's frame waits for no more than these
BAD_FRAMES_EACH_S = 60.0  # an event for frames that a board refused, at most
OBEY_S = 30.0  # from acceptance until the board's telemetry must show it
FLAG_ALARMS = {  # the alarm of the same name
    Flag.OVER_TEMPERATURE: "Too hot: the board has switched it off until it has cooled. Inspect cable and sensor",
    Flag.SENSOR_IMPLAUSIBLE: "Surface or cable sensor gives no plausible value: heating is off. Inspect both, use salt",
    Flag.EARTH_FAULT: "Earth fault: heating is off until a person has reset it on site",
    Flag.THERMAL_CUT_OUT: "The cable's thermal cut-out has opened: heating is off until a person has reset it on site",
    Flag.CONTACTOR_WELDED: "Current although switched off: open the upstream switch, change the contactor",
    Flag.MAX_ON_TIME: "Longest on-time reached: heating is off for a while. Is the sensor wet for another reason?",
    Flag.LATCHED: "Heating is off until reset: needs a person on site",
    Flag.MOISTURE_IMPLAUSIBLE: "Moisture sensor gives no plausible value: treated as wet. Clean or change it",
    Flag.LEAKAGE_HIGH: "Earth-leakage current near the limit: have the cable measured before the protection trips",
    Flag.METER_SILENT: "The energy meter does not answer: power is estimated, a stuck contactor is not seen",
}


@dataclass(frozen=True)
class Measured:
    """What telemetry brings up to date: what people see, the estimate of the roads, the load of the feeders."""

    live: LiveState
    estimation: Estimation
    meter: FeederMeter


@dataclass(frozen=True)
class IntakeRecord:
    """Where telemetry is kept: what counts, what is refused, and events about it."""

    telemetry: TelemetryRepository
    quarantine: QuarantineRepository
    events: EventRepository


class Intake:
    """What the gateway hands up: sessions, answers and telemetry (`gateway.session.BoardControl`)."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        overrides: Overrides,
        measured: Measured,
        record: IntakeRecord,
        monitoring: Monitoring,
        clock: Clock,
        background: Background,
    ) -> None:
        self._dispatcher = dispatcher
        self._overrides = overrides
        self._live = live = measured.live
        self._estimation = estimation = measured.estimation
        self._meter = measured.meter
        self._record = record
        self._alarms = alarms = monitoring.alarms
        metrics = monitoring.metrics
        self.cables = BrokenCables(live, alarms)
        self._commit_s = metrics.commit_s
        self._new, self._duplicate = metrics.telemetry.labels("new"), metrics.telemetry.labels("duplicate")
        self._clock = clock
        self._background = background
        self._distrust = Distrust(record.quarantine, alarms, metrics, clock)
        estimation.lane_lost.append(self._distrust.estimate_lost)
        self._stamps = Stamps(clock)
        self.restarts = Restarts(alarms, clock)
        self._rated_w: dict[str, dict[str, int]] = {}
        for zone in (known.zone for known in live.zones.values()):
            self._rated_w.setdefault(zone.board, {})[zone.id] = zone.power_w
        self._bad_frames: dict[str, tuple[int, float]] = {}  # board → how many it has told, and when an event said so
        self.greeted: list[Callable[[Hello], None]] = []  # called with each board that connects
        self.updates: list[Callable[[BoardLink, Get | Image], None]] = []
        self.shown: list[Callable[[str, Telemetry], None]] = []  # called with board and frame, of live ones
        self.sampled: list[Callable[[ZoneSample, float], None]] = []  # called with each live sample and its length
        self.returned: list[Callable[[str], None]] = []  # called with the zone that is heard again

    def attach(self, link: BoardLink, hello: Hello) -> None:
        """A board has been authenticated."""
        self._stamps.greeted(hello.b, hello.boot, hello.up)
        self.restarts.greeted(hello.b, hello.boot)
        tell(self.greeted, "greeting", hello)
        self._dispatcher.attach(link, hello)
        logger.info("board %s connected: firmware %s, boot %d, up %d s", hello.b, hello.fw, hello.boot, hello.up)

    def detach(self, link: BoardLink) -> None:
        """A session has ended."""
        self._dispatcher.detach(link)

    async def answered(self, link: BoardLink, result: ResultFrame) -> None:
        """A board's answer to a command."""
        await self._dispatcher.answered(link, result)

    def updating(self, link: BoardLink, said: Get | Image) -> None:
        """A board fetches a program, or says how that has ended."""
        for listener in self.updates:
            listener(link, said)

    async def damaged(self, link: BoardLink, frames: Sequence[Damaged]) -> None:
        """Frames of which something was out of range: kept aside, and acknowledged where nothing else of them counts.

        Raises StoreError where one could not be kept.
        """
        for frame in frames:
            await self._distrust.damaged(link.board_id, frame)
            if frame.kept is None:
                self._acknowledge(link, {frame.boot: [frame.q]})

    async def heard(self, link: BoardLink, hello: Hello, frames: Sequence[Telemetry]) -> None:
        """Commit frames of one board, acknowledge those that are kept, then act on the live ones.

        Raises StoreError where one could not be kept; the others are acknowledged. A live one is shown all the same.
        """
        board, received = link.board_id, self._clock.utc_s()
        began = self._clock.monotonic_s()
        stamps = [self._stamps.stamp(board, frame, received) for frame in frames]
        admitted = [admit(board, frame, self._live.zones) for frame in frames]
        outcomes: list[bool | StoreError] = []
        for first in range(0, len(frames), TOGETHER):
            part = slice(first, first + TOGETHER)
            commits = [
                self._commit(board, hello, frame, what, received, stamp)
                for frame, what, stamp in zip(frames[part], admitted[part], stamps[part], strict=True)
            ]
            outcomes += [await commits[0]] if len(commits) == 1 else await asyncio.gather(*commits)
        self._commit_s.observe(self._clock.monotonic_s() - began)
        kept: dict[int, list[int]] = {}
        failure: StoreError | None = None
        for what, stamp, outcome in zip(admitted, stamps, outcomes, strict=True):
            if isinstance(outcome, StoreError):
                failure = outcome
                # People see what the disk cannot take; it counts when it is kept.
                if stamp.known and not self._stamps.is_ahead(board, what.frame):
                    self._show_frame(board, what.frame, stamp.end_utc_s, live=what.frame.boot == hello.boot)
                continue
            kept.setdefault(what.frame.boot, []).append(what.frame.q)
            (self._new if outcome else self._duplicate).inc()
            if outcome and stamp.known:
                self._take_in(board, what.frame, stamp.end_utc_s, live=what.frame.boot == hello.boot)
        self._acknowledge(link, kept)
        self._alarms.set(
            AlarmCode.STORE,
            "",
            failure is not None,
            f"Telemetry cannot be kept ({failure}): boards hold it. Free the disk",
        )
        if failure is not None:
            raise failure

    def _acknowledge(self, link: BoardLink, kept: dict[int, list[int]]) -> None:
        """Tell the board what it need not send again. `kept`: sequences by boot."""
        for boot, sequences in kept.items():
            link.send(msgspec.json.encode(Ack(b=link.board_id, boot=boot, q=tuple(sequences))))

    async def _commit(
        self, board: str, hello: Hello, frame: Telemetry, what: Admitted, received_utc_s: float, stamp: Stamp
    ) -> bool | StoreError:
        """Whether it is new and in the record, or why it could not be kept."""
        ran_s = self._stamps.ran_s(board, hello.boot)
        booking = Booking(self._rated_w.get(board, {}), hello.life, hello.boot, ran_s)
        try:
            await self._distrust.admitted(board, frame, what)
            if self._stamps.is_ahead(board, frame):
                await self._distrust.unusable(board, frame, f"up for {frame.up} s, its hello says {ran_s} s")
                return False
            try:
                new = await self._record.telemetry.commit(
                    board, what.frame, received_utc_s, stamp.end_utc_s - frame.dt, self._estimation.air_c, booking
                )
            except StoreError:
                raise
            except Exception as error:  # no disk and no retry can change it: a number that the store cannot hold
                logger.warning("a record of board %s cannot be kept: %s: %s", board, type(error).__name__, error)
                await self._distrust.unusable(board, frame, f"cannot be kept: {type(error).__name__}")
                return False
        except StoreError as error:
            return error
        self._distrust.committed(board, booking)
        return new

    def end_utc_s(self, board: str, frame: Telemetry, received_utc_s: float) -> float:
        """UTC at which a frame's interval ended, never after its receipt."""
        return self._stamps.stamp(board, frame, received_utc_s).end_utc_s

    def _take_in(self, board: str, frame: Telemetry, end_utc_s: float, *, live: bool) -> None:
        self._meter.add(end_utc_s - frame.dt, frame.dt, frame.z)
        self._show_frame(board, frame, end_utc_s, live=live)

    def _show_frame(self, board: str, frame: Telemetry, end_utc_s: float, *, live: bool) -> None:
        """Act on a live frame, once: a frame sent again is not newer than what is shown. live: of the board's boot."""
        age_s = self._clock.utc_s() - end_utc_s
        if not live or age_s > LIVE_S:
            return
        end_s = self._clock.monotonic_s() - age_s
        self._note_bad_frames(board, frame.bad)
        tell(self.shown, "telemetry", board, frame)
        for sample in frame.z:
            zone = self._live.zones.get(sample.zone)
            if zone is not None and zone.zone.board == board and end_s > zone.sample_s + SAME_S:
                zone.sample_utc_s, zone.sample_s = end_utc_s, end_s
                self._show(zone, sample, frame.dt)

    def _note_bad_frames(self, board: str, bad: int) -> None:
        known, said_s = self._bad_frames.get(board, (bad, float("-inf")))
        now_s = self._clock.monotonic_s()
        if bad > known and now_s - said_s >= BAD_FRAMES_EACH_S:
            text = f"{bad} frames refused by the board since it booted"
            self._background.spawn(self._record.events.append("bad-frames", board, text), "event")
            said_s = now_s
        elif bad > known:
            bad = known  # told with the next event
        self._bad_frames[board] = bad, said_s

    def _show(self, zone: ZoneLive, sample: ZoneSample, dt_s: float) -> None:
        first = zone.sample is None  # since the service started: alarms may stand that are over
        known = zone.sample.flags if zone.sample is not None else 0
        was_online = zone.online
        zone.sample = sample
        zone.heard_monotonic_s, zone.online = self._clock.monotonic_s(), True
        self._estimation.observe(sample, dt_s)
        for listener in self.sampled:
            listener(sample, dt_s)
        self.cables.hear(zone, sample, dt_s, bool(known & Flag.CABLE_BROKEN))
        if first or sample.flags != known:
            for flag, text in FLAG_ALARMS.items():
                self._alarms.set(AlarmCode[str(flag.name)], sample.zone, bool(sample.flags & flag), text)
        if zone.override is not None:
            self._check_override(zone, zone.override, zone.sample_s - dt_s)
        if zone.plan is not None and zone.plan_state is PlanState.ACCEPTED and sample.who == Winner.PLAN:
            zone.plan_state = PlanState.MEASURED
        self._live.touch(sample.zone)
        if not was_online:
            tell(self.returned, "zone heard again", sample.zone)

    def _check_override(self, zone: ZoneLive, override: Override, start_s: float) -> None:
        """Accepted is not yet done: telemetry decides."""
        accepted = self._dispatcher.accepted_at.get(override.id)
        sample = zone.sample
        if override.state not in LIVE_STATES or accepted is None or sample is None:
            return
        share = sample.power_w / zone.zone.power_w
        obeyed = share <= POWER_OFF if override.mode is OverrideMode.OFF else share >= POWER_ON
        off_anyway = override.mode is OverrideMode.OFF and sample.who in (Winner.INTERLOCK, Winner.MAINTENANCE)
        if sample.who == Winner.OVERRIDE or off_anyway:
            measured = obeyed and not sample.flags & Flag.METER_SILENT  # then its power is an estimate
            if measured and override.state is OverrideState.ACCEPTED:
                self._background.spawn(
                    self._overrides.advance(override.id, OverrideState.MEASURED), "override-measured"
                )
        elif sample.who in (Winner.PLAN, Winner.LOCAL) and start_s > accepted + OBEY_S:
            if override.mode is OverrideMode.BOOST:  # the board ends it by itself once the road is clear
                self._background.spawn(self._overrides.advance(override.id, OverrideState.EXPIRED), "boost-over")
            else:
                self._dispatcher.resend(override)
