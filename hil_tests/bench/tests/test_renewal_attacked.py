"""A renewal of authority and keys in a storm: boards away, the service killed again and again, and an old backup."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from hil_tests.bench.supervisor_process import serve_command
from hil_tests.bench.tests.renewing import pki
from supervisor.backup.archive import STATE, restore, write
from supervisor.store import DATABASE_NAME
from supervisor.weather.design_storm import design_storm
from supervisor.wire.keys import load_key, next_path
from supervisor.wire.renewal_files import authority

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"  # as `make soak` sets it
BOARDS = 20 if SOAK else 4
pytestmark = [pytest.mark.vm, pytest.mark.timeout(900 if SOAK else 240)]
START = 1_768_089_600.0
SNOW_S = 9 * 3600
WORDS = "steep road, warm road"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "city"
    folder.mkdir()
    city = write_city(folder, design_storm(START, hours=48, seed=1), boards=BOARDS, zones_per_board=1, feeders=2)
    with Bench(city, start_utc_s=START + SNOW_S, command=[*serve_command(city), "--take-over"]) as made:
        made.write_flash()
        made.start_supervisor()
        yield made


def cut(bench: Bench) -> None:
    bench.kill_supervisor()
    bench.advance(10)
    bench.start_supervisor()


def killed_until(bench: Bench, done: Callable[[], bool], rounds: int) -> None:
    """Let it go on, with a power cut of the service (SIGKILL) each 40 to 100 s, until it is `done`."""
    for number in range(rounds):
        if bench.advance(40.0 + 20 * (number % 4), until=lambda _: done()):
            return
        cut(bench)
    assert bench.advance(1_800, until=lambda _: done())


def served(bench: Bench) -> list[str]:
    return [row["id"] for row in bench.crew.request("GET", "/api/v1/zones") if row["online"]]


def put_back(bench: Bench, backup: Path, folder: Path) -> None:
    """A backup in the place of what the service has."""
    restore(backup, folder, WORDS)
    state = bench.config.state_dir
    for name in ("pki", "keys"):
        shutil.rmtree(state / name)
        shutil.move(folder / STATE / name, state / name)
    for path in state.glob(f"{DATABASE_NAME}*"):
        path.unlink()
    shutil.move(folder / STATE / DATABASE_NAME, state / DATABASE_NAME)


def test_boards_come_through_kills_absences_and_a_backup_of_before(bench: Bench, tmp_path: Path) -> None:
    directory, backup = bench.config.pki_dir, tmp_path / "night.backup"
    keys = {board.id: bench.config.board_key_path(board.id) for board in bench.config.board}
    before = {name: load_key(path) for name, path in keys.items()}
    bench.advance(120)

    bench.boards["b02"].power_off(bench.now_ms)
    pki(bench, "rotate")
    pki(bench, "rotate", "--keys")
    write(bench.config, backup, WORDS)
    made = authority(directory / "next")
    for _ in range(3):  # the others are told, and one is away
        bench.advance(60)
        cut(bench)
    assert authority(directory) != made
    bench.power_on()
    killed_until(bench, lambda: authority(directory) == made, 10)
    killed_until(bench, lambda: not (directory / "previous").exists(), 10)
    killed_until(bench, lambda: not any(next_path(path).exists() for path in keys.values()), 10)
    assert all(load_key(path) != before[name] for name, path in keys.items())
    bench.crew.login()
    assert bench.advance(600, until=lambda _: len(served(bench)) == BOARDS)

    bench.kill_supervisor()  # and its disk is lost
    put_back(bench, backup, tmp_path / "restored")
    bench.start_supervisor()
    bench.advance(300)
    bench.crew.login()
    assert served(bench) == [], "boards have forgotten the old authority"
    pki(bench, "rotate", "--now")
    assert bench.advance(600, until=lambda _: len(served(bench)) == BOARDS)
    assert authority(directory) == made
    assert not any(next_path(path).exists() for path in keys.values()), "the keys of after were in the backup"
    assert "nothing is under way" in pki(bench, "status")
    assert bench.violations == []
