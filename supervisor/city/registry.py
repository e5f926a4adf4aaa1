"""All interfaces: a line for each. Those whose table is in city.toml are started, each in a loop of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from supervisor.city import platform, traffic_push
from supervisor.city.commands import InterfaceCommands
from supervisor.city.deliver import Delivery, Target
from supervisor.city.ngsi import push
from supervisor.city.ngsi.entities import Entities
from supervisor.city.readings import ENERGY_EACH_S, Readings
from supervisor.city.spool import Spool
from supervisor.city.traffic import Traffic
from supervisor.commands import require
from supervisor.config.city import CityConfig
from supervisor.control.overrides import Overrides
from supervisor.domain.errors import RoadheatError
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock
from supervisor.runtime.supervision import RaisesAlarms


@dataclass(frozen=True)
class City:
    """What interfaces work with."""

    config: CityConfig
    overrides: Overrides
    entities: Entities
    folder: Path  # for what waits to be sent
    alarms: RaisesAlarms
    clock: Clock
    count: Callable[[str, str], object]  # interface and outcome

    @property
    def readings(self) -> Readings:
        """The read-model."""
        return self.entities.readings

    def commands(self, interface: str) -> InterfaceCommands:
        """What the interface of that name may command."""
        return InterfaceCommands(interface, self.overrides, self.clock, len(self.readings.ids), self.counter(interface))

    def counter(self, interface: str) -> Callable[[str], object]:
        """Counts an outcome of the interface of that name."""
        return partial(self.count, interface)

    @asynccontextmanager
    async def delivery(self, target: Target) -> AsyncIterator[tuple[Spool, Delivery]]:
        """A spool on disk, and what sends it to `target`."""
        async with Spool(self.folder / f"{target.name}.spool") as spool:
            yield spool, Delivery(target, spool, self.alarms, self.clock, self.counter(target.name))


class Serve(Protocol):
    """Runs an interface until cancelled."""

    def __call__(self, city: City) -> Coroutine[Any, Any, None]: ...


@dataclass(frozen=True)
class Interface:
    """One interface; its name is that of its table in [city] and of its loop."""

    name: str
    needs: str  # optional module; "": none
    on: Callable[[CityConfig], bool]
    serve: Serve


async def _modbus(city: City) -> None:
    from supervisor.city.modbus.server import Registers, serve

    config = city.config.modbus
    assert config is not None
    await serve(config, Registers(city.readings, city.commands("modbus"), city.clock, config.minutes))


async def _bacnet(city: City) -> None:
    from supervisor.city.bacnet.server import serve

    config = city.config.bacnet
    assert config is not None
    await serve(config, city.readings, city.commands("bacnet"), city.clock)


async def _ngsi_ld(city: City) -> None:
    config = city.config.ngsi_ld
    assert config is not None
    broker = push.target(config, os.environ.get(config.token_env, "").strip())
    async with city.delivery(broker) as (_, delivery):
        await push.Pusher(config, city.entities.all, delivery).run()


async def _platform(city: City) -> None:
    config = city.config.platform
    assert config is not None
    async with city.delivery(platform.target(config)) as (spool, delivery):
        events = platform.Events(config, city.readings, city.entities.site, delivery.add, spool.keep, city.clock)
        events.take_up(await spool.kept())
        await delivery.fed_by(events.look, platform.LOOK_EACH_S)


async def _traffic(city: City) -> None:
    config = city.config.traffic
    assert config is not None
    centre = traffic_push.target(config, os.environ.get(config.token_env, "").strip())
    async with city.delivery(centre) as (_, delivery):
        await traffic_push.Pusher(config, Traffic(config, city.readings).datex, delivery, city.clock).run()


INTERFACES: Final = (  # with a loop of their own; the others are served by `web`
    Interface("modbus", "pymodbus", lambda config: config.modbus is not None, _modbus),
    Interface("bacnet", "bacpypes3", lambda config: config.bacnet is not None, _bacnet),
    Interface("platform", "", lambda config: config.platform is not None, _platform),
    Interface("traffic", "", lambda config: config.traffic is not None and bool(config.traffic.url), _traffic),
    Interface("ngsi_ld", "", lambda config: config.ngsi_ld is not None and bool(config.ngsi_ld.url), _ngsi_ld),
)


def chosen(config: CityConfig) -> list[Interface]:
    """The interfaces that city.toml has."""
    return [one for one in INTERFACES if one.on(config)]


def missing(config: CityConfig) -> list[RoadheatError]:
    """What is not installed of what these interfaces need."""
    found: list[RoadheatError] = []
    for one in chosen(config):
        if not one.needs:
            continue
        try:
            require(one.needs, f"city.{one.name}", f"remove [city.{one.name}] from city.toml")
        except RoadheatError as error:
            found.append(error)
    return found


def start(loops: Background, city: City) -> tuple[asyncio.Task[None], ...]:
    """Start every interface that is switched on. Raises CommandError where one needs what is not installed."""
    for error in missing(city.config):
        raise error
    tasks = [loops.keep(f"city: {one.name}", partial(one.serve, city)) for one in chosen(city.config)]
    if tasks:
        tasks.append(loops.keep("city: readings", city.readings.run, ENERGY_EACH_S))
    return tuple(tasks)
