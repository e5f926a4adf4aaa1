"""READ FIRST. The service put together: one context per resource, in the order in which they start.

    weather ─► road ─► planner ─► control ─► gateway ─► board ─► contactor ─► road surface
       ▲                                                            sensors, meter  │
       └────────── state estimate ◄── store (commit, then acknowledge) ◄── telemetry ┘

Reading down `running` follows one storm: the record and its epoch, what is known of each zone, the forecast, the
estimate of every road, the plan, the crew's overrides, the boards' door, and last the crew's own. What starts later
uses what started earlier; what fails at start ends everything before it in reverse, and so does SIGTERM. A SIGKILL
is no worse: everything that counts was committed before it was answered, and a new start has a new epoch.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from aiohttp import web

from supervisor.config import Config, InfluxConfig
from supervisor.control.alarms import Alarm, Alarms
from supervisor.control.background import Background
from supervisor.control.dispatch import Dispatcher
from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.intake import Intake
from supervisor.control.live import LiveState
from supervisor.control.meter import FeederMeter
from supervisor.control.metrics import Metrics
from supervisor.control.overrides import Overrides
from supervisor.control.plan_loop import PlanLoop, make_executor
from supervisor.control.watch import Watch
from supervisor.domain.clock import Clock
from supervisor.domain.errors import ConfigError, RoadheatError
from supervisor.energy.endpoint import Target
from supervisor.energy.shipper import shipping
from supervisor.gateway.gateway import Gateway
from supervisor.planner.tariff import Tariff, make_tariff
from supervisor.store.store import DATABASE_NAME, SPOOL_CAP_BYTES, Store
from supervisor.weather.ensemble import EnsembleProvider
from supervisor.weather.fetch import Fetcher
from supervisor.weather.kma_asos import KmaAsosObservations
from supervisor.weather.kma_village import KmaVillageProvider
from supervisor.weather.met_norway import MetNorwayProvider
from supervisor.weather.nowcast import WetOnset
from supervisor.weather.openmeteo import OpenMeteoProvider
from supervisor.weather.provider import FileProvider, WeatherProvider
from supervisor.web import Services, make_app
from supervisor.web.sessions import Sessions
from supervisor.wire.keys import load_or_create_key
from supervisor.wire.pki import Pki, ensure_pki

logger = logging.getLogger(__name__)

USER_AGENT = "roadheat (+https://pypi.org/project/roadheat)"  # weather services ask who is asking
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
    board_address: tuple[str, int]
    web_url: str
    admin_link: str | None  # until an administrator has signed in
    endless: tuple[asyncio.Task[None], ...]  # the loops; one that ends is a defect


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
        pki, tariff = prepare_files(config), read_tariff(config)
        store = await stack.enter_async_context(open_store(config, clock))
        epoch = await store.next_epoch()

        # 2 what is known now
        metrics, background = Metrics(), await stack.enter_async_context(Background())
        live = LiveState(config.zone, clock)
        alarms = await take_up_alarms(store, clock, metrics, background)
        meter = FeederMeter(config.feeder, config.zone, config.site.timezone, metrics)

        # 3 weather, and with it the estimate of every road
        provider = await stack.enter_async_context(open_weather(config, clock))
        if config.planner.members > 1:
            onset = WetOnset(live.wet_share)
            provider = EnsembleProvider(provider, config.planner.members, site=config.site, onset=onset)
        horizon_s = timedelta(hours=config.planner.horizon_h).total_seconds()
        forecasts = Forecasts(provider, config.site, horizon_s, clock, alarms, metrics)
        await forecasts.ask()
        estimation = Estimation(config.zone, forecasts, live, store, clock)
        await estimation.start()

        # 4 what people and planner want, and how boards hear of it
        overrides = Overrides(store, live, clock)
        await overrides.load()
        dispatcher = Dispatcher(
            epoch, config.zone, live, overrides, alarms, metrics, clock, background,
            newer_epoch=store.raise_epoch if take_over else None,
        )  # fmt: skip
        for plan in (await store.latest_plans()).values():
            if plan.zone in live.zones:
                live.zones[plan.zone].plan = plan
        plan_loop = PlanLoop(
            config, tariff, estimation, forecasts, live, overrides, meter, dispatcher, store, alarms, metrics, clock,
            planner_executor,
        )  # fmt: skip
        stack.callback(plan_loop.close)
        intake = Intake(
            dispatcher, store, live, overrides, estimation, meter, alarms, metrics, clock, background
        )  # fmt: skip
        watch = Watch(live, overrides, dispatcher, meter, store, alarms, clock)
        await watch.start()

        # 5 what makes a new plan, besides the quarter of an hour
        forecasts.changed.append(lambda _: plan_loop.ask("forecast"))
        overrides.changed.append(plan_loop.override_changed)
        intake.returned.append(lambda zone: plan_loop.ask(f"{zone} is heard again"))
        watch.gap.append(lambda zone: plan_loop.ask(f"{zone} is silent"))

        # 6 the loops, the energy record's way out, the two doors
        loops = await stack.enter_async_context(Background())
        endless = [
            loops.spawn(forecasts.run(), "forecasts"),
            loops.spawn(estimation.run(), "estimation"),
            loops.spawn(plan_loop.run(), "plans"),
            loops.spawn(watch.run(), "watch"),
        ]
        if config.influx is not None:
            shipper = await stack.enter_async_context(shipping(influx_target(config.influx), store, clock, alarms.set))
            endless.append(loops.spawn(shipper.run(), "influx"))
        gateway = await stack.enter_async_context(Gateway(config, pki, intake, metrics))
        sessions = Sessions(store, clock)
        services = Services(
            live=live, overrides=overrides, sessions=sessions, clock=clock, site=config.site,
            public_url=config.web.public_url, metrics_token=os.environ.get(config.web.metrics_token_env, ""),
            registry=metrics.registry,
        )  # fmt: skip
        url = await stack.enter_async_context(listen_web(config, make_app(services)))
        link = await sessions.first_link()
        admin_link = None if link is None else url + link
        yield Service(live, overrides, plan_loop, store, alarms, gateway.address, url, admin_link, tuple(endless))


async def serve(config: Config, clock: Clock, *, take_over: bool = False, say: Callable[[str], None] = print) -> None:
    """Run until SIGTERM or SIGINT; a loop that fails ends the service, for its keeper to start it again."""
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


def prepare_files(config: Config) -> Pki:
    """State folder, the boards' authority and keys: made where missing."""
    config.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    for board in config.board:
        load_or_create_key(config.board_key_path(board.id))
    return ensure_pki(config.pki_dir, config.boards.server_name)


def read_tariff(config: Config) -> Tariff:
    """The configured tariff; raises TariffError."""
    tariff = config.tariff
    return make_tariff(
        tariff.currency,
        config.site.timezone,
        flat=tariff.flat,
        bands=tariff.band,
        file=config.resolve(tariff.file) if tariff.file else None,
        holidays=tariff.holidays,
    )


def influx_target(influx: InfluxConfig) -> Target:
    """Where the energy record goes; the token comes from the environment."""
    return Target(
        api=influx.api, url=influx.url, database=influx.database, bucket=influx.bucket, org=influx.org,
        token=os.environ.get(influx.token_env, ""),
    )  # fmt: skip


@asynccontextmanager
async def open_store(config: Config, clock: Clock) -> AsyncIterator[Store]:
    store = Store.open(
        config.state_dir / DATABASE_NAME,
        clock,
        site=config.site.name,
        timezone=config.site.timezone,
        spool_cap_bytes=SPOOL_CAP_BYTES if config.influx else 0,
    )
    try:
        yield store
    finally:
        await store.close()


async def take_up_alarms(store: Store, clock: Clock, metrics: Metrics, background: Background) -> Alarms:
    """Alarms that stood when the service last ran stand until their cause is seen to be gone."""
    alarms = Alarms(clock, metrics)
    for record in await store.open_alarms():
        alarms.take_up(Alarm(record.code, record.subject, record.detail, record.raised_utc_s))

    async def record_change(alarm: Alarm) -> None:
        if alarm.cleared_utc_s is None:
            await store.raise_alarm(alarm.code, alarm.subject, alarm.text)
        else:
            await store.clear_alarm(alarm.code, alarm.subject)

    alarms.changed.append(lambda alarm: background.spawn(record_change(alarm), "alarm"))
    return alarms


@asynccontextmanager
async def open_weather(config: Config, clock: Clock) -> AsyncIterator[WeatherProvider]:
    """The configured provider. Raises WeatherError for a file that cannot be used."""
    weather = config.weather
    if weather.provider == "file":
        yield FileProvider.open(config.resolve(weather.file), config.site)
        return
    async with aiohttp.ClientSession() as session:
        fetcher = Fetcher(session, clock, USER_AGENT)
        if weather.provider == "met-norway":
            yield MetNorwayProvider(config.site, fetcher)
        elif weather.provider == "kma":
            asos = KmaAsosObservations(config.site, Fetcher(session, clock, USER_AGENT), weather.station)
            yield KmaVillageProvider(config.site, fetcher, asos if weather.station else None)
        else:
            yield OpenMeteoProvider(config.site, fetcher, weather.models)


@asynccontextmanager
async def listen_web(config: Config, app: web.Application) -> AsyncIterator[str]:
    """The crew app's listener; gives its URL."""
    host, _, port = config.web.listen.rpartition(":")
    context = None
    if config.web.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(config.resolve(config.web.cert), config.resolve(config.web.key))
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host.strip("[]"), int(port), ssl_context=context)
        await site.start()
        bound = runner.addresses[0][1]
        yield config.web.public_url or f"{'https' if context else 'http'}://{host}:{bound}"
    except OSError as error:
        raise ConfigError(
            f"cannot listen: {error.strerror}", where=f"web.listen = {config.web.listen!r}", remedy="Free the port"
        ) from error
    finally:
        await runner.cleanup()


def explain(config: Config) -> tuple[tuple[RoadheatError, ...], tuple[str, ...]]:
    """What is wrong beyond city.toml itself: the files it names, tokens; and what is allowed but worth a word."""
    problems: list[RoadheatError] = []
    try:
        read_tariff(config)
    except RoadheatError as error:
        problems.append(error)
    if config.weather.provider == "file":
        try:
            FileProvider.open(config.resolve(config.weather.file), config.site)
        except RoadheatError as error:
            problems.append(error)
    named = [config.web.metrics_token_env, config.influx.token_env if config.influx else ""]
    problems += [
        ConfigError(f"environment variable {name} is not set", where="token", remedy=f"Set {name} for the service")
        for name in named
        if name and name not in os.environ
    ]
    warnings = []
    for feeder in config.feeder:
        installed_kw = sum(zone.power_w for zone in config.zone if zone.feeder == feeder.id) / 1000
        if installed_kw > feeder.breaker_kw:
            warnings.append(
                f"feeder {feeder.id}: {installed_kw:g} kW hang on a breaker of {feeder.breaker_kw:g} kW; with the "
                "network gone every board may heat at once"
            )
    return tuple(problems), tuple(warnings)
