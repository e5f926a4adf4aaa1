"""A city whose single keys are changed, and where the difference shows in the service's own parts."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np

from supervisor.config import Config, read
from supervisor.config.files import find_file_problems
from supervisor.config.source import parse
from supervisor.config.tests.examples import banded
from supervisor.config.tests.test_config_fuzz import to_toml
from supervisor.control.alarms import Alarms
from supervisor.control.live import LiveState
from supervisor.control.meter import FeederMeter
from supervisor.control.metrics import Metrics
from supervisor.control.notify.opening import open_channels
from supervisor.control.plan_pool import PlanPool
from supervisor.control.plan_snapshot import PlanSnapshot
from supervisor.domain.alarm import Severity
from supervisor.domain.weather import Forecast
from supervisor.energy.base_charge import BaseCharge, Load
from supervisor.energy.endpoint import configured
from supervisor.gateway.gateway import Gateway
from supervisor.notify.kind import Means, Message
from supervisor.people_commands import _address
from supervisor.planner.contract import with_headroom
from supervisor.planner.pose import feeder_problems
from supervisor.road import build_pavements, initial_state
from supervisor.runtime.clock import ManualClock
from supervisor.tariff.billing import generic
from supervisor.tariff.billing.bill import Peak
from supervisor.tariff.configured import configured_demand, tariff_file, usable_tariff
from supervisor.tariff.fetched import FetchedSettings, price_fetch
from supervisor.tariff.kepco.bill import Interval, make_bill
from supervisor.tariff.kepco.catalogue import catalogue
from supervisor.tariff.kepco.kind import KepcoSettings, terms
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.registry import planned
from supervisor.web.listening import web_caps
from supervisor.web_stage import web_services
from supervisor.wire.pki import ensure_pki
from tools.provision import board_config, board_limits

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 2, 16, 3, tzinfo=UTC).timestamp()  # noon in Seoul, the day before New Year
BASE = tomllib.loads(banded())
BASE["influx"] = {"api": "v2", "url": "http://a:1", "database": "d", "bucket": "b", "org": "o", "token_env": "TOKEN"}
BASE["zone"][0]["horizon"] = [{"azimuth_deg": 90, "elevation_deg": 5}, {"azimuth_deg": 200, "elevation_deg": 30}]
del BASE["zone"][0]["sky_view"]
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat"]
DAYS = [{"name": "w", "price_per_kwh": 2.0, "days": WEEK}, {"name": "s", "price_per_kwh": 1.0, "days": ["sun"]}]
NIGHT = {"name": "n", "price_per_kwh": 1.0, "hours": ["22-08"]}
DAY = {"name": "d", "price_per_kwh": 2.0, "hours": ["08-22"]}
FILES = {
    "weather.csv": "time_utc\n",
    "other.csv": "time_utc\n",
    "day.csv": "time_utc_start;AT EUR/MWh;FR EUR/MWh\n2026-02-16T00:00Z;100;50\n2026-02-16T01:00Z;90;40\n",
    "bands.json": json.dumps({"currency": "EUR", "bands": DAYS}),
    "else.json": json.dumps({"currency": "EUR", "bands": [DAYS[0], {**DAYS[1], "price_per_kwh": 7.0}]}),
    "state/prices/energy-charts-AT-eur.csv": "time_utc_start,price_eur_per_kwh\n2026-02-16T00:00Z,0.1\n",
    "cert.pem": "",
    "key.pem": "",
}


def city(folder: Path, changes: dict[str, Any]) -> Config:
    """The base with other values at paths such as `zone.0.cable.depth_m`; tables on the way are made."""
    data = copy.deepcopy(BASE)
    for path, value in changes.items():
        *names, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        holder: Any = data
        for name in names:
            holder = holder[name] if isinstance(holder, list) else holder.setdefault(name, {})
        holder[last] = copy.deepcopy(value)
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    (folder / "city.toml").write_text("\n".join(f"{name} = {to_toml(value)}" for name, value in data.items()))
    config, problems = read(folder / "city.toml")
    assert config is not None, problems
    return config


def prices(config: Config) -> Any:
    tariff = usable_tariff(config)[0]
    days = tariff.prices(NOW - 45 * 86_400, 80 * 96).tolist()
    return tariff.currency, days, configured_demand(config), tariff_file(config)


def charge(config: Config) -> Any:
    """Base charges of a month after a year of falling load."""
    known = BaseCharge(configured_demand(config), usable_tariff(config)[0], ZoneInfo(config.site.timezone))
    load = Load(int(NOW) - 400 * 86_400, np.arange(400 * 96)[::-1])
    return [(known.price_per_kw(one), known.of(one, load, int(NOW) - 86_400)) for one in config.feeder[:1]]


def kepco(config: Config) -> Any:
    """A winter's bills of a feeder, and what its prices say of peaks."""
    assert isinstance(config.tariff, KepcoSettings)
    one = config.feeder[0]
    agreed = terms(config.tariff, one.id, one.contract_kw)
    load = Interval(int(NOW) - 20 * 86_400, tuple(range(40 * 96)), ZoneInfo(config.site.timezone))
    high = Peak(own_kw=Decimal(90), observed_kw=Decimal(90), billed_kw=Decimal(90), of_month="2026-02")
    tariff: Any = usable_tariff(config)[0]
    bills = [make_bill(one.id, month, agreed, catalogue(), load, high) for month in ((2026, 1), (2026, 2), (2026, 5))]
    return bills, tariff.counts_peak(NOW, 96).tolist(), tariff.prices(NOW + 150 * 86_400, 96).tolist()


def taxed(config: Config) -> Any:
    """A bill by a price of its own."""
    wh, month = np.full(96, 1_000), ("2026-02", date(2026, 2, 1), date(2026, 3, 1))
    return generic.make_bill("f1", month, "EUR", wh, np.full(96, 0.1), None, 0.0, config.tariff.taxes)


def plan(config: Config) -> Any:
    """The planner's problems, as the service poses them."""
    roads = build_pavements(config.zone)
    meter = FeederMeter(config.feeder, config.zone, config.site.timezone, Metrics())
    meter.demand = configured_demand(config)
    meter.roll(NOW)
    standing = SimpleNamespace(
        utc_s=NOW, feeders=with_headroom(config.feeder, config.zone), overrides=(), out_of_service=frozenset(), plans={}
    )
    estimation = SimpleNamespace(zones=config.zone, roads=roads, state=initial_state(roads, -1.0, 4.0))
    forecasts = SimpleNamespace(latest=Forecast(NOW, (design_storm(NOW, hours=48.0),), "test"))
    tariff = usable_tariff(config)[0]
    snapshot: Any = PlanSnapshot
    inputs = snapshot(config, lambda: tariff, estimation, forecasts, meter, lambda: standing)()
    found = []
    for problem in feeder_problems(inputs):
        zones = []
        for zone in problem.zones:
            short = np.where(np.isfinite(zone.shortfall_k), zone.shortfall_k, 0.0)
            zones.append((zone.power_kw, zone.weight, zone.kernel.sum(), short.sum(), zone.penalty.slope.sum()))
        found.append((problem.feeder.id, problem.demand_price, problem.floor_kw, problem.contract_kw, zones))
    return found, inputs.settings.time_limit_s, inputs.settings.horizon_h


def shown(config: Config) -> Any:
    live = LiveState(config.zone, ManualClock(NOW))
    return [live.view(zone.id) for zone in config.zone]


def board(config: Config) -> Any:
    """What is written on boards."""
    made = []
    for one in config.board:
        values = board_config(config, one.id, {})
        del values["key"]
        made.append((values, board_limits(config, one.id)))
    return made


def folder(config: Config) -> Any:
    return config.state_dir.name


def address(config: Config) -> Any:
    return _address(config)


def missing_files(config: Config) -> Any:
    return [problem.where for problem in find_file_problems(config, parse(config.path))]


def database(config: Config) -> Any:
    assert config.influx is not None
    return configured(config.influx, {"TOKEN": "t", "OTHER": "o"})


def asked(config: Config) -> Any:
    """What the weather provider asks its service for, its file and its station."""
    first = planned(config.weather)[0]
    provider = first.kind.make(first.settings, config, SimpleNamespace)
    request = provider.request(86_400.0) if hasattr(provider, "request") else None
    station = getattr(provider, "_station", None)
    return type(provider), request, getattr(provider, "_path", None), station and vars(station)["_station"]


def services(config: Config) -> Any:
    """What the pages are served with."""
    anything = SimpleNamespace()
    base = SimpleNamespace(
        config=config, background=SimpleNamespace(spawn=lambda work, name: work.close()), live=None, clock=None,
        alarms=None, degradations=None,
        metrics=SimpleNamespace(registry=None),
        tallies=SimpleNamespace(count=None), count_city=lambda interface, outcome: None,
        store=SimpleNamespace(answers=None, audit=None, values=SimpleNamespace(set=None)),
    )  # fmt: skip
    commands = SimpleNamespace(overrides=None, dangers=None)
    control = SimpleNamespace(
        intake=SimpleNamespace(cables=None), plan_loop=SimpleNamespace(preview=None), watch=SimpleNamespace(checks={})
    )
    make: Any = web_services
    made = make(
        base,
        SimpleNamespace(works=None, response=None, outlooks=None, estimation=None, forecasts=None),
        commands,
        control,
        anything,
        anything,
        SimpleNamespace(readings=None),
    )
    return made.site, made.metrics_token, made.public_url, made.hosts


def gateway(config: Config) -> Any:
    """How the boards' listener is bounded."""

    async def opened() -> Any:
        metrics, make = Metrics(), Gateway
        pki = ensure_pki(config.pki_dir, config.boards.server_name)
        made = make(config, pki, SimpleNamespace(), metrics, Alarms(ManualClock(NOW), metrics))  # type: ignore[arg-type]
        async with made:
            assert made._listener is not None
            return made._listener._acceptor._free, made._listener.connections.caps

    return asyncio.run(opened())


def pool(config: Config) -> Any:
    make: Any = PlanPool
    return len(make(config.feeder, config.zone, config.planner.processes, SimpleNamespace).groups)


def people_caps(config: Config) -> Any:
    caps = web_caps(100, config.web.connections_per_address, config.web.proxies)
    return caps.silent_per_address, caps.unproven_per_address, caps.exempt("10.0.0.5")


def receivers(config: Config) -> Any:
    """Every receiver, and what its server gets for one message."""
    got: list[Any] = []

    class Http:
        @asynccontextmanager
        async def post(self, url: str, **request: Any) -> AsyncIterator[Any]:
            got.append((url, request))
            yield SimpleNamespace(status=200)

    async def letter(message: Any, **request: Any) -> Any:
        got.append((str(message), request))
        return {}, ""

    async def send() -> None:
        means = Means(cast(Any, Http()), ManualClock(NOW), os.environ)
        message = Message(title="t", body="b", severity=Severity.MINOR, event="test", tag="x")
        with patch("aiosmtplib.send", letter):
            for receiver, channel in open_channels(config, means).values():
                got.append(receiver)
                await channel.send(message)

    asyncio.run(send())
    return got


def fetch(config: Config) -> Any:
    assert isinstance(config.tariff, FetchedSettings)
    made = price_fetch(config.tariff, config)
    return made.source.name, made.area, made.currency, made.path
