"""Interfaces in the running service: started where city.toml has them, and ended with it."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from supervisor.app import running
from supervisor.check import explain
from supervisor.city.registry import INTERFACES
from supervisor.city.spool import Spool
from supervisor.config import Config, load, read
from supervisor.config.city import CityConfig
from supervisor.domain.errors import CommandError
from supervisor.runtime.clock import SystemClock
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.files import write_weather_csv

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def configured(folder: Path, city: str) -> Path:
    now = time.time() // 3600 * 3600
    write_weather_csv(folder / "weather.csv", design_storm(now - 24 * 3600, hours=96, snow_start_h=30))
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", EXAMPLE.read_text())
    (folder / "city.toml").write_text(f"{text}\n{city}\n")
    return folder / "city.toml"


async def test_a_building_reads_and_commands_the_running_service(tmp_path: Path) -> None:
    port = free_port()
    config = load(configured(tmp_path, f'[city.modbus]\nlisten = "127.0.0.1:{port}"\nwriters = ["127.0.0.1"]'))
    async with running(config, SystemClock(), planner_executor=lambda: ThreadPoolExecutor(1)) as started:
        bms = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=2, retries=0)
        async with asyncio.timeout(10):
            while not await bms.connect():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await bms.read_input_registers(1)).registers == [12]
        assert not (await bms.write_register(100, 1)).isError()
        held = started.overrides.live_for("z01")
        assert held is not None
        assert held.user == "interface:modbus"
        bms.close()
        assert "city: modbus" in {task.get_name() for task in started.endless}
    with socket.create_server(("127.0.0.1", port)):  # free again
        pass


async def delivered(spool: Spool) -> None:
    """Returns once nothing waits in it."""
    while (await spool.counts()).waiting:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def config_of(folder: Path, city: str) -> tuple[Config | None, list[str]]:
    config, problems = read(configured(folder, city))
    return config, [str(problem) for problem in problems]


def test_without_a_table_nothing_is_on_and_every_interface_has_a_key(tmp_path: Path) -> None:
    config, problems = config_of(tmp_path, "")
    assert problems == []
    assert config is not None
    assert config.city == CityConfig()
    assert {one.name for one in INTERFACES} <= set(CityConfig.__struct_fields__)
    assert not [one.name for one in INTERFACES if one.on(config.city)]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('listen = "here"', "city.modbus.listen = 'here': not a host:port address"),
        ('listen = "127.0.0.1:99999"', "not a host:port address"),
        ("allow = []", "city.modbus.allow: nobody may read"),
        ('allow = ["10.0.0.300"]', "city.modbus.allow[0] = '10.0.0.300': not an address or a network"),
        ('allow = ["10.0.0.1/8"]', "not an address or a network"),
        ('writers = ["10.0.0.1"]', "city.modbus.writers[0] = '10.0.0.1': not within city.modbus.allow"),
        ("minutes = 0", "city.modbus.minutes = 0: outside 1…1440"),
        ('listn = ""', "Did you mean `listen`?"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, keys: str, said: str) -> None:
    _, problems = config_of(tmp_path, f"[city.modbus]\n{keys}")
    assert len(problems) == 1
    assert said in problems[0]
    assert problems[0].startswith("city.toml:")


def test_without_the_library_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(configured(tmp_path, "[city.modbus]"))
    monkeypatch.setitem(__import__("sys").modules, "pymodbus", None)
    problems, _ = explain(config)
    found = [one for one in problems if isinstance(one, CommandError)]
    assert [one.where for one in found] == ["city.modbus"]
    assert "Install roadheat[city]" in found[0].remedy
