"""What `app` puts together: how each resource starts and ends, and what a configuration needs beyond itself."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiohttp import web

from supervisor.config import Config
from supervisor.config.source import parse
from supervisor.control import notify
from supervisor.control.alarm_recorder import AlarmRecorder
from supervisor.control.alarms import Alarms
from supervisor.control.metrics import Metrics
from supervisor.domain.errors import ConfigError, RoadheatError, StoreError, TariffError
from supervisor.energy.endpoint import Target
from supervisor.energy.shipper import Shipper, shipping
from supervisor.net.accept import Acceptor
from supervisor.net.connections import Connections
from supervisor.net.handles import WEB_MAX, needed, raise_limit
from supervisor.net.refusals import Refusals
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock
from supervisor.store.store import DATABASE_NAME, SPOOL_CAP_BYTES, Store
from supervisor.tariff.configured import configured_tariff
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.files import read_weather_csv
from supervisor.weather.providers.kma_asos import KEY_ENV as KMA_ASOS_KEY_ENV
from supervisor.weather.providers.kma_asos import KmaAsosObservations
from supervisor.weather.providers.kma_village import KEY_ENV as KMA_VILLAGE_KEY_ENV
from supervisor.weather.providers.kma_village import KmaVillageProvider
from supervisor.weather.providers.met_norway import MetNorwayProvider
from supervisor.weather.providers.openmeteo import OpenMeteoProvider
from supervisor.weather.providers.provider import WeatherProvider
from supervisor.weather.providers.watched import WatchedFile
from supervisor.web.keys import SERVICES
from supervisor.web.listening import ENTRANCE, HANDSHAKES, HEADER_S, web_caps
from supervisor.web.metrics import REFUSED
from supervisor.web.stream import PACE
from supervisor.wire.keys import load_or_create_key
from supervisor.wire.pki import Pki, ensure_pki

USER_AGENT = "roadheat (+https://pypi.org/project/roadheat)"  # weather services ask who is asking


def prepare_files(config: Config) -> Pki:
    """State folder, the boards' authority and keys: made where missing."""
    config.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    for board in config.board:
        load_or_create_key(config.board_key_path(board.id))
    return ensure_pki(config.pki_dir, config.boards.server_name)


@asynccontextmanager
async def open_influx(config: Config, store: Store, clock: Clock, alarms: Alarms) -> AsyncIterator[Shipper | None]:
    """The energy record's way out, where one is configured; the token comes from the environment."""
    influx = config.influx
    if influx is None:
        yield None
        return
    target = Target(
        api=influx.api,
        url=influx.url,
        database=influx.database,
        bucket=influx.bucket,
        org=influx.org,
        token=os.environ.get(influx.token_env, ""),
    )
    async with shipping(target, store, clock, alarms.set) as shipper:
        yield shipper


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


@asynccontextmanager
async def keep_alarms(store: Store, clock: Clock, metrics: Metrics) -> AsyncIterator[tuple[Alarms, Background]]:
    """Alarms that stood when the service last ran stand until their cause is seen to be gone; changes are recorded.

    Also gives the tasks beside the request, which say by alarms what fails of them.
    """
    alarms = Alarms(clock, metrics)
    for record in await store.open_alarms():
        if not alarms.take_up(record.code, record.subject, record.detail, record.raised_utc_s):
            with suppress(StoreError):  # a full disk: at the next start again
                await store.clear_alarm(record.code, record.subject)
    recorder = AlarmRecorder(store)
    alarms.changed.append(recorder.changed)
    try:
        async with Background(alarms, metrics.loop_restarts) as background:
            background.keep("alarm record", recorder.run)
            notify.start(alarms, background, os.environ)
            yield alarms, background
    finally:
        await recorder.flush()


@asynccontextmanager
async def open_weather(config: Config, clock: Clock) -> AsyncIterator[WeatherProvider]:
    """The configured provider. What is wrong with its file or its service shows when it is asked."""
    weather = config.weather
    if weather.provider == "file":
        yield WatchedFile(config.resolve(weather.file), config.site)
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
async def listen_web(config: Config, app: web.Application, connections_max: int = WEB_MAX) -> AsyncIterator[str]:
    """The crew app's listener, with so many connections at a time; gives its URL."""
    host, _, port = config.web.listen.rpartition(":")
    context = None
    if config.web.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(config.resolve(config.web.cert), config.resolve(config.web.key))
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
    await runner.setup()
    assert runner.server is not None
    caps = web_caps(connections_max, config.web.connections_per_address, config.web.proxies)
    refusals = Refusals(lambda reason: app[REFUSED].labels(reason).inc())
    connections = Connections(caps, refusals.refuse, app[SERVICES].wall.monotonic_s, app[PACE].loop_s)
    async with Background() as background:
        acceptor = Acceptor(
            runner.server, context, HANDSHAKES, connections, refusals.refuse, background,
            lambda: (HEADER_S, f"no whole request within {HEADER_S:g} s"),
        )  # fmt: skip
        app[ENTRANCE].acceptor = acceptor
        try:
            _, bound = await acceptor.start(host.strip("[]"), int(port))
            yield config.web.public_url or f"{'https' if context else 'http'}://{host}:{bound}"
        except OSError as error:
            raise ConfigError(
                f"cannot listen: {error.strerror}", where=f"web.listen = {config.web.listen!r}", remedy="Free the port"
            ) from error
        finally:
            acceptor.stop()
            await runner.cleanup()
            acceptor.close()


def explain(config: Config) -> tuple[tuple[RoadheatError, ...], tuple[str, ...]]:
    """What is wrong beyond city.toml itself: the files it names, tokens; and what is allowed but worth a word."""
    source = parse(config.path)
    problems: list[RoadheatError] = []
    try:
        configured_tariff(config)
    except TariffError as error:  # of a file of its own, or of the tables of city.toml
        where = error.where if config.tariff.file else f"{config.path.name}: {error.where}"
        problems.append(TariffError(error.message, where=where, remedy=error.remedy))
    warnings = []
    if config.weather.provider == "file":
        try:
            _, repairs = read_weather_csv(config.resolve(config.weather.file), config.site)
            warnings += [f"{config.weather.file}: repaired {kind}: {count}" for kind, count in repairs.items()]
        except RoadheatError as error:
            problems.append(error)
    problems += [
        source.problem(
            key,
            f"environment variable {name} is not set",
            f"Set {name} for the service. If only the service has it, run this check with the service's environment",
        )
        for key, name in _secrets(config)
        if not os.environ.get(name)
    ]
    limit, boards = raise_limit(), len(config.board)
    if limit < needed(boards):
        warnings.append(
            f"{boards} boards need {needed(boards)} open files; here the limit is {limit}, and `roadheat serve` would "
            "refuse to start with it"
        )
    for feeder in config.feeder:
        installed_kw = sum(zone.power_w for zone in config.zone if zone.feeder == feeder.id) / 1000
        if installed_kw > feeder.breaker_kw:
            warnings.append(
                f"feeder {feeder.id}: {installed_kw:g} kW hang on a breaker of {feeder.breaker_kw:g} kW; with the "
                "network gone every board may heat at once"
            )
    return tuple(problems), tuple(warnings)


def _secrets(config: Config) -> Iterator[tuple[str, str]]:
    """Key of city.toml, and the environment variable that it needs."""
    if config.web.metrics_token_env:
        yield "web.metrics_token_env", config.web.metrics_token_env
    if config.influx and config.influx.token_env:
        yield "influx.token_env", config.influx.token_env
    if config.weather.provider == "kma":
        yield "weather.provider", KMA_VILLAGE_KEY_ENV
        if config.weather.station:
            yield "weather.station", KMA_ASOS_KEY_ENV
