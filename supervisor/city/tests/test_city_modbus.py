"""The Modbus server, read and written by the library's own client, which knows nothing of ours."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from supervisor.city.access import within
from supervisor.city.codes import LOOKS
from supervisor.city.modbus import registers
from supervisor.city.modbus.server import CONNECTIONS_MAX, ModbusServer, Registers, serve
from supervisor.city.registry import City
from supervisor.config.city import ModbusConfig
from supervisor.control.condition import Look
from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.danger import DangerKind
from supervisor.domain.errors import StoreError
from supervisor.domain.override import OverrideMode
from supervisor.runtime.background import Background
from supervisor.runtime.rates import BURST
from supervisor.web.keys import SERVICES

LOCAL = ("127.0.0.1",)
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, FAILURE, BUSY = 1, 2, 3, 4, 6
Z = {f"z{n:02}": 100 + 32 * (n - 1) for n in range(1, 9)}


@asynccontextmanager
async def listening(city: City, **keys: Any) -> AsyncIterator[ModbusServer]:
    config = ModbusConfig(listen="127.0.0.1:0", **keys)
    async with Background() as background:
        server = ModbusServer(
            config, Registers(city.readings, city.commands("modbus"), city.clock, config.minutes), background
        )
        assert await server.listen()
        try:
            yield server
        finally:
            await server.shutdown()


@asynccontextmanager
async def client(server: ModbusServer) -> AsyncIterator[AsyncModbusTcpClient]:
    host, port = server.address
    one = AsyncModbusTcpClient(host, port=port, timeout=2, retries=0)
    assert await one.connect()
    try:
        yield one
    finally:
        one.close()


def u32(words: list[int]) -> int:
    return int(struct.unpack(">I", struct.pack(">HH", *words))[0])


def i16(word: int) -> int:
    return int(struct.unpack(">h", struct.pack(">H", word))[0])


async def test_a_client_reads_the_district_and_each_zone(city: City, district: Any) -> None:
    district.alarms.set(AlarmCode.EARTH_FAULT, "z06", True, "test")
    city.readings._wh = {"z02": 3_000_000}
    async with listening(city) as server, client(server) as bms:
        head = (await bms.read_input_registers(0, count=10)).registers
        assert head[:2] == [registers.VERSION, 8]
        assert abs(u32(head[2:4]) - district.clock.utc_s()) < 5
        assert u32(head[4:6]) == 62_000 + 47_000 + 33_000 + 28_000
        assert head[6:10] == [7, 1, 0, 0]
        for zone, address in Z.items():
            words = (await bms.read_input_registers(address, count=24)).registers
            view = district.live.view(zone)
            name = struct.pack(">8H", *words[16:24]).rstrip(b"\0").decode()
            assert (name, LOOKS[words[0]]) == (zone, view.look)
            if view.online:
                assert i16(words[2]) == round(10 * view.surface_c)
                assert u32(words[3:5]) == view.power_w
        z02 = (await bms.read_input_registers(Z["z02"], count=14)).registers
        assert (z02[0], z02[1], u32(z02[5:7]), z02[8]) == (3, 4, 3_000_000, 1)
        z06 = (await bms.read_input_registers(Z["z06"], count=14)).registers
        assert (z06[1], z06[7], z06[9]) == (1, 3, 1)
        silent = (await bms.read_input_registers(Z["z08"], count=14)).registers  # no contact: nothing is guessed
        assert silent[:5] == [LOOKS.index(Look.UNKNOWN), 0, 0x8000, 0xFFFF, 0xFFFF]
        assert silent[8] == 0xFFFF


async def test_a_write_is_an_override_with_the_name_of_the_interface(city: City, district: Any) -> None:
    async with listening(city, writers=LOCAL) as server, client(server) as bms:
        assert not (await bms.write_registers(Z["z03"], [1, 45])).isError()
        held = district.overrides.live_for("z03")
        assert (held.user, held.mode, held.expires_utc_s - held.created_utc_s) == ("interface:modbus", "on", 45 * 60)
        assert (await bms.read_holding_registers(Z["z03"], count=2)).registers == [1, 45]
        assert (await bms.read_input_registers(Z["z03"] + 12, count=2)).registers == [1, 45]
        for _ in range(20):  # a controller that writes its set-point again and again
            await bms.write_registers(Z["z03"], [1, 45])
        assert district.overrides.live_for("z03").id == held.id
        district.clock.advance(25 * 60)
        await bms.write_registers(Z["z03"], [1, 45])
        assert district.overrides.live_for("z03").id != held.id  # half of its time was over
        assert not (await bms.write_register(Z["z03"], 3)).isError()  # the command alone: an hour
        held = district.overrides.live_for("z03")
        assert (held.mode, held.expires_utc_s - held.created_utc_s) == (OverrideMode.OFF, 3600)
        assert not (await bms.write_register(Z["z03"], 0)).isError()
        assert district.overrides.live_for("z03") is None
        entries = await district.store.audit.entries(0, district.clock.utc_s() + 1)
        assert [(one.user, one.action) for one in entries][-4:] == [
            ("interface:modbus", "override"), ("interface:modbus", "override"), ("interface:modbus", "override"),
            ("interface:modbus", "cancel"),
        ]  # fmt: skip


async def test_what_is_refused_and_that_nothing_is_commanded_then(city: City, district: Any, metrics: Metrics) -> None:
    async with listening(city, writers=LOCAL) as server, client(server) as bms:
        beyond = 100 + 32 * 8
        for answer, code in (
            (await bms.read_input_registers(beyond), ILLEGAL_ADDRESS),
            (await bms.read_input_registers(Z["z08"] + 20, count=20), ILLEGAL_ADDRESS),
            (await bms.read_holding_registers(0), ILLEGAL_ADDRESS),
            (await bms.read_holding_registers(Z["z01"] + 1, count=2), ILLEGAL_ADDRESS),
            (await bms.read_coils(0), ILLEGAL_FUNCTION),
            (await bms.write_coil(0, True), ILLEGAL_FUNCTION),
            (await bms.write_register(beyond, 1), ILLEGAL_ADDRESS),
            (await bms.write_register(5, 1), ILLEGAL_ADDRESS),
            (await bms.write_register(Z["z01"] + 1, 30), ILLEGAL_VALUE),  # minutes alone
            (await bms.write_register(Z["z01"], 4), ILLEGAL_VALUE),
            (await bms.write_registers(Z["z01"], [1, 0]), ILLEGAL_VALUE),
            (await bms.write_registers(Z["z05"], [1, 241]), ILLEGAL_VALUE),  # its longest is 240 min
            (await bms.write_registers(Z["z01"], [1, 30, 0]), ILLEGAL_ADDRESS),
        ):
            assert answer.isError()
            assert answer.exception_code == code, answer
        assert all(district.overrides.live_for(zone) is None for zone in Z)
        assert metrics.city.labels("modbus", "refused")._value.get() == 13


async def test_a_persons_command_is_never_replaced_and_danger_stays_off(city: City, district: Any) -> None:
    safety = district.app[SERVICES].safety
    mine = await district.overrides.request("z03", "off", 60, "cable works", "Kim")
    await safety.dangers.report(DangerKind.ZONE, "z04", "Park")
    async with listening(city, writers=LOCAL) as server, client(server) as bms:
        for address in (Z["z03"], Z["z04"]):
            assert (await bms.write_register(address, 1)).exception_code == BUSY
        assert not (await bms.write_register(Z["z03"], 0)).isError()  # ends its own command only
    assert district.overrides.live_for("z03").id == mine.id


async def test_one_that_runs_wild_is_slowed_and_may_still_switch_off(city: City, district: Any) -> None:
    async with listening(city, writers=LOCAL) as server, client(server) as bms:
        for _ in range(BURST):
            server.registers._commands._rates.take("interface:modbus")
        assert (await bms.write_register(Z["z03"], 1)).exception_code == BUSY
        assert not (await bms.write_register(Z["z03"], 3)).isError()


async def test_a_full_disk_is_a_failure_of_the_device_and_commands_nothing(
    city: City, district: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(district.overrides._store, "write", full)
    async with listening(city, writers=LOCAL) as server, client(server) as bms:
        assert (await bms.write_register(Z["z03"], 1)).exception_code == FAILURE
    assert district.overrides.live_for("z03") is None


async def test_only_listed_addresses_read_and_only_writers_write(city: City, district: Any) -> None:
    async with listening(city) as server, client(server) as bms:
        assert not (await bms.read_input_registers(0)).isError()
        assert (await bms.write_register(Z["z03"], 1)).exception_code == ILLEGAL_FUNCTION
    assert district.overrides.live_for("z03") is None
    async with listening(city, allow=("10.1.0.0/16",)) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(bytes.fromhex("000100000006010400000001"))
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


def test_networks() -> None:
    from ipaddress import ip_network

    assert within("10.1.2.3", [ip_network("10.1.0.0/16")])
    assert within("::ffff:10.1.2.3", [ip_network("10.1.0.0/16")])
    assert not within("10.2.0.1", [ip_network("10.1.0.0/16"), ip_network("fd00::/8")])


async def test_a_crowd_and_garbage_end_nothing(city: City, district: Any) -> None:
    async with listening(city) as server, client(server) as bms:
        opened = [await asyncio.open_connection(*server.address) for _ in range(CONNECTIONS_MAX + 8)]
        for number, (_, writer) in enumerate(opened):
            writer.write(bytes([number]) * 300)
        reader, _ = opened[-1]
        async with asyncio.timeout(5):
            assert await reader.read() == b""  # beyond the cap
        assert (await bms.read_input_registers(1)).registers == [8]
        for _, writer in opened:
            writer.close()


async def test_requests_sent_at_once_are_each_answered_with_their_own_number(city: City) -> None:
    async with listening(city) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        for number in (1, 2, 3):
            writer.write(struct.pack(">HHHBBHH", number, 0, 6, 1, 4, 0, number))
            await writer.drain()
            async with asyncio.timeout(5):
                head = await reader.readexactly(9)
                await reader.readexactly(head[8])
            assert struct.unpack(">H", head[:2])[0] == number
        writer.close()


async def test_a_port_in_use_is_said(city: City) -> None:
    async with listening(city) as server:
        host, port = server.address
        config = ModbusConfig(listen=f"{host}:{port}")
        with pytest.raises(OSError, match=r"city\.modbus\.listen"):
            await serve(config, Registers(city.readings, city.commands("modbus"), city.clock, 60))


def test_the_page_has_the_map_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "city.md").read_text(encoding="utf-8")
    assert registers.tables() in page, registers.tables()
    assert not re.search(r"\*\*Input registers.*\*\*Input registers.*\*\*Input registers", page, re.DOTALL)
