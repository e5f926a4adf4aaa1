"""The stage in which the web layer gets its services, and the first administrator a link."""

from __future__ import annotations

import logging
import os
from functools import partial
from zoneinfo import ZoneInfo

from supervisor.city.briefing import Briefings
from supervisor.city.documents import Documents
from supervisor.city.eyes import Drains, Upwind
from supervisor.city.ngsi.entities import Entities
from supervisor.city.observations import PEOPLE, PROGRAM, Observations
from supervisor.city.open_data import OpenData
from supervisor.city.readings import Readings
from supervisor.city.traffic import Traffic
from supervisor.city.weighing import KEY, Weighing
from supervisor.config.geometry import district_lines
from supervisor.control.alarm_desk import AlarmDesk
from supervisor.control.notify.opening import Telling
from supervisor.control.previews import Previews
from supervisor.control.residents import IceReports
from supervisor.control.sprayers import Ahead, Sprayers
from supervisor.control.turns import TurnTaking
from supervisor.control.zone_day import ZoneDays
from supervisor.reports.desk import EnergyDesk
from supervisor.stages import Base, Commands, Control, Roads
from supervisor.weather.providers.registry import attributions
from supervisor.web import Safety, Services
from supervisor.web.residents import Residents
from supervisor.web.sessions import Sessions

logger = logging.getLogger(__name__)


def web_services(
    base: Base,
    roads: Roads,
    commands: Commands,
    control: Control,
    telling: Telling,
    sessions: Sessions,
    entities: Entities,
) -> Services:
    config = base.config
    return Services(
        live=base.live,
        overrides=commands.overrides,
        sessions=sessions,
        clock=base.clock,
        site=config.site,
        answers=base.store.answers,
        previews=Previews(
            base.live,
            commands.overrides,
            config.feeder,
            control.plan_loop.preview,
            lambda: control.prices.tariff.currency,
            base.clock,
        ),
        turn_taking=_turn_taking(base, commands, control),
        residents=_residents(base, control) if config.web.residents else None,
        contract_w=round(1000 * sum(feeder.contract_kw for feeder in config.feeder)),
        feeders=tuple(config.feeder),
        attributions=attributions(config.weather),
        public_url=config.web.public_url,
        hosts=config.web.hosts,
        lines=district_lines(config),
        contact=config.web.contact,
        metrics_token=os.environ.get(config.web.metrics_token_env, ""),
        registry=base.metrics.registry,
        degradations=base.degradations,
        telling=telling,
        works=roads.works,
        sprayers=_sprayers(base, roads, control),
        record=base.store,
        documents=_documents(base, roads, control, entities),
        energy=EnergyDesk(config, base.store, base.clock, base.background.spawn),
        response=roads.response,
        outlooks=roads.outlooks,
        count=base.tallies.count,
        days=ZoneDays(base.store, base.live, roads.estimation, roads.forecasts, base.clock),
        safety=Safety(
            base.store.audit,
            commands.dangers,
            control.intake.cables,
            base.alarms,
            AlarmDesk(base.alarms, base.store.audit, base.clock),
        ),
    )


def _turn_taking(base: Base, commands: Commands, control: Control) -> TurnTaking:
    taking = TurnTaking(commands.overrides, base.live, base.config.feeder, base.store.values, base.clock)
    base.background.spawn(taking.load(), "turns of before the restart")
    control.watch.checks["turns"] = taking.look
    return taking


def _documents(base: Base, roads: Roads, control: Control, entities: Entities) -> Documents:
    config, city = base.config, base.config.city
    contract_w = round(1000 * sum(feeder.contract_kw for feeder in config.feeder))
    open_data = None
    if city.open_data is not None:
        count = partial(base.tallies.count, "open_data made")
        open_data = OpenData(city.open_data, config.site, lambda: config.zone, base.store, base.clock, count)
    return Documents(
        open_data,
        Briefings(entities.readings, config.site, contract_w, lambda: roads.response.now()),
        None if city.ngsi_ld is None else entities,
        None if city.traffic is None else Traffic(city.traffic, entities.readings),
        *_eyes(base, roads, control),
        _observations(base, roads, control, entities.readings),
    )


def _sprayers(base: Base, roads: Roads, control: Control) -> Sprayers:
    sprayers = Sprayers(
        base.live,
        Ahead(roads.estimation, roads.forecasts, lambda: control.plan_loop.last, lambda: control.prices.tariff),
        base.alarms,
        base.clock,
        ZoneInfo(base.config.site.timezone),
    )
    control.watch.checks["stocks"] = sprayers.look
    return sprayers


def _eyes(base: Base, roads: Roads, control: Control) -> tuple[Drains, Upwind]:
    drains = Drains(base.live, lambda: roads.estimation.air_c, base.alarms, base.clock)
    upwind = Upwind(base.config.city.upwind, ZoneInfo(base.config.site.timezone), base.alarms, base.clock)
    control.watch.checks["drains"], control.watch.checks["upwind"] = drains.look, upwind.look
    return drains, upwind


def _observations(base: Base, roads: Roads, control: Control, readings: Readings) -> Observations:
    async def record(observer: str, zone: str, text: str) -> None:
        who = observer if observer.startswith(PROGRAM) else PEOPLE
        await base.store.events.append("observation", zone, f"{who}: {text}")
        await base.store.audit.append(observer, "observation", f"{zone}: {text}")

    weighing = Weighing(base.live, roads.estimation, base.store.values.set, base.clock)
    base.background.spawn(_take_up(weighing, base), "records of observers")
    observations = Observations(
        readings, base.alarms, record, partial(base.count_city, "observations"), base.clock, weighing
    )
    control.watch.checks["observations"] = observations.look
    return observations


async def _take_up(weighing: Weighing, base: Base) -> None:
    weighing.take_up(await base.store.values.get(KEY))


def _residents(base: Base, control: Control) -> Residents:
    async def record(zone: str, text: str) -> None:
        await base.store.events.append("ice-report", zone, text)

    reports = IceReports(base.alarms, record, base.clock)
    control.watch.checks["ice reports"] = reports.look
    return Residents(reports, ("127.0.0.1", "::1", *base.config.web.proxies))


async def admin_link(sessions: Sessions) -> str | None:
    """The path of a one-time link, until an administrator has signed in."""
    link = await sessions.first_link()
    if link is None and not await sessions.admin_can_sign_in():
        logger.warning("no administrator can sign in; make a link: roadheat user link NAME --role admin")
    return link
