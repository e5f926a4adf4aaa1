"""The BACnet device, read and written by the library's own client stack over UDP."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bacpypes3.apdu import ErrorRejectAbortNack
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import Null

from supervisor.city.bacnet import objects
from supervisor.city.bacnet.server import VENDOR, BacnetDevice, serve
from supervisor.city.codes import LOOKS
from supervisor.city.registry import City
from supervisor.city.tests.test_city_service import config_of
from supervisor.config.city import BacnetConfig
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.override import OverrideMode

LOCAL = ("127.0.0.1",)
NONE, ON, BOOST, OFF = 1, 2, 3, 4


def free_udp() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Client:
    """A building's controller."""

    def __init__(self, app: NormalApplication, address: Address) -> None:
        self._app, self._address = app, address

    async def read(self, what: str, name: str = "present-value") -> Any:
        async with asyncio.timeout(5):
            return await self._app.read_property(self._address, what, name)

    async def write(self, what: str, value: Any, name: str = "present-value", priority: int | None = None) -> str:
        """ "" or the error."""
        async with asyncio.timeout(5):
            try:
                found = await self._app.write_property(self._address, what, name, value, priority=priority)
            except ErrorRejectAbortNack as error:
                found = error
        return "" if found is None else str(found)


@asynccontextmanager
async def building(city: City, **keys: Any) -> AsyncIterator[Client]:
    port = free_udp()
    config = BacnetConfig(address=f"127.0.0.1/32:{port}", device=1001, **keys)
    device = BacnetDevice(config, city.readings, city.commands("bacnet"), city.clock)
    controller = DeviceObject(objectIdentifier=("device", 7), objectName="client", vendorIdentifier=VENDOR)
    app = NormalApplication(controller, IPv4Address(f"127.0.0.1/32:{free_udp()}"))
    try:
        yield Client(app, Address(f"127.0.0.1:{port}"))
    finally:
        app.close()
        device.close()


async def test_a_client_reads_the_objects_of_each_road(city: City, district: Any) -> None:
    district.alarms.set(AlarmCode.EARTH_FAULT, "z06", True, "test")
    city.readings._wh = {"z02": 3_000_000}
    async with building(city) as bms:
        found = await bms.read("device,1001", "object-list")
        assert len(found) == 1 + 8 * len(objects.POINTS)
        assert await bms.read("analog-input,21", "object-name") == "z02 surface temperature"
        assert await bms.read("analog-input,21") == pytest.approx(-0.4)
        assert await bms.read("analog-input,22") == pytest.approx(47.0)
        assert await bms.read("analog-input,23") == pytest.approx(3000.0)
        assert await bms.read("multi-state-input,24") == 4  # snow
        assert list(await bms.read("multi-state-input,24", "state-text")) == [look.value for look in LOOKS]
        assert await bms.read("multi-state-input,25") == 5  # plan
        assert await bms.read("multi-state-input,66") == 4  # critical
        assert math.isnan(await bms.read("analog-input,81"))  # no contact: nothing is guessed
        assert str(await bms.read("analog-input,81", "reliability")) == "communication-failure"
        assert await bms.read("multi-state-input,84") == 1
        district.hear("z02", 1.5, "wet", power_w=47_000)
        district.clock.advance(2)
        assert await bms.read("analog-input,21") == pytest.approx(1.5)


async def test_a_write_is_an_override_with_the_name_of_the_interface(city: City, district: Any) -> None:
    async with building(city, writers=LOCAL, minutes=45) as bms:
        assert await bms.write("multi-state-value,37", ON) == ""
        held = district.overrides.live_for("z03")
        assert (held.user, held.mode, held.expires_utc_s - held.created_utc_s) == ("interface:bacnet", "on", 2700)
        assert await bms.read("multi-state-value,37") == ON
        assert await bms.write("multi-state-value,37", OFF) == ""
        assert district.overrides.live_for("z03").mode is OverrideMode.OFF
        assert await bms.write("multi-state-value,37", Null(()), priority=8) == ""  # relinquished
        assert district.overrides.live_for("z03") is None
        entries = await district.store.audit.entries(0, district.clock.utc_s() + 1)
        assert [(one.user, one.action) for one in entries][-3:] == [
            ("interface:bacnet", "override"), ("interface:bacnet", "override"), ("interface:bacnet", "cancel"),
        ]  # fmt: skip


async def test_what_is_refused_and_that_nothing_is_commanded_then(city: City, district: Any) -> None:
    mine = await district.overrides.request("z05", "off", 60, "cable works", "Kim")
    async with building(city, writers=LOCAL) as bms:
        for what, value, name, said in (
            ("multi-state-value,37", 5, "present-value", "value-out-of-range"),
            ("multi-state-value,997", ON, "present-value", "unknown-object"),
            ("multi-state-input,34", 2, "present-value", "write-access-denied"),
            ("analog-input,31", 5.0, "present-value", "write-access-denied"),
            ("multi-state-value,37", "x", "object-name", "write-access-denied"),
            ("multi-state-value,57", ON, "present-value", "busy"),  # a person's command holds
        ):
            assert said in await bms.write(what, value, name), what
        assert await bms.read("analog-input,21") == pytest.approx(-0.4)
    assert district.overrides.live_for("z03") is None
    assert district.overrides.live_for("z05").id == mine.id


async def test_only_listed_addresses_read_and_only_writers_write(city: City, district: Any) -> None:
    async with building(city) as bms:
        assert "write-access-denied" in await bms.write("multi-state-value,37", ON)
    assert district.overrides.live_for("z03") is None
    async with building(city, allow=("10.1.0.0/16",)) as bms:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await bms.read("analog-input,21")


async def test_garbage_ends_nothing(city: City) -> None:
    async with building(city) as bms:
        host, port = bms._address.addrTuple
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            for size in (0, 1, 4, 30, 1400):
                one.sendto(b"\x81\x0a" + bytes([255]) * size, (host, port))
        assert await bms.read("analog-input,21") == pytest.approx(-0.4)


async def test_a_port_in_use_is_said(city: City) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        config = BacnetConfig(address=f"127.0.0.1/32:{one.getsockname()[1]}", device=1)
        with pytest.raises(OSError, match=r"city\.bacnet\.address"):
            await serve(config, city.readings, city.commands("bacnet"), city.clock)


def test_the_page_has_the_map_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "city.md").read_text(encoding="utf-8")
    assert objects.table() in page, objects.table()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('address = "here"\ndevice = 1', "city.bacnet.address = 'here': not an IPv4 address with mask and port"),
        ('address = "10.0.0.300/24:47808"\ndevice = 1', "not an IPv4 address with mask and port"),
        ('address = "10.0.0.3/24:0"\ndevice = 1', "not an IPv4 address with mask and port"),
        ('address = "10.0.0.3/24:47808"\ndevice = 4194303', "city.bacnet.device = 4194303: outside 0…4194302"),
        ('address = "10.0.0.3/24:47808"\ndevice = 1\nallow = []', "nobody may read"),
        ('address = "10.0.0.3/24:47808"\ndevice = 1\nwriters = ["10.0.0.7"]', "not within city.bacnet.allow"),
        ('address = "10.0.0.3/24:47808"\ndevice = 1\nminutes = 0', "city.bacnet.minutes = 0: outside 1…1440"),
    ],
)
def test_what_is_wrong_in_its_table_is_said(tmp_path: Path, keys: str, said: str) -> None:
    _, problems = config_of(tmp_path, f"[city.bacnet]\n{keys}")
    assert len(problems) == 1
    assert said in problems[0]
