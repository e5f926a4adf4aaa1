"""The stages in which `app` starts the service: weather and roads, commands, control, loops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from supervisor.config import Config
from supervisor.control.alarms import Alarms
from supervisor.control.circuit_wear import CircuitWear
from supervisor.control.clock_watch import ClockWatch
from supervisor.control.danger import Dangers
from supervisor.control.degraded import Degradations, show_degraded
from supervisor.control.demand_guard import DemandGuard
from supervisor.control.disk_watch import DiskWatch
from supervisor.control.dispatch import Dispatcher
from supervisor.control.estimation import Estimation
from supervisor.control.forecast_record import ForecastRecord
from supervisor.control.forecast_scores import show_scores
from supervisor.control.forecasts import ASK_EACH_S, Forecasts
from supervisor.control.intake import Intake, IntakeRecord, Measured
from supervisor.control.live import LiveState
from supervisor.control.meter import FeederMeter
from supervisor.control.metrics import Metrics
from supervisor.control.monitoring import Monitoring
from supervisor.control.notify.opening import Telling
from supervisor.control.outlook.desk import Outlooks
from supervisor.control.outlook.ice import AHEAD_S
from supervisor.control.overrides import Overrides
from supervisor.control.peaks import KeptPeaks
from supervisor.control.plan_loop import PlanLoop
from supervisor.control.plan_pool import PlanPool
from supervisor.control.plan_snapshot import PlanSnapshot, Situation
from supervisor.control.price_service import open_price_service
from supervisor.control.prices import FETCH_EACH_S, Prices, bill_by
from supervisor.control.publishing import Publisher
from supervisor.control.recalibration import LOOK_EACH_S, CalibrationRecord, Recalibration
from supervisor.control.response import Response
from supervisor.control.road_work import RoadWorks
from supervisor.control.sensors import SensorWatch
from supervisor.control.tallies import Tallies
from supervisor.control.watch import Watch
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.plan import SLOT_S
from supervisor.domain.weather import Forecast
from supervisor.energy.shipper import Shipper
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock, SystemClock, kept_in_time
from supervisor.store.store import Store
from supervisor.tariff.kind import Get
from supervisor.weather.ensemble import EnsembleProvider
from supervisor.weather.nowcast import WetOnset
from supervisor.weather.providers.registry import open_weather
from supervisor.wire.keys import load_or_create_key
from supervisor.wire.pki import Pki, ensure_pki

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Base:
    """What every stage uses."""

    config: Config
    clock: Clock
    store: Store
    metrics: Metrics
    alarms: Alarms
    background: Background
    live: LiveState
    degradations: Degradations
    tallies: Tallies

    def count_city(self, interface: str, outcome: str) -> None:
        """Count what became of something that came from or went to another system of the city."""
        self.metrics.city.labels(interface, outcome).inc()
        self.tallies.count(f"{interface} {outcome}")

    @property
    def monitoring(self) -> Monitoring:
        return Monitoring(self.alarms, self.metrics)


@dataclass(frozen=True)
class Roads:
    """The weather, and the state of every road."""

    forecasts: Forecasts
    estimation: Estimation
    recalibration: Recalibration
    works: RoadWorks
    response: Response
    outlooks: Outlooks


@dataclass(frozen=True)
class Commands:
    """What people want, and how boards hear of it."""

    overrides: Overrides
    dispatcher: Dispatcher
    dangers: Dangers


@dataclass(frozen=True)
class Control:
    """What makes plans and watches boards."""

    prices: Prices
    price_service: Get
    plan_loop: PlanLoop
    guard: DemandGuard
    intake: Intake
    watch: Watch


def prepare_files(config: Config) -> Pki:
    """The boards' certificate authority and keys: made where missing."""
    for board in config.board:
        load_or_create_key(config.board_key_path(board.id))
    return ensure_pki(config.pki_dir, config.boards.server_name)


def start_degradations(clock: Clock, metrics: Metrics) -> Degradations:
    """What is degraded: nothing yet; shown by the app and by Prometheus."""
    degradations = Degradations(clock)
    show_degraded(degradations, metrics)
    return degradations


async def start_roads(base: Base, stack: AsyncExitStack) -> Roads:
    """The forecast, and with it the estimate of every road."""
    config, clock = base.config, base.clock
    provider = await stack.enter_async_context(open_weather(config, clock))
    if config.planner.members > 1:
        onset = WetOnset(base.live.wet_share)
        provider = ensemble = EnsembleProvider(provider, config.planner.members, site=config.site, onset=onset)
        show_scores(base.metrics.registry, lambda: ensemble.verification)
    horizon_s = max(timedelta(hours=config.planner.horizon_h).total_seconds(), AHEAD_S)  # the outlook's, at least
    forecasts = Forecasts(provider, config.site, horizon_s, clock, base.alarms, base.metrics, base.degradations)
    await forecasts.resume(ForecastRecord(base.store.values, config.site))
    await forecasts.ask()
    estimation = Estimation(config.zone, forecasts, base.live, base.store.values, clock)
    store = base.store
    kept = CalibrationRecord(store.weather, store.values, store.audit)
    recalibration = Recalibration(config, estimation, forecasts, kept, base.metrics, clock)
    await recalibration.start()
    await estimation.start()
    works = RoadWorks(store.works, base.live, estimation, clock)
    await works.load()
    outlooks = Outlooks(config, estimation, forecasts, store, clock)
    response = Response(forecasts, store.events, clock, config.outlook.steps)
    response.foreseen = outlooks.district

    def renew_outlook(_: Forecast) -> None:
        base.background.spawn(outlooks.renew(), "outlook")

    forecasts.changed.append(renew_outlook)
    await response.load()
    return Roads(forecasts, estimation, recalibration, works, response, outlooks)


async def load_commands(base: Base, epoch: int, take_over: bool) -> Commands:
    """Overrides, electric danger and last plans from the record, and the dispatcher that sends them to boards."""
    store, live, alarms = base.store, base.live, base.alarms
    overrides = Overrides(store.overrides, live, base.clock)
    await overrides.load()
    newer_epoch = store.epochs.raise_above if take_over else None
    dispatcher = Dispatcher(epoch, live, overrides, base.monitoring, base.clock, base.background, newer_epoch)
    overrides.late.changed.append(
        lambda waiting: alarms.set(
            AlarmCode.NOT_RECORDED, "", waiting > 0,
            "A safety command is carried out and not recorded yet: the disk is full or does not answer. "
            "Look at the disk; do not stop the service before it is recorded",
        )
    )  # fmt: skip
    alarms.set(AlarmCode.NOT_RECORDED, "", overrides.late.waiting > 0)  # what waited when the service ended is lost
    dangers = Dangers(store.dangers, live, overrides, dispatcher, alarms, base.clock)
    await dangers.load()
    for plan in (await store.plans.latest()).values():
        if plan.zone in live.zones:
            live.zones[plan.zone].plan = plan
    return Commands(overrides, dispatcher, dangers)


async def start_control(
    base: Base, roads: Roads, commands: Commands, stack: AsyncExitStack, planner_executor: Callable[[], Executor]
) -> Control:
    """Prices, planner, demand guard, and what takes in and watches telemetry."""
    config, clock, store, monitoring = base.config, base.clock, base.store, base.monitoring
    live, overrides, dispatcher = base.live, commands.overrides, commands.dispatcher
    meter = FeederMeter(config.feeder, config.zone, config.site.timezone, base.metrics)
    prices = Prices(config, base.alarms, clock, base.degradations, base.metrics)
    await prices.start()
    price_service = await stack.enter_async_context(open_price_service(clock))
    bill_by(prices, meter, store.upkeep, config)
    publisher = Publisher(store.plans, dispatcher)
    situation = Situation(config, live, overrides, roads.forecasts, clock)
    snapshot = PlanSnapshot(
        config, lambda: prices.tariff, roads.estimation, roads.forecasts, meter, situation.now
    )  # fmt: skip
    pool = PlanPool(config.feeder, config.zone, config.planner.processes, planner_executor)
    plan_loop = PlanLoop(snapshot, situation.now, pool, publisher, monitoring, clock)
    stack.callback(plan_loop.close)
    guard = DemandGuard(live, overrides, meter, publisher, base.metrics, clock)
    intake = Intake(
        dispatcher, overrides, Measured(live, roads.estimation, meter),
        IntakeRecord(store.telemetry, store.quarantine, store.events), monitoring, clock, base.background,
    )  # fmt: skip
    watch = Watch(live, overrides, dispatcher, KeptPeaks(meter, store.values), store.upkeep, base.alarms, clock)
    time = ClockWatch(
        clock, base.alarms, base.degradations, kept_in_time if isinstance(clock, SystemClock) else lambda: None
    )  # fmt: skip
    intake.greeted.append(lambda hello: time.greeted(hello.b, hello.utc))

    async def plan_by_the_new_time(by_s: float) -> None:
        await watch.send_clocks()  # a plan's slots go by the time that boards have
        await roads.forecasts.ask()  # the one in use may not reach back, or has ended
        plan_loop.ask(f"the clock jumped by {by_s:.0f} s")

    time.jumped.append(lambda by_s: base.background.spawn(plan_by_the_new_time(by_s), "clock jumped"))
    watch.checks["clock"] = time.look
    watch.checks["sensors"] = SensorWatch(live, base.alarms, base.degradations).look
    watch.checks["restarts"] = intake.restarts.look
    watch.checks["disk"] = DiskWatch(base.config.state_dir, base.alarms, base.metrics).look
    watch.checks["response stage"] = roads.response.look
    wear = CircuitWear(store.health, clock, ZoneInfo(config.site.timezone))
    intake.sampled.append(wear.hear)
    watch.checks["wear"] = wear.look
    watch.checks["tallies"] = base.tallies.look
    await watch.start()
    return Control(prices, price_service, plan_loop, guard, intake, watch)


def plan_again_on_changes(base: Base, roads: Roads, commands: Commands, control: Control) -> None:
    """Connect everything that makes a new plan before the next quarter of an hour."""
    plan_loop = control.plan_loop
    control.prices.changed.append(lambda _: plan_loop.ask("prices"))
    roads.forecasts.changed.append(lambda _: plan_loop.ask("forecast"))
    commands.overrides.changed.append(plan_loop.override_changed)
    roads.works.changed.append(lambda work: plan_loop.ask(f"{work.zone} {work.kind}", work.zone))
    commands.dangers.changed.append(lambda danger: plan_loop.ask(f"electric danger at {danger.subject}"))
    control.intake.returned.append(lambda zone: plan_loop.ask(f"{zone} is heard again", zone))
    control.watch.gap.append(lambda zone: plan_loop.ask(f"{zone} is silent", zone))


def start_loops(
    loops: Background,
    clock: Clock,
    roads: Roads,
    commands: Commands,
    control: Control,
    telling: Telling,
    shipper: Shipper | None,
) -> tuple[asyncio.Task[None], ...]:
    """Every loop of the service; each starts again after a failure, and one that hangs is alarmed."""
    tasks = [
        loops.keep("hanging loops", partial(loops.watch, clock)),
        loops.keep("forecasts", roads.forecasts.run, ASK_EACH_S),
        loops.keep("estimation", roads.estimation.run),
        loops.keep("outlook", roads.outlooks.run),
        loops.keep("plans", control.plan_loop.run, SLOT_S),
        loops.keep("watch", control.watch.run),
        loops.keep("calibration", roads.recalibration.run, LOOK_EACH_S),
        loops.keep("demand guard", control.guard.run),
        loops.keep("prices", control.prices.run),
        loops.keep("electric danger", commands.dangers.run),
        loops.keep("telling people", telling.notifier.run),
    ]
    if control.prices.fetched:
        fetch = partial(control.prices.run_fetch, control.price_service)
        tasks.append(loops.keep("price service", fetch, FETCH_EACH_S))
    if shipper is not None:
        tasks.append(loops.keep("influx", shipper.run))
    if telling.heartbeat is not None:
        tasks.append(loops.keep("heartbeat", telling.heartbeat.run))
    return tuple(tasks)
