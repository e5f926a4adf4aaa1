"""Read this first. The service put together: one context per resource, in the order in which they start.

    weather ─► road ─► planner ─► control ─► gateway ─► board ─► contactor ─► road surface
       ▲                                                            sensors, meter  │
       └────────── state estimate ◄── store (commit, then acknowledge) ◄── telemetry ┘

`running` starts them, top to bottom: the store and this start's epoch, alarms and live state, the forecast and the
estimate of every road, overrides and dispatcher, the planner, the loops, the boards' listener, the crew's listener.
What starts later uses what started earlier; a failure at start ends everything before it in reverse, and so does
SIGTERM. After a SIGKILL nothing is lost: everything that counts was committed before it was answered, and a new start
has a new epoch.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from supervisor.city import registry as city
from supervisor.city.ngsi.entities import Entities
from supervisor.city.readings import Readings
from supervisor.config import Config
from supervisor.control.alarm_recorder import keep_alarms
from supervisor.control.alarms import Alarms
from supervisor.control.danger import Dangers
from supervisor.control.live import LiveState
from supervisor.control.metrics import Metrics
from supervisor.control.notify.opening import open_telling
from supervisor.control.overrides import Overrides
from supervisor.control.plan_loop import PlanLoop
from supervisor.control.plan_pool import make_executor
from supervisor.control.tallies import Tallies
from supervisor.energy.influx import open_influx
from supervisor.energy.metrics import SpoolCollector
from supervisor.gateway.gateway import Gateway
from supervisor.leading import Lead, leading
from supervisor.net.handles import raise_limit, share_out
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock, SystemClock
from supervisor.runtime.lag import measure_lag
from supervisor.runtime.logs import SPARING_S, keep_counts, say_left_out
from supervisor.runtime.single import alone_in
from supervisor.runtime.stopping import stop_asked
from supervisor.stages import (
    Base,
    Commands,
    Control,
    load_commands,
    plan_again_on_changes,
    prepare_files,
    start_control,
    start_degradations,
    start_loops,
    start_roads,
)
from supervisor.store.opening import open_store
from supervisor.store.store import Store
from supervisor.trust_stage import start_trust
from supervisor.web import make_app
from supervisor.web.listener import listen_web
from supervisor.web.sessions import Sessions
from supervisor.web_stage import admin_link, web_services
from supervisor.wire.pki import Pki

logger = logging.getLogger(__name__)

# Thousands of sessions make millions of long-lived objects: the default pauses the loop for a second. A collection of
# young ones takes some 1.5 µs each among so many others; the oldest are looked at again after 200 million new ones.
GC_THRESHOLDS = (10_000, 2, 10_000)
# The thread that commits asks for the interpreter after every statement. At Python's 5 ms a busy loop made it wait so
# long that a thousand records a second of 10,000 boards, and every command behind them, were kept seconds late.
SWITCH_EACH_S = 0.0005


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


class Entrance(Protocol):
    """Through which boards come: the listener of this process, or gateways. An async context."""

    address: tuple[str, int]  # port 0: this process listens for no board

    def renew_certificate(self) -> None: ...

    async def __aenter__(self) -> Any: ...

    async def __aexit__(self, *error: object) -> None: ...


MakeEntrance = Callable[[Base, Pki, Control, Commands], Entrance]


@asynccontextmanager
async def running(
    config: Config,
    clock: Clock,
    *,
    take_over: bool = False,
    planner_executor: Callable[[], Executor] = make_executor,
    entrance: MakeEntrance | None = None,
    lead: Lead | None = None,
) -> AsyncIterator[Service]:
    """The whole service between enter and exit. Raises RoadheatError where a part cannot start.

    `entrance` makes what takes the place of the boards' listener; `lead` is this core's lease.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(alone_in(config.state_dir))
        budgets = share_out(raise_limit(), len(config.board))
        pki = prepare_files(config)
        store = await stack.enter_async_context(open_store(config, clock, lead.place if lead else None))
        epoch = await store.epochs.next()  # committed before anything can be commanded with it
        metrics = Metrics()
        alarms, background = await stack.enter_async_context(keep_alarms(store, clock, metrics))
        live = LiveState(config.zone, clock)
        live.board_names = {board.id: board.name for board in config.board if board.name}
        degradations = start_degradations(clock, metrics)
        tallies = Tallies(store.tally, clock, ZoneInfo(config.site.timezone))
        base = Base(config, clock, store, metrics, alarms, background, live, degradations, tallies)

        roads = await start_roads(base, stack)
        commands = await load_commands(base, epoch, take_over)
        if lead is not None:
            commands.dispatcher.holds = lead.lease.holds
            lead.lease.regained.append(commands.dispatcher.send_again)
        control = await start_control(base, roads, commands, stack, planner_executor)
        plan_again_on_changes(base, roads, commands, control)

        shipper = await stack.enter_async_context(open_influx(config, store.spool, clock, alarms.set))
        telling = await stack.enter_async_context(open_telling(config, store, alarms, clock))
        commands.overrides.displaced.append(telling.displaced)
        roads.outlooks.told.append(telling.ahead)
        loops = await stack.enter_async_context(Background(alarms, metrics.loop_restarts))
        endless = start_loops(loops, clock, roads, commands, control, telling, shipper)
        if shipper is not None:
            metrics.registry.register(SpoolCollector(shipper, clock))
        gateway: Entrance
        if entrance is None:
            gateway = Gateway(config, pki, control.intake, metrics, alarms, connections_max=budgets.boards)
        else:
            gateway = entrance(base, pki, control, commands)
        endless += start_trust(loops, base, control, commands, pki, gateway.renew_certificate)
        readings = Readings(live, store.telemetry, alarms.standing, clock, roads.outlooks.district)
        entities = Entities(readings, config.site, config.feeder, config.city.ngsi_ld, roads.forecasts.spin_up)
        endless += city.start(
            loops,
            city.City(
                config.city, commands.overrides, entities, config.state_dir / "city", alarms, clock, base.count_city
            ),
        )
        endless += (loops.keep("log", partial(keep_counts, clock), SPARING_S),)
        if isinstance(clock, SystemClock):  # granted time is never late
            endless += (loops.keep("loop lag", partial(measure_lag, metrics.loop_lag_s.observe)),)
        await stack.enter_async_context(gateway)
        sessions = Sessions(store.access, clock)
        app = make_app(web_services(base, roads, commands, control, telling, sessions, entities))
        url = await stack.enter_async_context(listen_web(config, app, budgets.web))
        link = await admin_link(sessions)
        yield Service(
            live, commands.overrides, control.plan_loop, store, alarms, commands.dangers, gateway.address, url,
            None if link is None else url + link, endless,
        )  # fmt: skip


async def serve(
    config: Config,
    clock: Clock,
    *,
    take_over: bool = False,
    say: Callable[[str], None] = print,
    entrance: MakeEntrance | None = None,
) -> None:
    """Run until SIGTERM or SIGINT. A loop that fails starts again beside the others; one that is cancelled ends it."""
    stop = stop_asked()
    async with AsyncExitStack() as stack:
        lead = await stack.enter_async_context(leading(config, say, stop))
        if stop.is_set():
            return
        service = await stack.enter_async_context(
            running(config, clock, take_over=take_over, entrance=entrance, lead=lead)
        )
        host, port = service.board_address
        where = f"dial in at {host}:{port}" if port else "come through gateways"
        say(f"boards {where}, {len(config.board)} are configured")
        say(f"crew app at {service.web_url}")
        if service.admin_link is not None:
            say(f"one-time admin link: {service.admin_link}")
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        sys.setswitchinterval(SWITCH_EACH_S)
        stopped = asyncio.ensure_future(stop.wait())
        endless = {*service.endless, *([lead.kept] if lead else ())}
        done, _ = await asyncio.wait({stopped, *endless}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in done - {stopped}:
            await task
        logger.info("stopping")
        say_left_out(math.inf)
