"""Twenty boards get another authority and other keys while it snows, over the link, with power cuts and an absence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from hil_tests.bench.tests.renewing import pki
from supervisor.weather.design_storm import design_storm
from supervisor.wire.keys import load_key, next_path
from supervisor.wire.renewal_files import authority

pytestmark = [pytest.mark.vm, pytest.mark.timeout(240)]
START = 1_768_089_600.0
SNOW_S = 9 * 3600
BOARDS = 20


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    city = write_city(tmp_path, design_storm(START, hours=48, seed=1), boards=BOARDS, zones_per_board=1, feeders=4)
    with Bench(city, start_utc_s=START + SNOW_S) as made:
        made.write_flash()
        made.start_supervisor()
        yield made


def _linked(bench: Bench) -> bool:
    return all(board.linked for board in bench.boards.values() if board.powered)


def test_a_new_authority_and_new_keys_for_twenty_boards(bench: Bench) -> None:
    directory = bench.config.pki_dir
    keys = {board.id: bench.config.board_key_path(board.id) for board in bench.config.board}
    first, before = authority(directory), {name: load_key(path) for name, path in keys.items()}
    assert bench.advance(300, until=_linked)

    bench.boards["b07"].power_off(bench.now_ms)  # away while the others are told
    pki(bench, "rotate")
    made = authority(directory / "next")
    bench.advance(60)
    bench.power_cycle("b03", 20)
    bench.advance(180)
    assert authority(directory) == first, "not while a board lacks it"
    assert "waits for 1 of 20 boards" in pki(bench, "status")

    bench.power_on()
    assert bench.advance(900, until=lambda _: authority(directory) == made)
    bench.power_cycle("b11", 20)
    assert bench.advance(1_800, until=lambda _: not (directory / "previous").exists())
    assert "nothing is under way" in pki(bench, "status")
    trusted = json.loads((directory / "trusted.json").read_text())
    assert {tuple(known) for known in trusted.values()} == {tuple(trusted["b01"])}
    assert len(trusted) == BOARDS

    pki(bench, "rotate", "--keys")
    bench.advance(20)
    bench.power_cycle("b05", 20)
    assert bench.advance(1_800, until=lambda _: not any(next_path(path).exists() for path in keys.values()))
    after = {name: load_key(path) for name, path in keys.items()}
    assert all(after[name] != before[name] for name in keys)

    bench.kill_supervisor()
    for name in ("b01", "b02"):
        bench.power_cycle(name, 20)
    bench.start_supervisor()
    bench.advance(300)
    bench.crew.login()
    assert all(row["online"] for row in bench.crew.request("GET", "/api/v1/zones")), "with what was renewed alone"
    assert bench.violations == []
