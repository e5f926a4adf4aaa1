"""READ FIRST. The service put together: one context per resource, in the order in which they start.

    weather ─► road ─► planner ─► control ─► gateway ─► board ─► contactor ─► road surface
       ▲                                                            sensors, meter  │
       └────────── state estimate ◄── store (commit, then acknowledge) ◄── telemetry ┘

Reading down `running` follows one storm: the record and its epoch, what is known of each zone, the forecast, the
estimate of every road, the plan, the crew's overrides, the boards' listener, and last the crew's. What starts later
uses what started earlier; what fails at start ends everything before it in reverse, and so does SIGTERM. A SIGKILL
is no worse: everything that counts was committed before it was answered, and a new start has a new epoch.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from supervisor.config import Config
from supervisor.control.alarms import Alarms
from supervisor.control.danger import Dangers
from supervisor.control.demand_guard import DemandGuard
from supervisor.control.dispatch import Dispatcher
from supervisor.control.estimation import Estimation
from supervisor.control.forecast_scores import show_scores
from supervisor.control.forecasts import ASK_EACH_S, Forecasts
from supervisor.control.intake import Intake
from supervisor.control.live import LiveState
from supervisor.control.meter import FeederMeter
from supervisor.control.metrics import Metrics
from supervisor.control.overrides import Overrides
from supervisor.control.plan_loop import PlanLoop
from supervisor.control.plan_pool import make_executor
from supervisor.control.prices import Prices
from supervisor.control.recalibration import LOOK_EACH_S, Recalibration
from supervisor.control.watch import Watch
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.plan import SLOT_S
from supervisor.gateway.gateway import Gateway
from supervisor.net.handles import raise_limit, share_out
from supervisor.parts import (
    keep_alarms,
    listen_web,
    open_influx,
    open_store,
    open_weather,
    prepare_files,
)
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock
from supervisor.store.store import Store
from supervisor.weather.ensemble import EnsembleProvider
from supervisor.weather.nowcast import WetOnset
from supervisor.web import Safety, Services, make_app
from supervisor.web.sessions import Sessions

logger = logging.getLogger(__name__)

# Thousands of sessions make millions of long-lived objects: the default pauses the loop for a second (FAULTS §5).
GC_THRESHOLDS = (200_000, 20, 100)


@dataclass(frozen=True)
class Service:
    """What runs, for those who start it: tests and `serve`."""

    live: LiveState
    overrides: Overrides
    plan_loop: PlanLoop
    store: Store
    alarms: Alarms
    dangers: Dangers
    board_address: tuple[str, int]
    web_url: str
    admin_link: str | None  # until an administrator has signed in
    endless: tuple[asyncio.Task[None], ...]  # the loops: each starts again after a failure and ends when cancelled


@asynccontextmanager
async def running(
    config: Config,
    clock: Clock,
    *,
    take_over: bool = False,
    planner_executor: Callable[[], Executor] = make_executor,
) -> AsyncIterator[Service]:
    """The whole service between enter and exit. Raises RoadheatError where a part cannot start."""
    async with AsyncExitStack() as stack:
        # 1 the record, and this start's epoch: committed before anything can be commanded with it
        budgets = share_out(raise_limit(), len(config.board))
        pki = prepare_files(config)
        store = await stack.enter_async_context(open_store(config, clock))
        epoch = await store.next_epoch()

        # 2 what is known now
        metrics = Metrics()
        alarms, background = await stack.enter_async_context(keep_alarms(store, clock, metrics))
        live = LiveState(config.zone, clock)
        meter = FeederMeter(config.feeder, config.zone, config.site.timezone, metrics)

        # 3 weather, and with it the estimate of every road
        provider = await stack.enter_async_context(open_weather(config, clock))
        if config.planner.members > 1:
            onset = WetOnset(live.wet_share)
            provider = EnsembleProvider(provider, config.planner.members, site=config.site, onset=onset)
            show_scores(metrics.registry, provider.verification)
        horizon_s = timedelta(hours=config.planner.horizon_h).total_seconds()
        forecasts = Forecasts(provider, config.site, horizon_s, clock, alarms, metrics)
        await forecasts.ask()
        estimation = Estimation(config.zone, forecasts, live, store, clock)
        recalibration = Recalibration(config, estimation, forecasts, store, metrics, clock)
        await recalibration.start()
        await estimation.start()

        # 4 what people and planner want, and how boards hear of it
        overrides = Overrides(store, live, clock)
        await overrides.load()
        dispatcher = Dispatcher(
            epoch, config.zone, live, overrides, alarms, metrics, clock, background,
            newer_epoch=store.raise_epoch if take_over else None,
        )  # fmt: skip
        overrides.late.changed.append(
            lambda waiting: alarms.set(
                AlarmCode.NOT_RECORDED, "", waiting > 0,
                "A safety command is carried out and not recorded yet: the disk is full or does not answer. "
                "Look at the disk; do not stop the service before it is recorded",
            )
        )  # fmt: skip
        alarms.set(AlarmCode.NOT_RECORDED, "", overrides.late.waiting > 0)  # what waited when the service ended is lost
        dangers = Dangers(store, live, overrides, dispatcher, alarms, clock)
        await dangers.load()
        for plan in (await store.latest_plans()).values():
            if plan.zone in live.zones:
                live.zones[plan.zone].plan = plan
        prices = Prices(config, alarms, clock)
        await prices.start()
        plan_loop = PlanLoop(
            config, prices.tariff, estimation, forecasts, live, overrides, meter, dispatcher, store, alarms, metrics,
            clock, planner_executor,
        )  # fmt: skip
        stack.callback(plan_loop.close)
        guard = DemandGuard(config.feeder, live, overrides, meter, dispatcher, store, metrics, clock)
        intake = Intake(
            dispatcher, store, live, overrides, estimation, meter, alarms, metrics, clock, background
        )  # fmt: skip
        watch = Watch(live, overrides, dispatcher, meter, store, alarms, clock)
        await watch.start()

        # 5 what makes a new plan, besides the quarter of an hour
        prices.changed.append(plan_loop.use_tariff)
        forecasts.changed.append(lambda _: plan_loop.ask("forecast"))
        overrides.changed.append(plan_loop.override_changed)
        dangers.changed.append(lambda danger: plan_loop.ask(f"electric danger at {danger.subject}"))
        intake.returned.append(lambda zone: plan_loop.ask(f"{zone} is heard again"))
        watch.gap.append(lambda zone: plan_loop.ask(f"{zone} is silent"))

        # 6 the loops, the energy record's way out, the two listeners
        shipper = await stack.enter_async_context(open_influx(config, store, clock, alarms))
        loops = await stack.enter_async_context(Background(alarms, metrics.loop_restarts))
        endless = [
            loops.keep("forecasts", forecasts.run, ASK_EACH_S),
            loops.keep("estimation", estimation.run),
            loops.keep("plans", plan_loop.run, SLOT_S),
            loops.keep("watch", watch.run),
            loops.keep("calibration", recalibration.run, LOOK_EACH_S),
            loops.keep("demand guard", guard.run),
            loops.keep("prices", prices.run),
            loops.keep("electric danger", dangers.run),
        ]
        if shipper is not None:
            endless.append(loops.keep("influx", shipper.run))
        gateway = await stack.enter_async_context(
            Gateway(config, pki, intake, metrics, alarms, connections_max=budgets.boards)
        )
        sessions = Sessions(store, clock)
        services = Services(
            live=live, overrides=overrides, sessions=sessions, clock=clock, site=config.site,
            public_url=config.web.public_url, metrics_token=os.environ.get(config.web.metrics_token_env, ""),
            registry=metrics.registry, safety=Safety(store, dangers, intake.cables, alarms),
        )  # fmt: skip
        url = await stack.enter_async_context(listen_web(config, make_app(services), budgets.web))
        link = await sessions.first_link()
        admin_link = None if link is None else url + link
        if link is None and not await sessions.admin_can_sign_in():
            logger.warning("no administrator can sign in; make a link: roadheat user link NAME --role admin")
        yield Service(
            live, overrides, plan_loop, store, alarms, dangers, gateway.address, url, admin_link, tuple(endless)
        )


async def serve(config: Config, clock: Clock, *, take_over: bool = False, say: Callable[[str], None] = print) -> None:
    """Run until SIGTERM or SIGINT. A loop that fails starts again beside the others; one that is cancelled ends it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config, clock, take_over=take_over) as service:
        host, port = service.board_address
        say(f"boards dial in at {host}:{port}, {len(config.board)} are configured")
        say(f"crew app at {service.web_url}")
        if service.admin_link is not None:
            say(f"one-time admin link: {service.admin_link}")
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        stopped = asyncio.ensure_future(stop.wait())
        done, _ = await asyncio.wait({stopped, *service.endless}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in done - {stopped}:
            await task
        logger.info("stopping")
