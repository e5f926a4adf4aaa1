"""`roadheat notify`, `roster` and `watch`: as an operator uses them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config import Config
from supervisor.gateway.tests.board_client import until
from supervisor.notify.tests.servers import Others, free_port, others
from supervisor.tests.test_people_cli import config, open_store  # noqa: F401
from supervisor.tests.test_service import board_address, process

ROSTER = "from,until,person,rank\n2030-12-01 18:00,2030-12-02 06:00,김철수,1\n2030-12-01 18:00,2030-12-02 06:00,Lee,2\n"


def call(config: Config, *arguments: str) -> tuple[int, str]:  # noqa: F811
    result = CliRunner().invoke(main, [*arguments, "--config", str(config.path)], env={"COLUMNS": "200"})
    return result.exit_code, result.output


async def test_a_roster_is_imported_once_and_never_in_part(config: Config, tmp_path: Path) -> None:  # noqa: F811
    await open_store(config).close()
    file = tmp_path / "shifts.csv"
    file.write_bytes(ROSTER.encode("cp949"))
    assert await asyncio.to_thread(call, config, "roster", "import", str(file)) == (
        0, "2 shifts added, 0 were there already\n",
    )  # fmt: skip
    assert (await asyncio.to_thread(call, config, "roster", "import", str(file)))[1].startswith("0 shifts added")
    file.write_text(ROSTER + "2030-12-03 18:00,2030-12-03 06:00,Park,1\n")
    status, said = await asyncio.to_thread(call, config, "roster", "import", str(file))
    assert (status, "shift 3" in said) == (2, True)
    file.write_bytes(b"from,until,person\n2030-12-01 18:00,2030-12-02 06:00,\xff\xfe\n")
    status, said = await asyncio.to_thread(call, config, "roster", "import", str(file))
    assert (status, "CP949" in said) == (2, True)
    listed = (await asyncio.to_thread(call, config, "roster", "list"))[1].splitlines()
    assert [line.split()[-1] for line in listed] == ["김철수", "Lee"]
    store = open_store(config)
    assert [entry.action for entry in await store.audit.entries(0, 4e9)] == ["roster-add", "roster-add"]
    await store.close()


def with_receivers(config: Config, *ports: int) -> None:  # noqa: F811
    text = config.path.read_text() + '\n[alarms]\nlocal_hosts = ["127.0.0.1"]\n'
    for number, port in enumerate(ports):
        text += f'\n[[notify]]\nname = "n{number}"\nkind = "ntfy"\nurl = "http://127.0.0.1:{port}/crew"\n'
    config.path.write_text(text)


async def test_every_receiver_is_tried_and_a_dead_one_named(config: Config) -> None:  # noqa: F811
    assert "[[notify]]" in (await asyncio.to_thread(call, config, "notify", "test"))[1]
    async with others() as there:
        with_receivers(config, there.port, free_port())
        status, said = await asyncio.to_thread(call, config, "notify", "test")
        assert status == 1
        assert "n0: accepted" in said
        assert "n1: 127.0.0.1: no answer" in said
        assert "시험 알림" in there.ntfy[0]["title"]
        assert (await asyncio.to_thread(call, config, "notify", "test", "n0"))[0] == 0
        assert "n0, n1" in (await asyncio.to_thread(call, config, "notify", "test", "else"))[1]


@pytest.mark.timeout(90)
async def test_the_watcher_calls_when_the_service_stops_and_is_back(config: Config, tmp_path: Path) -> None:  # noqa: F811
    async with others() as there:
        with_receivers(config, there.port)
        text = config.path.read_text()
        for listen in re.findall(r"127\.0\.0\.1:8\d+|0\.0\.0\.0:8\d+", text):
            text = text.replace(listen, f"127.0.0.1:{free_port()}")
        config.path.write_text(text)
        log = (tmp_path / "log").open("wb")
        with process(config, log) as service:
            await asyncio.to_thread(board_address, service)
            await _watched(config, service, there)


def start_watcher(config: Config) -> subprocess.Popen[bytes]:  # noqa: F811
    command = [sys.executable, "-m", "supervisor.cli", "watch", "--config", str(config.path), "--silent-s", "4"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def _watched(config: Config, service: subprocess.Popen[bytes], there: Others) -> None:  # noqa: F811
    watcher = start_watcher(config)
    try:
        await asyncio.sleep(6)
        assert there.ntfy == []  # it answers
        os.kill(service.pid, signal.SIGSTOP)
        await until(lambda: len(there.ntfy) == 1)
        assert "응답 없음" in there.ntfy[0]["title"]
        os.kill(service.pid, signal.SIGCONT)
        await until(lambda: len(there.ntfy) == 2)
        assert "응답 재개" in there.ntfy[1]["title"]
    finally:
        watcher.kill()
        watcher.wait()
