"""From the contactor to the analyst: real firmware, the real service and real servers hold the same energy, whatever
fails on the way.

An hour with heat on two boards: the server is gone for ten minutes, a board is cut off, the service is killed with
the spool full, a board loses its power. Then the server's `sum(delta_wh)` is the store's total to the Wh, and both
are what the plant's cables drew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from supervisor.config import load
from supervisor.store import DATABASE_NAME
from supervisor.weather.design_storm import design_storm
from tools.servers import Influxd, Server, Victoria, find_program, running_influxd, running_victoria

START_UTC_S = 1_703_980_800  # 2023-12-31T00:00:00Z
MINUTE_S = 60
METER_SHARE = 1e-3  # the board's current meter: 12 bit, a mean over each second in which the contactor moved
METER_WH = 10
LIVE_S = 10  # what a board has measured since its last record goes with its power


def live_through_an_hour(config_path: Path, server: Server, end: Callable[[], None]) -> dict[str, float]:
    """The energy that each zone's cable drew [Wh]; `end` takes the server away after ten minutes."""
    events: dict[int, Callable[[Bench], object]] = {
        10: lambda bench: end(),
        12: lambda bench: bench.boards["b02"].cut_link(),
        14: lambda bench: bench.kill_supervisor(),
        15: lambda bench: bench.start_supervisor(),
        20: lambda bench: server.start(),
        30: lambda bench: bench.boards["b02"].restore_link(),
        35: lambda bench: bench.power_cycle("b01", 20.0),
        55: lambda bench: [bench.crew.override(zone, "off", 30) for zone in bench.zones],
    }
    storm = design_storm(START_UTC_S - 6 * 3600, 30, 1)
    with Bench(config_path, weather=storm, start_utc_s=START_UTC_S) as bench:
        bench.flash()
        bench.start_supervisor()
        bench.advance(4 * MINUTE_S)
        for zone in bench.zones:
            bench.crew.override(zone, "on", 45)
        for minute, event in events.items():
            bench.advance(minute * MINUTE_S - bench.now_ms / 1000)
            event(bench)
        bench.advance(15 * MINUTE_S)
        assert bench.violations == []
        return {zone.id: zone.truth.energy_wh for zone in bench.zones.values()}


def check(config_path: Path, held: dict[str, int], drawn_wh: dict[str, float]) -> None:
    config = load(config_path)
    with closing(sqlite3.connect(config.state_dir / DATABASE_NAME)) as db:
        totals = dict(db.execute("SELECT zone, total_wh FROM zone_total"))
        boots = db.execute("SELECT count(DISTINCT boot) FROM tick WHERE board = 'b01'").fetchone()[0]
        dead = db.execute("SELECT count(*) FROM dead_letter").fetchone()[0]
    assert held == totals
    assert boots > 1
    assert dead == 0
    assert totals.keys() == drawn_wh.keys()
    for zone in config.zone:
        wh = drawn_wh[zone.id]
        assert wh > 10_000, f"{zone.id} has not heated"
        unsent_wh = zone.power_w * LIVE_S / 3600 if zone.board == "b01" else 0
        assert totals[zone.id] == pytest.approx(wh, rel=METER_SHARE, abs=METER_WH + unsent_wh)


def city(folder: Path, influx: str) -> Path:
    storm = design_storm(START_UTC_S - 6 * 3600, 30, 1)
    path = write_city(folder / "city", storm, boards=2, contract_share=1.0)
    path.write_text(f"{path.read_text(encoding='utf-8')}\n[influx]\n{influx}\n", encoding="utf-8")
    return path


@pytest.mark.vm
@pytest.mark.influx
def test_influxdb_holds_what_the_cables_drew(tmp_path: Path) -> None:
    if find_program("influxd") is None:
        pytest.skip("InfluxDB 1.6 is not installed: as root on Debian, python -m tools.get_servers")
    with running_influxd(tmp_path) as server:
        server.create("heat")
        path = city(tmp_path, f'api = "v1"\nurl = "{server.url}"\ndatabase = "heat"')
        drawn_wh = live_through_an_hour(path, server, server.kill)
        check(path, _influx_sums(server), drawn_wh)


@pytest.mark.vm
@pytest.mark.victoria
def test_victoriametrics_holds_what_the_cables_drew(tmp_path: Path) -> None:
    if find_program("victoria-metrics") is None:
        pytest.skip("VictoriaMetrics is not installed: as root on Debian, python -m tools.get_servers")
    with running_victoria(tmp_path) as server:
        path = city(tmp_path, f'api = "v2"\nurl = "{server.url}"\nbucket = "heat"\norg = "city"')
        # Not killed: it answers 204 before a point is on its disk, and a SIGKILL costs its last seconds.
        drawn_wh = live_through_an_hour(path, server, server.stop)
        check(path, _victoria_sums(server), drawn_wh)


def _influx_sums(server: Influxd) -> dict[str, int]:
    return server.sums("heat")


def _victoria_sums(server: Victoria) -> dict[str, int]:
    """Per zone, of the newest value of each stamp: VictoriaMetrics keeps every one that was written to it."""
    sums: dict[str, int] = {}
    for series in server.export("zone_delta_wh"):
        newest = dict(zip(series["timestamps"], series["values"], strict=True))
        zone = series["metric"]["zone"]
        sums[zone] = sums.get(zone, 0) + int(sum(newest.values()))
    return sums
